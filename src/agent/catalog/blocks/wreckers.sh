# What opens the system, formats or overwrites a disk or drops data, behind other commands too.
why=$(printf '%s\n' "$simple" | awk -F '\037' '
    function disk(path) { return path ~ /^(of=)?\/dev\/(sd|hd|vd|nvme|mmcblk|r?disk)/ }
    $2 == "chmod" && /\037(0?777|([ugoa]*[+=]rwx))\037/ && /\037\/[*]?(\037|$)/ { print "it opens the whole system"; exit }
    $2 ~ /^mkfs([.]|$)/ { print "it formats a disk"; exit }
    $2 ~ /^(psql|mysql|mariadb|sqlite3)$/ && toupper($0) ~ /DROP +(TABLE|DATABASE|SCHEMA)/ { print "it drops data; move it aside first"; exit }
    {
        for (i = 3; i <= NF; i++)
            if (disk($i) && ($(i - 1) == ">" || $2 == "tee" || ($2 == "dd" && $i ~ /^of=/))) {
                print "it overwrites a disk"
                exit
            }
    }')
[ -z "$why" ] || deny "$why"
printf '%s\n' "$command" | tr -d ' \t\n' | grep -q '\([A-Za-z_:][A-Za-z_:]*\)(){\1|\1&};*\1' &&
    deny "it is a fork bomb"
