#!/usr/bin/env bash
# Builds the web page, aggregator/ui, into aggregator/web/page, from where cargo embeds it into the binaries.
#
#   scripts/page.sh              unless it is up to date; without Node.js it says so, and that is no error
#   scripts/page.sh --required   the same, but without Node.js it fails
set -euo pipefail

ui=$(cd "$(dirname "${BASH_SOURCE[0]}")/../aggregator/ui" && pwd)
cd "$ui"

say() { printf 'page: %s\n' "$*" >&2; }

without() {
    if [ "$1" = --required ]; then
        say "$2"
        exit 1
    fi
    say "$2: building without the web page"
    exit 0
}

# One process at a time: several builds may ask for the page at once.
lock() {
    if command -v flock >/dev/null; then
        exec 9>node_modules.lock
        flock 9
    fi
}

is_newest() {
    [ -e "$1" ] && [ -z "$(find "${@:2}" -newer "$1" -print -quit)" ]
}

required=${1:-}
lock
sources=(index.html openapi.json package-lock.json package.json public src tsconfig.json vite.config.ts)
if is_newest node_modules/.package-lock.json package-lock.json package.json &&
    is_newest ../web/page/index.html "${sources[@]}"; then
    say "aggregator/web/page is up to date"
    exit 0
fi
command -v node >/dev/null && command -v npm >/dev/null ||
    without "$required" "Node.js or npm is missing (Node.js 20.19 or newer is needed)"
node -e 'const [major, minor] = process.versions.node.split(".").map(Number);
    process.exit(major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19) ? 0 : 1)' ||
    without "$required" "Node.js is $(node --version), and 20.19, 22.12 or newer is needed"
if ! is_newest node_modules/.package-lock.json package-lock.json package.json; then
    say "installing what the page is made of into aggregator/ui/node_modules"
    # nothing that the page is built with has to be built itself
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
fi
say "building aggregator/web/page"
npm run --silent build >&2
