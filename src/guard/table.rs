//! Programs whose danger is in their subcommand: data, one line each.

use super::Stop;
use super::options::{operands, without_values};
use super::walk::quoted;

/// Programs, the words that follow them, flags of which one must be there (none: always), and the rule.
struct Line {
    programs: &'static [&'static str],
    words: &'static [&'static str],
    flags: &'static [&'static str],
    rule: &'static str,
}

macro_rules! lines {
    ($($rule:literal: $([$($program:literal),+] $words:literal $([$($flag:literal),+])?;)+)+) => {
        &[$($(Line { programs: &[$($program),+], words: &[$words], flags: &[$($($flag),+)?], rule: $rule },)+)+]
    };
}

/// The second column holds alternatives divided by `|`, each a run of words in order.
const LINES: &[Line] = lines! {
    "registry-publish":
        ["npm", "pnpm", "bun"] "publish|unpublish|deprecate|owner add|owner rm|access|dist-tag add|dist-tag rm|token create|token revoke|stage";
        ["yarn"] "publish|npm publish|npm tag add|unpublish|owner add|owner remove";
        ["flutter"] "pub publish";
        ["cargo"] "publish|yank|owner|login|release";
        ["uv", "poetry", "hatch", "flit", "pdm", "rye", "maturin", "jsr", "deno", "vsce", "ovsx", "wasm-pack", "wapm", "dart", "pub", "flutter pub", "sbt", "lein", "conan", "luarocks", "raco", "esy"] "publish|upload|deploy|pub publish|push";
        ["twine"] "upload|register";
        ["python-m"] "twine upload|flit publish|poetry publish|hatch publish|build upload";
        ["gem"] "push|yank|owner";
        ["mvn", "mvnw"] "deploy|release:perform|deploy:deploy|deploy:deploy-file|nexus-staging:release|clean deploy|package deploy|install deploy";
        ["gradle", "gradlew"] "publish|publishplugins|uploadarchives|publishtomavencentral|publish*|closeandreleaserepository";
        ["docker", "podman", "nerdctl", "buildah", "crane", "skopeo", "oras"] "push|image push|manifest push|compose push";
        ["docker-compose"] "push";
        ["ko"] "build|publish|apply|resolve";
        ["mvn", "mvnw"] "jib:build|compile jib:build";
        ["gradle", "gradlew"] "jib";
        ["stack", "cabal"] "upload";
        ["skopeo", "crane"] "copy|delete";
        ["helm"] "push|cm-push|registry login";
        ["dotnet"] "nuget push|nuget delete";
        ["nuget"] "push|delete";
        ["pod"] "trunk push|trunk delete|trunk deprecate";
        ["mix"] "hex.publish|hex.retire";
        ["goreleaser"] "release";
        ["brew"] "bump-formula-pr|bump-cask-pr|bump";
        ["gh", "glab"] "release create|release upload|release edit";
        ["electron-builder", "expo", "eas", "fastlane"] "publish|submit|release|deliver|pilot|upload_to_app_store";
        ["altool", "notarytool", "transporter", "itmstransporter"] "submit|--upload-app|--upload-package|--upload-hosted-content";
        ["gcloud", "firebase", "vercel", "netlify"] "app deploy|deploy --prod|functions deploy";
        ["lerna", "changeset", "nx"] "publish|release publish";
        ["semantic-release", "release-it", "np"] "";
        ["cpan-upload"] "";
        ["ansible-galaxy"] "collection publish|role import|role delete";
        ["snapcraft"] "upload|push|release";
        ["terraform", "tofu"] "login|logout";
    "forge-destroy":
        ["gh", "glab", "tea", "hub"] "repo delete|repo archive|repo rename|repo edit|repo unarchive|repo transfer|repo deploy-key add|repo deploy-key delete|secret set|secret delete|secret remove|variable set|variable delete|release delete|release delete-asset|issue delete|issue transfer|auth logout|auth token|auth refresh|auth setup-git|gist delete|label delete|cache delete|run delete|workflow disable|ssh-key add|ssh-key delete|gpg-key add|gpg-key delete|codespace delete|project delete|ruleset delete|org delete|variable remove|extension install|delete|mr delete|ci delete|token revoke|token create|token rotate|deploy-key delete|deploy-key add";
        ["gh"] "pr merge" ["--admin"];
        ["gh"] "repo sync" ["--force"];
    "infra-destroy":
        ["terraform", "tofu", "terragrunt"] "destroy|state rm|state push|workspace delete|force-unlock|taint|run-all destroy|apply-all|destroy-all";
        ["terraform", "tofu", "terragrunt"] "apply|run-all apply" ["-auto-approve", "--auto-approve", "-destroy", "--destroy", "-auto-approve=true", "--terragrunt-non-interactive"];
        ["pulumi"] "destroy|stack rm|state delete|cancel";
        ["cdk", "cdktf", "sst", "serverless", "sls", "amplify", "copilot"] "destroy|remove|delete|app delete|env delete|svc delete";
        ["kubectl", "oc"] "delete|drain|replace --force|taint|cordon";
        ["kubectl", "oc"] "replace|scale" ["--force", "--replicas=0"];
        ["helm"] "uninstall|delete|rollback";
        ["k3d", "kind", "minikube", "eksctl"] "delete|cluster delete|delete cluster|delete nodegroup";
        ["docker", "podman", "nerdctl"] "system prune|volume rm|volume prune|container prune|network prune|swarm leave|stack rm|service rm|secret rm";
        ["docker", "podman", "nerdctl"] "image prune" ["-a", "--all", "-af", "-fa", "--all=true"];
        ["podman"] "system reset|machine rm";
        ["colima", "limactl", "lima", "orb", "orbctl"] "delete|factory-reset|reset";
        ["docker", "podman", "nerdctl", "docker-compose"] "compose down|compose rm|down" ["-v", "--volumes", "--rmi"];
        ["argocd"] "app delete|cluster rm|proj delete|repo rm";
        ["flux"] "uninstall|delete";
        ["vagrant"] "destroy";
        ["heroku"] "apps:destroy|destroy|pg:reset|addons:destroy|pg:copy|apps:delete";
        ["fly", "flyctl"] "apps destroy|destroy|machine destroy|volumes destroy|volumes delete|postgres detach";
        ["vercel", "netlify", "railway", "render", "wrangler", "firebase", "supabase", "surge", "now"] "remove|rm|delete|projects rm|sites:delete|project delete|firestore:delete|projects:delete|db reset|down|teardown|kv namespace delete|d1 delete|r2 bucket delete|env rm|domains rm|hosting:disable|functions:delete|database:remove|projects remove";
        ["railway"] "volume delete|environment delete|service delete";
        ["velero"] "backup delete|restore delete|schedule delete|uninstall";
        ["kubectl", "oc"] "create clusterrolebinding|create rolebinding" ["--clusterrole=cluster-admin", "--clusterrole=admin", "--clusterrole=edit"];
        ["nomad"] "job stop|system gc|namespace delete|volume delete";
        ["consul"] "kv delete|leave";
        ["vault"] "delete|kv delete|kv destroy|kv metadata delete|secrets disable|auth disable|lease revoke|token revoke|operator seal|policy delete|audit disable";
        ["etcdctl"] "del|member remove";
        ["virsh"] "destroy|undefine|vol-delete|pool-delete|snapshot-delete";
        ["vboxmanage"] "unregistervm|closemedium";
        ["lxc", "incus"] "delete|storage delete";
        ["multipass"] "purge|delete";
        ["proxmox", "qm", "pct"] "destroy";
        ["rclone"] "purge|delete|sync|deletefile|rmdirs|cleanup";
        ["fly", "flyctl"] "secrets unset";
        ["influx"] "delete|bucket delete";
        ["restic", "borg", "kopia", "duplicity"] "forget|prune|delete|snapshot delete|remove-all-but-n-full|remove-older-than|key remove|unlock";
        ["mc"] "rb|rm" ["--recursive", "--force", "-r"];
        ["dpkg"] "-P|--purge|--force-all|--force-remove-essential";
        ["ansible-vault"] "decrypt|view|edit";
        ["pacman", "yay", "paru"] "-Rdd|-Rddn|-Rddns|-Rddnsc|-Rnsdd|-Rcdd|-Rddc";
        ["rpm"] "-e|--erase" ["--nodeps"];
        ["apt", "apt-get", "dnf", "yum", "zypper"] "purge|autoremove|autopurge";
    "git-destroy":
        ["hg"] "update|checkout|up" ["--clean", "-C"];
        ["hg"] "strip|rollback|purge";
        ["bfg"] "";
        ["svn"] "revert" ["-R", "--recursive"];
        ["svn"] "cleanup" ["--remove-unversioned", "--remove-ignored"];
        ["jj"] "abandon|op restore";
    "database-destroy":
        ["dropdb", "dropuser", "pg_dropcluster"] "";
        ["mysqladmin"] "drop|shutdown|flush-hosts";
        ["rails", "rake"] "db:drop|db:reset|db:purge|db:migrate:reset|db:schema:load";
        ["prisma"] "migrate reset|db push" ["--force", "-f", "--force-reset", "--accept-data-loss"];
        ["artisan"] "migrate:fresh|migrate:reset|migrate:refresh|db:wipe";
        ["manage.py", "django-admin"] "flush|reset_db|sqlflush|migrate zero";
        ["sequelize", "sequelize-cli", "typeorm"] "db:drop|schema:drop|db:migrate:undo:all";
        ["knex"] "migrate:rollback" ["--all"];
        ["flyway"] "clean";
        ["liquibase"] "dropall|drop-all";
        ["mix"] "ecto.drop|ecto.reset";
        ["console", "doctrine"] "doctrine:schema:drop|doctrine:database:drop|orm:schema-tool:drop";
        ["hasura"] "metadata clear";
        ["drizzle-kit"] "drop";
        ["alembic"] "downgrade base";
        ["dotnet"] "ef database drop";
        ["dotnet-ef"] "database drop";
        ["mongorestore"] "" ["--drop"];
        ["pg_restore"] "" ["--clean", "-c"];
    "protection-off":
        ["pre-commit", "lefthook", "husky"] "uninstall";
        ["netsh"] "advfirewall set|advfirewall reset|firewall set|firewall delete";
        ["claude"] "" ["--dangerously-skip-permissions", "--allow-dangerously-skip-permissions", "bypassPermissions", "--permission-mode=bypassPermissions"];
        ["claude"] "mcp add|mcp add-json|mcp add-from-claude-desktop|mcp remove|config set|config add|plugin install|plugin marketplace add";
        ["codex"] "" ["--yolo", "--dangerously-bypass-approvals-and-sandbox"];
        ["gemini", "qwen"] "" ["--yolo", "-y", "--approval-mode=yolo", "yolo"];
        ["setcap", "insmod"] "";
        ["log"] "erase";
    "secret-read":
        ["aws"] "ssm get-parameter|ssm get-parameters|ssm get-parameters-by-path" ["--with-decryption"];
        ["op"] "read|item get|document get|inject|export";
        ["pass", "gopass"] "show|ls -c|git|cat|export";
        ["bw"] "get|export|list|unlock";
        ["lpass"] "show|export";
        ["vault"] "read|kv get|print token|token lookup";
        ["doppler"] "secrets get|secrets download|run --print";
        ["secret-tool"] "lookup|search";
        ["kwallet-query"] "";
        ["aws"] "configure get|configure export-credentials|sso get-role-credentials|sts get-session-token|ecr get-login-password|secretsmanager get-secret-value";
        ["heroku"] "config|config:get|auth:token";
        ["convex"] "env list|env get";
        ["netlify"] "env:list|env:get";
        ["vercel"] "env pull";
        ["eb"] "printenv";
        ["pulumi"] "config|config get|stack output|stack export" ["--show-secrets"];
        ["glab"] "auth status|config get" ["--show-token", "-t", "token"];
        ["kubectl", "oc"] "config view" ["--raw", "--raw=true"];
        ["chamber"] "read|export";
        ["sops"] "-d|--decrypt|decrypt";
        ["security"] "dump-keychain|export";
        ["unshadow", "mimikatz", "lazagne"] "";
        ["gh"] "auth token|auth status" ["--show-token", "-t"];
};

