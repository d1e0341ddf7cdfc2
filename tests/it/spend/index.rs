//! The index: whatever happens to transcripts or to itself, the figure is that of a full reading,
//! or that of what was counted before.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use proptest::prelude::*;
use secloop::spend::{DayQuery, DaySpend, Progress, Reading, day, day_indexed};

use crate::support::transcripts::{Row, TODAY, Transcripts, ZONE, indexed, instant, lines, row};

const ONE: u64 = 7_500;

/// Transcripts and the index of them.
struct Kept {
    at: Transcripts,
    state: tempfile::TempDir,
}

impl Kept {
    fn new() -> Self {
        Self {
            at: Transcripts::new(),
            state: tempfile::tempdir().unwrap(),
        }
    }

    fn ask<T>(&self, answer: impl FnOnce(&DayQuery<'_>) -> T) -> T {
        answer(&DayQuery {
            roots: &[self.at.root()],
            zone: ZONE,
            date: TODAY.parse().unwrap(),
            now: instant("2026-11-20T23:00:00-05:00"),
            own: &[],
        })
    }

    /// By the index.
    fn look(&self) -> DaySpend {
        self.ask(|query| indexed(query, self.state.path()))
    }

    /// From the transcripts alone.
    fn plain(&self) -> DaySpend {
        self.ask(day)
    }

    /// By the index, with what was told meanwhile.
    fn told(&self, early: bool) -> (DaySpend, Vec<Progress>) {
        let told = Mutex::new(Vec::new());
        let found = self.ask(|query| {
            let reading = Reading {
                dir: self.state.path(),
                early,
                progress: &|progress| told.lock().unwrap().push(progress),
            };
            day_indexed(query, reading)
        });
        (found, told.into_inner().unwrap())
    }

    fn index(&self) -> PathBuf {
        let mut found: Vec<PathBuf> = fs::read_dir(self.state.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|e| e == "sqlite"))
            .collect();
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }
}

fn append(path: &Path, text: impl AsRef<[u8]>) {
    let mut file = fs::File::options().append(true).open(path).unwrap();
    file.write_all(text.as_ref()).unwrap();
}

#[test]
fn only_what_is_new_is_read() {
    let kept = Kept::new();
    let file = kept.at.file("p/s1.jsonl", lines(&[row("a"), row("b")]));
    kept.at.file("p/s2.jsonl", lines(&[row("c")]));
    let (found, told) = kept.told(false);
    assert_eq!((found.total.0, found.calls), (3 * ONE, 3));
    assert!(
        told.last()
            .is_some_and(|p| p.done == p.total && p.total > 0)
    );

    let (found, told) = kept.told(false);
    assert_eq!((found.total.0, told.len()), (3 * ONE, 0));

    let more = lines(&[row("d")]);
    append(&file, &more);
    let (found, told) = kept.told(false);
    let size = more.len() as u64;
    assert_eq!(found.total.0, 4 * ONE);
    let expected = Progress {
        done: size,
        total: size,
        early: None,
    };
    assert_eq!(told, [expected]);
}

#[test]
fn a_torn_last_line_is_taken_up_when_it_is_complete() {
    let kept = Kept::new();
    let file = kept.at.file("p/s1.jsonl", lines(&[row("a")]));
    assert_eq!(kept.look().total.0, ONE);
    let second = row("b").text();
    let (start, end) = second.split_at(second.len() / 2);
    append(&file, start);
    assert_eq!((kept.look().total.0, kept.look().complete), (ONE, true));
    append(&file, end);
    // Complete but for its line end.
    assert_eq!(kept.look().total.0, 2 * ONE);
    append(&file, "\n");
    assert_eq!((kept.look().total.0, kept.look().calls), (2 * ONE, 2));
    assert_eq!(kept.look(), kept.plain());
}

#[test]
fn what_was_counted_stays_counted_when_its_transcript_goes() {
    let kept = Kept::new();
    let file = kept.at.file("p/s1.jsonl", lines(&[row("a"), row("b")]));
    kept.at.file("q/s2.jsonl", lines(&[row("c")]));
    assert_eq!(kept.look().total.0, 3 * ONE);

    // As Claude Code does when it compacts: a shorter file takes the place of the old one.
    let new = file.with_extension("tmp");
    fs::write(&new, lines(&[row("b"), row("d")])).unwrap();
    fs::rename(&new, &file).unwrap();
    assert_eq!(kept.plain().total.0, 3 * ONE);
    assert_eq!(kept.look().total.0, 4 * ONE);

    // Deleted, and a project that is renamed.
    fs::remove_file(&file).unwrap();
    let projects = kept.at.root().join("projects");
    fs::rename(projects.join("q"), projects.join("r")).unwrap();
    let found = kept.look();
    assert_eq!(
        (found.total.0, found.calls, found.complete),
        (4 * ONE, 4, true)
    );
    assert_eq!(kept.plain().total.0, ONE);
    assert_eq!(
        found.by_session.len(),
        1,
        "its rows name one session: {:?}",
        found.by_session
    );
}

