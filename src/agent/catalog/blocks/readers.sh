# Any program that reads or copies a credential; those that only name a path are let through.
found=$(printf '%s\n' "$simple" | awk -F '\037' '
    # From here on, paths begin there.
    $2 == "cd" || $2 == "pushd" { dir = $NF ~ /^[\/~$]/ ? $NF "/" : dir $NF "/"; next }
    { named = 0 }
    $2 ~ /^(echo|printf|ls|stat|test|[[]|[[][[]|touch|mkdir|chmod|chown|rm|tee|git|dotenv|source|[.]|export|du|wc|which|basename|dirname|realpath|readlink|cksum|md5sum|shasum|sha[0-9]+sum|ssh-add)$/ { named = 1 }
    $2 == "git" && /\037--no-index/ { named = 0 }
    $2 == "gh" && $3 != "gist" { named = 1 }
    $2 == "ssh-keygen" && !/\037-[a-zA-Z]*[ype]\037/ { named = 1 }
    $2 == "find" && !/\037-(exec|ok)(dir)?\037/ { named = 1 }
    {
        last = NF
        # The last argument of a copy is where it goes.
        if ($2 ~ /^(cp|mv|install|ln|rsync|scp)$/ && NF > 3 && !/\037(-t|--target-directory)/) last = NF - 1
        # The first argument of a search is what it looks for, of a filter what it does.
        pattern = $2 ~ /^((e|f|z|r)?grep|rg|jq|yq|g?sed|[gm]?awk)$/ && !/\037-[a-zA-Z]*[ef]\037|\037--(regexp|file|expression|from-file)/
        for (i = 3; i <= last; i++) {
            if (named && $(i - 1) != "<") continue
            if ($i ~ /^(>|--env-file|--kubeconfig)$/ || ($i == "-i" && $2 ~ /^(ssh|scp|sftp|rsync)$/)) { i++; continue }
            if ($i ~ /^--(exclude|include|ignore)[a-z-]*$/ || ($i == "-x" && $2 == "zip")) { i++; continue }
            if ($i ~ /^--(env-file|kubeconfig|exclude|include|ignore)[a-z-]*=/) continue
            if (pattern && $i !~ /^-/) { pattern = 0; continue }
            # Programs in another language: what stands between quotes.
            if ($2 ~ /^(python[0-9.]*|perl|ruby|node|php|osascript)$/ && $(i - 1) ~ /^-[a-zA-Z]*[cepr]$/) {
                count = $i ~ /dotenv/ ? 0 : split($i, part, /["\047`]/)
                for (p = 2; p <= count; p++) if (part[p] ~ /^[^ ]*[.][^ ]*$/) print "./" part[p]
                continue
            }
            path = $i
            sub(/^-[a-zA-Z]@/, "", path)
            sub(/^[^=\/]*=/, "", path)
            sub(/^@/, "", path)
            if ($2 ~ /^(docker|podman)$/) sub(/:.*/, "", path)
            if ($2 ~ /^(cp|mv|tar|zip|rsync|scp|docker|podman)$/) {
                if (path ~ /(^|\/)[.]ssh\/?$/) path = path "/id_"
                if (path ~ /(^|\/)[.]aws\/?$/) path = path "/credentials"
            }
            gsub(/\/([.]?\/)+/, "/", path)
            if (path !~ /^[\/~$]/) path = dir path
            if (path ~ /[.]/) print "./" path
        }
    }')
hit=
set -f
IFS='
'
for path in $found; do
    # A pattern that a credential fits.
    case $path in
        *.pub) ;;
        */.ssh/i*[*?[]* | */.ssh/[*?[]*) path=${path%/*}/id_ ;;
        */.aws/c*[*?[]* | */.aws/[*?[]*) path=${path%/*}/credentials ;;
        */.[*?[]* | */.e*[*?[]*) case .env in ${path##*/}) path=${path%/*}/.env ;; esac ;;
    esac
    if sensitive "$path"; then
        hit=${path#./}
        break
    fi
done
unset IFS
set +f
case $hit in
    '') ;;
    *.env*) deny "$hit holds settings with secrets; ask for what you need from it" ;;
    *.ssh/*) deny "$hit is a private key; use it through ssh" ;;
    *) deny "$hit holds a credential; ask for what you need from it" ;;
esac
