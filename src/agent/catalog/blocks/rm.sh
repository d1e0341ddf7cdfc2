# rm in any spelling: flags in any order, long or short, behind other commands.
words "$command" | awk -F '\037' '
    $2 == "rm" {
        recursive = 0
        everything = 0
        for (i = 3; i <= NF; i++) {
            if ($i == "--recursive" || $i ~ /^-[a-zA-Z]*[rR]/) recursive = 1
            if ($i ~ /^(\/|~|\$HOME|\$[{]HOME[}])[\/.]*[*]?$/) everything = 1
            if ($i ~ /^\/(bin|boot|dev|etc|home|lib|opt|root|sbin|usr|var|System|Library|Users|Applications)[\/]*[*]?$/) everything = 1
        }
        if (recursive && everything) found = 1
    }
    END { exit !found }' && deny "it removes everything below a system or home directory; name the directory you made"
