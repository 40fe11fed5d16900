#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Fetches Debian's DokuWiki and the PHP and JavaScript packages that it needs, and unpacks them (without installing: no web server is
# configured) into <cache>/apps/dokuwiki/root. Prints that directory. Once fetched it is kept; remove it to fetch anew.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=third_party/lib.sh
. "$root/third_party/lib.sh"

required=(dokuwiki php-geshi libphp-simplepie libjs-jquery libjs-jquery-ui libjs-jquery-cookie)
# Some Debian releases carry these, others do not need them.
optional=(php-phpseclib php-random-compat)

main() {
    local target package deb
    target=$(cache_dir)/apps/dokuwiki
    if [[ ! -e $target/complete ]]; then
        command -v apt-get >/dev/null || die "DokuWiki is fetched from Debian's archive, and there is no apt-get here"
        say "fetching DokuWiki"
        mkdir -p "$target"
        exec 9>"$target.lock"
        flock 9
        rm -rf "$target/root" "$target/packages"
        mkdir -p "$target/root" "$target/packages"
        # a fresh machine has no package lists yet
        apt-cache show dokuwiki >/dev/null 2>&1 || as_root apt-get update >>"$target/fetch.log" 2>&1 || true
        for package in "${required[@]}"; do
            (cd "$target/packages" && apt-get -o APT::Sandbox::User= download "$package") >>"$target/fetch.log" 2>&1 ||
                die_log "$target/fetch.log" "the package $package could not be fetched (apt-get update may help)"
        done
        for package in "${optional[@]}"; do
            (cd "$target/packages" && apt-get -o APT::Sandbox::User= download "$package") >>"$target/fetch.log" 2>&1 ||
                notice "no package $package here: going on without it"
        done
        for deb in "$target/packages/"*.deb; do dpkg -x "$deb" "$target/root"; done
        rm -rf "$target/packages"
        touch "$target/complete"
    fi
    printf '%s\n' "$target/root"
}

main "$@"
