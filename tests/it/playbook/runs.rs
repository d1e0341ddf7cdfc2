//! What a run proves: every way a task can end, and every way a run can look better than it was.

use std::os::unix::fs::PermissionsExt as _;

use secloop::playbook::{
    Baseline, Mode, Status, agreement, declared_paths, judge_apply, judge_check, judge_second_run,
    judge_syntax,
};
use secloop::turn::Verdict;

use super::bench::{Bench, refusal, task};

const HEAD: &str = "- hosts: localhost\n  gather_facts: false\n  tasks:\n";

fn play(tasks: &str) -> String {
    format!("{HEAD}{tasks}")
}

#[tokio::test]
async fn every_ordinary_construct_of_a_playbook_is_followed_to_a_good_end() {
    let bench = Bench::new(
        r#"
- name: first play
  hosts: localhost
  gather_facts: true
  pre_tasks:
    - name: before the roles
      ansible.builtin.debug:
  roles:
    - plain
  tasks:
    - name: a file
      ansible.builtin.copy: { dest: "{{ ansible_env.HOME }}/file", content: one, mode: "0600" }
      notify: told
    - ansible.builtin.meta: flush_handlers
    - name: a loop
      ansible.builtin.file: { path: "{{ ansible_env.HOME }}/{{ item }}", state: directory, mode: "0700" }
      loop: [a, b]
    - name: nothing in the loop
      ansible.builtin.debug:
      loop: []
    - name: not now
      ansible.builtin.command: "false"
      when: false
    - name: tasks of a file
      ansible.builtin.include_tasks: more.yml
      loop: [1, 2]
    - name: skipped tasks of a file
      ansible.builtin.include_tasks: more.yml
      when: false
    - ansible.builtin.import_tasks: imported.yml
    - name: a role in the middle
      ansible.builtin.include_role: { name: plain }
    - name: failure is expected
      ansible.builtin.command: "false"
      failed_when: false
      changed_when: false
    - name: a block
      block:
        - name: in the block
          ansible.builtin.debug:
      rescue:
        - name: not rescued
          ansible.builtin.debug:
      always:
        - name: in any case
          ansible.builtin.debug:
    - name: in the background
      ansible.builtin.command: "true"
      async: 20
      poll: 1
      changed_when: false
    - name: kept to itself
      ansible.builtin.command: echo very-secret
      no_log: true
      changed_when: false
    - name: a second try
      ansible.builtin.command: "true"
      register: tried
      until: tried.rc == 0
      retries: 2
      delay: 0
      changed_when: false
  handlers:
    - name: told
      ansible.builtin.command: "true"
- name: second play
  hosts: localhost
  gather_facts: false
  tasks:
    - name: last
      ansible.builtin.debug:
    - ansible.builtin.meta: end_play
    - name: after the end
      ansible.builtin.command: "false"
"#,
    )
    .await;
    bench.write("more.yml", "- name: included\n  ansible.builtin.debug:\n");
    bench.write(
        "imported.yml",
        "- name: imported\n  ansible.builtin.debug:\n",
    );
    bench.write(
        "roles/plain/tasks/main.yml",
        "- name: of the role\n  ansible.builtin.debug:\n",
    );
    let none = Baseline::default();
    let syntax = bench.run(Mode::Syntax).await;
    assert_eq!(judge_syntax(&syntax, &none).verdict, Verdict::Passed);

    let check = bench.run(Mode::Check).await;
    let judged = judge_check(&check, &none);
    assert_eq!(judged.verdict, Verdict::Passed, "{check:#?}");
    assert!(
        judged.notes.iter().any(|n| n.contains("not now")),
        "commands that a dry run leaves out are named: {judged:?}"
    );
    assert!(task(&check, "a file").changed, "predicted");
    assert!(
        !bench.home().join("file").exists(),
        "a dry run changes nothing"
    );

    let first = bench.run(Mode::Apply).await;
    assert_eq!(first.exit, Some(0), "{:#?}", first.tail);
    assert_eq!(
        judge_apply(&first, &none).verdict,
        Verdict::Passed,
        "{first:#?}"
    );
    let mode = |name: &str| {
        bench
            .home()
            .join(name)
            .metadata()
            .unwrap()
            .permissions()
            .mode()
    };
    assert_eq!(mode("file") & 0o777, 0o600);
    assert_eq!(mode("b") & 0o777, 0o700);
    assert_eq!(task(&first, "a file").status, Some(Status::Ok));
    assert!(task(&first, "told").changed, "the handler ran");
    assert_eq!(task(&first, "not now").status, Some(Status::Skipped));
    assert_eq!(
        task(&first, "nothing in the loop").status,
        Some(Status::Skipped)
    );
    let secret = task(&first, "kept to itself");
    assert_eq!(secret.command, "", "no_log is honoured");
    let times = |name: &str| first.events.tasks.iter().filter(|t| t.name == name).count();
    assert_eq!((times("included"), times("of the role")), (2, 2));
    assert_eq!(times("not rescued") + times("after the end"), 0);
    let declared = declared_paths(&first);
    for name in ["file", "a", "b"] {
        assert!(
            declared.contains(&bench.home().join(name)),
            "{name}: {declared:?}"
        );
    }
    // Only the handler was not foreseen: a dry run can't run its command.
    assert_eq!(agreement(&check, &first, &none), ["told"]);

    let second = bench.run(Mode::Apply).await;
    assert_eq!(
        judge_second_run(&second, &none).verdict,
        Verdict::Passed,
        "{second:#?}"
    );
}

