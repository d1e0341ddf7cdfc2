//! Accounts, keychains and keys.

use super::Stop;
use super::call::Call;
use super::reads;
use super::walk::Walk;

/// Judges them.
pub(super) fn check(walk: &Walk, call: &Call<'_>) -> Result<(), Stop> {
    match call.name {
        "userdel" | "deluser" | "groupdel" | "useradd" | "adduser" | "usermod" | "gpasswd"
        | "passwd" | "chpasswd" | "visudo" | "dscl" | "sysadminctl" | "dseditgroup" | "chsh"
        | "vipw" | "newusers" | "groupmod" | "dsenableroot" | "pwpolicy" => {
            call.deny_if(!looks(call), "account-change")
        }
        "getent" => {
            let secret = matches!(call.word(0), "shadow" | "gshadow");
            call.deny_if(secret, "secret-read")
        }
        "security" => keychain(call),
        "gpg" | "gpg2" => {
            let secret =
                |a: &str| a.starts_with("--export-secret") || a.starts_with("--delete-secret");
            call.deny_if(call.any(secret), "secret-read")
        }
        "openssl" => {
            let shows = matches!(
                call.word(0),
                "rsa"
                    | "pkey"
                    | "ec"
                    | "pkcs12"
                    | "pkcs8"
                    | "enc"
                    | "base64"
                    | "smime"
                    | "cms"
                    | "dgst"
            );
            let public = call.has(&["-pubout"]) && matches!(call.word(0), "rsa" | "pkey" | "ec");
            match call.value("-in") {
                Some(file) if shows && !public => reads::check_read(walk, call.name, file),
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

fn looks(call: &Call<'_>) -> bool {
    let plain = |a: &str| matches!(a.trim_start_matches('-'), "read" | "list" | "search");
    match call.name {
        "passwd" => call.short('S') || call.has(&["--status"]),
        "visudo" => call.has(&["-c", "--check"]) || call.has(&["-cf"]),
        "dscl" | "dseditgroup" => call.any(plain),
        "sysadminctl" => call.any(|a| a.ends_with("Status") || a == "status"),
        "pwpolicy" => call.any(|a| a.starts_with("-get") || a.starts_with("get")),
        _ => false,
    }
}

fn keychain(call: &Call<'_>) -> Result<(), Stop> {
    let verb = call.word(0);
    let shows = verb.starts_with("find-") && (call.short('w') || call.short('g'))
        || matches!(verb, "dump-keychain" | "export");
    if shows {
        return call.deny("secret-read");
    }
    let changes = verb.starts_with("delete-")
        || matches!(
            verb,
            "add-trusted-cert"
                | "remove-trusted-cert"
                | "set-keychain-password"
                | "set-key-partition-list"
                | "authorizationdb"
        );
    call.deny_if(changes, "protection-off")
}
