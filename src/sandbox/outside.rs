//! The outer stage, where secloop is root: it becomes an unprivileged user before bubblewrap starts.
//!
//! Root inside of a user namespace is still root to every file: it owns them, no limit on processes
//! binds it, and what of `/proc` is not covered is its to write. An unprivileged user is none of
//! that, but can't reach places that only root may enter. So those that the policy names are
//! bound, in a mount namespace of this process's own, to where anybody may go.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::inside::MISSING;
use crate::process::{Descent, Place, become_program, descend};

/// The first argument, by which the outer stage is known.
pub const WORD: &str = "outside";
/// Below it, in this process's own mount namespace, everything is bound.
const STAGE: &str = "/tmp";

/// What has to be brought along.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outside {
    places: Vec<Place>,
}

impl Outside {
    /// Where bubblewrap finds a path that anybody who is `writer` has to own.
    pub(super) fn bring(&mut self, path: &Path, write: bool) -> PathBuf {
        let to = Path::new(STAGE).join(self.places.len().to_string());
        self.places.push(Place {
            path: path.to_owned(),
            to: to.clone(),
            own: write,
        });
        to
    }

    /// The arguments of the outer stage, up to bubblewrap.
    pub(super) fn arguments(self, (uid, gid): (u32, u32)) -> Vec<OsString> {
        let mut args: Vec<OsString> =
            vec![WORD.into(), uid.to_string().into(), gid.to_string().into()];
        for place in self.places {
            let kind = if place.own { "own" } else { "see" };
            args.extend([kind.into(), place.path.into()]);
        }
        args.push("--".into());
        args
    }

    /// Reads them. Gives bubblewrap and its arguments too.
    fn parse(args: &[OsString]) -> Option<(Descent, &Path, &[OsString])> {
        let [uid, gid, rest @ ..] = args else {
            return None;
        };
        let number = |id: &OsString| id.to_str()?.parse().ok().filter(|id| *id != 0);
        let (uid, gid) = (number(uid)?, number(gid)?);
        let mut outside = Self::default();
        let mut rest = rest;
        loop {
            match rest {
                [end, program, args @ ..] if end == "--" => {
                    let descent = Descent {
                        uid,
                        gid,
                        stage: STAGE.into(),
                        places: outside.places,
                    };
                    return Some((descent, Path::new(program), args));
                }
                [kind, path, more @ ..] => {
                    let own = match kind.to_str()? {
                        "own" => true,
                        "see" => false,
                        _ => return None,
                    };
                    outside.bring(Path::new(path), own);
                    rest = more;
                }
                _ => return None,
            }
        }
    }
}

/// The outer stage, given its arguments without its name and [`WORD`]. Comes back only with an exit
/// code, and says why on standard error.
pub fn enter(args: &[OsString]) -> u8 {
    let why = match Outside::parse(args) {
        None => "these are not its arguments".to_owned(),
        Some((descent, program, args)) => match descend(&descent) {
            Ok(()) => format!("{}: {}", program.display(), become_program(program, args)),
            Err(why) => format!("to become user {}: {why}", descent.uid),
        },
    };
    super::inside::say(&format!("{why}; nothing was started"));
    MISSING
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_is_told_is_what_it_does() {
        let mut outside = Outside::default();
        assert_eq!(outside.bring(Path::new("/a b"), true), Path::new("/tmp/0"));
        assert_eq!(outside.bring(Path::new("--"), false), Path::new("/tmp/1"));
        let mut args = outside.arguments((7, 8));
        args.extend(["/bin/bwrap", "--", "x"].map(OsString::from));
        let (descent, program, rest) = Outside::parse(&args[1..]).unwrap();
        assert_eq!((descent.uid, descent.gid), (7, 8));
        let places: Vec<_> = descent
            .places
            .iter()
            .map(|p| (p.path.as_path(), p.own))
            .collect();
        assert_eq!(
            places,
            [(Path::new("/a b"), true), (Path::new("--"), false)]
        );
        assert_eq!(
            (program, rest),
            (Path::new("/bin/bwrap"), &args[args.len() - 2..])
        );
        for wrong in [
            &[][..],
            &["7"],
            &["7", "8"],
            &["0", "8", "--", "/bin/bwrap"],
            &["7", "0", "--", "/bin/bwrap"],
            &["7", "8", "take", "/a", "--", "/bin/bwrap"],
            &["7", "8", "see", "--"],
        ] {
            let wrong: Vec<OsString> = wrong.iter().map(OsString::from).collect();
            assert!(Outside::parse(&wrong).is_none(), "{wrong:?}");
        }
    }
}
