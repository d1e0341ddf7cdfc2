# The guard's own files are changed through the playbook, never by a tool of the agent.
case $path in
    "$HOME"/.claude/settings*.json | "$HOME"/.claude/hooks/*)
        case $(field tool_name) in
            Edit | Write | MultiEdit | NotebookEdit) deny "$path is the guard itself; change it through the playbook" ;;
        esac ;;
esac
