#!/bin/sh
# PreToolUse hook: keeps credentials out of the conversation.
# Exit 2 with one line on stderr denies; exit 0 allows.

input=$(cat)

# The string at the path NAME or .tool_input.NAME.
field() {
    if command -v jq >/dev/null 2>&1; then
        printf '%s' "$input" | jq -r ".tool_input.$1 // .$1 // empty | strings"
    else
        printf '%s' "$input" | python3 -c '
import json, sys
data = json.load(sys.stdin)
value = data.get("tool_input", {}).get(sys.argv[1]) or data.get(sys.argv[1])
print(value if isinstance(value, str) else "")' "$1"
    fi
}

deny() {
    echo "BLOCKED by protect-sensitive hook: $1" >&2
    exit 2
}

# -- helpers

# Whether a path is one that holds a credential.
sensitive() {
    case $1 in
        *.sample | *.example | *.template | *.pub) return 1 ;;
        # -- public paths
        .env | */.env | .env.* | */.env.*) return 0 ;;
        */.ssh/id_* | */.aws/credentials | */.kube/config) return 0 ;;
        # -- sensitive paths
    esac
    return 1
}

path=$(field file_path)
# -- other path fields
# -- spelling of the path
[ -z "$path" ] || ! sensitive "$path" || deny "$path holds a credential; ask for what you need"

# -- file rules

command=$(field command)
[ -n "$command" ] || exit 0

# -- normalise

match() { printf '%s\n' "$command" | grep -Eq -- "$1"; }

# -- simple commands

# -- rules

match '^(cat|less|head|tail|base64|scp) ([^ ]*/)?\.env$' && deny "it reads a .env file"
match '^(cat|less|head|tail|base64|scp) [^ ]*(\.ssh/id_[a-z0-9_]+|\.aws/credentials|\.kube/config)$' && deny "it reads a credential"
match '^curl .*(-d|--data|--data-binary) ?@([^ ]*/)?\.env( |$)' && deny "it sends a .env file"

exit 0
