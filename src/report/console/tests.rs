use std::sync::{Arc, Mutex};

use super::*;
use crate::turn::Gate;

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn shown(of: impl FnOnce(&mut Console)) -> String {
    let out = Shared::default();
    of(&mut Console::to(Box::new(out.clone()), false));
    let bytes = out.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_turn_in_a_log_file_is_one_line_per_step() {
    let text = shown(|c| {
        c.turn_started(3);
        c.working("catalog looks for one improvement");
        c.finding(&AgentOutcome::Done, "P1 Hooks fail open");
        c.step_started("apply");
        c.step_done(
            Gate::Apply.word(),
            &Verdict::Passed,
            4_230,
            "ok=9 changed=1",
        );
        c.step_done(
            Gate::Green.word(),
            &Verdict::Refused("still red".into()),
            12,
            "",
        );
        c.step_done(
            Gate::LiveCall.word(),
            &Verdict::NotRun("no account".into()),
            0,
            "",
        );
    });
    assert_eq!(
        text,
        "\nturn 3\n  \
         …                        catalog looks for one improvement\n  \
         ◆ finding                P1 Hooks fail open\n  \
         ✓ apply           4.2 s  ok=9 changed=1\n  \
         ✗ probe green     12 ms  still red\n  \
         – live call              not run: no account\n"
    );
}

#[test]
fn what_others_wrote_can_not_act_on_the_terminal_and_leaks_nothing() {
    let text = shown(|c| {
        c.note("a\u{1b}[2J\nb API_TOKEN=hunter2hunter2");
        c.note_once("k", "once");
        c.note_once("k", "once");
    });
    assert!(
        text.contains("a\\u{1b}[2J b API_TOKEN=[redacted]"),
        "{text}"
    );
    assert_eq!(text.matches("once").count(), 1);
}

#[test]
fn durations_are_readable() {
    let text = |millis| seconds(Duration::from_millis(millis));
    assert_eq!(text(999), "999 ms");
    assert_eq!(text(4_230), "4.2 s");
    assert_eq!(text(185_000), "3 m 05 s");
    assert_eq!(text(7_260_000), "2 h 01 m");
}
