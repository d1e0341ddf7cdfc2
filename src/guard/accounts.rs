//! Accounts, keychains and keys.

use super::Stop;
use super::options::{operands, short, value};
use super::walk::{Walk, quoted};

/// Judges them.
pub(super) fn check(walk: &mut Walk, name: &str, args: &[String]) -> Result<(), Stop> {
    let deny = |rule: &'static str| {
        Err(Stop::deny(
            rule,
            format!("{name} {}", quoted(&args.join(" "))),
        ))
    };
    let words = operands(args);
    let word = |i: usize| words.get(i).map_or("", |w| w.as_str());
    let has = |w: &str| args.iter().any(|a| a == w);
    match name {
        "userdel" | "deluser" | "groupdel" | "useradd" | "adduser" | "usermod" | "passwd"
        | "chpasswd" | "visudo" | "dscl" | "sysadminctl" | "dseditgroup" => {
            let looks = short(args, 'S')
                || has("-c") && name == "visudo"
                || name == "dscl"
                    && args.iter().any(|a| {
                        a.trim_start_matches('-') == "read" || a.trim_start_matches('-') == "list"
                    })
                || name == "dseditgroup" && has("read")
                || name == "sysadminctl"
                    && args.iter().any(|a| a.ends_with("Status") || a == "status");
            if looks {
                Ok(())
            } else {
                deny("account-change")
            }
        }
        "security" => {
            let verb = word(0);
            if verb.starts_with("find-") && (short(args, 'w') || short(args, 'g'))
                || matches!(verb, "dump-keychain" | "export")
            {
                deny("secret-read")
            } else if verb.starts_with("delete-")
                || matches!(
                    verb,
                    "add-trusted-cert"
                        | "remove-trusted-cert"
                        | "set-keychain-password"
                        | "authorizationdb"
                )
            {
                deny("protection-off")
            } else {
                Ok(())
            }
        }
        "gpg" | "gpg2"
            if args
                .iter()
                .any(|a| a.starts_with("--export-secret") || a.starts_with("--delete-secret")) =>
        {
            deny("secret-read")
        }
        "openssl"
            if matches!(word(0), "rsa" | "pkey" | "ec" | "pkcs12" | "pkcs8") && !has("-pubout") =>
        {
            if let Some(file) = value(args, "-in") {
                super::reads::check_read(walk, name, file)?;
            }
            Ok(())
        }
        "openssl" => openssl(walk, args),
        _ => Ok(()),
    }
}

fn openssl(walk: &Walk, args: &[String]) -> Result<(), Stop> {
    let cipher = args
        .first()
        .is_some_and(|a| a == "enc" || a == "base64" || a == "smime" || a == "cms" || a == "dgst");
    if cipher && let Some(file) = value(args, "-in") {
        super::reads::check_read(walk, "openssl", file)?;
    }
    Ok(())
}
