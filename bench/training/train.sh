#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# train.sh PHPSRV: drives a phpsrv that was built with counters (PHPSRV_PGO=generate) with what servers do most, some 20 seconds on
# 2 cores; it writes its profile when it ends. ./dev build pgo calls this.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
binary=$1
for program in h2load curl openssl; do
    command -v "$program" >/dev/null || { echo "$program is not there: third_party/install_packages.sh pgo installs it" >&2; exit 1; }
done
scratch=$(mktemp -d "${TMPDIR:-/tmp}/phpsrv-training.XXXXXX")
server=''
# shellcheck disable=SC2329
clean_up() {
    [[ -z $server ]] || kill -KILL "$server" 2>/dev/null || true
    rm -rf "$scratch"
}
trap clean_up EXIT

cp -r "$root/third_party/training/site" "$scratch/site"
mkdir "$scratch/site/assets"
head -c 1024 /dev/zero | tr '\0' 's' >"$scratch/site/assets/small.css"
head -c 102400 /dev/zero | tr '\0' 'l' >"$scratch/site/assets/large.js"
head -c 2048 /dev/zero | tr '\0' 'f' | sed 's/^/name=/' >"$scratch/form"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 \
    -keyout "$scratch/key.pem" -out "$scratch/cert.pem" 2>/dev/null

# start OPTION...: on free ports, which the log tells. A process of its own, without supervisor.
start() {
    : >"$scratch/log"
    "$binary" --listen 127.0.0.1:0 --docroot "$scratch/site" --workers 2 --supervisor=false "$@" >"$scratch/log" 2>&1 &
    server=$!
    for _ in {1..600}; do
        plain=$(sed -n 's/.*server\.ready .*address=\([^ ]*\).*/\1/p' "$scratch/log")
        [[ -z $plain ]] || return 0
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    cat "$scratch/log"
    return 1
}

# The profile is written when the process has ended in order.
stop() {
    kill -TERM "$server"
    wait "$server"
    server=''
}

# drive EXPECTED COUNT ADDRESS PATH [H2LOAD ARGUMENTS]: EXPECTED is the class of the status.
drive() {
    local expected=$1 count=$2 url=$3$4
    shift 4
    printf '==> %s %s\n' "$url" "$*"
    h2load -n "$count" -c 16 -H 'accept-language: en-GB,en;q=0.7' -H 'accept: text/html,*/*;q=0.8' -H 'user-agent: training/1.0' -H 'cookie: theme=dark; visits=12' \
        "$@" "$url" >"$scratch/load" 2>&1
    grep -E "^(requests|status codes|finished)" "$scratch/load"
    grep -q "status codes:.* $count $expected" "$scratch/load" || { cat "$scratch/load"; tail "$scratch/log"; return 1; }
}

# both EXPECTED COUNT PATH [H2LOAD ARGUMENTS]: HTTP/1.1 and, half as often, HTTP/2.
both() {
    local expected=$1 count=$2 path=$3
    shift 3
    drive "$expected" "$count" "http://$plain" "$path" --h1 "$@"
    drive "$expected" $((count / 2)) "http://$plain" "$path" -m 4 "$@"
}

start --executor stub
both 2xx 30000 /anything
stop

start
both 2xx 20000 /hello.php
both 2xx 4000 /api.php?page=2
both 2xx 1500 /page.php
both 2xx 2000 '/front.php?path=/about'
both 2xx 10000 /assets/small.css
both 2xx 3000 /assets/large.js
both 2xx 1000 /large.php -H 'accept-encoding: gzip'
both 2xx 4000 /assets/small.css -H 'accept-encoding: gzip, br'
both 4xx 1000 /form.php -d "$scratch/form" -H 'content-type: application/x-www-form-urlencoded'
both 4xx 2000 /not/there.png
both 4xx 300 '/front.php?path=/nowhere'
# A connection for each request.
curl -fsS -o /dev/null -H 'connection: close' "http://$plain/hello.php?n=[1-500]"
stop

start --tls-listen 127.0.0.1:0 --tls-cert "$scratch/cert.pem" --tls-key "$scratch/key.pem"
secure=$(sed -n 's/.*server\.ready .* tls=\([0-9][^ ]*\).*/\1/p' "$scratch/log")
drive 2xx 3000 "https://$secure" /hello.php -m 4
drive 2xx 3000 "https://$secure" /assets/small.css --h1
stop
