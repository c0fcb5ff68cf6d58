#!/bin/sh
# Builds functions as they are deployed, with cargo lambda: scripts/functions.sh --x86-64 --package tick --bin tick
#
# cargo lambda has them abort on a panic, so nothing unwinds: without tables for it the zip of the tick is 0.3 MB smaller.
set -eu
export RUSTFLAGS="${RUSTFLAGS:+$RUSTFLAGS }-C force-unwind-tables=no"
exec cargo-lambda lambda build --release --locked "$@"
