//! One program with its words, as the rules ask for them.

use super::Stop;
use super::options::{self, operands};
use super::walk::quoted;

/// Options of kubectl's and helm's that have a value.
const KUBE: &[&str] = &[
    "-n",
    "--namespace",
    "--context",
    "--kube-context",
    "--cluster",
    "-s",
    "--server",
    "--kubeconfig",
    "--user",
    "--as",
    "--token",
];

/// A program that is about to run.
pub(super) struct Call<'a> {
    /// Its name, without its directory.
    pub(super) name: &'a str,
    /// All words behind the name.
    pub(super) args: &'a [String],
    /// Those that are no options.
    pub(super) words: Vec<&'a str>,
}

impl<'a> Call<'a> {
    pub(super) fn new(name: &'a str, args: &'a [String]) -> Self {
        let own = match name {
            // Before the verb stand options with values.
            "kubectl" | "oc" | "helm" => super::wrappers::skip(args, KUBE, 0),
            _ => args,
        };
        let words = operands(own).into_iter().map(String::as_str).collect();
        Self { name, args, words }
    }

    /// A word by its place; empty where there is none.
    pub(super) fn word(&self, index: usize) -> &'a str {
        self.words.get(index).copied().unwrap_or_default()
    }

    /// Whether one of these is given, as it stands.
    pub(super) fn has(&self, wanted: &[&str]) -> bool {
        self.args.iter().any(|a| wanted.contains(&a.as_str()))
    }

    /// Whether an argument is so.
    pub(super) fn any(&self, so: impl Fn(&str) -> bool) -> bool {
        self.args.iter().any(|a| so(a))
    }

    /// Whether a short flag is given.
    pub(super) fn short(&self, flag: char) -> bool {
        options::short(self.args, flag)
    }

    /// The value of an option.
    pub(super) fn value(&self, name: &str) -> Option<&'a str> {
        options::value(self.args, name)
    }

    /// All of it in lower case, as one text.
    pub(super) fn lower(&self) -> String {
        self.args.join(" ").to_lowercase()
    }

    /// Refuses it by a rule, in its own words.
    pub(super) fn deny(&self, rule: &'static str) -> Result<(), Stop> {
        let what = format!("{} {}", self.name, quoted(&self.args.join(" ")));
        Err(Stop::deny(rule, what))
    }

    /// Refuses it by a rule where that is so.
    pub(super) fn deny_if(&self, so: bool, rule: &'static str) -> Result<(), Stop> {
        if so { self.deny(rule) } else { Ok(()) }
    }
}
