# A call that can't be read is refused, not let through; so is a command that is no text. It is
# read once: a field begins with the record separator and its name.
if command -v jq >/dev/null 2>&1; then
    fields=$(printf '%s' "$input" | jq -sj '
        def plain: if type == "string" then split("\u001e") | join(" ") else "" end;
        if length == 1 and (.[0] | type == "object" and (.tool_input | type == "object")
            and (.tool_name != "Bash" or (.tool_input.command | type == "string")))
        then .[0] | (.tool_input + {tool_name, cwd}) as $all
            | ("tool_name", "cwd", "file_path", "notebook_path", "path", "command") | "\u001e\(.)=\($all[.] | plain)"
        else error("not a call") end' 2>/dev/null)
else
    fields=$(printf '%s' "$input" | python3 -c '
import json, sys
call = json.load(sys.stdin)
given = call["tool_input"]
if call.get("tool_name") == "Bash" and not isinstance(given["command"], str):
    sys.exit(1)
every = dict(given, tool_name=call.get("tool_name"), cwd=call.get("cwd"))
for name in ["tool_name", "cwd", "file_path", "notebook_path", "path", "command"]:
    value = every.get(name)
    value = value.replace("\x1e", " ") if isinstance(value, str) else ""
    sys.stdout.write("\x1e" + name + "=" + value)' 2>/dev/null)
fi || deny "the tool call can not be read"
separator=$(printf '\036')
field() {
    value=${fields#*"$separator$1="}
    printf '%s\n' "${value%%"$separator"*}"
}
