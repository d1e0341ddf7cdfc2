use super::*;

/// All steps from the first, where the child ends in one of them.
fn steps(cut: Option<Ended>, interrupt: Option<Duration>, ends_in: Option<Step>) -> Vec<Step> {
    let mut step = Step::first(cut, interrupt);
    let mut all = vec![step];
    while step != Step::Prove {
        step = step.next(Some(step) == ends_in);
        all.push(step);
    }
    all
}

#[test]
fn the_ladder() {
    use Step::{Ask, Interrupt, Kill, Prove};
    let wait = Duration::from_secs(5);
    let int = Some(wait);
    for (cut, interrupt, ends_in, expected) in [
        (None, int, None, vec![Kill, Prove]),
        (Some(Ended::Cancelled), None, None, vec![Ask, Kill, Prove]),
        (
            Some(Ended::Cancelled),
            int,
            Some(Interrupt(wait)),
            vec![Interrupt(wait), Kill, Prove],
        ),
        (
            Some(Ended::Silent),
            int,
            Some(Ask),
            vec![Interrupt(wait), Ask, Kill, Prove],
        ),
        (
            Some(Ended::Deadline),
            int,
            None,
            vec![Interrupt(wait), Ask, Kill, Prove],
        ),
        (Some(Ended::Flood), int, None, vec![Ask, Kill, Prove]),
    ] {
        assert_eq!(
            steps(cut, interrupt, ends_in),
            expected,
            "{cut:?} {ends_in:?}"
        );
    }
}
