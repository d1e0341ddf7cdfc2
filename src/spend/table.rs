//! How a day's spend is shown to people.

use std::fmt::Write as _;
use std::path::Path;

use chrono::NaiveDate;

use super::day::DaySpend;
use super::view::By;
use crate::gate::MicroUsd;

/// Lines of a breakdown; the document for programs has all.
const ROWS: usize = 30;
/// The longest name in a breakdown, in characters.
const NAME: usize = 48;

/// How old the prices were on a day: `None` where the clock says that they are yet to come.
pub fn price_age_days(day: &DaySpend, today: NaiveDate) -> Option<u64> {
    let days = (today - day.price_table_date).num_days();
    u64::try_from(days).ok()
}

/// What lines for a person depend on beside the figures.
#[derive(Debug, Clone, Copy)]
pub struct Screen<'a> {
    /// The day on which it is read.
    pub today: NaiveDate,
    /// The reader's home directory, which is shown as `~`.
    pub home: &'a Path,
}

/// A day's spend as lines, with a breakdown where one is asked for.
pub fn table(day: &DaySpend, by: Option<By>, screen: Screen<'_>) -> String {
    let mut out = format!(
        "Claude Code on {} ({}): {}{}, {}\n",
        day.date,
        day.zone,
        if day.complete { "" } else { "at least " },
        day.total,
        calls(day.calls)
    );
    if let Some(by) = by {
        breakdown(&mut out, day, by, screen.home);
    }
    for share in &day.unpriced {
        let _ = writeln!(
            out,
            "estimate: {} has no known price; its {} taken as {}",
            share.name,
            if share.calls == 1 {
                "1 call is".to_owned()
            } else {
                format!("{} are", calls(share.calls))
            },
            share.cost
        );
    }
    if day.at_most > day.total {
        let _ = writeln!(out, "the cap is held against {}", day.at_most);
    }
    for problem in &day.problems {
        let _ = writeln!(out, "problem: {problem}");
    }
    if !day.complete {
        out.push_str("not everything could be read: no iteration starts until this is mended\n");
    }
    for note in &day.notes {
        let _ = writeln!(out, "note: {note}");
    }
    let age = match price_age_days(day, screen.today) {
        None => String::new(),
        Some(0) => ", today's".to_owned(),
        Some(1) => ", 1 day old".to_owned(),
        Some(days) => format!(", {} days old", grouped(days)),
    };
    let _ = writeln!(
        out,
        "list prices of {}{age}; on a subscription this is what the use would have cost",
        day.price_table_date
    );
    out
}

fn breakdown(out: &mut String, day: &DaySpend, by: By, home: &Path) {
    let shares = by.shares(day);
    let (shown, rest) = shares.split_at(shares.len().min(ROWS));
    let mut rows = vec![[by.word(), "calls", "cost", "share"].map(str::to_owned)];
    for share in shown {
        rows.push([
            label(&share.name, by, home),
            grouped(share.calls),
            amount(share.cost),
            percent(share.cost, day.total),
        ]);
    }
    if !rest.is_empty() {
        let sum = rest
            .iter()
            .fold(0_u64, |all, s| all.saturating_add(s.cost.0));
        let count = rest.iter().map(|s| s.calls).sum();
        rows.push([
            format!("{} more", grouped(rest.len() as u64)),
            grouped(count),
            amount(MicroUsd(sum)),
            percent(MicroUsd(sum), day.total),
        ]);
    }
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|c| c.chars().count()).max().unwrap_or(0)
    };
    let [name, calls, cost, share] = [0, 1, 2, 3].map(width);
    out.push('\n');
    for [a, b, c, d] in &rows {
        let _ = writeln!(out, "{a:<name$}  {b:>calls$}  {c:>cost$}  {d:>share$}");
    }
    out.push('\n');
}

/// A name that fits beside its figures.
fn label(name: &str, by: By, home: &Path) -> String {
    if name.is_empty() {
        return "(not itemised)".to_owned();
    }
    if by != By::Project {
        return crate::text::clamp(name, NAME);
    }
    let short = match Path::new(name).strip_prefix(home) {
        Ok(rest) if rest.as_os_str().is_empty() => "~".to_owned(),
        Ok(rest) if home.parent().is_some() => format!("~/{}", rest.display()),
        _ => name.to_owned(),
    };
    let length = short.chars().count();
    if length <= NAME {
        return short;
    }
    // The end of a path tells more than its beginning; it begins at a whole name where it can.
    let tail: String = short.chars().skip(length - (NAME - 1)).collect();
    let whole = tail.find('/').filter(|at| *at < NAME / 2);
    format!("…{}", tail.get(whole.unwrap_or(0)..).unwrap_or(&tail))
}

/// An amount that is never shown as nothing when it is something.
fn amount(cost: MicroUsd) -> String {
    if (1..5_000).contains(&cost.0) {
        "<$0.01".to_owned()
    } else {
        cost.to_string()
    }
}

fn percent(part: MicroUsd, all: MicroUsd) -> String {
    let (part, all) = (u128::from(part.0), u128::from(all.0));
    match (part * 200 + all).checked_div(all * 2) {
        None => String::new(),
        Some(0) if part > 0 => "<1 %".to_owned(),
        Some(percent) => format!("{percent} %"),
    }
}

/// `1 call`, `2,528 calls`.
fn calls(count: u64) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{} call{s}", grouped(count))
}

/// `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_have_an_age_unless_the_clock_is_behind_them() {
        let zone = chrono_tz::Tz::UTC;
        let mut day = DaySpend::unknown("2026-11-20".parse().unwrap(), zone, "");
        day.price_table_date = day.date;
        let age = |today: &str| price_age_days(&day, today.parse().unwrap());
        assert_eq!(age("2026-11-19"), None);
        assert_eq!(age("2026-11-20"), Some(0));
        assert_eq!(age("2027-11-20"), Some(365));
    }

    #[test]
    fn a_long_path_ends_in_whole_names() {
        let home = Path::new("/home/u");
        let short = |name: &str| label(name, By::Project, home);
        assert_eq!(short("/home/u/infra"), "~/infra");
        assert_eq!(short("/home/u"), "~");
        assert_eq!(short("/home/user2/x"), "/home/user2/x");
        assert_eq!(
            short("/home/u/work/customers/example/repositories/infrastructure/roles"),
            "…/example/repositories/infrastructure/roles"
        );
        let one = short(&format!("/{}", "ä".repeat(90)));
        assert_eq!(one.chars().count(), NAME);
        assert_eq!(label("/srv/x", By::Project, Path::new("/")), "/srv/x");
        assert_eq!(label("/home/u", By::Model, home), "/home/u");
    }

    #[test]
    fn numbers_are_grouped_and_parts_rounded() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
        let of = |part, all| percent(MicroUsd(part), MicroUsd(all));
        assert_eq!(of(1, 3), "33 %");
        assert_eq!(of(2, 3), "67 %");
        assert_eq!(of(1, 1_000), "<1 %");
        assert_eq!(of(0, 1_000), "0 %");
        assert_eq!(of(0, 0), "");
    }
}
