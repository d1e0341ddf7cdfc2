//! A playbook as a person has grown it: one file, half commands, the agent's
//! hooks inline, no roles, tags or inventory, some tasks always changed and one always failing.

/// Where it lies in its repository.
pub(crate) const FILE: &str = "infra/mac-setup/playbook.yml";

const HEAD: &str = r#"---
- name: Mac setup
  hosts: localhost
  connection: local
  gather_facts: true
  vars:
    user_home: "{{ ansible_facts['env']['HOME'] }}"
  tasks:
    - name: Hooks directory
      file:
        path: "{{ user_home }}/.claude/hooks"
        state: directory
        mode: "0755"

    - name: Logs directory
      file:
        path: "{{ user_home }}/.claude/logs"
        state: directory
        mode: "0700"

    - name: Write block-destructive hook
      copy:
        dest: "{{ user_home }}/.claude/hooks/block-destructive.sh"
        mode: "0755"
        content: |
          #!/bin/bash
          # Stops commands that destroy things.
          command=$(jq -r '.tool_input.command // empty')
          [ -n "$command" ] || exit 0
          case "$command" in
            *"rm -rf /"*)
              echo "BLOCKED by block-destructive hook: $command" >&2
              exit 2 ;;
          esac
          exit 0

    - name: Configure Claude Code safety hooks
      copy:
        dest: "{{ user_home }}/.claude/settings.json"
        mode: "0644"
        content: |
          {
            "hooks": {
              "PreToolUse": [
                {
                  "matcher": "Bash",
                  "hooks": [
                    {"type": "command", "command": "{{ user_home }}/.claude/hooks/block-destructive.sh"}
                  ]
                }
              ]
            }
          }

    - name: Something that has failed for months
      command: /bin/false
      ignore_errors: true

"#;

/// The playbook's text with this many tasks, half of them commands.
pub(crate) fn playbook(tasks: usize) -> String {
    let mut text = HEAD.to_owned();
    for i in 0..tasks - HEAD.matches("    - name: ").count() {
        if i % 2 == 0 {
            text.push_str(&format!(
                "    - name: Run step {i}\n      command: /bin/echo step {i}\n\n"
            ));
        } else {
            text.push_str(&format!(
                "    - name: Line {i}\n      lineinfile:\n        path: \"{{{{ user_home \
                 }}}}/.zprofile\"\n        line: export STEP_{i}=1\n        create: true\n        \
                 mode: \"0644\"\n\n"
            ));
        }
    }
    text
}
