//! Tables of keys with the values that each may have.
//!
//! A line is `KEY VALUES`. Values are alternatives divided by `|`: a text, or `LOW..HIGH`. `,a,b` is a
//! list of which any part may be there, `*` any plain text, `@flag` a key without a value, `@time` servers of
//! time that are well known,
//! `!` with a reason a key that is refused, `?` with a reason one that waits for a person, as an
//! alternative with `?` in front does. `*` in a key stands for anything. `_` in front: the lower the
//! stricter; `^`: the higher, or the earlier in the list.

/// What a table says of a key and its value.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) enum Word {
    Good,
    Refused(String),
    Held(String),
}

/// Looks a key up, without regard to case.
pub(in super::super) fn check(table: &str, key: &str, value: &str) -> Word {
    match find(table, key) {
        Some(values) => of_values(key, value.trim(), values.trim_start_matches(['_', '^'])),
        None => Word::Held(format!("the setting {key}, which no rule knows")),
    }
}

fn find<'t>(table: &'t str, key: &str) -> Option<&'t str> {
    let folded = key.to_lowercase();
    let lines = table.lines().filter(|l| !l.starts_with('#'));
    let mut pairs = lines.filter_map(|l| l.split_once(' '));
    pairs
        .find(|(name, _)| matches(&name.to_lowercase(), &folded))
        .map(|(_, values)| values.trim())
}

/// Whether a value is allowed and still less strict than another.
pub(super) fn weaker(table: &str, key: &str, old: &str, new: &str) -> bool {
    let Some(values) = find(table, key) else {
        return false;
    };
    let number = |t: &str| t.trim().parse::<i64>().ok();
    if values.starts_with(['_', '^']) && values.contains("..") {
        let (Some(old), Some(new)) = (number(old), number(new)) else {
            return false;
        };
        return if values.starts_with('_') {
            new > old
        } else {
            new < old
        };
    }
    let Some(order) = values.strip_prefix('^') else {
        return false;
    };
    let place = |v: &str| {
        order
            .split('|')
            .position(|o| o.trim_start_matches('?').eq_ignore_ascii_case(v.trim()))
    };
    matches!((place(old), place(new)), (Some(old), Some(new)) if new > old)
}

fn of_values(key: &str, value: &str, values: &str) -> Word {
    if let Some(why) = values.strip_prefix('!') {
        return Word::Refused(format!("the setting {key}: {}", why.trim()));
    }
    if let Some(why) = values.strip_prefix('?') {
        return Word::Held(format!("the setting {key}: {}", why.trim()));
    }
    if value.contains("{{") || value.contains("{%") {
        return Word::Held(format!("the value of {key} is only known in the run"));
    }
    if values
        .split('|')
        .any(|v| v.strip_prefix('?').is_some_and(|v| is(v, value)))
    {
        return Word::Held(format!("{key} {value}, which can be right and can weaken"));
    }
    if values == "@flag" {
        return if value.is_empty() {
            Word::Good
        } else {
            Word::Held(format!("{key} with a value, which has none"))
        };
    }
    if values == "@time" {
        return match value.split_whitespace().find(|host| !is_of_time(host)) {
            None if !value.is_empty() => Word::Good,
            _ => Word::Held(format!(
                "{key}: whoever tells the time decides which logs and certificates count"
            )),
        };
    }
    let good = match values.strip_prefix(',') {
        Some(list) => {
            !value.is_empty()
                && value
                    .split(',')
                    .all(|v| list.split(',').any(|l| l == v.trim()))
        }
        None if values == "*" => is_plain(value),
        None => values.split('|').any(|allowed| is(allowed, value)),
    };
    if good {
        return Word::Good;
    }
    let shown = values.chars().take(120).collect::<String>();
    Word::Refused(format!(
        "{key} {} is no value that protects; allowed: {shown}",
        crate::text::plain(value, 80)
    ))
}

/// Servers of time that many take theirs from.
const TIME: [&str; 12] = [
    "nts.netnod.se",
    "nts.ntp.se",
    "pool.ntp.org",
    "ntp.ubuntu.com",
    "time.cloudflare.com",
    "time.google.com",
    "time.apple.com",
    "time.nist.gov",
    "time.windows.com",
    "time.facebook.com",
    "time.aws.com",
    "ptbtime1.ptb.de",
];

/// Whether a host is a well-known server of time.
pub(super) fn is_of_time(host: &str) -> bool {
    TIME.iter().any(|known| {
        host.strip_suffix(known)
            .is_some_and(|front| front.is_empty() || front.ends_with('.'))
    })
}

/// A whole number, or one of bytes with a letter for its unit.
fn number(text: &str) -> Option<i64> {
    let letters = "KMGT";
    let unit = text.chars().last().and_then(|last| letters.find(last));
    match unit {
        None => text.parse().ok(),
        Some(at) => {
            let number: i64 = text.get(..text.len() - 1)?.parse().ok()?;
            number.checked_mul(1024_i64.checked_pow(u32::try_from(at).ok()? + 1)?)
        }
    }
}

fn is(allowed: &str, value: &str) -> bool {
    if let Some((low, high)) = allowed.split_once("..")
        && let (Some(low), Some(high), Some(value)) = (number(low), number(high), number(value))
    {
        return (low..=high).contains(&value);
    }
    // `=` stands for a key without a value.
    allowed.eq_ignore_ascii_case(value) || allowed == "=" && value.is_empty()
}

/// A text that runs nothing wherever it stands.
pub(in super::super) fn is_plain(value: &str) -> bool {
    !value.contains(['`', '\n', '\0', '|', ';', '<', '>'])
        && !value.contains("$(")
        && !value.contains("/.ssh")
}

/// Whether a pattern with stars is a name.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((front, rest)) => name.strip_prefix(front).is_some_and(|behind| {
            (0..=behind.len()).any(|at| behind.get(at..).is_some_and(|b| matches(rest, b)))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_say_what_is_allowed() {
        let table = "# x\nS 50M..2G\nT @time\nO yes|?no\nA yes|2..4\nB.*.c 0\nL ,x,y\nF *\nN ! bad\nQ ? ask\nE =\n";
        for (key, value, good) in [
            ("a", "YES", true),
            ("A", "3", true),
            ("A", "5", false),
            ("B.all.c", "0", true),
            ("b.eth0.1.c", "0", true),
            ("B.all.c", "1", false),
            ("L", "y,x", true),
            ("L", "x,z", false),
            ("F", "any text", true),
            ("F", "$(id)", false),
            ("N", "1", false),
            ("Q", "1", false),
            ("S", "500M", true),
            ("S", "2G", true),
            ("S", "1", false),
            ("S", "100T", false),
            ("T", "0.debian.pool.ntp.org 1.pool.ntp.org", true),
            ("T", "pool.ntp.org.example", false),
            ("T", "evilpool.ntp.org", false),
            ("T", "", false),
            ("O", "yes", true),
            ("O", "no", false),
            ("E", "", true),
            ("Z", "1", false),
            ("A", "{{ x }}", false),
        ] {
            assert_eq!(
                check(table, key, value) == Word::Good,
                good,
                "{key} {value}"
            );
        }
    }
}
