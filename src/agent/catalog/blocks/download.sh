# What is downloaded or decoded is not run, whichever program fetches it and whichever runs it.
case $simple in *curl* | *wget* | *fetch* | *aria2c* | *http* | *base64* | *base32* | *openssl* | *xxd*)
    printf '%s\n' "$simple" | awk -F '\037' '
    BEGIN {
        fetcher = "^(curl|wget|fetch|aria2c|https?)$"
        shell = "^(sh|bash|zsh|dash|ksh|fish|source|[.]|eval)$"
        other = "^(python[0-9.]*|perl|ruby|node|osascript)$"
        # What $( ) or <( ) is handed to, where that runs it.
        runs = "^[$](eval|source|[.])( |$)|^[$]([^ ]*/)?((ba|z|da|k|fi)?sh|python[0-9.]*|perl|ruby|node|osascript)( .*)? (-[a-zA-Z]*[ce]|<<<)$|^<([^ ]*/)?((ba|z|da|k|fi)?sh|source|[.])( |$)"
    }
    $1 == "-" { fetched = 0 }
    $1 == "|" && fetched && ($2 ~ shell || ($2 ~ other && (NF == 2 || $3 == "-"))) { found = 1 }
    # What comes out of an encoding has not been read either.
    ($2 ~ /^(base64|base32|openssl)$/ && /\037(-d|-D|-di|--decode)(\037|$)/) || ($2 == "xxd" && /\037-[a-z]*r/) || $2 ~ fetcher {
        if ($1 ~ runs) found = 1
        fetched = 1
    }
    END { exit !found }' && deny "it runs what it downloads or decodes; save it, read it, then run it" ;;
esac
