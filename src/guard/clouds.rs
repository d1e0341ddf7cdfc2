//! Containers, clouds and forges, beyond what their subcommand says.

use super::Stop;
use super::call::Call;
use super::marks::has_hole;
use super::options::long;
use super::walk::Walk;

/// Judges them.
pub(super) fn check(walk: &Walk, call: &Call<'_>) -> Result<(), Stop> {
    match call.name {
        "docker" | "podman" | "nerdctl" | "docker-compose" => container(walk, call),
        "aws" | "gcloud" | "az" | "doctl" | "gsutil" | "linode-cli" | "hcloud" | "oci" | "scw"
        | "ibmcloud" | "vultr-cli" | "exo" => cloud(call),
        "gh" | "glab" if call.word(0) == "api" => forge(call),
        "gh" if matches!((call.word(0), call.word(1)), ("gist", "create" | "edit")) => call
            .words
            .iter()
            .skip(2)
            .try_for_each(|file| super::reads::check_read(walk, "gh gist", file)),
        "curl" | "http" | "https" | "xh" | "wget" => request(call),
        "npm" | "pnpm" | "yarn" if call.words.contains(&"get") => {
            let secret = ["_auth", "_password"];
            let named = |word: &&str| secret.iter().any(|s| word.to_lowercase().contains(s));
            call.deny_if(call.words.iter().any(named), "secret-read")
        }
        "terraform" | "tofu" | "terragrunt" if call.word(0) == "output" => {
            call.deny_if(is_secret_output(call.word(1)), "secret-read")
        }
        "kubectl" | "oc" => {
            let secrets = |w: &&str| {
                let kind = w.to_lowercase();
                kind.starts_with("secret") || kind.contains(",secret")
            };
            let shows = matches!(call.word(0), "get" | "describe")
                && call.words.iter().any(secrets)
                && (call.short('o')
                    || long(call.args, "output", 3)
                    || long(call.args, "template", 3))
                && (outputs(call.args).count() == 0 || !outputs(call.args).all(shows_no_data));
            call.deny_if(shows, "secret-read")
        }
        _ => Ok(()),
    }
}

/// Whether a format of kubectl's leaves the data of secrets away.
fn shows_no_data(format: &str) -> bool {
    let known = [
        ".metadata.name",
        ".metadata.namespace",
        ".metadata.creationTimestamp",
        ".metadata.labels",
        ".type",
    ];
    let column = |column: &str| {
        column
            .split_once(':')
            .is_some_and(|(_, path)| known.contains(&path))
    };
    matches!(format, "name" | "wide")
        || format
            .strip_prefix("custom-columns=")
            .is_some_and(|all| all.split(',').all(column))
}

/// Whether an output's name says that it is a secret, and not where one is.
fn is_secret_output(name: &str) -> bool {
    let name = name.to_lowercase();
    let words: Vec<&str> = name.split(['_', '-']).collect();
    let secret = [
        "password",
        "passwords",
        "passwd",
        "secret",
        "secrets",
        "token",
        "tokens",
        "credential",
        "credentials",
    ];
    let place = [
        "uri", "url", "endpoint", "name", "id", "arn", "path", "version",
    ];
    let key = |pair: &[&str]| {
        pair[1] == "key" && ["private", "access", "secret", "api"].contains(&pair[0])
    };
    !words.last().is_some_and(|last| place.contains(last))
        && (words.iter().any(|word| secret.contains(word)) || words.windows(2).any(key))
}

/// Every format that kubectl is asked for; the last one counts.
fn outputs(args: &[String]) -> impl Iterator<Item = &str> {
    args.iter()
        .enumerate()
        .filter_map(|(at, arg)| match arg.as_str() {
            "-o" | "--output" => Some(args.get(at + 1).map_or("", String::as_str)),
            _ => arg
                .strip_prefix("--output=")
                .or_else(|| arg.strip_prefix("-o").map(|f| f.trim_start_matches('='))),
        })
}

/// Settings of a repository that decide who may do what.
const FORGE_SETTINGS: &[&str] = &[
    "protection",
    "collaborators",
    "/hooks",
    "/keys",
    "/secrets",
    "/permissions",
    "/rulesets",
    "/transfer",
    "/environments",
    "/invitations",
    "/memberships",
];

fn forge(call: &Call<'_>) -> Result<(), Stop> {
    let method = call
        .value("-X")
        .or_else(|| call.value("--method"))
        .unwrap_or_default()
        .to_uppercase();
    let path = call.word(1).trim_matches('/');
    let sets = call.any(|a| FORGE_SETTINGS.iter().any(|s| a.contains(s)));
    let changes = matches!(method.as_str(), "PUT" | "PATCH" | "POST");
    let repository = path.starts_with("repos/") && path.split('/').count() == 3;
    let mutates = |a: &str| {
        let a = a.to_lowercase();
        a.contains("mutation")
            && ["delete", "remove", "archive", "transfer", "update"]
                .iter()
                .any(|w| a.contains(w))
    };
    let refused = method == "DELETE"
        || has_hole(&method)
        || changes && (sets || repository || call.any(|a| a == "force=true"))
        || call.any(mutates)
        || path.ends_with("/merge") && method == "PUT";
    call.deny_if(refused, "forge-destroy")
}

/// Hosts whose HTTP interface is somebody's infrastructure.
const APIS: &[&str] = &[
    "api.cloudflare.com",
    "api.digitalocean.com",
    "api.heroku.com",
    "api.vercel.com",
    "api.netlify.com",
    "googleapis.com",
    "management.azure.com",
    "api.linode.com",
    "api.hetzner.cloud",
    "api.fly.io",
    "api.stripe.com",
    ":9200",
    ":8500/v1/kv",
    ":2375",
    ":2379",
    ":6443",
    "docker.sock",
];

