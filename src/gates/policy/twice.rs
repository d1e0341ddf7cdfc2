//! Settings that a change sets where something else sets them already, and tasks that write to one
//! file in another order than before: then the weaker one may be what holds.

use std::collections::{BTreeMap, BTreeSet};

use super::expand::Locals;
use super::issue::Issue;
use super::known::Known;
use super::lists::{self, Pair};
use super::places::{self, Place};
use super::puts;
use super::schema;
use super::tasks::{self, At};
use crate::playbook::yaml::Node;

/// A setting as something sets it.
struct Setting {
    /// Of which program, and the part of its configuration.
    what: (&'static str, String, String),
    grammar: schema::Grammar,
    value: String,
    /// The list of tasks and the line.
    from: (String, usize),
}

/// What the change sets a second time or writes in another order, by the file of its task.
pub(super) fn judge(known: &Known) -> Vec<(String, Vec<Issue>)> {
    let mut all = Vec::new();
    let (was, is) = (settings(known, false), settings(known, true));
    let mut before: BTreeMap<(&_, &str), usize> = BTreeMap::new();
    for one in &was {
        *before.entry((&one.what, &one.value)).or_default() += 1;
    }
    for (at, one) in is.iter().enumerate() {
        if let Some(left) = before.get_mut(&(&one.what, one.value.as_str()))
            && *left > 0
        {
            *left -= 1;
            continue;
        }
        let key = one.what.2.rsplit('\n').next().unwrap_or_default();
        let other = is.iter().enumerate().find(|(other, o)| {
            *other != at
                && o.from != one.from
                && o.what == one.what
                && o.value != one.value
                && !schema::is_stricter(one.grammar, key, &one.value, &o.value)
                && was.iter().any(|w| w.what == o.what && w.value == o.value)
        });
        if let Some((_, other)) = other {
            let what = format!(
                "{key} becomes \"{}\" here and is \"{}\" in line {} of {}: which of them holds \
                 can't be told; change the one that is there",
                crate::text::plain(&one.value, 60),
                crate::text::plain(&other.value, 60),
                other.from.1,
                other.from.0
            );
            let issue = Issue::held("set-twice", one.from.1, what);
            all.push((one.from.0.clone(), vec![issue]));
        }
    }
    all.extend(reordered(known));
    all
}

/// Everything that a side's tasks set in files whose grammar is known.
fn settings(known: &Known, new: bool) -> Vec<Setting> {
    let locals = Locals::new();
    let side = if new { &known.new } else { &known.old };
    let mut all = Vec::new();
    for list in side.tree.lists() {
        let pair = Pair::of(known, list.path, &locals);
        let at = if new { pair.new } else { pair.old };
        let mut tasks = Vec::new();
        lists::all_of(list.tasks, &mut tasks);
        for task in tasks {
            for (to, text, line) in puts::written(at, task) {
                let (place, what) = places::class(known, &to);
                let Place::Grammar(grammar) = what else {
                    continue;
                };
                let family = match grammar {
                    // Each unit is configured by itself.
                    schema::Grammar::Equals("schema-systemd" | "schema-defaults-file", _) => {
                        place.rsplit_once('/').map_or("", |(dir, _)| dir).to_owned()
                    }
                    _ => String::new(),
                };
                for (key, value) in schema::pairs(grammar, &text) {
                    all.push(Setting {
                        what: (schema::rule(grammar), family.clone(), key),
                        grammar,
                        value,
                        from: (list.path.to_owned(), line),
                    });
                }
            }
        }
    }
    all
}

/// Files that several tasks of one list write, and their tasks in another order than before.
fn reordered(known: &Known) -> Vec<(String, Vec<Issue>)> {
    let mut all = Vec::new();
    let (olds, news) = (known.old.tree.lists(), known.new.tree.lists());
    for (at, list) in news.iter().enumerate().filter(|(_, l)| !l.handlers) {
        // A playbook has several lists.
        let earlier = news.iter().take(at).filter(|l| l.path == list.path).count();
        let Some(old) = olds.iter().filter(|o| o.path == list.path).nth(earlier) else {
            continue;
        };
        let locals = Locals::new();
        let pair = Pair::of(known, list.path, &locals);
        let (was, is) = (writers(pair.old, old.tasks), writers(pair.new, list.tasks));
        for (place, now) in &is {
            let Some(then) = was.get(place) else { continue };
            let common = |tasks: &[(String, usize)], others: &[(String, usize)]| -> Vec<String> {
                let names: BTreeSet<&String> = others.iter().map(|(name, _)| name).collect();
                let both = tasks.iter().filter(|(name, _)| names.contains(name));
                both.map(|(name, _)| name.clone()).collect()
            };
            if common(now, then) != common(then, now) {
                let line = now.first().map_or(1, |(_, line)| *line);
                let what = format!(
                    "{} is written by the same tasks in another order, so that another one has \
                     the last word",
                    crate::text::plain(place, 80)
                );
                let issue = Issue::held("set-twice", line, what);
                all.push((list.path.to_owned(), vec![issue]));
            }
        }
    }
    all
}

/// Which tasks write where, in their order.
fn writers(at: At<'_>, list: &[Node]) -> BTreeMap<String, Vec<(String, usize)>> {
    let mut tasks = Vec::new();
    lists::all_of(list, &mut tasks);
    let mut all: BTreeMap<String, Vec<(String, usize)>> = BTreeMap::new();
    for task in tasks {
        let name = format!(
            "{} {}",
            tasks::title(task),
            tasks::module(task).map_or("", |(name, ..)| name)
        );
        let mut places: Vec<String> = puts::written(at, task)
            .into_iter()
            .map(|(to, ..)| to)
            .collect();
        places.sort_unstable();
        places.dedup();
        for place in places {
            all.entry(place)
                .or_default()
                .push((name.clone(), task.line));
        }
    }
    all
}
