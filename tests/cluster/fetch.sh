#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds phpredis (sessions in Redis, as users have them) for the PHP that the tests use, from Debian's source package, into the
# cache: <cache>/php-redis-VERSION-KEY/redis.so. Prints that path. Once built it is kept; remove the folder to build anew.
# usage: fetch.sh   (PHPSRV_PHP_PREFIX: PHP's prefix; default: the one that third_party/select_php.sh finds)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=third_party/lib.sh
. "$root/third_party/lib.sh"
# shellcheck source=third_party/versions.sh
. "$root/third_party/versions.sh"
# shellcheck source=third_party/apt_private.sh
. "$root/third_party/apt_private.sh"

VERSION=6.2.0-1 # of the package php-redis in SOURCE_SUITE
FLAGS=(--enable-redis --enable-redis-session --disable-redis-igbinary --disable-redis-msgpack)

# Only the authors' archive is fetched, not Debian's changes: its checksum stands in Debian's signed list.
fetch() { # FOLDER
    private_apt_setup
    (cd "$1" && apt-get "${PRIVATE_APT[@]}" source --download-only --tar-only --only-source "php-redis=$VERSION") >"$1/fetch.log" 2>&1 ||
        die_log "$1/fetch.log" "the source of php-redis $VERSION could not be fetched"
}

build() { # PREFIX FOLDER
    local prefix=$1 folder=$2 log=$2/build.log source=$2/source
    rm -rf "$source"
    mkdir -p "$source"
    tar -C "$source" --strip-components=1 -xf "$(compgen -G "$folder/php-redis_*.orig.tar.*")"
    say "building phpredis $VERSION"
    (cd "$source" && "$prefix/bin/phpize" && ./configure --with-php-config="$prefix/bin/php-config" "${FLAGS[@]}" &&
        nice make -j"$(nproc)") >"$log" 2>&1 || die_log "$log" "phpredis could not be built"
    cp "$source/modules/redis.so" "$folder/redis.so.new"
    "$prefix/bin/php" -n -d "extension=$folder/redis.so.new" -r 'exit(extension_loaded("redis") && ZEND_THREAD_SAFE ? 0 : 1);' >>"$log" 2>&1 ||
        die_log "$log" "the new phpredis cannot be loaded"
    mv "$folder/redis.so.new" "$folder/redis.so"
    rm -rf "$source"
}

main() {
    local prefix key folder
    prefix=${PHPSRV_PHP_PREFIX:-}
    [[ -n $prefix ]] || prefix=$("$("$root/third_party/select_php.sh")" --prefix)
    key=$(printf '%s\n' "$prefix" "$("$prefix/bin/php-config" --version)" "${FLAGS[@]}" | sha256sum | cut -c1-12)
    folder=$(cache_dir)/php-redis-$VERSION-$key
    if [[ ! -e $folder/redis.so ]]; then
        mkdir -p "$folder"
        exec 9>"$folder/lock"
        flock 9
        compgen -G "$folder/php-redis_*.orig.tar.*" >/dev/null || fetch "$folder"
        [[ -e $folder/redis.so ]] || build "$prefix" "$folder"
    fi
    printf '%s\n' "$folder/redis.so"
}

main
