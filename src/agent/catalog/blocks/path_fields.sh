[ -n "$path" ] || path=$(field notebook_path)
[ -n "$path" ] || path=$(field path)
