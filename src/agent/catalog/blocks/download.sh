# What is downloaded is not run, whichever program fetches it and whichever runs it.
words "$command" | awk -F '\037' '
    BEGIN {
        fetcher = "^(curl|wget|fetch|aria2c|https?)$"
        shell = "^(sh|bash|zsh|dash|ksh|fish|source|[.]|eval)$"
        other = "^(python[0-9.]*|perl|ruby|node|osascript)$"
    }
    $1 == "-" { fetched = 0 }
    $1 == "|" && fetched && ($2 ~ shell || ($2 ~ other && (NF == 2 || $3 == "-"))) { found = 1 }
    $2 ~ fetcher {
        if (($1 == "$" || $1 == "(") && before ~ shell) found = 1
        fetched = 1
    }
    { before = $2 }
    END { exit !found }' && deny "it runs what it downloads; save it, read it, then run it"
