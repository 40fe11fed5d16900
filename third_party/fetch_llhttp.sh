#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Prints the directory that has llhttp's include/ and lib/: the system's (Debian 13 and newer: a plain package), else Debian's
# package of SOURCE_SUITE, unpacked (not installed) into the cache: a static library and its header.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=third_party/lib.sh
. "$here/lib.sh"
# shellcheck source=third_party/versions.sh
. "$here/versions.sh"
# shellcheck source=third_party/apt_private.sh
. "$here/apt_private.sh"

main() {
    if [[ -f /usr/include/llhttp.h ]]; then
        printf '/usr\n'
        return 0
    fi
    local root
    root=$(cache_dir)/llhttp
    if [[ ! -f $root/include/llhttp.h || ! -f $root/lib/libllhttp.a ]]; then
        say "fetching llhttp"
        mkdir -p "$root.new/package"
        exec 9>"$(cache_dir)/llhttp.lock"
        flock 9
        private_apt_setup
        private_fetch_package "$LLHTTP_PACKAGE" "$root.new/package"
        dpkg -x "$(compgen -G "$root.new/package/${LLHTTP_PACKAGE}_*.deb" | head -n 1)" "$root.new/unpacked"
        mkdir -p "$root.new/root/include" "$root.new/root/lib"
        cp "$root.new/unpacked/usr/include/llhttp.h" "$root.new/root/include/"
        cp "$(find "$root.new/unpacked" -name libllhttp.a | head -n 1)" "$root.new/root/lib/"
        rm -rf "$root"
        mv "$root.new/root" "$root"
        rm -rf "$root.new"
    fi
    printf '%s\n' "$root"
}

main "$@"
