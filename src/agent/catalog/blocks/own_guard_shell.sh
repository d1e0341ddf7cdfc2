# Nor by a command that writes, moves or removes them.
hit=$(words "$command" | awk -F '\037' '
    function guard(path) {
        if (index(path, ENVIRON["HOME"] "/") == 1) path = "~" substr(path, length(ENVIRON["HOME"]) + 1)
        sub(/^[$](HOME|[{]HOME[^}]*[}])/, "~", path)
        sub(/^of=/, "", path)
        gsub(/\/([.]?\/)+/, "/", path)
        return path ~ /^~\/[.]claude(\/?|\/[*]|\/settings[^\/]*[.]json|\/hooks(\/.*)?)$/
    }
    {
        writes = $2 ~ /^(rm|mv|tee|chmod|chown|truncate|unlink|shred|dd|ln)$/
        if ($2 ~ /^(sed|perl)$/ && /\037(-[a-zA-Z]*i|--in-place)/) writes = 1
        for (i = 3; i <= NF; i++) {
            copied = i == NF && $2 ~ /^(cp|install|rsync)$/
            if ((writes || copied || $(i - 1) == ">") && guard($i)) { print $i; exit }
        }
    }')
[ -z "$hit" ] || deny "$hit is the guard itself; change it through the playbook"
