#!/bin/sh
# PreToolUse hook for Bash: refuses commands that destroy more than their own work.
# Exit 2 with one line on stderr denies; exit 0 allows.

deny() {
    echo "BLOCKED by block-destructive hook: $1" >&2
    exit 2
}

# The call, read once: for each field the record separator, its name, = and its text. Nothing at
# all when the input is no call.
fields=$(LC_ALL=C awk '
    # The character of \uHHHH; what is not ASCII becomes _.
    function character(hex,   at, value) {
        for (at = 1; at <= 4; at++) value = value * 16 + index("0123456789abcdef", tolower(substr(hex, at, 1))) - 1
        return value > 126 || value == 30 ? "_" : value > 0 ? sprintf("%c", value) : ""
    }
    # A string without its escapes.
    function plain(raw,   count, piece, at, sign, some, out) {
        gsub(/\036/, "_", raw)
        count = split(raw, piece, "\\")
        out = piece[1]
        for (at = 2; at <= count; at++) {
            sign = substr(piece[at], 1, 1)
            if (sign == "") some = some "\\" piece[++at]
            else if (sign == "u") some = some character(substr(piece[at], 2, 4)) substr(piece[at], 6)
            else some = some (sign == "n" ? "\n" : sign == "t" ? "\t" : sign == "r" ? "\r" : sign ~ /[bf]/ ? " " : sign) substr(piece[at], 2)
            if (length(some) > 9999) { out = out some; some = "" }
        }
        return out some
    }
    # What a value in this place is for: a field of the call or of its input.
    function keep(is, raw) {
        if (depth == 1 && kind[1] == "{" && name[1] == "tool_input") { given = is; split("", input); split("", text) }
        if (depth == 1 && kind[1] == "{") call[name[1]] = is == "string" ? plain(raw) : ""
        if (depth == 2 && kind[1] == "{" && kind[2] == "{" && name[1] == "tool_input") {
            text[name[2]] = is == "string"
            input[name[2]] = text[name[2]] ? plain(raw) : ""
        }
    }
    # The next word: a sign, or what kind of value it is.
    function word(is, raw) {
        if (wanted ~ /key/ && is == "string") { name[depth] = plain(raw); wanted = ":" }
        else if (wanted == ":" && is == ":") wanted = "value"
        else if (wanted == "," && is == ",") wanted = kind[depth] == "{" ? "key" : "value"
        else if (wanted ~ /^,|or end/ && is == (kind[depth] == "{" ? "}" : "]")) wanted = --depth ? "," : "nothing more"
        else if (wanted ~ /^value/ && is ~ /^([{[]|string|plain)$/) {
            keep(is, raw)
            wanted = is == "{" ? "key or end" : is == "[" ? "value or end" : depth ? "," : "other input"
            if (is ~ /[{[]/) kind[++depth] = is
        } else wanted = "other input"
    }
    # A blank for the line end, which some awks take for a separator too.
    { all = all $0 " " }
    END {
        wanted = "value"
        count = split(all, part, "\"")
        for (at = 1; at <= count; at++) {
            # Every second part stands between quotes, but for quotes behind an odd backslash.
            if (quoted) {
                if (wanted !~ /^value/ || name[depth] ~ /^(tool_name|cwd|file_path|notebook_path|path|command)$/)
                    piece = piece part[at] (at < count ? "\"" : "")
                # A long text that grows by little each time would take as long as it is, squared.
                if (length(piece) > 9999) { raw = raw piece; piece = "" }
                if (match(part[at], /\\+$/) && RLENGTH % 2) continue
                raw = raw piece
                word("string", substr(raw, 1, length(raw) - 1))
                piece = ""
            } else {
                gsub(/[][{}:,]/, " & ", part[at])
                words = split(part[at], sign, " ")
                for (i = 1; i <= words; i++)
                    word(sign[i] ~ /^(true|false|null|-?[0-9][0-9.eE+-]*)$/ ? "plain" : sign[i])
            }
            quoted = !quoted
            raw = ""
        }
        if (wanted != "nothing more" || (raw piece) != "" || given != "{" || (call["tool_name"] == "Bash" && !text["command"])) exit
        printf "\036tool_name=%s\036cwd=%s", call["tool_name"], call["cwd"]
        printf "\036file_path=%s\036notebook_path=%s\036path=%s", input["file_path"], input["notebook_path"], input["path"]
        printf "\036command=%s", input["command"]
    }' 2>/dev/null)
separator=$(printf '\036')
field() {
    value=${fields#*"$separator$1="}
    printf '%s\n' "${value%%"$separator"*}"
}
[ -n "$fields" ] || exit 0


command=$(field command | head -n 1)
[ -n "$command" ] || exit 0

# -- normalise

# Whether the command has a word and fits a pattern: a grep for each rule would take longer than all else.
match() {
    case $command in *"$1"*) printf '%s\n' "$command" | grep -Eq -- "$2" ;; *) return 1 ;; esac
}

# -- simple commands

# -- rules

match rm '^(sudo )?rm -rf (/|/\*|~|~/|~/\*|\$HOME|\$HOME/)$' && deny "it removes everything; name the directory"
match push '^git push (-f|--force)( |$)' && deny "it overwrites others' commits; use --force-with-lease"
match curl '^curl [^|]*\| *(sudo )?(ba)?sh( |$)' && deny "it runs what it downloads; save it, read it, run it"
match chmod '^(sudo )?chmod (-R )?777 /( |$)' && deny "it opens the whole system"
match mkfs '^(sudo )?mkfs' && deny "it formats a disk"
match of=/dev/ '^(sudo )?dd if=[^ ]+ of=/dev/(sd|nvme|disk|rdisk)' && deny "it overwrites a disk"
match DROP '^(psql|mysql|sqlite3) .*DROP (TABLE|DATABASE)' && deny "it drops data; move it aside first"
match ':(' ':\(\) *\{ *: *\| *: *& *\} *; *:' && deny "it is a fork bomb"

exit 0
