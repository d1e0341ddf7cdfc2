//! Adopting a foreign playbook: what it does badly anyway is known, and hides nothing new.

use secloop::playbook::{Mode, judge_apply, judge_second_run};
use secloop::turn::Verdict;

use super::bench::{Bench, refusal};

/// As people have them: one file, commands that always report a change, unnamed tasks, a failure
/// that everybody ignores.
const FOREIGN: &str = r#"
- hosts: localhost
  gather_facts: false
  vars: { home: "{{ lookup('ansible.builtin.env', 'HOME') }}" }
  tasks:
    - name: a directory for hooks
      ansible.builtin.file: { path: "{{ home }}/.claude/hooks", state: directory, mode: "0700" }
    - name: a hook
      ansible.builtin.copy: { dest: "{{ home }}/.claude/hooks/a.sh", content: "exit 0\n", mode: "0755" }
    - name: settings
      ansible.builtin.copy: { dest: "{{ home }}/.claude/settings.json", content: "{}\n", mode: "0644" }
    - name: shell settings
      ansible.builtin.copy: { dest: "{{ home }}/.zshrc", content: "umask 077\n", mode: "0644" }
    - name: refresh the cache
      ansible.builtin.command: "true"
    - ansible.builtin.command: "true"
    - ansible.builtin.command: /bin/true
    - name: what time is it
      ansible.builtin.shell: date
    - name: a service that is not here
      ansible.builtin.command: "false"
      ignore_errors: true
    - ansible.builtin.shell: exit 3
      ignore_errors: true
    - name: a link
      ansible.builtin.file: { src: .zshrc, path: "{{ home }}/.zprofile", state: link }
    - name: the end
      ansible.builtin.debug:
"#;

#[tokio::test]
async fn what_a_foreign_playbook_does_anyway_is_its_baseline_and_nothing_new_hides_in_it() {
    let bench = Bench::new(FOREIGN).await;
    let baseline = bench.adopt().await.unwrap();
    // The link's target is not there yet when the first dry run looks.
    assert_eq!(
        baseline.describe(),
        "12 tasks, 2 standing failures, 1 fail in a dry run, 6 always changed"
    );

    // As it stands it passes, and what is not covered is said.
    let run = bench.run(Mode::Apply).await;
    let judged = judge_second_run(&run, &baseline);
    assert_eq!(judged.verdict, Verdict::Passed, "{judged:?}");
    assert!(
        judged.notes[0].contains("a service that is not here"),
        "{judged:?}"
    );
    // Lines that move change nothing.
    bench.play(&format!("# a comment\n\n{FOREIGN}"));
    let run = bench.run(Mode::Apply).await;
    assert_eq!(judge_second_run(&run, &baseline).verdict, Verdict::Passed);

    // Something new that is always changed is refused, whatever it is called.
    let before = "    - name: a link\n";
    for task in [
        "    - name: new\n      ansible.builtin.command: 'true'\n",
        "    - ansible.builtin.command: 'true'\n",
        "    - name: refresh the cache\n      ansible.builtin.command: 'true'\n",
    ] {
        bench.play(&FOREIGN.replace(before, &format!("{task}{before}")));
        let run = bench.run(Mode::Apply).await;
        let judged = judge_second_run(&run, &baseline);
        assert!(refusal(&judged).contains("not idempotent"), "{task}");
    }
    // So is a new failure.
    for task in [
        "    - name: new\n      ansible.builtin.command: 'false'\n      ignore_errors: true\n",
        "    - ansible.builtin.shell: exit 4\n      ignore_errors: true\n",
        "    - name: a service that is not here\n      ansible.builtin.command: 'false'\n      \
         ignore_errors: true\n",
        "    - name: the settings are read\n      ansible.builtin.command: 'false'\n",
    ] {
        bench.play(&FOREIGN.replace(before, &format!("{task}{before}")));
        let run = bench.run(Mode::Apply).await;
        let judged = judge_apply(&run, &baseline);
        assert!(refusal(&judged).contains("failed"), "{task}");
    }
    // And a standing failure excuses no other kind of end.
    bench.play(&format!(
        "{FOREIGN}- hosts: localhost\n  roles: [not-there]\n"
    ));
    let run = bench.run(Mode::Apply).await;
    refusal(&judge_apply(&run, &baseline));
}

#[tokio::test]
async fn a_playbook_that_never_gets_to_its_end_is_not_adopted() {
    let bench = Bench::new("- hosts: localhost\n  tasks: [").await;
    let why = bench.adopt().await.unwrap_err();
    assert!(
        why.contains("does not run as it stands (syntax)") && why.contains("playbook.args"),
        "{why}"
    );
    bench.play("- hosts: elsewhere\n  tasks:\n    - ansible.builtin.debug:\n");
    let why = bench.adopt().await.unwrap_err();
    assert!(why.contains("no host matched"), "{why}");
}
