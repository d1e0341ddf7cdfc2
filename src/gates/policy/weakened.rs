//! What a task that changes no longer does, or does less strictly.

use std::collections::BTreeSet;

use super::issue::Issue;
use super::lists::{BLOCKS, Pair, bare};
use super::tasks::{self, At};
use super::{conditions, expand, modules, schema};
use crate::playbook::yaml::Node;

/// What a changed task no longer does, or no longer always does.
pub(super) fn judge(pair: Pair<'_>, old: &Node, new: &Node) -> Vec<Issue> {
    let mut issues = Vec::new();
    let mut held = |what: String| issues.push(Issue::held("weakened", new.line, what));
    for key in BLOCKS.into_iter().chain([
        "failed_when",
        "notify",
        "register",
        "become",
        "until",
        "listen",
    ]) {
        if old.get(key).is_some() && new.get(key).is_none() {
            held(format!("the task's {key} is removed"));
        }
    }
    let conditions = |task: &Node| -> Vec<String> {
        let when = task.get("when");
        when.map(|w| w.scalars().iter().map(|(_, t)| (*t).to_owned()).collect())
            .unwrap_or_default()
    };
    let before = conditions(old);
    for text in conditions(new).iter().filter(|c| !before.contains(c)) {
        let node = Node::quoted(new.line, text.clone());
        if !conditions::keeps(pair.new, pair.new.locals, &node) {
            held(format!(
                "the condition \"{}\" narrows when the task runs",
                crate::text::plain(text, 80)
            ));
        }
    }
    for key in ["changed_when", "failed_when"] {
        let (was, is) = (old.get(key), new.get(key));
        let same = was.map(Node::canonical) == is.map(Node::canonical);
        let by_itself = tasks::module(new).is_some_and(|(name, ..)| !modules::is_command(name));
        if is.is_some() && !same && (was.is_some() || by_itself) {
            held(format!(
                "the task's {key} decides otherwise what counts as a change or failure"
            ));
        }
    }
    let root = |task: &Node| task.get("become").and_then(Node::boolean) == Some(true);
    if root(new) && !root(old) && of_a_user(pair.new, new) {
        held("as root the task would be about root's own files or settings".to_owned());
    }
    let runs = tasks::module(new).is_some_and(|(name, ..)| {
        modules::is_command(name) || bare(name) == "cron" || bare(name) == "at"
    });
    if root(new) && !root(old) && runs {
        held("what it runs would run as root".to_owned());
    }
    if old.get("become").and_then(Node::boolean) == Some(true)
        && new.get("become").and_then(Node::boolean) == Some(false)
    {
        held("the task no longer runs as root, so that it may do nothing".to_owned());
    }
    // With --tags only what is tagged runs.
    let tagged = |task: &Node| -> BTreeSet<String> {
        let all = task.get("tags").map(Node::scalars).unwrap_or_default();
        all.iter()
            .flat_map(|(_, t)| t.split(','))
            .map(|t| t.trim().to_owned())
            .collect()
    };
    if !tagged(old).is_subset(&tagged(new)) {
        held("the task has fewer tags, so that it may not run".to_owned());
    }
    // A notify that names fewer handlers.
    let named = |task: &Node| -> BTreeSet<String> {
        task.get("notify")
            .map(|n| n.scalars().iter().map(|(_, t)| (*t).to_owned()).collect())
            .unwrap_or_default()
    };
    let (were, are) = (named(old), named(new));
    let same = were.difference(&are).all(|gone| renamed(pair, gone, &are));
    if new.get("notify").is_some() && !same {
        held("the task notifies another handler than before".to_owned());
    }
    if let (Some((was, ..)), Some((is, ..))) = (tasks::module(old), tasks::module(new)) {
        if bare(was) == bare(is) {
            issues.extend(fewer(pair, old, new));
        } else {
            held(format!("the task's module changes from {was} to {is}"));
        }
    } else if tasks::module(old).is_some() != tasks::module(new).is_some() {
        held("the task becomes another".to_owned());
    }
    issues
}

