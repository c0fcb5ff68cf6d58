#!/usr/bin/env bash
# Runs commands one after the other to the last, whichever of them fail, and says in the end which did, which of
# their tests, and how long each took.
#
#   scripts/each.sh 'COMMAND' ...
#   scripts/each.sh --beside 'COMMAND' 'COMMAND' ...   the first runs beside the others; what it writes comes after them
set -uo pipefail

logs=$(mktemp -d)
beside=
trap '[ -z "$beside" ] || kill "$beside" 2>/dev/null; rm -rf "$logs"' EXIT
summary=()
code=0

# Notes how a command ended, and which tests failed: as cargo, unittest and playwright name them.
note() {
    local command=$1 result=$2 seconds=$3 log=$4 test
    if [ "$result" = 0 ]; then
        summary+=("passed after $seconds s: $command")
        return
    fi
    code=1
    summary+=("FAILED after $seconds s: $command")
    while read -r test; do
        summary+=("    $test")
    done < <(sed -nE 's/^test (.*) \.\.\. FAILED$/\1/p; s/^(FAIL|ERROR): (.*)$/\2/p; s/^ +[0-9]+\) (.*\.spec\.ts.*)$/\1/p' "$log" | sort -u)
}

if [ "${1:-}" = --beside ]; then
    first=$2
    shift 2
    bash -c "$first" >"$logs/beside" 2>&1 &
    beside=$!
fi
for command; do
    printf '\n== %s\n' "$command"
    began=$SECONDS
    bash -c "$command" 2>&1 | tee "$logs/command"
    note "$command" "${PIPESTATUS[0]}" $((SECONDS - began)) "$logs/command"
done
if [ -n "$beside" ]; then
    wait "$beside"
    result=$?
    beside=
    printf '\n== %s\n' "$first"
    cat "$logs/beside"
    note "$first" "$result" "$SECONDS" "$logs/beside"
fi
printf '\n== summary\n'
printf '%s\n' "${summary[@]}"
exit $code
