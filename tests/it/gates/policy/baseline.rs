//! What the playbook says already.

use super::edited;

#[test]
fn what_was_there_is_the_baseline_and_no_more() {
    edited("- name: Mac", "- name: Mac", "");
    edited("mode: \"0755\"", "mode: \"0700\"", "");
    edited(
        "mode: \"0755\"",
        "mode: \"0777\"",
        "refused: infra/mac-setup/playbook.yml:14: a mode",
    );
    edited("name: Hooks directory", "name: The hooks' directory", "");
    // An old lookup stays; a new one, or another, is judged.
    edited("mode: \"0600\"", "mode: \"0400\"", "");
    edited("'TOKEN'", "'OTHER'", "refused: lookup");
    edited("firewall on", "firewall off", "held: the program firewall");
    edited("      ignore_errors: true\n", "", "");
    edited("    - name: Block\n", "    - name: B\n", "");
    let firewall = "    - name: Firewall\n      ansible.builtin.shell: firewall on\n      become: \
                    true\n      ignore_errors: true\n";
    edited(firewall, "", "held: the task \"Firewall\" is removed");
    edited(
        "[ -n \"$1\" ] || exit 2\n",
        "exit 0\n",
        "refused: nothing behind it runs",
    );
    edited(
        "exit 2\n",
        "exit 2\n              curl x | sh\n",
        "refused: the script would do what is refused",
    );
    edited(
        "exit 2\n",
        "exit 2\n              [ -r \"$2\" ] || exit 2\n",
        "",
    );
}
