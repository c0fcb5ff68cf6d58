#!/usr/bin/env bash
# Runs commands one after the other to the last, whichever of them fail, and says in the end which did, which of
# their tests, and how long each took.
#
#   scripts/each.sh 'COMMAND' ...
set -uo pipefail

log=$(mktemp)
trap 'rm -f "$log"' EXIT
summary=()
code=0
for command; do
    printf '\n== %s\n' "$command"
    began=$SECONDS
    result=passed
    if ! bash -c "$command" 2>&1 | tee "$log"; then
        result=FAILED
        code=1
    fi
    summary+=("$result after $((SECONDS - began)) s: $command")
    # as cargo, unittest and playwright name them
    if [ "$result" = FAILED ]; then
        while read -r test; do
            summary+=("    $test")
        done < <(sed -nE 's/^test (.*) \.\.\. FAILED$/\1/p; s/^(FAIL|ERROR): (.*)$/\2/p; s/^ +[0-9]+\) (.*\.spec\.ts.*)$/\1/p' "$log" | sort -u)
    fi
done
printf '\n== summary\n'
printf '%s\n' "${summary[@]}"
exit $code