#[test]
fn rows_without_an_id_do_not_count_twice_when_their_file_is_rewritten_or_moved() {
    let kept = Kept::new();
    let mut anonymous = row("x");
    anonymous.0["message"]["id"] = serde_json::Value::Null;
    let file = kept
        .at
        .file("p/s1.jsonl", lines(&[row("a"), anonymous.clone()]));
    assert_eq!(kept.look().total.0, 2 * ONE);
    let moved = kept.at.root().join("projects/moved");
    fs::rename(file.parent().unwrap(), &moved).unwrap();
    fs::write(moved.join("s1.jsonl"), lines(&[anonymous])).unwrap();
    assert_eq!(kept.look().total.0, 2 * ONE);
}

#[test]
fn a_file_that_was_cut_and_grew_beyond_its_old_length_is_read_again() {
    let kept = Kept::new();
    let file = kept.at.file("p/s1.jsonl", lines(&[row("a"), row("b")]));
    assert_eq!(kept.look().total.0, 2 * ONE);
    // In place: the same inode, and longer than before.
    let other: Vec<Row> = ["c", "d", "e"].map(row).into();
    fs::write(&file, lines(&other)).unwrap();
    let found = kept.look();
    assert_eq!(
        (found.total.0, found.calls),
        (5 * ONE, 5),
        "and nothing is forgotten"
    );
    // Written over at the same length.
    fs::write(&file, lines(&["f", "g", "h"].map(row))).unwrap();
    assert_eq!(kept.look().total.0, 8 * ONE);
}

#[test]
fn damage_goes_with_its_file_and_not_before() {
    let kept = Kept::new();
    kept.at.file("p/s1.jsonl", lines(&[row("a")]));
    let bad = row("b").text().replace("\"uuid\":", "\"uuid\"") + "\n";
    let file = kept.at.file("p/s2.jsonl", &bad);
    for look in ["first", "warm"] {
        let found = kept.look();
        assert!(!found.complete, "{look}");
        assert!(
            found.problems.join("").contains("s2.jsonl line 1"),
            "{look}"
        );
    }
    append(&file, lines(&[row("c")]));
    assert!(!kept.look().complete, "it is read on from there");
    fs::write(&file, lines(&[row("d")])).unwrap();
    let found = kept.look();
    assert!(found.complete, "{:?}", found.problems);
    fs::write(&file, &bad).unwrap();
    assert!(!kept.look().complete);
    fs::remove_file(&file).unwrap();
    assert!(kept.look().complete, "moved away, as the message says");
}

/// An early answer is a lower bound, and says so.
#[test]
fn an_early_answer_reads_what_was_touched_on_the_day() {
    let kept = Kept::new();
    let old = kept.at.file("p/old.jsonl", lines(&[row("a")]));
    kept.at.file("p/new.jsonl", lines(&[row("b"), row("c")]));
    let past = instant("2026-11-01T00:00:00Z").into();
    fs::File::options()
        .append(true)
        .open(&old)
        .unwrap()
        .set_modified(past)
        .unwrap();
    let (found, _) = kept.told(true);
    assert_eq!((found.total.0, found.complete), (2 * ONE, false));
    assert!(found.problems.join("").contains("touched on the day"));
    let (found, told) = kept.told(false);
    assert_eq!((found.total.0, found.complete), (3 * ONE, true));
    assert!(told.iter().any(|p| p.early.is_some_and(|e| e.0 == 2 * ONE)));
    let (found, _) = kept.told(true);
    assert_eq!(
        (found.total.0, found.complete),
        (3 * ONE, true),
        "nothing was left to read"
    );
}

#[test]
fn an_index_that_is_gone_or_damaged_costs_time_alone() {
    let kept = Kept::new();
    let mut rows: Vec<Row> = (0..300).map(|n| row(&format!("m{n}"))).collect();
    rows.push(row("m1").session("fork"));
    kept.at.file("p/s1.jsonl", lines(&rows));
    let right = kept.look();
    assert_eq!(right.total.0, 300 * ONE);
    let bytes = fs::read(kept.index()).unwrap();
    let half = bytes.len() / 2;
    let newer = {
        // The version that SQLite keeps for its user.
        let mut bytes = bytes.clone();
        bytes[60..64].copy_from_slice(&9_u32.to_be_bytes());
        bytes
    };
    for (what, content) in [
        ("empty", Vec::new()),
        ("no database", b"nonsense".repeat(1_000)),
        ("cut", bytes[..half].to_vec()),
        (
            "zeroed behind its head",
            [&bytes[..200], &vec![0; bytes.len() - 200]].concat(),
        ),
        ("of another version", newer),
    ] {
        fs::write(kept.index(), content).unwrap();
        for look in ["first", "second"] {
            let found = kept.look();
            assert_eq!(
                (found.total, found.complete),
                (right.total, true),
                "{what}, {look}"
            );
        }
        assert_eq!(kept.told(false).1.len(), 0, "{what}: it is whole again");
    }
    fs::remove_file(kept.index()).unwrap();
    assert_eq!(kept.look(), right);
    assert_eq!(
        fs::metadata(kept.index()).unwrap().len(),
        bytes.len() as u64
    );
}

