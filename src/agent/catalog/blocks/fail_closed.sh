# A call that can't be read is refused, not let through; so is a command that is no text.
if command -v jq >/dev/null 2>&1; then
    printf '%s' "$input" | jq -se 'length == 1 and (.[0] | type == "object" and (.tool_input | type == "object")
        and (.tool_name != "Bash" or (.tool_input.command | type == "string")))' >/dev/null 2>&1
else
    printf '%s' "$input" | python3 -c '
import json, sys
call = json.load(sys.stdin)
given = call.get("tool_input") if isinstance(call, dict) else None
text = isinstance(given, dict) and (call.get("tool_name") != "Bash" or isinstance(given.get("command"), str))
sys.exit(not text)' >/dev/null 2>&1
fi || deny "the tool call can not be read"
