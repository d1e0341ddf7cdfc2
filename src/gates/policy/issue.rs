//! What a rule found, and what of it is new.

/// One thing that a rule says about a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Issue {
    /// The rule's name, one of [`super::rules::RULES`].
    pub(super) rule: &'static str,
    pub(super) line: usize,
    /// Known bad, and not only unknown.
    pub(super) bad: bool,
    /// What it is, and the cure behind a semicolon.
    pub(super) what: String,
    /// The value that it is about. An issue that the old text has with the same value is the
    /// baseline; one without a value never is.
    value: Option<String>,
}

impl Issue {
    pub(super) fn refused(rule: &'static str, line: usize, what: impl Into<String>) -> Self {
        Self {
            rule,
            line,
            bad: true,
            what: what.into(),
            value: None,
        }
    }

    pub(super) fn held(rule: &'static str, line: usize, what: impl Into<String>) -> Self {
        Self {
            bad: false,
            ..Self::refused(rule, line, what)
        }
    }

    /// Excused where the old text says the same.
    pub(super) fn about(mut self, value: &str) -> Self {
        self.value.get_or_insert_with(|| value.to_owned());
        self
    }

    /// At another line, for text that is not where it was found.
    pub(super) fn at(mut self, line: usize) -> Self {
        self.line = line;
        self
    }
}

/// The issues of `new` that `old` did not have.
pub(super) fn news(old: &[Issue], new: Vec<Issue>) -> Vec<Issue> {
    let known = |issue: &Issue| {
        issue.value.is_some()
            && old
                .iter()
                .any(|o| o.what == issue.what && o.value == issue.value)
    };
    new.into_iter().filter(|issue| !known(issue)).collect()
}

/// For tables: "" is no issue, "refused: X" and "held: X" are the weightiest issue's.
#[cfg(test)]
#[track_caller]
pub(super) fn assert_issue(case: &str, issues: &[Issue], says: &str) {
    let first = issues.iter().find(|i| i.bad).or_else(|| issues.first());
    let good = match (first, says.split_once(": ")) {
        (None, None) => says.is_empty(),
        (Some(issue), Some((weight, part))) => {
            issue.bad == (weight == "refused") && issue.what.contains(part)
        }
        _ => false,
    };
    assert!(good, "{case}\n  expected {says:?}\n  got {issues:?}");
}
