#!/usr/bin/env bash
# What takes too long for every day: hostile templates and HTTP answers from new seeds, properties with new cases, and
# the sweeps that `make test` shortens. The same again and again until the time is over; the first failure ends it, and
# the seeds that it prints repeat it.
#
#   scripts/soak.sh             for an hour
#   SECONDS_TO_SOAK=600 CICADA_FUZZ_SEED=7 scripts/soak.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

end=$((SECONDS + ${SECONDS_TO_SOAK:-3600}))
seed=${CICADA_FUZZ_SEED:-$RANDOM$RANDOM}
# the build of `make test`, whose assertions and checks of overflows are on
tests=(cargo test --locked --workspace --all-features --no-fail-fast)

"${tests[@]}" --no-run
echo "== the long sweeps"
"${tests[@]}" soak:: -- --ignored
while [ "$SECONDS" -lt "$end" ]; do
    export CICADA_FUZZ_SEED=$seed CICADA_FUZZ_COUNT=${CICADA_FUZZ_COUNT:-10000} CICADA_FUZZ_SECONDS=${CICADA_FUZZ_SECONDS:-60}
    echo "== CICADA_FUZZ_SEED=$seed, $((end - SECONDS)) s left"
    "${tests[@]}" --test it bounds::grammar::fuzz_templates -- --ignored
    "${tests[@]}" --test cicada hostile::babble
    # properties draw cases that no other run has drawn; a failing one is kept in proptest-regressions
    "${tests[@]}" --lib --test it
    seed=$((seed + 1))
done
echo "== the soak is over: nothing has failed"
