//! A changed hook beside the old one, before it is deployed.

use secloop::gates::Hook;
use secloop::prove::autonomy::compare_hooks;
use secloop::turn::Verdict;
use tokio_util::sync::CancellationToken;

use super::machine::Machine;

const OLD: &str = "#!/bin/sh
input=$(cat) || exit 2
case $input in
    *'\"rm -rf /\"'* | *'mkfs'*) exit 2 ;;
esac
exit 0
";

#[tokio::test]
async fn a_hook_may_stop_more_and_not_less_and_may_not_fail() {
    let machine = Machine::new().await;
    for (what, old, new, says) in [
        (
            "it stops more",
            Some(OLD),
            OLD.replace("*'mkfs'*", "*'mkfs'* | *'git push --force origin'*"),
            "",
        ),
        ("it is new", None, OLD.to_owned(), ""),
        (
            "it stops less",
            Some(OLD),
            OLD.replace("*'\"rm -rf /\"'* | ", ""),
            "held: lets through what the old one denied",
        ),
        (
            "it stops nothing",
            Some(OLD),
            "#!/bin/sh\nexit 0\n".to_owned(),
            "held: lets through",
        ),
        (
            "it stops ordinary work",
            Some(OLD),
            OLD.replace("*'mkfs'*", "*'git status'*"),
            "refused: blocks an ordinary call",
        ),
        (
            "it fails",
            Some(OLD),
            OLD.replace("exit 0", "exit 1"),
            "refused: fails on",
        ),
        (
            "it is another language",
            Some(OLD),
            "#!/usr/bin/python3\n".to_owned(),
            "held: could not be tried",
        ),
    ] {
        let hook = Hook {
            place: "~/.claude/hooks/guard.sh".to_owned(),
            old: old.map(str::to_owned),
            new,
        };
        let verdict = compare_hooks(&machine.context(), &[hook], &CancellationToken::new()).await;
        let good = match (&verdict, says.split_once(": ")) {
            (Verdict::Passed, None) => true,
            (Verdict::Held(why), Some(("held", part)))
            | (Verdict::Refused(why), Some(("refused", part))) => why.contains(part),
            _ => false,
        };
        assert!(good, "{what}: {verdict:?}");
    }
}