/// Whether a handler that is gone goes by another of these names now.
fn renamed(pair: Pair<'_>, gone: &str, names: &BTreeSet<String>) -> bool {
    let handlers = |side: &super::known::Side, name: &str| -> Vec<String> {
        let lists = side.tree.lists();
        let all = lists
            .iter()
            .filter(|list| list.handlers)
            .flat_map(|list| list.tasks);
        all.filter(|task| task.get("name").and_then(Node::text) == Some(name))
            .filter_map(super::lists::body)
            .collect()
    };
    let was = handlers(pair.old.side, gone);
    !was.is_empty()
        && !tasks::has_handler(pair.new.side, gone)
        && names
            .iter()
            .any(|name| handlers(pair.new.side, name) == was)
}

/// Whether a task is about what each user has: files below the home directory, preferences.
fn of_a_user(at: At<'_>, task: &Node) -> bool {
    if let Some(list) = task.get("block").and_then(Node::list) {
        return list.iter().any(|inner| of_a_user(at, inner));
    }
    let preference = tasks::module(task).is_some_and(|(name, ..)| name.ends_with("osx_defaults"));
    let each = expand::instances(&at.side.env, at.locals, task).unwrap_or_default();
    let place = |given: &Node| {
        let named = ["dest", "path"].iter().find_map(|k| given.get(k)?.text());
        named.is_some_and(|to| super::places::class(at.known, to).0.starts_with('~'))
    };
    preference || each.iter().any(place)
}

/// What the old task was about and the new one is not.
pub(super) fn fewer(pair: Pair<'_>, old: &Node, new: &Node) -> Vec<Issue> {
    let all = |at: At<'_>, task: &Node| -> BTreeSet<(String, String)> {
        let each = expand::instances(&at.side.env, at.locals, task).unwrap_or_default();
        let about = [
            "path", "dest", "name", "pkg", "package", "key", "regexp", "option", "rule", "port",
            "domain",
        ];
        let of = |given: &Node| -> Vec<(String, String)> {
            let values = about.iter().filter_map(|k| Some((*k, given.get(k)?)));
            values
                .flat_map(|(key, value)| {
                    let texts: Vec<String> = match value.list() {
                        Some(items) => items
                            .iter()
                            .filter_map(Node::text)
                            .map(str::to_owned)
                            .collect(),
                        None => value
                            .text()
                            .unwrap_or_default()
                            .split(',')
                            .map(|t| t.trim().to_owned())
                            .collect(),
                    };
                    let key = if ["pkg", "package"].contains(&key) {
                        "name"
                    } else {
                        key
                    };
                    texts.into_iter().map(move |t| (key.to_owned(), t))
                })
                .collect()
        };
        // A setting belongs to its domain.
        let preference = |given: &Node| -> Option<(String, String)> {
            let domain = given.get("domain")?.text()?;
            let key = given.get("key")?.text()?;
            Some(("setting".to_owned(), format!("{domain} {key}")))
        };
        each.iter()
            .flat_map(|given| of(given).into_iter().chain(preference(given)))
            .filter(|(k, _)| k != "regexp")
            .collect()
    };
    let (was, mut is) = (all(pair.old, old), all(pair.new, new));
    // ufw: allowed, but not as often as somebody likes.
    if is.contains(&("rule".to_owned(), "limit".to_owned())) {
        is.insert(("rule".to_owned(), "allow".to_owned()));
    }
    let mut issues: Vec<Issue> = was
        .difference(&is)
        .take(1)
        .map(|(key, text)| {
            let what = format!(
                "the task no longer has {key} {}",
                crate::text::plain(text, 80)
            );
            Issue::held("weakened", new.line, what)
        })
        .collect();
    issues.extend(parameters(pair, old, new));
    issues.extend(looser(pair, old, new));
    issues.extend(beside(pair, old, new));
    issues.extend(other_state(old, new));
    issues.extend(preferences(pair, old, new));
    issues.extend(other_order(pair, old, new));
    issues.extend(soft(pair, old, new));
    issues
}

/// A parameter of a task in every turn of its loop.
fn given(at: At<'_>, task: &Node, key: &str) -> BTreeSet<String> {
    let each = expand::instances(&at.side.env, at.locals, task).unwrap_or_default();
    let texts = each
        .iter()
        .filter_map(|g| Some(g.get(key)?.text()?.to_owned()));
    texts.collect()
}

