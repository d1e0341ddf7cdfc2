# Splits a script into simple commands, one a line: the operator before it, the program without
# its directory, its arguments; separated by the unit separator. Quotes are taken off, and so are
# wrappers such as sudo, env and xargs. The operator of a command inside $( ) or <( ) is followed
# by what it is handed to. What a shell is given as text is split, too; other here-documents are
# data, but for the commands that the shell puts into them.
words() {
    printf '%s\n' "$1" | LC_ALL=C awk '
        function endword() { if (has) word[lv, ++n[lv]] = w; w = ""; has = 0 }
        function queue(text) { if (todo < 40) code[++todo] = text }
        function joined(from,   j, out) {
            for (j = from; j <= n[lv]; j++) out = out (j > from ? " " : "") word[lv, j]
            return out
        }
        function program(   i, base) {
            for (i = 1; i <= n[lv]; i++) {
                base = word[lv, i]
                if (base ~ /^[<>]+$/) { i++; continue }
                if (base ~ /^[A-Za-z_][A-Za-z0-9_]*[+]?=/) continue
                if (base !~ /^[{]/) sub(/.*\//, "", base)
                if (base !~ /^(sudo|doas|env|command|builtin|exec|nohup|time|nice|ionice|stdbuf|setsid|busybox|timeout|xargs|parallel|watch|strace|caffeinate|chroot|flock|coproc|function|then|do|else|elif|if|while|until|!|[{])$/) return i
                while (i < n[lv] && word[lv, i + 1] ~ /^(-|[0-9.]+[smhd]?$)/) {
                    i++
                    if (base == "sudo" || base == "doas") { if (word[lv, i] ~ /^-[ugCDhpRrtT]$/) i++ }
                    else if (base == "env") { if (word[lv, i] ~ /^-[uCP]$/) i++ }
                    else if (base == "timeout") { if (word[lv, i] ~ /^-[ks]$/) i++ }
                    else if (base == "exec") { if (word[lv, i] == "-a") i++ }
                    else if (base == "xargs" && word[lv, i] ~ /^-[nILPsEd]$/) i++
                }
                if (base ~ /^(chroot|flock|function)$/) i++
            }
            return i
        }
        # What a program in another language starts.
        function started(text) {
            if (text !~ /system|popen|subprocess|exec|spawn|do shell|`/) return
            gsub(/[`"\047]/, "\n", text)
            queue(text)
        }
        function nested(i, base,   j, parts) {
            if (base == "eval") queue(joined(i + 1))
            # What watch and env -S are given in one word.
            if (word[lv, i] ~ / /) queue(word[lv, i])
            if (base == "ssh") {
                for (j = i + 1; j <= n[lv] && word[lv, j] ~ /^-/; j++) if (word[lv, j] ~ /^-[bcDEeFIiJLlmOopQRSWw]$/) j++
                queue(joined(j + 1))
            }
            if (base == "alias") for (j = i + 1; j <= n[lv]; j++) queue(substr(word[lv, j], index(word[lv, j], "=") + 1))
            if (base == "trap") queue(word[lv, i + 1])
            if (base ~ /^(ba|z|da|k|a)?sh$/ || base ~ /^(su|script)$/) {
                shell = 1
                if (op[lv] == "|" && said != "") queue(said)
                for (j = i + 1; j < n[lv]; j++)
                    if (word[lv, j] ~ /^-[A-Za-z]*c$/ || word[lv, j] == "<<<") queue(word[lv, j + 1])
            }
            if (base ~ other) for (j = i + 1; j <= n[lv]; j++) started(word[lv, j])
            if (base ~ other || base ~ database) fed = base
            if (base ~ /^(echo|printf|find|ls)$/) { said = joined(i + 1); gsub(/\\n/, "\n", said) }
            else if (op[lv] != "|" || base !~ /^(cat|tee|sort|uniq|head|tail|tr|grep|sed)$/) said = ""
        }
        function spaced(text) { gsub(/[ \n]+/, US, text); return text }
        function flush(next_op,   i, j, base, out) {
            endword()
            i = program()
            base = i <= n[lv] ? word[lv, i] : ":"
            if (base !~ /^[{]/) sub(/.*\//, "", base)
            out = op[lv] US base
            for (j = i + 1; j <= n[lv]; j++) out = out US word[lv, j]
            # A redirection in front of the program, and what xargs adds.
            for (j = 1; j < i && j <= n[lv]; j++) {
                if (word[lv, j] ~ /^[<>]+$/) out = out US word[lv, j] US word[lv, j + 1]
                if (word[lv, j] ~ /xargs$/ && op[lv] == "|" && said != "") out = out US spaced(said)
            }
            if (base ~ database && op[lv] == "|" && said != "") out = out US said
            if (i <= n[lv] || out ~ US "[<>]+" US) {
                gsub(/\n/, " ", out)
                print out
                nested(i, base)
            }
            n[lv] = 0
            op[lv] = next_op
        }
        function open(sign) {
            held[lv] = w
            head = sign joined(program())
            w = ""; has = 0
            n[++lv] = 0; op[lv] = top[lv] = head
            state[++depth] = "p"; kind[depth] = sign
        }
        function close_() {
            flush("-")
            if (depth == 1 || state[depth] != "p") return
            depth--; lv--
            if (kind[depth + 1] != "(") { w = held[lv] "$()"; has = 1 }
        }
        # The delimiter of a here-document begins at this column; gives the last column of it.
        function heredoc(at,   c, quote, end) {
            tabs[++docs] = 0; raw[docs] = 0; end = ""
            if (substr(text, at, 1) == "-") { tabs[docs] = 1; at++ }
            while (substr(text, at, 1) ~ /[ \t]/) at++
            for (; at <= length(text); at++) {
                c = substr(text, at, 1)
                if (quote != "") { if (c == quote) quote = ""; else end = end c }
                else if (c == "\047" || c == "\"") { quote = c; raw[docs] = 1 }
                else if (c == "\\") { raw[docs] = 1; end = end substr(text, ++at, 1) }
                else if (c ~ /[ \t;&|<>()]/) break
                else end = end c
            }
            stop[docs] = end
            return at - 1
        }
        function bodies(   h, t, body, run) {
            run = shell || top[lv] ~ /^[$](eval|(ba|z|da|k|a)?sh )/
            for (h = 1; h <= docs; h++) {
                body = ""
                while (++row <= rows) {
                    t = line[row]
                    if (tabs[h]) sub(/^\t+/, "", t)
                    if (t == stop[h]) break
                    if (run || fed != "" || !raw[h]) body = body t "\n"
                }
                if (run) queue(body)
                else if (fed != "") { started(body); gsub(/\n/, " ", body); print "-" US fed US "-c" US body }
                else if (body ~ /[$]\(|`/) { gsub(/"/, "", body); queue(": \"" body "\"") }
            }
            docs = 0
        }
        # The character of \xHH or \NNN.
        function byte(code,   at, value, base) {
            base = sub(/^x/, "", code) ? 16 : 8
            value = 0
            for (at = 1; at <= length(code); at++) value = value * base + index("0123456789abcdef", tolower(substr(code, at, 1))) - 1
            return sprintf("%c", value)
        }
        function scan(   at, c, two, now, to) {
            for (at = 1; at <= length(text); at++) {
                c = substr(text, at, 1)
                two = substr(text, at, 2)
                now = state[depth]
                if (now == "q") {
                    if (c == "\047") depth--
                    else w = w c
                } else if (c == "\\") {
                    if (at == length(text)) return 1
                    at++
                    if (now == "e" && match(substr(text, at, 4), /^(x[0-9A-Fa-f][0-9A-Fa-f]?|[0-7][0-7]?[0-7]?)/)) {
                        w = w byte(substr(text, at, RLENGTH)); at += RLENGTH - 1
                    } else w = w substr(text, at, 1)
                    has = 1
                } else if (now == "e") {
                    if (c == "\047") depth--
                    else w = w c
                } else if (two == "$(" || (now == "p" && two == "((")) {
                    to = index(substr(text, at), "))")
                    if (substr(text, at) ~ /^[$]?\(\(/ && to && substr(text, at, to) !~ /[;"\047`]/) {
                        at += to; w = w "0"; has = 1
                    } else if (c == "$") { at++; open("$") }
                    else { flush("("); open("(") }
                } else if (c == "`") {
                    if (now == "p" && kind[depth] == "`") close_()
                    else { open("`"); sub(/^`/, "$", top[lv]); op[lv] = top[lv] }
                } else if (now == "d") {
                    if (c == "\"") depth--
                    else w = w c
                } else if (two == "$\047") {
                    at++; state[++depth] = "e"; has = 1
                } else if (two == "$\"" || c == "\"") {
                    if (c == "$") at++
                    state[++depth] = "d"; has = 1
                } else if (c == "\047") {
                    state[++depth] = "q"; has = 1
                } else if (c == " " || c == "\t") {
                    endword()
                } else if (c == "#" && !has) {
                    return 0
                } else if (two == "<(" || two == ">(") {
                    endword(); at++; open("<")
                } else if (c == "<" || c == ">") {
                    if (w ~ /^[0-9]+$/) { w = ""; has = 0 }
                    endword()
                    if (substr(text, at, 3) == "<<<") { c = "<<<"; at += 2 }
                    else if (two == "<<") { at = heredoc(at + 2); continue }
                    else if (substr(text, at + 1, 1) ~ /[>|&]/) at++
                    w = c; has = 1; endword()
                } else if (two == "&>") {
                    endword()
                } else if (c == "|" || c == ";" || c == "&") {
                    if (two == "||" || two == "&&") { at++; c = ";" }
                    if (two == "|&") at++
                    flush(c == "|" ? "|" : "-")
                } else if (c == "(") {
                    to = op[lv] == "|" && !n[lv] && !has
                    flush("("); open("(")
                    # A pipe into a subshell reaches its first command.
                    if (to) op[lv] = "|"
                } else if (c == ")") {
                    close_()
                } else { w = w c; has = 1 }
            }
            return 0
        }
        function split_up(script) {
            gsub(/[$]IFS|[$][{]IFS[^}]*[}]|\037/, " ", script)
            gsub(/[$][@*]|[$][{][@*][}]/, "", script)
            rows = split(script, line, "\n")
            lv = depth = 1
            n[1] = docs = has = shell = 0
            w = top[1] = said = fed = ""
            op[1] = "-"; state[1] = "p"; kind[1] = ""
            for (row = 1; row <= rows; row++) {
                text = line[row]
                if (scan()) continue
                if (state[depth] != "p") { w = w "\n"; continue }
                endword()
                if (n[lv] || op[lv] != "|") flush("-")
                if (docs) bodies()
                shell = 0
                fed = ""
            }
            while (lv > 1) { flush("-"); lv-- }
            flush("-")
        }
        BEGIN {
            US = "\037"
            other = "^(python[0-9.]*|perl|ruby|node|php|osascript|awk)$"
            database = "^(psql|mysql|mariadb|sqlite3)$"
        }
        { script = script $0 "\n" }
        END {
            queue(script)
            for (next_up = 1; next_up <= todo; next_up++) split_up(code[next_up])
        }'
}
simple=$(words "$command")
# What the rules match: one pipeline a line, whatever it stood behind. Their words may be quoted here.
plain=
match() {
    [ -n "$plain" ] || plain=$(printf '%s\n' "$simple" | awk -F '\037' '{
        op = $1
        sub(/^[^\037]*\037/, "")
        gsub(/\037/, " ")
        printf "%s%s", (NR == 1 ? "" : op == "|" ? " | " : "\n"), $0
    } END { print "" }')
    case $2 in
        ^*) printf '%s\n' "$plain" ;;
        *) printf '%s\n' "$command" ;;
    esac | grep -Eq -- "$2"
}