#[tokio::test]
async fn a_failure_is_a_failure_also_where_the_exit_code_is_0() {
    let bench = Bench::new(HEAD).await;
    let fail = "ansible.builtin.command: 'false'";
    for (tasks, exit, name) in [
        (format!("    - name: it\n      {fail}\n"), 2, "it"),
        (
            format!("    - name: it\n      {fail}\n      ignore_errors: true\n"),
            0,
            "it",
        ),
        (
            format!(
                "    - block:\n        - name: it\n          {fail}\n      rescue:\n        \
                 - name: rescued\n          ansible.builtin.debug:\n"
            ),
            0,
            "it",
        ),
        (
            format!(
                "    - name: it\n      {fail}\n      ignore_errors: true\n    \
                 - ansible.builtin.meta: clear_host_errors\n"
            ),
            0,
            "it",
        ),
        (
            "    - name: it\n      ansible.builtin.command: '/bin/false {{ item }}'\n      \
             loop: [1, 2]\n      ignore_errors: true\n"
                .to_owned(),
            0,
            "it",
        ),
        (
            format!(
                "    - name: asks for it\n      ansible.builtin.command: 'true'\n      notify: it\n  \
                 handlers:\n    - name: it\n      {fail}\n"
            ),
            2,
            "it",
        ),
        (
            "    - name: it\n      ansible.builtin.include_tasks: not-there.yml\n".to_owned(),
            2,
            "it",
        ),
    ] {
        bench.play(&play(&tasks));
        let run = bench.run(Mode::Apply).await;
        assert_eq!(run.exit, Some(exit), "{tasks}\n{:#?}", run.tail);
        let judged = judge_apply(&run, &Baseline::default());
        let why = refusal(&judged);
        assert!(
            why.starts_with(&format!("apply: \"{name}\" failed")),
            "{tasks}\n{why}"
        );
    }
}

/// A directory for modules that can't be made is what "unreachable" means for the local host.
#[tokio::test]
async fn an_unreachable_host_is_refused_also_when_the_play_goes_on() {
    let bench = Bench::new(HEAD).await;
    let tasks = "    - name: fine\n      ansible.builtin.debug:\n    - name: cut off\n      \
                 ansible.builtin.command: 'true'\n      vars: { ansible_remote_tmp: /proc/nowhere }\n";
    for (more, exit) in [("", 4), ("      ignore_unreachable: true\n", 0)] {
        bench.play(&play(&format!("{tasks}{more}")));
        let run = bench.run(Mode::Apply).await;
        assert_eq!(run.exit, Some(exit), "{:#?}", run.tail);
        assert_eq!(task(&run, "cut off").status, Some(Status::Unreachable));
        let judged = judge_apply(&run, &Baseline::default());
        assert!(refusal(&judged).contains("unreachable"), "{judged:?}");
    }
}

#[tokio::test]
async fn a_run_that_reached_nothing_is_no_success() {
    let bench = Bench::new("- hosts: elsewhere\n  tasks:\n    - ansible.builtin.debug:\n").await;
    let none = Baseline::default();
    let run = bench.run(Mode::Apply).await;
    assert_eq!(run.exit, Some(0), "{:#?}", run.tail);
    assert!(refusal(&judge_apply(&run, &none)).contains("no host matched"));

    bench.play(&play("    - ansible.builtin.debug:\n      when: false\n"));
    let run = bench.run(Mode::Apply).await;
    assert_eq!(run.exit, Some(0), "{:#?}", run.tail);
    assert!(refusal(&judge_apply(&run, &none)).contains("no task ended well"));

    bench.play("- hosts: localhost\n  tasks:\n    - no.such.module:\n");
    let run = bench.run(Mode::Syntax).await;
    let judged = judge_syntax(&run, &none);
    assert!(refusal(&judged).contains("no.such.module"), "{judged:?}");
    let run = bench.run(Mode::Apply).await;
    assert!(refusal(&judge_apply(&run, &none)).contains("ended before its end"));
}
