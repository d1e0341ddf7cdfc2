# One spelling for a path: no //, /./ or /../, and no ~.
case $path in
    *//* | */./* | */../* | "~"/*)
        path=$(printf '%s\n' "$path" | awk '{
            sub(/^~\//, ENVIRON["HOME"] "/")
            while (sub(/\/[.]?\//, "/") || sub(/\/[^\/]+\/[.][.]\//, "/")) continue
            print
        }') ;;
esac
