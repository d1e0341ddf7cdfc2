#!/bin/sh
# PreToolUse hook for Bash: refuses commands that destroy more than their own work.
# Exit 2 with one line on stderr denies; exit 0 allows.

input=$(cat)

# The string at .tool_input.NAME.
field() {
    if command -v jq >/dev/null 2>&1; then
        printf '%s' "$input" | jq -r ".tool_input.$1 // empty | strings"
    else
        printf '%s' "$input" | python3 -c '
import json, sys
value = json.load(sys.stdin).get("tool_input", {}).get(sys.argv[1])
print(value if isinstance(value, str) else "")' "$1"
    fi
}

deny() {
    echo "BLOCKED by block-destructive hook: $1" >&2
    exit 2
}

# -- helpers

command=$(field command | head -n 1)
[ -n "$command" ] || exit 0

# -- normalise

match() { printf '%s\n' "$command" | grep -Eq -- "$1"; }

# -- simple commands

# -- rules

match '^(sudo )?rm -rf (/|/\*|~|~/|~/\*|\$HOME|\$HOME/)$' && deny "it removes everything; name the directory"
match '^git push (-f|--force)( |$)' && deny "it overwrites others' commits; use --force-with-lease"
match '^curl [^|]*\| *(sudo )?(ba)?sh( |$)' && deny "it runs what it downloads; save it, read it, run it"
match '^(sudo )?chmod (-R )?777 /( |$)' && deny "it opens the whole system"
match '^(sudo )?mkfs' && deny "it formats a disk"
match '^(sudo )?dd if=[^ ]+ of=/dev/(sd|nvme|disk|rdisk)' && deny "it overwrites a disk"
match '^(psql|mysql|sqlite3) .*DROP (TABLE|DATABASE)' && deny "it drops data; move it aside first"
match ':\(\) *\{ *: *\| *: *& *\} *; *:' && deny "it is a fork bomb"

exit 0
