use super::*;

const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// What happens, and when.
#[derive(Debug, Clone, Copy)]
enum At {
    Output(u64),
    Done(u64),
    /// The transcripts grow.
    Grows(u64),
    /// The machine has slept for an hour.
    Slept(u64),
}

/// First output within 5 s, silence 10 s, 60 s in all, 3 s after it said that it is done.
fn ends(events: &[At]) -> (u64, Ended) {
    let mut spec = Spec::new("/bin/true", "/", seconds(60));
    spec.first_output = Some(seconds(5));
    spec.silence = Some(seconds(10));
    spec.done = Some(Done {
        says: |line| line == "done",
        grace: seconds(3),
    });
    let start = Instant::now();
    let mut watch = Watch::new(&spec, start);
    let mut done = false;
    let mut signs = Signs {
        asleep: Some(Duration::ZERO),
        traces: 0,
    };
    // By tenths of a second, as the timer would come.
    for tenth in 0.. {
        let (now, second) = (start + Duration::from_millis(tenth * 100), tenth / 10);
        for event in events.iter().filter(|_| tenth % 10 == 0) {
            match event {
                At::Output(at) | At::Done(at) if *at == second => {
                    done |= matches!(event, At::Done(_));
                    watch.heard(now, done);
                }
                At::Grows(at) if *at == second => signs.traces += 1,
                At::Slept(at) if *at == second => {
                    signs.asleep = signs.asleep.map(|a| a + seconds(3600));
                }
                _ => (),
            }
        }
        if now >= watch.next()
            && let Some(ended) = watch.look(now, signs)
        {
            return (second, ended);
        }
    }
    unreachable!()
}

#[test]
fn the_deadlines() {
    use At::{Done, Grows, Output, Slept};
    let busy: Vec<At> = (0..70).step_by(4).map(Output).collect();
    for (events, at, ended) in [
        // Not a word.
        (vec![], 5, Ended::Silent),
        (vec![Output(4)], 14, Ended::Silent),
        (vec![Output(4), Output(13)], 23, Ended::Silent),
        (busy.clone(), 60, Ended::Deadline),
        // It works on, which the transcript shows; what grew before the silence is no sign.
        (vec![Output(0), Grows(7)], 20, Ended::Silent),
        (vec![Output(0), Grows(7), Grows(15)], 30, Ended::Silent),
        (vec![Grows(1), Output(2)], 12, Ended::Silent),
        (vec![Grows(4)], 10, Ended::Silent),
        // Waking up takes a while; but not for ever.
        (vec![Output(0), Slept(9)], 20, Ended::Silent),
        (vec![Slept(3)], 10, Ended::Silent),
        // It is done and does not go; or does more.
        (vec![Output(0), Done(5)], 8, Ended::Lingered),
        (vec![Output(0), Done(5), Output(7)], 10, Ended::Lingered),
        ([busy, vec![Done(59)]].concat(), 60, Ended::Lingered),
    ] {
        assert_eq!(ends(&events), (at, ended), "{events:?}");
    }
}

#[test]
fn without_limits_only_the_whole_counts() {
    let spec = Spec::new("/bin/true", "/", seconds(60));
    let start = Instant::now();
    let mut watch = Watch::new(&spec, start);
    assert_eq!(watch.next(), start + seconds(60));
    assert_eq!(watch.look(start + seconds(59), Signs::default()), None);
    assert_eq!(
        watch.look(start + seconds(60), Signs::default()),
        Some(Ended::Deadline)
    );
}

#[test]
fn traces_are_measured_below_their_directory() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(size(&dir.path().join("missing")), 0);
    std::fs::create_dir(dir.path().join("p")).unwrap();
    std::fs::write(dir.path().join("p/a"), "123").unwrap();
    std::os::unix::fs::symlink("/", dir.path().join("p/l")).unwrap();
    assert_eq!(size(dir.path()), 3 + 1);
}