/// Settings of macOS that are less strict than before.
fn preferences(pair: Pair<'_>, old: &Node, new: &Node) -> Vec<Issue> {
    let all = |at: At<'_>, task: &Node| -> Vec<(String, String, String)> {
        let each = expand::instances(&at.side.env, at.locals, task).unwrap_or_default();
        let text = |g: &Node, key: &str| g.get(key)?.text().map(str::to_owned);
        let of = |g: &Node| Some((text(g, "domain")?, text(g, "key")?, text(g, "value")?));
        each.iter().filter_map(of).collect()
    };
    let was = all(pair.old, old);
    let weaker = |(domain, key, value): &(String, String, String)| {
        let same = was.iter().filter(|(d, k, _)| d == domain && k == key);
        let mut values = same.map(|(.., before)| before).peekable();
        values.peek()?;
        values
            .all(|before| schema::defaults_weaker(domain, key, before, value))
            .then(|| {
                let what = format!(
                    "{} {} is less strict than before",
                    crate::text::plain(domain, 60),
                    crate::text::plain(key, 60)
                );
                Issue::held("weakened", new.line, what)
            })
    };
    all(pair.new, new).iter().filter_map(weaker).collect()
}

/// Settings of the kernel that move to a file that is read earlier, so that another has the last word.
fn other_order(pair: Pair<'_>, old: &Node, new: &Node) -> Option<Issue> {
    let (was, is) = (
        given(pair.old, old, "sysctl_file"),
        given(pair.new, new, "sysctl_file"),
    );
    let name = |path: &String| path.rsplit('/').next().unwrap_or_default().to_owned();
    let (was, is) = (was.iter().map(name).max(), is.iter().map(name).min());
    let earlier = is.is_some_and(|is| was.is_none_or(|was| is < was));
    earlier.then(|| {
        let what = "the settings move to a file that is read earlier, so that others may undo them";
        Issue::held("weakened", new.line, what)
    })
}

/// Limits that their users may lift themselves from now on.
fn soft(pair: Pair<'_>, old: &Node, new: &Node) -> Option<Issue> {
    let (was, is) = (
        given(pair.old, old, "limit_type"),
        given(pair.new, new, "limit_type"),
    );
    let lifted = is.contains("soft") && !is.contains("hard") && !is.contains("-");
    (lifted && !was.contains("soft") && !was.is_empty()).then(|| {
        let what = "the limit becomes a soft one, which its users may lift themselves";
        Issue::held("weakened", new.line, what)
    })
}

/// Parameters that are new, gone or switched off, with which the task does less.
fn parameters(pair: Pair<'_>, old: &Node, new: &Node) -> Vec<Issue> {
    let mut issues = Vec::new();
    let gone = |key: &str| {
        let has = |task: &Node| tasks::module(task).is_some_and(|(_, _, g)| g.get(key).is_some());
        has(old) && !has(new)
    };
    for key in ["creates", "removes", "force", "chdir"] {
        let has = |task: &Node| {
            tasks::module(task).is_some_and(|(_, _, g)| {
                g.get(key).is_some() || task.get("args").is_some_and(|a| a.get(key).is_some())
            })
        };
        if has(new) && !has(old) {
            issues.push(Issue::held(
                "weakened",
                new.line,
                format!("the task's {key} is new, so that it may do nothing"),
            ));
        }
    }
    for key in ["permanent", "enabled", "persistent", "sysctl_set", "reload"] {
        let was = given(pair.old, old, key);
        let is = given(pair.new, new, key);
        let yes = |all: &BTreeSet<String>| {
            all.iter()
                .any(|v| ["yes", "true", "on"].contains(&v.to_lowercase().as_str()))
        };
        if yes(&was) && !yes(&is) && !is.is_empty() {
            issues.push(Issue::held(
                "weakened",
                new.line,
                format!("the task's {key} is switched off, so that what it does may not last"),
            ));
        }
    }
    for key in [
        "mode",
        "owner",
        "group",
        "checksum",
        "validate",
        "state",
        "enabled",
        "password",
        "host",
        "permanent",
    ] {
        if gone(key) {
            issues.push(Issue::held(
                "weakened",
                new.line,
                format!("the task's {key} is removed"),
            ));
        }
    }
    issues
}

