# A script that assigns a variable and uses it is judged with the value in its place, too.
expanded=
case $command in *=*'$'*) expanded=$(printf '%s\n' "$command" | awk '
    function swap(text, name, value,   out, at, rest) {
        out = ""
        while ((at = index(text, "$" name)) > 0 || (at = index(text, "${" name "}")) > 0) {
            if (substr(text, at, length(name) + 3) == "${" name "}") rest = substr(text, at + length(name) + 3)
            else rest = substr(text, at + length(name) + 1)
            if (substr(text, at + 1, 1) != "{" && rest ~ /^[A-Za-z0-9_]/) {
                out = out substr(text, 1, at)
                text = substr(text, at + 1)
                continue
            }
            out = out substr(text, 1, at - 1) value
            text = rest
        }
        return out text
    }
    { script = script $0 "\n" }
    END {
        left = script
        while (match(left, /(^|[;&|({ \t\n])[A-Za-z_][A-Za-z0-9_]*=("[^"]*"|\047[^\047]*\047|[$]\([^()]*\)|[^ \t\n;&|"\047`(]+)/)) {
            pair = substr(left, RSTART, RLENGTH)
            left = substr(left, RSTART + RLENGTH)
            sub(/^[;&|({ \t\n]/, "", pair)
            eq = index(pair, "=")
            value = substr(pair, eq + 1)
            gsub(/["\047]/, "", value)
            name[++count] = substr(pair, 1, eq - 1)
            given[count] = value
        }
        result = script
        for (pass = 1; pass <= 3; pass++)
            for (i = 1; i <= count; i++)
                result = swap(result, name[i], given[i])
        if (result == script) exit
        printf "%s", result
    }') ;;
esac
# In front, where a here-document that never ends does not hide it.
[ -z "$expanded" ] || command="$expanded
$command"
