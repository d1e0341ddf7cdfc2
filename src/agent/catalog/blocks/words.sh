# Splits a script into simple commands, one a line: the operator before it, the program without
# its directory, its arguments; separated by the unit separator. Quotes are taken off, and so are
# wrappers such as sudo, env and xargs.
words() {
    printf '%s\n' "$1" | awk '
        function endword() { if (has) word[++n] = w; w = ""; has = 0 }
        function flush(next_op,   i, j, base, out) {
            endword()
            for (i = 1; i <= n; i++) {
                if (word[i] ~ /^[A-Za-z_][A-Za-z0-9_]*=/) continue
                base = word[i]
                sub(/.*\//, "", base)
                if (base !~ /^(sudo|doas|env|command|builtin|exec|nohup|time|nice|timeout|xargs|then|do|else|if|while|until|!|[{])$/) break
                while (i < n && word[i + 1] ~ /^(-|[0-9.]+[smhd]?$)/) {
                    i++
                    if (base ~ /^(sudo|doas|xargs|env)$/ && word[i] ~ /^-[ugnILPCS]$/) i++
                }
            }
            if (i <= n) {
                out = op US base
                for (j = i + 1; j <= n; j++) out = out US word[j]
                gsub(/\n/, " ", out)
                print out
            }
            n = 0
            op = next_op
        }
        BEGIN { RS = "\001"; US = "\037" }
        {
            text = $0
            depth = 1
            state[1] = "p"
            op = "-"
            for (at = 1; at <= length(text); at++) {
                c = substr(text, at, 1)
                two = substr(text, at, 2)
                now = state[depth]
                if (now == "q") {
                    if (c == "\047") depth--
                    else { w = w c; has = 1 }
                } else if (two == "$(") {
                    flush("$"); at++; state[++depth] = "p"
                } else if (c == "`") {
                    flush("$")
                } else if (c == "\\") {
                    at++
                    c = substr(text, at, 1)
                    if (c != "\n") { w = w c; has = 1 }
                } else if (now == "d") {
                    if (c == "\"") depth--
                    else { w = w c; has = 1 }
                } else if (c == "\047") {
                    state[++depth] = "q"; has = 1
                } else if (c == "\"") {
                    state[++depth] = "d"; has = 1
                } else if (c == " " || c == "\t") {
                    endword()
                } else if (c == "#" && !has) {
                    while (at < length(text) && substr(text, at + 1, 1) != "\n") at++
                } else if (c == "<" || c == ">") {
                    endword(); w = c; has = 1; endword()
                } else if (c == "|" || c == ";" || c == "&" || c == "\n") {
                    if (two == "||" || two == "&&") { at++; c = ";" }
                    flush(c == "|" ? "|" : "-")
                } else if (c == "(") {
                    flush("("); state[++depth] = "p"
                } else if (c == ")") {
                    flush("-")
                    if (depth > 1) depth--
                } else { w = w c; has = 1 }
            }
            flush("-")
        }'
}
