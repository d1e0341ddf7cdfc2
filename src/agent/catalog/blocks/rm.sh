# rm in any spelling: flags in any order, long or short, behind other commands; find that removes
# whatever it finds; the same in a directory that cd went to.
case $simple in *rm* | *find* | *'$'* | *'{'*)
    printf '%s\n' "$simple" | awk -F '\037' '
    function everything(path) {
        if (index(path, ENVIRON["HOME"]) == 1 && ENVIRON["HOME"] ~ /^\/./) path = "~" substr(path, length(ENVIRON["HOME"]) + 1)
        sub(/^[$](HOME|[{]HOME[^}]*[}])/, "~", path)
        sub(/^~[A-Za-z0-9_-]+/, "~", path)
        while (sub(/\/[.]?\//, "/", path) || sub(/\/[^\/.~*][^\/]*\/[.][.](\/|$)/, "/", path)) continue
        if (path ~ /^~?\/?[.][.](\/|$)/ && path !~ /^[.][.]/) return 1
        if (path ~ /^\/[^\/]*[][{?*][^\/]*\/?[*]?$/) return 1
        if (path ~ /^(\/|~)[\/.]*[*]?$/) return 1
        if (path ~ /^\/(home|Users)\/[^\/]+\/?[*]?$/) return 1
        return path ~ /^\/(bin|boot|dev|etc|home|lib|opt|root|sbin|usr|var|System|Library|Users|Applications)\/?[*]?$/
    }
    $2 == "cd" || $2 == "pushd" { there = NF < 3 || everything($NF) }
    # A program whose name is not known is judged by what it is given.
    $2 == "rm" || $2 ~ /[$]|^[{].*,/ {
        recursive = 0
        target = 0
        for (i = 3; i <= NF; i++) {
            if ($i == ">") { i++; continue }
            if ($i == "--recursive" || $i ~ /^-[a-zA-Z]*[rR]/) recursive = 1
            if (everything($i) || (there && $i ~ /^([.]|[.]\/|([.]\/)?[.]?[*]|[$]PWD|[$][{]PWD[}])$/)) target = 1
        }
        if ($2 ~ /^[{]/) {
            recursive = $2 ~ /,-[a-zA-Z]*[rR]/
            target = $2 ~ /[{,](\/|~)[,}]/
        }
        if (recursive && target) found = 1
    }
    $1 ~ /^[$]([^ ]*\/)?rm (.* )?(-[a-zA-Z]*[rR]|--recursive)/ && $2 ~ /^(echo|printf)$/ {
        for (i = 3; i <= NF; i++) if (everything($i)) found = 1
    }
    $2 == "find" {
        removes = 0
        picks = 0
        for (i = 4; i <= NF; i++) {
            if ($i == "-delete" || ($i ~ /^-(exec|ok)(dir)?$/ && $(i + 1) ~ /^(.*\/)?rm$/)) removes = 1
            if ($i ~ /^-i?(name|path|regex|wholename)$/) picks = 1
        }
        if (removes && !picks && everything($3)) found = 1
    }
    END { exit !found }' && deny "it removes everything below a system or home directory; name the directory you made" ;;
esac
