# Nor by a command that writes, moves or removes them.
hit=
case $simple in *claude* | *hooks* | *settings* | *.json* | *.sh* | *'*'* | *'?'* | *'['*)
    hit=$(printf '%s\n' "$simple" | dir="$(field cwd)/" awk -F '\037' '
    BEGIN { dir = ENVIRON["dir"] }
    function guard(path) {
        sub(/^of=/, "", path)
        if (path !~ /^[\/~$]/) path = dir path
        if (index(path, ENVIRON["HOME"] "/") == 1) path = "~" substr(path, length(ENVIRON["HOME"]) + 1)
        sub(/^[$](HOME|[{]HOME[^}]*[}])/, "~", path)
        while (sub(/\/[.]?\//, "/", path) || sub(/\/[^\/]+\/[.][.]\//, "/", path)) continue
        if (path ~ /^~\/[.]c?l?a?u?d?e?[*?[]/ || path ~ /^~\/[.]claude\/[sh][a-z-]*[*?[]/) return 1
        return path ~ /^~\/[.]claude(\/?|\/[.*]|\/settings[^\/]*[.]json|\/settings[^\/]*[*]|\/hooks(\/.*)?)$/
    }
    $2 == "cd" || $2 == "pushd" { dir = NF < 3 ? "~/" : ($NF ~ /^[\/~$]/ ? "" : dir) $NF "/" }
    {
        # Programs in another language: what stands between quotes.
        if (/\037-[a-zA-Z]*[cer]\037/ && $2 ~ /^(python[0-9.]*|perl|ruby|node|php)$/ && /write|unlink|remove|rename|copy|truncate|chmod|[\047"]w[\047"]/)
            for (p = split($0, part, /["\047`]/); p > 1; p--) if (guard(part[p])) { print part[p]; exit }
        writes = $2 ~ /^(touch|rm|rmdir|mv|tee|chmod|chown|chflags|chattr|truncate|unlink|shred|dd|ln|patch|ed|ex)$/
        if ($2 ~ /^(sed|perl|gsed|ruby)$/ && /\037(-[a-zA-Z]*i|--in-place)/) writes = 1
        if ($2 == "find" && /\037(-delete|-exec|-execdir)(\037|$)/) writes = 1
        for (i = 3; i <= NF; i++) {
            copied = i == NF && $2 ~ /^(cp|install|rsync|scp)$/
            if ($2 ~ /^(curl|wget|tar|unzip|cp|install)$/ && $(i - 1) ~ /^(-[a-zA-Z]*[oOCdt]|--output|--directory)$/) copied = 1
            if ((writes || copied || $(i - 1) == ">") && guard($i)) { print $i; exit }
        }
    }') ;;
esac
[ -z "$hit" ] || deny "$hit is the guard itself; change it through the playbook"
