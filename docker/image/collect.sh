#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs in the build stage of docker/Dockerfile: adds to DIR/root what goes into the image beside the program, and writes the Debian
# packages of the libraries that it needs to DIR/packages. usage: collect.sh DIR
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
image=$1
root=$image/root

# Prints the package that owns a library; it may be registered below /lib or below /usr/lib.
package_of() {
    local file
    file=$(readlink -f "$1")
    # it ends with 1 when one of the names is not known
    { dpkg-query --search "$file" "${file#/usr}" "$1" "/usr$1" 2>/dev/null || true; } | sed -n '1s/:.*//p'
}

copy_php() {
    local extensions
    extensions=$(php-config --extension-dir)
    mkdir -p "$root/usr/local/lib" "$root$extensions" "$root/usr/local/etc/php/conf.d"
    mkdir -p "$root/usr/local/bin"
    cp -a /usr/local/lib/libphp.so "$root/usr/local/lib/"
    # phpsrv run, and what calls php by name
    cp -a /usr/local/bin/php "$root/usr/local/bin/"
    find "$extensions" -name '*.so' -exec cp -a {} "$root$extensions/" \;
    find /usr/local/etc/php/conf.d -name '*.ini' -exec cp -a {} "$root/usr/local/etc/php/conf.d/" \;
}

# Names of functions stay: crash reports show them.
strip_debug() {
    find "$root/usr/local" -type f \( -name '*.so' -o -path '*/bin/*' \) -exec strip --strip-debug {} +
}

write_packages() {
    local library package
    find "$root/usr/local" -type f \( -name '*.so' -o -path '*/bin/*' \) -exec ldd {} + |
        awk '/=> \// { print $3 } /not found/ { print > "/dev/stderr"; exit 1 }' | grep -v '^/usr/local/' | sort -u |
        while read -r library; do
            package=$(package_of "$library")
            if [[ -z $package ]]; then
                printf 'no package owns %s\n' "$library" >&2
                return 1
            fi
            printf '%s\n' "$package"
        done | sort -u >"$image/packages"
}

copy_php
strip_debug
write_packages
install -D -m 644 "$here/phpsrv.toml" "$root/etc/phpsrv/phpsrv.toml"
install -D -m 644 "$here/../../LICENSE" "$root/usr/local/share/doc/phpsrv/copyright"
mkdir -p "$root/app/public"
