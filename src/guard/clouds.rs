//! Containers, clouds and forges, beyond what their subcommand says.

use super::Stop;
use super::marks::has_hole;
use super::options::{long, operands, short, value};
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
    match name {
        "docker" | "podman" | "nerdctl" => container(walk, name, args),
        "aws" | "gcloud" | "az" | "doctl" | "gsutil" | "linode-cli" | "hcloud" | "oci" | "scw"
        | "ibmcloud" => cloud(name, args),
        "gh" | "glab" if word(0) == "api" => {
            let method = value(args, "-X")
                .or_else(|| value(args, "--method"))
                .unwrap_or_default()
                .to_uppercase();
            let graphql = args
                .iter()
                .any(|a| a.contains("mutation") && (a.contains("delete") || a.contains("Delete")));
            if method == "DELETE"
                || has_hole(&method)
                || graphql
                || word(1).ends_with("/merge") && method == "PUT"
            {
                return deny("forge-destroy");
            }
            Ok(())
        }
        "curl" | "http" | "xh" | "wget" => {
            let method = value(args, "-X")
                .or_else(|| value(args, "--request"))
                .or_else(|| value(args, "--method"))
                .unwrap_or_default();
            let deletes = method.eq_ignore_ascii_case("delete")
                || args.first().is_some_and(|a| a == "DELETE");
            let forge = args
                .iter()
                .any(|a| a.contains("api.github.com") || a.contains("/api/v4/"));
            if deletes && forge {
                deny("forge-destroy")
            } else {
                Ok(())
            }
        }
        "kubectl" | "oc"
            if word(0) == "get"
                && words.iter().any(|w| w.starts_with("secret"))
                && (short(args, 'o') || long(args, "output", 3)) =>
        {
            deny("secret-read")
        }
        _ => Ok(()),
    }
}

fn container(walk: &Walk, name: &str, args: &[String]) -> Result<(), Stop> {
    let deny = |rule| {
        Err(Stop::deny(
            rule,
            format!("{name} {}", quoted(&args.join(" "))),
        ))
    };
    let starts = args.iter().any(|a| a == "run" || a == "create");
    if starts
        && args
            .iter()
            .any(|a| a == "--privileged" || a.starts_with("--pid=host"))
    {
        return deny("container-escape");
    }
    let mounts = args
        .windows(2)
        .filter(|p| matches!(p[0].as_str(), "-v" | "--volume" | "--mount"))
        .map(|p| p[1].as_str());
    let glued = args.iter().filter_map(|a| {
        a.strip_prefix("--volume=")
            .or_else(|| a.strip_prefix("--mount="))
    });
    for mount in mounts.chain(glued).filter(|_| starts) {
        let source = mount
            .split(',')
            .find_map(|p| p.strip_prefix("source=").or_else(|| p.strip_prefix("src=")));
        let source = source.unwrap_or_else(|| mount.split(':').next().unwrap_or_default());
        let place = super::paths::Place::of(source, &walk.scope.cwd);
        let read_only = mount.ends_with(":ro");
        if source.starts_with('/') && (place.parts.is_empty() || place.is_system() && !read_only) {
            return deny("container-escape");
        }
    }
    Ok(())
}

fn cloud(name: &str, args: &[String]) -> Result<(), Stop> {
    let deny = |rule| {
        Err(Stop::deny(
            rule,
            format!("{name} {}", quoted(&args.join(" "))),
        ))
    };
    let words = operands(args);
    if args
        .iter()
        .any(|a| a == "--dryrun" || a == "--dry-run" || a == "help")
    {
        return Ok(());
    }
    let verb = |w: &str| {
        matches!(
            w,
            "delete" | "destroy" | "rb" | "purge" | "terminate" | "deprovision"
        ) || [
            "delete-",
            "terminate-",
            "remove-",
            "deregister-",
            "purge-",
            "destroy-",
            "detach-",
            "disable-",
            "schedule-key-deletion",
        ]
        .iter()
        .any(|p| w.starts_with(p))
    };
    let first: Vec<&str> = words.iter().take(5).map(|w| w.as_str()).collect();
    if first.iter().any(|w| verb(w)) {
        return deny("infra-destroy");
    }
    let removes = first.iter().any(|w| *w == "rm" || *w == "sync");
    if removes
        && args
            .iter()
            .any(|a| matches!(a.as_str(), "--recursive" | "-r" | "--delete" | "-R" | "-d"))
    {
        return deny("infra-destroy");
    }
    let tokens = [
        "print-access-token",
        "print-identity-token",
        "get-access-token",
        "get-secret-value",
        "get-session-token",
        "assume-role",
        "get-parameters",
        "get-authorization-token",
    ];
    let shows = first.iter().any(|w| tokens.contains(w))
        || name == "gcloud" && first.starts_with(&["secrets", "versions", "access"])
        || name == "az" && first.starts_with(&["keyvault", "secret", "show"]);
    if shows {
        return deny("secret-read");
    }
    Ok(())
}
