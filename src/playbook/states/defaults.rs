//! Preferences, key by key (macOS). Their files are the preference daemon's: it would write its own
//! memory over a file that is put back.

use super::ask::{Answer, Ask};
use super::{Change, Command, Kind, Table, Undo, command};

/// The domains that are read.
pub(super) struct Defaults {
    pub(super) domains: Vec<String>,
}

/// Domains that hardening sets and that nothing else keeps writing to.
const WATCHED: [&str; 12] = [
    "com.apple.screensaver",
    "com.apple.screencapture",
    "com.apple.AdLib",
    "com.apple.CrashReporter",
    "com.apple.ImageCapture",
    "com.apple.NetworkBrowser",
    "com.apple.desktopservices",
    "com.apple.Terminal",
    "/Library/Preferences/com.apple.alf",
    "/Library/Preferences/com.apple.loginwindow",
    "/Library/Preferences/com.apple.SoftwareUpdate",
    "/Library/Preferences/com.apple.mDNSResponder",
];

pub(super) fn watched() -> Vec<String> {
    WATCHED.map(str::to_owned).to_vec()
}

impl Kind for Defaults {
    fn name(&self) -> &'static str {
        "preference"
    }

    fn asks(&self) -> Vec<Ask> {
        self.domains
            .iter()
            .map(|domain| Ask::Run {
                argv: ["defaults", "export", domain, "-"]
                    .map(str::to_owned)
                    .to_vec(),
                // A domain that is not there.
                also: vec![1],
            })
            .collect()
    }

    fn read(&self, answers: &[Answer]) -> Result<Table, String> {
        let mut table = Table::new();
        for (domain, answer) in self.domains.iter().zip(answers) {
            let text = answer.as_deref().unwrap_or_default();
            for (key, value) in entries(text).map_err(|why| format!("{domain}: {why}"))? {
                table.insert(format!("{domain} {key}"), value);
            }
        }
        Ok(table)
    }

    fn undo(&self, changes: &[Change]) -> Vec<Undo> {
        changes
            .iter()
            .map(|change| {
                // A domain has no space in its name.
                let (domain, key) = change.item.split_once(' ').unwrap_or_default();
                Undo::Run(vec![match &change.was {
                    None => command(["defaults", "delete", domain, key]),
                    Some(value) => write(domain, key, value),
                }])
            })
            .collect()
    }
}

/// `defaults write` with the kind of the value; what has no option of its own is written as a plist.
fn write(domain: &str, key: &str, value: &str) -> Command {
    let inner = |tag: &str| {
        let text = value
            .strip_prefix(&format!("<{tag}>"))?
            .strip_suffix(&format!("</{tag}>"))?;
        Some(unescape(text))
    };
    let start = ["defaults", "write", domain, key];
    let typed = |option: &str, text: String| {
        command(
            start
                .iter()
                .map(|w| (*w).to_owned())
                .chain([option.to_owned(), text]),
        )
    };
    match value {
        "<true/>" => return typed("-bool", "true".to_owned()),
        "<false/>" => return typed("-bool", "false".to_owned()),
        "<string/>" => return typed("-string", String::new()),
        _ => {}
    }
    for (tag, option) in [
        ("integer", "-int"),
        ("real", "-float"),
        ("string", "-string"),
        ("date", "-date"),
    ] {
        if let Some(text) = inner(tag) {
            return typed(option, text);
        }
    }
    command(
        start
            .iter()
            .map(|w| (*w).to_owned())
            .chain([value.to_owned()]),
    )
}

/// The keys of the outermost dictionary of an XML property list, with their values as written there.
fn entries(plist: &str) -> Result<Vec<(String, String)>, String> {
    let Some((_, body)) = plist.split_once("<dict>") else {
        // Nothing, or an empty one.
        return Ok(Vec::new());
    };
    let mut all = Vec::new();
    let mut rest = body;
    loop {
        rest = rest.trim_start();
        if rest.starts_with("</dict>") {
            return Ok(all);
        }
        let key = rest.strip_prefix("<key>").ok_or("a key is missing")?;
        let (key, after) = key.split_once("</key>").ok_or("a key has no end")?;
        let after = after.trim_start();
        let end = element(after).ok_or("a value has no end")?;
        let (value, after) = after.split_at(end);
        all.push((unescape(key), value.to_owned()));
        rest = after;
    }
}

/// Where the element ends that `text` begins with.
fn element(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    loop {
        let open = at + text.get(at..)?.find('<')?;
        let close = open + text.get(open..)?.find('>')? + 1;
        let tag = text.get(open..close)?;
        if tag.starts_with("</") {
            depth = depth.checked_sub(1)?;
        } else if !tag.ends_with("/>") {
            depth += 1;
        }
        at = close;
        if depth == 0 {
            return Some(at);
        }
    }
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}
