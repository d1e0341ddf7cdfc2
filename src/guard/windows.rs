//! Windows' own shell, which is within reach of the shells of Windows.

use super::Stop;
use super::walk::quoted;

/// Judges what `cmd /c` is given: it is not parsed, and what deletes without asking stands in it.
pub(super) fn check(name: &str, args: &[String]) -> Result<(), Stop> {
    if name != "cmd" {
        return Ok(());
    }
    let text = args.join(" ").to_lowercase();
    let letters = |c: char| !(c.is_ascii_alphanumeric() || "/.".contains(c));
    let words: Vec<&str> = text.split(letters).filter(|w| !w.is_empty()).collect();
    let has = |all: &[&str]| words.iter().any(|w| all.contains(w));
    let rule = if has(&["rd", "rmdir", "del", "erase"]) && has(&["/s"]) {
        "file-destroy"
    } else if has(&["format", "format.com", "diskpart"]) || has(&["cipher"]) && text.contains("/w")
    {
        "disk-destroy"
    } else {
        return Ok(());
    };
    Err(Stop::deny(
        rule,
        format!("{name} {}", quoted(&args.join(" "))),
    ))
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn trees_and_disks_are_not_removed() {
        for (args, good) in [
            (["/c", "rmdir /s /q C:\\"].as_slice(), false),
            (&["/c", "rd", "/s", "/q", "D:\\projects"], false),
            (&["//c", "del /f /s /q C:\\Users"], false),
            (&["/c", "format", "d:"], false),
            (&["/c", "dir", "/s"], true),
            (&["/c", "npm", "run", "build"], true),
            (&["/c", "del", "out.txt"], true),
        ] {
            let args: Vec<String> = args.iter().map(|a| (*a).to_owned()).collect();
            assert_eq!(check("cmd", &args).is_ok(), good, "{args:?}");
        }
    }
}