/// A line that is looked for otherwise, so that the old one may stay beside the new.
fn beside(pair: Pair<'_>, old: &Node, new: &Node) -> Option<Issue> {
    let given = |at: At<'_>, task: &Node| -> Vec<(String, String)> {
        let each = expand::instances(&at.side.env, at.locals, task).unwrap_or_default();
        let text = |given: &Node, key: &str| given.get(key)?.text().map(str::to_owned);
        let pairs = each
            .iter()
            .filter_map(|g| Some((text(g, "regexp")?, text(g, "line")?)));
        pairs.collect()
    };
    let (was, is) = (given(pair.old, old), given(pair.new, new));
    let loose = |by: &str| {
        let anchored = |(old, _): &&(String, String)| old.starts_with('^');
        !by.starts_with('^') && !was.is_empty() && was.iter().all(|w| anchored(&w))
    };
    if let Some((by, _)) = is.iter().find(|(by, _)| loose(by)) {
        let what = format!(
            "the line is looked for by {}, which may find others before it",
            crate::text::plain(by, 80)
        );
        return Some(Issue::held("weakened", new.line, what));
    }
    let finds = |(by, line): &(String, String)| {
        let earlier = was.iter().filter(|(w, l)| w == by || l == line);
        let regex = regex::Regex::new(by);
        let mut earlier = earlier.filter(|(w, _)| w != by);
        earlier.all(|(_, old)| {
            regex
                .as_ref()
                .is_ok_and(|r| r.is_match(old) && r.is_match(line))
        })
    };
    is.iter().find(|one| !finds(one)).map(|(by, _)| {
        let what = format!(
            "the line is looked for by {}, which does not find the one that was written before",
            crate::text::plain(by, 80)
        );
        Issue::held("weakened", new.line, what)
    })
}

/// A handler or task that restarted a service and only starts it now, or mounted what it only notes.
fn other_state(old: &Node, new: &Node) -> Option<Issue> {
    let state = |task: &Node| {
        let (_, _, given) = tasks::module(task)?;
        given.get("state").and_then(Node::text).map(str::to_owned)
    };
    let (was, is) = (state(old)?, state(new)?);
    let acts = |state: &str| ["restarted", "reloaded", "mounted"].contains(&state);
    (acts(&was) && !acts(&is)).then(|| {
        let what = format!("it is {is} instead of {was}, so that a change has no effect");
        Issue::held("weakened", new.line, what)
    })
}

/// The bits of a mode, in octal or as letters that set them.
fn mode_bits(text: &str) -> Option<u32> {
    if let Ok(bits) = u32::from_str_radix(text, 8) {
        return Some(bits);
    }
    let mut bits = 0;
    for part in text.split(',') {
        let (who, what) = part.split_once('=')?;
        let letters = what.chars().map(|c| match c {
            'r' => Some(4),
            'w' => Some(2),
            'x' | 'X' => Some(1),
            _ => None,
        });
        let given = letters.sum::<Option<u32>>()?;
        for place in who.chars() {
            bits |= match place {
                'u' => given << 6,
                'g' => given << 3,
                'o' => given,
                'a' => given * 0o111,
                _ => return None,
            };
        }
    }
    Some(bits)
}

/// A mode that gives more than before.
fn looser(pair: Pair<'_>, old: &Node, new: &Node) -> Option<Issue> {
    let bits = |at: At<'_>, task: &Node| -> Option<u32> {
        let each = expand::instances(&at.side.env, at.locals, task).ok()?;
        let modes = each
            .iter()
            .filter_map(|g| mode_bits(g.get("mode")?.text()?));
        modes.reduce(|a, b| a | b)
    };
    let (was, is) = (bits(pair.old, old)?, bits(pair.new, new)?);
    (is & !was & 0o077 != 0).then(|| {
        let what = format!("the mode gives others more than before ({was:04o} becomes {is:04o})");
        Issue::held("weakened", new.line, what)
    })
}
