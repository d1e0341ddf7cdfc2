# A forced push wherever the flag stands, and a forced refspec (+branch).
case $simple in *git*push*)
    printf '%s\n' "$simple" | awk -F '\037' '
    $2 == "git" {
        push = 0
        for (i = 3; i <= NF; i++) {
            if ($i == "push" && !push) { push = 1; continue }
            if (push && ($i == "--force" || $i == "--mirror" || $i ~ /^-[a-zA-Z]*f[a-zA-Z]*$/ || $i ~ /^[+][^ ]/)) found = 1
        }
    }
    END { exit !found }' && deny "it overwrites the commits of others; use --force-with-lease" ;;
esac