#[test]
fn a_directory_that_can_t_hold_an_index_is_said_and_everything_is_read() {
    let kept = Kept::new();
    kept.at.file("p/s1.jsonl", lines(&[row("a")]));
    let file = kept.at.dir().join("file");
    fs::write(&file, "").unwrap();
    for dir in [file.join("state"), PathBuf::from("/proc/self/no")] {
        let found = kept.ask(|query| indexed(query, &dir));
        assert_eq!(
            (found.total.0, found.complete),
            (ONE, true),
            "{}",
            dir.display()
        );
        let notes = found.notes.join("");
        assert!(
            notes.contains("can't be used") && notes.contains(dir.to_str().unwrap()),
            "{notes}"
        );
    }
}

#[test]
fn it_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let kept = Kept::new();
    kept.at.file("p/s1.jsonl", lines(&[row("a")]));
    kept.look();
    assert_eq!(
        fs::metadata(kept.index()).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn two_that_look_at_once_are_both_right() {
    let kept = Kept::new();
    let mut files = Vec::new();
    for n in 0..40 {
        let rows: Vec<Row> = (0..20).map(|m| row(&format!("m{n}-{m}"))).collect();
        files.push(kept.at.file(&format!("p/s{n}.jsonl"), lines(&rows)));
    }
    for round in 0..3_u64 {
        let calls = 800 + 40 * round;
        std::thread::scope(|scope| {
            let lookers: Vec<_> = (0..4).map(|_| scope.spawn(|| kept.look())).collect();
            for looker in lookers {
                let found = looker.join().unwrap();
                assert_eq!((found.calls, found.total.0), (calls, calls * ONE));
                assert!(found.notes.is_empty(), "{:?}", found.notes);
            }
        });
        for (n, file) in files.iter().enumerate() {
            append(file, lines(&[row(&format!("r{round}-{n}"))]));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any byte of it altered: the figure is right, or it is made anew and right.
    #[test]
    fn a_flipped_bit_never_changes_the_figure(place in 0.0..1.0_f64, bit in 0..8_u8) {
        let kept = Kept::new();
        let rows: Vec<Row> = (0..40).map(|n| row(&format!("m{n}"))).collect();
        kept.at.file("p/s1.jsonl", lines(&rows));
        let right = kept.look();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place in a small file")]
        let place = {
            let size = fs::metadata(kept.index()).unwrap().len();
            (place * size as f64) as u64
        };
        let file = fs::File::options().read(true).write(true).open(kept.index()).unwrap();
        let mut byte = [0];
        file.read_exact_at(&mut byte, place).unwrap();
        file.write_all_at(&[byte[0] ^ (1 << bit)], place).unwrap();
        drop(file);
        let found = kept.look();
        prop_assert_eq!((found.total, found.calls), (right.total, right.calls));
        prop_assert!(found.complete);
        kept.at.file("p/s2.jsonl", lines(&[row("new")]));
        prop_assert_eq!(kept.look().total.0, right.total.0 + ONE);
    }

    /// Whatever order files grow in, and whenever one looks, it is the same as a full reading.
    #[test]
    fn a_look_at_any_time_is_the_same_as_a_full_reading(
        steps in proptest::collection::vec((0..3_usize, 0..8_u32, 1..4_usize, 0..200_usize, any::<bool>()), 1..14)
    ) {
        let kept = Kept::new();
        let mut torn: [String; 3] = Default::default();
        for (n, (file, call, rows, cut, look)) in steps.into_iter().enumerate() {
            let path = kept.at.root().join(format!("projects/p/s{file}.jsonl"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            // Calls come again, in other files and sessions, fuller or not, and over midnight.
            let mut text = std::mem::take(&mut torn[file]);
            for block in 0..rows {
                let next = row(&format!("m{call}"))
                    .session(&format!("s{file}"))
                    .usage("output_tokens", 40 * (n % 4) as u64 + block as u64)
                    .at(&format!("2026-11-{:02}T04:5{}:00Z", 20 + call % 2, n % 10));
                text.push_str(&(next.text() + "\n"));
            }
            let keep = text.split_off(text.len() - cut.min(text.len() - 1));
            torn[file] = keep;
            let mut out = fs::File::options().append(true).create(true).open(&path).unwrap();
            out.write_all(text.as_bytes()).unwrap();
            if look {
                prop_assert_eq!(kept.look(), kept.plain());
            }
        }
        prop_assert_eq!(kept.look(), kept.plain());
        prop_assert_eq!(kept.look(), kept.plain());
    }
}