fn request(call: &Call<'_>) -> Result<(), Stop> {
    let method = ["-X", "--request", "--method"]
        .iter()
        .find_map(|o| call.value(o))
        .unwrap_or_default();
    let deletes =
        method.eq_ignore_ascii_case("delete") || call.args.first().is_some_and(|a| a == "DELETE");
    let at = |hosts: &[&str]| call.any(|a| hosts.iter().any(|h| a.contains(h)));
    if deletes && at(&["api.github.com", "/api/v4/"]) {
        return call.deny("forge-destroy");
    }
    let mutates = |a: &str| {
        let a = a.to_lowercase();
        a.contains("mutation")
            && ["delete", "remove", "destroy"]
                .iter()
                .any(|w| a.contains(w))
    };
    if call.any(mutates) {
        return call.deny("infra-destroy");
    }
    let data = ["-d", "--data", "--data-binary", "--json", "--data-raw"];
    let sends = method.eq_ignore_ascii_case("post") || data.iter().any(|o| call.value(o).is_some());
    if sends && at(&["docker.sock", ":2375"]) {
        return call.deny("container-escape");
    }
    let everything = call.any(|a| a.ends_with("/_all") || a.ends_with("/*"));
    call.deny_if(deletes && (at(APIS) || everything), "infra-destroy")
}

fn container(walk: &Walk, call: &Call<'_>) -> Result<(), Stop> {
    let args = call.args;
    let removes = call.words.contains(&"rm") || call.words.contains(&"rmi");
    if removes && call.any(has_hole) {
        return call.deny("infra-destroy");
    }
    if call.word(0) == "inspect" && call.any(|a| a.contains("Config.Env")) {
        return call.deny("secret-read");
    }
    let publishes = |a: &str| {
        a == "--push"
            || a == "--push=true"
            || ["type=registry", "push=true"].iter().any(|w| a.contains(w))
    };
    let builds = call
        .words
        .iter()
        .take(3)
        .any(|w| matches!(*w, "build" | "bake" | "buildx"));
    if builds && call.any(publishes) {
        return call.deny("registry-publish");
    }
    let starts = args.iter().any(|a| a == "run" || a == "create");
    let host = [
        "--pid=host",
        "--privileged",
        "--userns=host",
        "--cap-add=ALL",
        "--cap-add=SYS_ADMIN",
    ];
    let two = |a: &str, b: &str| args.windows(2).any(|p| p[0] == a && p[1] == b);
    if starts
        && (call.has(&host)
            || two("--pid", "host")
            || two("--cap-add", "SYS_ADMIN")
            || two("--cap-add", "ALL"))
    {
        return call.deny("container-escape");
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
        let homes = ["home", "root", "users"];
        let whole = matches!(place.base, super::paths::Base::Home) && place.parts.is_empty()
            || source.starts_with('/')
                && matches!(place.parts.as_slice(), [only] if homes.contains(&only.to_lowercase().as_str()));
        if whole {
            return call.deny("container-escape");
        }
        if source.starts_with('/') && (place.parts.is_empty() || place.is_system() && !read_only) {
            return call.deny("container-escape");
        }
        super::reads::check_read(walk, call.name, source)?;
    }
    Ok(())
}

/// Beginnings of verbs that remove.
const REMOVES: &[&str] = &[
    "delete-",
    "terminate-",
    "remove-",
    "deregister-",
    "purge-",
    "destroy-",
    "detach-",
    "disable-",
    "schedule-key-deletion",
    "revoke-",
    "stop-logging",
    "stop-configuration-recorder",
];

/// Verbs that hand out rights.
const GRANTS: &[&str] = &[
    "create-access-key",
    "create-login-profile",
    "update-login-profile",
    "attach-user-policy",
    "attach-role-policy",
    "attach-group-policy",
    "put-user-policy",
    "put-role-policy",
    "add-user-to-group",
    "update-assume-role-policy",
    "create-user",
    "add-iam-policy-binding",
    "set-iam-policy",
    "put-bucket-policy",
    "put-bucket-acl",
    "authorize-security-group-ingress",
];

/// Verbs that show a secret.
const SHOWS: &[&str] = &[
    "print-access-token",
    "print-identity-token",
    "get-access-token",
    "get-secret-value",
    "get-session-token",
    "assume-role",
    "get-parameters",
    "get-authorization-token",
];

fn cloud(call: &Call<'_>) -> Result<(), Stop> {
    if call.has(&["--dryrun", "--dry-run", "help", "--help"]) {
        return Ok(());
    }
    let verb = |w: &str| {
        let whole = [
            "delete",
            "destroy",
            "rb",
            "purge",
            "terminate",
            "deprovision",
        ];
        whole.contains(&w) || REMOVES.iter().any(|p| w.starts_with(p))
    };
    let first: Vec<&str> = call.words.iter().take(5).copied().collect();
    let removes = first
        .iter()
        .any(|w| *w == "rm" || *w == "sync" || *w == "rsync");
    let recursive = call.has(&[
        "--recursive",
        "-r",
        "--delete",
        "-R",
        "-d",
        "--delete-unmatched-destination-objects",
    ]);
    if first.iter().any(|w| verb(w)) || removes && recursive {
        return call.deny("infra-destroy");
    }
    if first.iter().any(|w| GRANTS.contains(w)) {
        return call.deny("account-change");
    }
    let shows = first.iter().any(|w| SHOWS.contains(w))
        || call.name == "gcloud" && first.starts_with(&["secrets", "versions", "access"])
        || call.name == "az" && first.starts_with(&["keyvault", "secret", "show"]);
    call.deny_if(shows, "secret-read")
}