/// Flags with which such a program changes nothing.
const HARMLESS: &[&str] = &[
    "--dry-run",
    "--dryrun",
    "-n=",
    "--dry-run=client",
    "--dry-run=server",
    "-dry-run",
    "--help",
    "--check",
    "--list",
    "--snapshot",
];

/// Whether such a program changes nothing with these arguments.
pub(super) fn is_harmless(args: &[String]) -> bool {
    args.iter().any(|a| HARMLESS.contains(&a.as_str())) || args.first().is_some_and(|a| a == "help")
}

/// Whether these programs only say what they would do, or how they are called.
fn only_says(name: &str, args: &[String]) -> bool {
    match name {
        "apt" | "apt-get" => args.iter().enumerate().any(|(at, arg)| {
            let value = at > 0 && matches!(args[at - 1].as_str(), "-o" | "-t" | "-c" | "-a");
            let flags = arg.strip_prefix('-').unwrap_or_default();
            let short = flags.contains('s') && flags.chars().all(|c| "qysVu".contains(c));
            let long = ["--simulate", "--just-print", "--no-act", "--recon"];
            !value && (short || long.contains(&arg.as_str()))
        }),
        "terraform" | "tofu" | "packer" | "vault" | "consul" | "nomad" => {
            matches!(args, [.., before, last] if last == "-help" && !before.starts_with('-'))
        }
        _ => false,
    }
}

