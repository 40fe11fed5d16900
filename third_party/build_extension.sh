#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds PHP extensions that PHP's own source does not have, from Debian's source packages php-NAME, for the PHP whose phpize and
# php-config are in PATH (in an image: that of the sdk stage), and switches them on with a file in its conf.d.
# Their Debian packages hold code for Debian's own PHP, which has no threads.
# usage: build_extension.sh NAME...   such as redis, apcu, igbinary, memcached (its library's -dev package must be there)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=third_party/lib.sh
. "$here/lib.sh"
# shellcheck source=third_party/versions.sh
. "$here/versions.sh"
# shellcheck source=third_party/apt_private.sh
. "$here/apt_private.sh"

# The source of an extension: php-redis_6.2.0.orig.tar.gz has package.xml and redis-6.2.0/.
unpack() { # NAME DIR
    local archive
    archive=$(compgen -G "$2/php-$1_*.orig.tar.*z*" | grep -v '\.asc$' | head -n 1)
    mkdir -p "$2/unpacked"
    tar -C "$2/unpacked" -xf "$archive"
    dirname "$(find "$2/unpacked" -maxdepth 3 -name config.m4 | sort | head -n 1)"
}

build() { # NAME
    local name=$1 folder source log ini
    folder=$(mktemp -d "${TMPDIR:-/tmp}/phpsrv-extension.XXXXXX")
    log=$folder/build.log
    say "building the extension $name"
    # The author's archive alone: Debian's part is for Debian's PHP.
    (cd "$folder" && apt-get "${PRIVATE_APT[@]}" source --download-only --only-source --tar-only "php-$name") >"$log" 2>&1 ||
        die_log "$log" "the source of php-$name could not be fetched"
    source=$(unpack "$name" "$folder")
    [[ -f $source/config.m4 ]] || die "the source of php-$name has no config.m4"
    (cd "$source" && phpize && ./configure --with-php-config="$(command -v php-config)" &&
        make -j"$(nproc)" && make install) >"$log" 2>&1 || die_log "$log" "the extension $name could not be built"
    ini=$(php-config --ini-dir 2>/dev/null || true)
    [[ -d $ini ]] || ini=$(php-config --prefix)/etc/php/conf.d
    mkdir -p "$ini"
    printf 'extension=%s\n' "$name" >"$ini/docker-php-ext-$name.ini"
    rm -rf "$folder"
}

(($# > 0)) || die "usage: build_extension.sh NAME..."
for program in phpize php-config; do command -v "$program" >/dev/null || die "$program is not in PATH"; done
private_apt_setup
for extension; do
    [[ $extension =~ ^[a-z0-9-]+$ ]] || die "\"$extension\" is no name of an extension: small letters, digits, hyphens"
    build "$extension"
done
