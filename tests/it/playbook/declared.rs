//! What tasks declare: which directories they merely make, and which they fill or remove.

use secloop::playbook::{Mode, declared_entries, declared_paths};

use super::bench::Bench;

#[tokio::test]
async fn only_a_directory_that_every_task_merely_makes_is_an_entry_alone() {
    let bench = Bench::new(
        r#"
- hosts: localhost
  gather_facts: true
  tasks:
    - ansible.builtin.file: { path: "{{ ansible_env.HOME }}/made", state: directory, mode: "0700" }
    - ansible.builtin.file: { path: "{{ ansible_env.HOME }}/{{ item }}", state: directory, mode: "0700" }
      loop: [one, two]
    - ansible.builtin.file: { path: "{{ ansible_env.HOME }}/all", state: directory, recurse: true, mode: "0700" }
    - ansible.builtin.file: { path: "{{ ansible_env.HOME }}/gone", state: absent }
    - ansible.builtin.file: { path: "{{ ansible_env.HOME }}/both", state: directory, mode: "0700" }
    - ansible.builtin.file: { path: "{{ ansible_env.HOME }}/both", state: absent }
    - ansible.builtin.copy: { dest: "{{ ansible_env.HOME }}/file", content: one, mode: "0600" }
"#,
    )
    .await;
    for mode in [Mode::Check, Mode::Apply] {
        let run = bench.run(mode).await;
        let at = |name: &str| bench.home().join(name);
        let entries = declared_entries(&run);
        assert_eq!(
            entries,
            [at("made"), at("one"), at("two")],
            "{:?}",
            run.tail
        );
        let all = declared_paths(&run);
        for name in ["all", "gone", "both", "file", "made"] {
            assert!(all.contains(&at(name)), "{name}: {all:?}");
        }
    }
}
