# Nor by a command that writes, moves or removes them.
hit=
case $simple in *claude* | *hooks* | *settings* | *.json* | *.sh* | *'*'*)
    hit=$(printf '%s\n' "$simple" | dir="$(field cwd)/" awk -F '\037' '
    BEGIN { dir = ENVIRON["dir"] }
    function guard(path) {
        sub(/^of=/, "", path)
        if (path !~ /^[\/~$]/) path = dir path
        if (index(path, ENVIRON["HOME"] "/") == 1) path = "~" substr(path, length(ENVIRON["HOME"]) + 1)
        sub(/^[$](HOME|[{]HOME[^}]*[}])/, "~", path)
        while (sub(/\/[.]?\//, "/", path) || sub(/\/[^\/]+\/[.][.]\//, "/", path)) continue
        return path ~ /^~\/[.]claude(\/?|\/[.*]|\/settings[^\/]*[.]json|\/settings[^\/]*[*]|\/hooks(\/.*)?)$/
    }
    $2 == "cd" || $2 == "pushd" { dir = NF < 3 ? "~/" : ($NF ~ /^[\/~$]/ ? "" : dir) $NF "/" }
    {
        writes = $2 ~ /^(rm|rmdir|mv|tee|chmod|chown|chflags|chattr|truncate|unlink|shred|dd|ln|patch|ed|ex)$/
        if ($2 ~ /^(sed|perl|gsed|ruby)$/ && /\037(-[a-zA-Z]*i|--in-place)/) writes = 1
        if ($2 == "find" && /\037(-delete|-exec|-execdir)(\037|$)/) writes = 1
        for (i = 3; i <= NF; i++) {
            copied = i == NF && $2 ~ /^(cp|install|rsync|scp)$/
            if ((writes || copied || $(i - 1) == ">") && guard($i)) { print $i; exit }
        }
    }') ;;
esac
[ -z "$hit" ] || deny "$hit is the guard itself; change it through the playbook"