/// Judges a program by its subcommand.
pub(super) fn check(name: &str, args: &[String]) -> Result<(), Stop> {
    if is_harmless(args) || only_says(name, args) {
        return Ok(());
    }
    let named = match name {
        "npm" | "pnpm" | "yarn" | "bun" => without_values(args, super::wrappers::PACKAGES),
        _ => operands(args),
    };
    let words: Vec<String> = named.iter().map(|w| w.to_lowercase()).collect();
    let options: Vec<String> = args
        .iter()
        .filter(|a| a.starts_with('-'))
        .cloned()
        .collect();
    for line in LINES.iter().filter(|l| l.programs.contains(&name)) {
        let alternatives = line.words.iter().flat_map(|w| w.split('|'));
        let named = alternatives.into_iter().any(|alternative| {
            let wanted: Vec<&str> = alternative.split(' ').filter(|w| !w.is_empty()).collect();
            if let [only] = wanted[..]
                && only.starts_with('-')
            {
                return options.iter().any(|o| o == only);
            }
            starts_with(name, &words, &wanted)
        });
        let flagged =
            line.flags.is_empty() || line.flags.iter().any(|f| args.iter().any(|a| a == f));
        if named && flagged {
            return Err(Stop::deny(
                line.rule,
                format!("{name} {}", quoted(&args.join(" "))),
            ));
        }
    }
    Ok(())
}

