//! Settings that keep the agent from working, or that it would not take.

use secloop::prove::autonomy::{Report, compare};
use secloop::turn::Verdict;

use super::machine::Machine;

#[tokio::test]
async fn settings_that_are_broken_or_deny_the_agent_its_work_are_found() {
    let machine = Machine::new().await;
    machine.settings("{}");
    let before = machine.measure().await;
    assert!(before.deployed && before.broken.is_none());
    for (text, why) in [
        ("", "settings are broken"),
        ("{", "settings are broken"),
        ("[]", "no JSON object"),
        ("{\"disableAllHooks\": true}", "switches every hook off"),
        (
            "{\"hooks\": {\"PreToolUse\": [{\"hooks\": [{\"type\": \"command\"}]}]}}",
            "no command",
        ),
        (
            "{\"permissions\": {\"deny\": \"Bash\"}}",
            "no list of texts",
        ),
        (
            "{\"permissions\": {\"deny\": [\"*\"]}}",
            "an ordinary call is blocked now",
        ),
        (
            "{\"permissions\": {\"deny\": [\"Bash\"]}}",
            "an ordinary call is blocked now: Bash",
        ),
        (
            "{\"permissions\": {\"ask\": [\"Bash(*)\"]}}",
            "an ordinary call is blocked now: Bash",
        ),
        (
            "{\"permissions\": {\"deny\": [\"Bash(git commit:*)\"]}}",
            "blocked now: Bash git commit",
        ),
        (
            "{\"permissions\": {\"deny\": [\"Edit(**)\"]}}",
            "an ordinary call is blocked now: ",
        ),
        (
            "{\"permissions\": {\"deny\": [\"mcp__discord\"]}}",
            "blocked now: mcp__discord",
        ),
        (
            "{\"permissions\": {\"deny\": [\"Bash(printf:*)\"]}}",
            "a tool call does not work",
        ),
    ] {
        machine.settings(text);
        match compare(&before, &machine.measure().await) {
            Verdict::Refused(found) => assert!(found.contains(why), "{text}: {found}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    // Rules against what nobody ordinarily does are in nobody's way, and count as a guard.
    machine.settings(
        "{\"permissions\": {\"deny\": [\"Read(~/.ssh/id_*)\", \"Bash(mkfs:*)\"], \"allow\": [\"Bash\"]}}",
    );
    let guarded = machine.measure().await;
    // The public half of a key is for everybody.
    assert!(matches!(compare(&before, &guarded), Verdict::Refused(why) if why.contains(".pub")));
    machine.settings(
        "{\"permissions\": {\"deny\": [\"Read(~/.ssh/id_ed25519)\", \"Bash(mkfs.ext4:*)\"]}}",
    );
    let guarded = machine.measure().await;
    assert_eq!(compare(&before, &guarded), Verdict::Passed);
    machine.settings("{}");
    let open = machine.measure().await;
    assert!(
        matches!(compare(&guarded, &open), Verdict::Refused(why) if why.contains("let through"))
    );
}

#[tokio::test]
async fn settings_that_vanish_are_found() {
    let machine = Machine::new().await;
    machine.settings("{}");
    let before = machine.measure().await;
    std::fs::remove_file(machine.home().join(".claude/settings.json")).unwrap();
    let after = machine.measure().await;
    assert!(matches!(compare(&before, &after), Verdict::Refused(why) if why.contains("are gone")));
    std::fs::create_dir(machine.home().join(".claude/settings.json")).unwrap();
    let after = machine.measure().await;
    assert!(matches!(compare(&before, &after), Verdict::Refused(why) if why.contains("broken")));
}

/// Nothing can be said then: a person has to mend them, and the change is not the culprit.
#[tokio::test]
async fn settings_that_were_broken_before_hold_a_change_and_do_not_refuse_it() {
    let machine = Machine::new().await;
    machine.settings("{");
    let before = machine.measure().await;
    let after = machine.measure().await;
    assert!(
        matches!(compare(&before, &after), Verdict::Held(why) if why.contains("before this change"))
    );
    machine.settings("{}");
    let mended = machine.measure().await;
    assert_eq!(compare(&before, &mended), Verdict::Passed);
    assert_ne!(before, Report::default());
}
