# A call that can't be read is refused, not let through.
if command -v jq >/dev/null 2>&1; then
    printf '%s' "$input" | jq -se 'length == 1 and (.[0] | type == "object" and (.tool_input | type == "object"))' >/dev/null 2>&1
else
    printf '%s' "$input" | python3 -c '
import json, sys
call = json.load(sys.stdin)
sys.exit(not (isinstance(call, dict) and isinstance(call.get("tool_input"), dict)))' >/dev/null 2>&1
fi || deny "the tool call can not be read"
