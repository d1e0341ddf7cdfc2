# What opens the system, formats or overwrites a disk or drops data, behind other commands too.
why=
case $simple in *chmod* | *mkfs* | */dev/* | *sql* | *mariadb*)
    why=$(printf '%s\n' "$simple" | awk -F '\037' '
        function disk(path) { return path ~ /^(of=)?\/dev\/(sd|hd|vd|nvme|mmcblk|r?disk)/ }
        $2 == "chmod" && /\037(0?777|([ugoa]*[+=]rwx))\037/ && /\037\/[*]?(\037|$)/ { print "opens"; exit }
        $2 ~ /^mkfs([.]|$)/ { print "formats"; exit }
        $2 ~ /^(psql|mysql|mariadb|sqlite3)$/ && toupper($0) ~ /DROP +(TABLE|DATABASE|SCHEMA)/ { print "drops"; exit }
        {
            for (i = 3; i <= NF; i++)
                if (disk($i) && ($(i - 1) == ">" || $2 == "tee" || ($2 == "dd" && $i ~ /^of=/))) {
                    print "overwrites"
                    exit
                }
        }') ;;
esac
case $why in
    opens) deny "it opens the whole system" ;;
    formats) deny "it formats a disk" ;;
    overwrites) deny "it overwrites a disk" ;;
    drops) deny "it drops data; move it aside first" ;;
esac
case $command in *'('*')'*'{'*'|'*'&'*'}'*)
    printf '%s\n' "$command" | tr -d ' \t\n' | grep -q '\([A-Za-z_:][A-Za-z_:]*\)(){\1|\1&};*\1' && deny "it is a fork bomb" ;;
esac
