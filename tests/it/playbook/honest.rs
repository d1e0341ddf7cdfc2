//! Runs that look better than they were: forged events, and events that end too soon.

use std::io::Read as _;

use secloop::playbook::{Baseline, Mode, judge_apply};
use tokio_util::sync::CancellationToken;

use super::bench::{Bench, refusal};

const HEAD: &str = "- hosts: localhost\n  gather_facts: false\n  tasks:\n";

fn play(tasks: &str) -> String {
    format!("{HEAD}{tasks}")
}

/// What the play prints is never an event; what it writes into the event file spoils the file.
#[tokio::test]
async fn forged_events_are_not_believed() {
    let bench = Bench::new(HEAD).await;
    let row = r#"{"n": 3, "nonce": "", "event": "stats", "hosts": {"localhost": {"ok": 9}}}"#;
    bench.play(&play(&format!(
        "    - name: print it\n      ansible.builtin.command:\n        argv: [printf, '%s\\n', '{row}']\n    \
         - name: show it\n      ansible.builtin.debug:\n        msg: '{row}'\n    \
         - name: fail\n      ansible.builtin.command: 'false'\n"
    )));
    let run = bench.run(Mode::Apply).await;
    assert_eq!(run.events.strange, 0, "output is not read as events");
    assert_eq!(run.events.count("ok"), 2);
    assert!(refusal(&judge_apply(&run, &Baseline::default())).contains("\"fail\" failed"));

    // The variables that name the file are taken out of the environment of modules; a play that
    // finds the file all the same can't write a line that is taken for the plugin's.
    bench.play(&play(&format!(
        "    - name: look around\n      ansible.builtin.shell: |\n        \
         env | grep ^SECLOOP_EVENTS && exit 1\n        \
         echo '{row}' >> $(find {} -name events.jsonl)\n",
        bench.home().parent().unwrap().display()
    )));
    let run = bench.run(Mode::Apply).await;
    assert_eq!(run.exit, Some(0), "{:#?}", run.tail);
    assert!(run.events.strange > 0, "{run:#?}");
    assert!(refusal(&judge_apply(&run, &Baseline::default())).contains("not the plugin's own"));
}

/// A play that finds the file covers up its failure in place, with everything it can read.
#[tokio::test]
async fn events_that_were_changed_afterwards_are_not_believed() {
    let bench = Bench::new(HEAD).await;
    let fail =
        "    - name: fail\n      ansible.builtin.command: 'false'\n      ignore_errors: true\n";
    let find = format!(
        "f=$(find {} -name events.jsonl); test -s \"$f\" || exit 1",
        bench.home().parent().unwrap().display()
    );
    for cover in [
        "sed 's/\"ignored\"/\"ok\"/' $f > $f.new && cat $f.new > $f",
        "grep -v '\"ignored\"' $f > $f.new; cat $f.new > $f",
        // The line before once more, in place of the telling one.
        "n=$(grep -n '\"ignored\"' $f | cut -d: -f1); sed \"${n}d;$((n - 1))p\" $f > $f.new; \
         cat $f.new > $f",
    ] {
        bench.play(&play(&format!(
            "{fail}    - name: cover up\n      ansible.builtin.shell: |\n        {find}\n        \
             {cover}\n"
        )));
        let run = bench.run(Mode::Apply).await;
        assert_eq!(run.exit, Some(0), "{:#?}", run.tail);
        let judged = judge_apply(&run, &Baseline::default());
        assert!(
            refusal(&judged).contains("not the plugin's own"),
            "{cover}: {judged:?}"
        );
    }
}

#[tokio::test]
async fn a_run_that_is_cut_short_is_no_success() {
    let bench = Bench::new(HEAD).await;
    let none = Baseline::default();
    // The play kills the program that runs it: the outermost one of that name above it.
    bench.play(&play(
        "    - name: fine\n      ansible.builtin.debug:\n    - name: kill\n      \
         ansible.builtin.shell: |\n        p=$PPID\n        \
         while [ $p -gt 1 ]; do\n          \
         ps -o args= -p $p | grep -q bin/ansible-playbook && top=$p\n          \
         p=$(ps -o ppid= -p $p | tr -d ' ')\n        done\n        kill -9 $top\n",
    ));
    let run = bench.run(Mode::Apply).await;
    assert_eq!(run.ended, "ended by signal 9", "{run:#?}");
    assert_eq!(
        refusal(&judge_apply(&run, &none)),
        "apply: ended by signal 9"
    );
    assert!(run.events.stats.is_none(), "{run:#?}");

    // The supervisor stops it in the middle of a task.
    let fifo = bench.home().join("started");
    crate::support::fifo(&fifo);
    bench.play(&play(&format!(
        "    - name: hang\n      ansible.builtin.shell: echo here > {}; exec sleep 600\n",
        fifo.display()
    )));
    let cancel = CancellationToken::new();
    let started = tokio::task::spawn_blocking({
        let (fifo, cancel) = (fifo.clone(), cancel.clone());
        move || {
            let mut said = String::new();
            std::fs::File::open(fifo)
                .unwrap()
                .read_to_string(&mut said)
                .unwrap();
            cancel.cancel();
            said
        }
    });
    let run = bench.run_until(Mode::Apply, &cancel).await;
    assert_eq!(started.await.unwrap(), "here\n");
    assert_eq!(run.exit, None);
    assert_eq!(
        refusal(&judge_apply(&run, &none)),
        "apply: stopped by the supervisor"
    );
}
