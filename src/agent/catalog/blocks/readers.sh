# Any program that reads or copies a credential; those that only name a path are let through.
hit=$(words "$command" | awk -F '\037' '
    $2 ~ /^(echo|printf|ls|stat|test|[[]|[[][[]|touch|mkdir|chmod|chown|rm|cd|pushd|git|gh|source|[.]|export|find|du|which|basename|dirname|realpath|readlink)$/ { next }
    {
        last = NF
        # The last argument of a copy is where it goes.
        if ($2 ~ /^(cp|mv|install|ln|rsync|scp)$/ && NF > 3) last = NF - 1
        for (i = 3; i <= last; i++) {
            if ($i == "--env-file") { i++; continue }
            if ($i ~ /^--env-file=/) continue
            path = $i
            sub(/^[^=\/]*=/, "", path)
            sub(/^@/, "", path)
            if (path ~ /[.](sample|example|template|pub)$/) continue
            if (path ~ /(^|\/)[.]env([.][A-Za-z0-9_-]+)?$/ || path ~ /[.]ssh\/id_[A-Za-z0-9_-]+$/ || path ~ /[.]aws\/credentials$/ || path ~ /[.]kube\/config$/) { print path; exit }
        }
    }')
[ -z "$hit" ] || deny "$hit holds a credential; ask for what you need from it"