/// Whether the wanted words come first, each at its place or behind values of options before it.
pub(super) fn starts_with(name: &str, words: &[String], wanted: &[&str]) -> bool {
    // Build tools take several goals, and name projects before them.
    if matches!(
        name,
        "mvn" | "mvnw" | "gradle" | "gradlew" | "rails" | "rake" | "mysqladmin"
    ) {
        return wanted.iter().all(|w| {
            words
                .iter()
                .any(|have| have == w || have.ends_with(&format!(":{w}")) || begins(have, w))
        });
    }
    let Some((first, rest)) = wanted.split_first() else {
        return true;
    };
    let Some(at) = words.iter().take(3).position(|w| w == first) else {
        return false;
    };
    // Before the subcommand there may be an option's value, but no other subcommand.
    let straight = at == 0
        || words[..at]
            .iter()
            .all(|w| w.contains(['/', '.', '=', ':']) || w.len() < 3);
    let kube = matches!(name, "kubectl" | "oc" | "helm") && at <= 1;
    (straight || kube)
        && rest
            .iter()
            .enumerate()
            .all(|(i, w)| words.get(at + 1 + i).is_some_and(|have| have == w))
}

/// Whether a task has a name that begins so (`publish*`) and is not one for this machine alone.
fn begins(have: &str, wanted: &str) -> bool {
    let task = have.rsplit(':').next().unwrap_or(have);
    wanted
        .strip_suffix('*')
        .is_some_and(|front| task.starts_with(front) && !task.contains("local"))
}

/// Whether a program is one of those in the table.
pub(super) fn is_known(name: &str) -> bool {
    LINES.iter().any(|l| l.programs.contains(&name))
}
