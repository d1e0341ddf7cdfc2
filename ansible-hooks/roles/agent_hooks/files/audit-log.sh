#!/bin/sh
# PostToolUse hook: one JSON line for every tool call, without its output.

log=$HOME/.claude/logs/audit.jsonl
now=$(date -u +%Y-%m-%dT%H:%M:%SZ)

# -- permissions

if command -v jq >/dev/null 2>&1; then
    jq -c --arg at "$now" '{at: $at, session: .session_id, cwd: .cwd, tool: .tool_name,
        what: (.tool_input.command // .tool_input.file_path // .tool_input.url // "")}' >>"$log"
else
    python3 -c '
import json, sys
call = json.load(sys.stdin)
given = call.get("tool_input", {})
what = given.get("command") or given.get("file_path") or given.get("url") or ""
print(json.dumps({"at": sys.argv[1], "session": call.get("session_id"), "cwd": call.get("cwd"),
                  "tool": call.get("tool_name"), "what": what}))' "$now" >>"$log"
fi
exit 0
