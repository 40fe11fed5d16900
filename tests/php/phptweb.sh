#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs php-src's own web tests (.phpt with GET, POST, COOKIE ... sections) over HTTP against phpsrv and compares with what php-fpm makes
# of them: every test that passes there has to pass here, but for those that phptweb-differences.txt names with a reason.
# phpsrv runs as --sapi-name fpm-fcgi here: some 70 tests, and Phar::webPhar() in PHP itself, look for that name or for "cgi" in it.
# usage: phptweb.sh [--all] [REGEX]   --all: all tests of php-src that can run over HTTP (some 14,000), else those that ask for a web
# server; REGEX: only those whose path matches; PHPSRV_BINARY, PHPSRV_PHP_PREFIX, PHPSRV_PHP_SRC, PHPSRV_PHPTWEB
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
binary=${PHPSRV_BINARY:-$root/build/phpsrv}
tool=${PHPSRV_PHPTWEB:-$root/../shared/tools/phptweb}
php_src=${PHPSRV_PHP_SRC:-}
php=${PHPSRV_PHP_PREFIX:+$PHPSRV_PHP_PREFIX/bin/php}
python=/usr/bin/python3
keep=${PHPSRV_PHPTWEB_KEEP:-}
jobs=${PHPSRV_PHPTWEB_JOBS:-4}
extent=web extra=()
if [[ ${1:-} == --all ]]; then
    extent=all extra=(--all)
    shift
fi
only=${1:-}

skip() {
    printf '%s\n0 passed, 0 failed, 1 skipped\n' "$1"
    exit 0
}
[[ -f $tool/phptweb.py ]] || skip "phptweb is not at $tool: php-src's web tests are left out"
[[ -n $php_src && -d $php_src/Zend/tests ]] || skip "PHPSRV_PHP_SRC names no PHP sources: their web tests are left out"
[[ -x $binary ]] || {
    echo "$binary is not there: build it first"
    exit 1
}
baseline=$(find "$tool" -name "fpm-*-$extent.list" | sort -V | tail -n 1)

work=$(mktemp -d "${TMPDIR:-/tmp}/phpsrv-phptweb.XXXXXX")
server=''
finish() {
    [[ -z $server ]] || kill -TERM "$server" 2>/dev/null || true
    [[ -z $server ]] || wait "$server" 2>/dev/null || true
    if [[ -n $keep ]]; then echo "kept: $work"; else rm -rf "$work"; fi
}
trap finish EXIT
mkdir -p "$work/docroot" "$work/tmp" "$work/cwd"
binary=$(realpath "$binary")
cd "$work/cwd" # some tests leave files in the server's working directory
# The tests write where PHP's temporary files go.
export TMPDIR=$work/tmp
"$python" "$tool/phptweb.py" --write-ini "$work/php.ini"
for name in ${!PHPSRV_*}; do unset "$name"; done # they would be options of the server

mkfifo "$work/log.pipe"
"$binary" --listen 127.0.0.1:0 --docroot "$work/docroot" --php-ini "$work/php.ini" --sapi-name fpm-fcgi --workers "$jobs" 2>"$work/log.pipe" &
server=$!
exec 3<"$work/log.pipe"
address=''
while IFS= read -r line <&3; do
    printf '%s\n' "$line" >>"$work/server.log"
    if [[ $line =~ server\.ready.*\ address=([0-9.:]+) ]]; then
        address=${BASH_REMATCH[1]}
        break
    fi
done
[[ -n $address ]] || {
    echo "the server did not start:"
    cat "$work/server.log" 2>/dev/null || true
    exit 1
}
cat <&3 >>"$work/server.log" &

spawn_port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
# Front controllers expect to lie in the document root, and several folders have one of the same name: these run one after another.
run() { # NAME JOBS REGEX
    local status=0
    "$python" "$tool/phptweb.py" --src "$php_src" --base "http://$address" --docroot "$work/docroot" ${php:+--php "$php"} \
        --spawn "$binary --listen 127.0.0.1:{port} --docroot {docroot} --php-ini {ini} --sapi-name fpm-fcgi --workers 1" --spawn-port "$spawn_port" \
        "${extra[@]}" \
        -j "$2" --list "$work/$1.list" --out "$work/diffs" --only "$3" >"$work/$1.log" 2>&1 || status=$?
    grep -v -e '^FAIL ' "$work/$1.log" || true
    if [[ ! -f $work/$1.list ]]; then
        tail -n 20 "$work/$1.log" "$work/server.log"
        echo "phptweb ended with status $status and no list"
        exit 1
    fi
}
compare() {
    "$python" "$here/phptweb_compare.py" "$baseline" "$work/list" "$here/phptweb-differences.txt" "$work/diffs" "$only" "$@"
}
left_out=$("$python" "$here/phptweb_compare.py" --left-out "$here/phptweb-differences.txt")
run all "$jobs" "^(?=.*(?:$only))(?!.*(?:frontcontroller|$left_out))"
run root 1 "^(?=.*(?:$only)).*frontcontroller"
cat "$work/all.list" "$work/root.list" >"$work/list"
# Tests that were not written to run beside each other use the same files: what fails is tried again alone.
again=$(compare --worse)
if [[ -n $again ]]; then
    echo "again, one after another:"
    run again 1 "/(?:$again)\$"
    cat "$work/again.list" >>"$work/list"
fi
if ! kill -0 "$server" 2>/dev/null; then
    tail -n 20 "$work/server.log"
    echo "the server ended while the tests ran"
    exit 1
fi
if grep -a -A 24 -e 'server\.crashed ' "$work/server.log"; then
    compare || true
    echo "the server crashed while the tests ran"
    exit 1
fi
compare
