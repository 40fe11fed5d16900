#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds PHP (ZTS, libphp.so, CLI, FPM) once, from Debian's source package without Debian's patches, into the cache.
# Every step leaves a stamp, so an interrupted build goes on where it stopped; a lock keeps two runs apart.
# Prints the prefix on standard output; progress goes to standard error.
# Layout: <cache>/php-<version>-<key>/{prefix,src,build,log,stamps}; src is the unpacked tree (its .phpt tests are used).
# build_php.sh --package builds the PHP that the Debian package carries: made for PACKAGE_PHP_PREFIX, installed below
# <cache>/php-<version>-<key>/root, which is what is printed then.
# PHPSRV_PHP_INSTALL_PREFIX=DIR installs into DIR instead of prefix, for images.
# PHPSRV_PHP_OPTIMIZE=pgo builds another PHP beside the plain one: compiled twice, in between trained (pgo_php.sh).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=third_party/lib.sh
. "$here/lib.sh"
# shellcheck source=third_party/versions.sh
. "$here/versions.sh"
# shellcheck source=third_party/apt_private.sh
. "$here/apt_private.sh"

for_package=
case ${1:-} in
    '') ;;
    --package) for_package=1 ;;
    *) die "build_php.sh knows only --package" ;;
esac

# Takes the place of the flags when the PHP of the package is built.
if [[ -n $for_package ]]; then
    kept=()
    for flag in "${PHP_CONFIGURE_FLAGS[@]}"; do [[ $flag == *fpm* || $flag == *readline* ]] || kept+=("$flag"); done
    PHP_CONFIGURE_FLAGS=("${kept[@]}" --disable-fpm --with-libedit --sysconfdir="$PACKAGE_PHP_ETC" --localstatedir=/var)
    PHP_CFLAGS=$PACKAGE_PHP_CFLAGS PHP_LDFLAGS=$PACKAGE_PHP_LDFLAGS
fi

optimize=${PHPSRV_PHP_OPTIMIZE:-none} duration="5 to 10 minutes"
case $optimize in
    none) ;;
    pgo)
        [[ -z $for_package ]] || die "PHPSRV_PHP_OPTIMIZE=pgo is not for the PHP of the package: unset it"
        # shellcheck source=third_party/pgo_php.sh
        . "$here/pgo_php.sh"
        ;;
    *) die "PHPSRV_PHP_OPTIMIZE is '$optimize': use pgo or none" ;;
esac

# What decides whether a finished build can be used again: flags, revision and the libraries of this Debian.
build_key() {
    local -a other=()
    [[ -z $for_package ]] || other=("$PACKAGE_PHP_PREFIX" "$PACKAGE_PHP_ETC")
    [[ $optimize == none ]] || other+=("$optimize" "$PHP_TRAINING_REVISION" "$PGO_GENERATE" "$PGO_USE")
    printf '%s\n' "$PHP_BUILD_REVISION" "$PHP_SOURCE_PACKAGE" "$PHP_CFLAGS" "$PHP_LDFLAGS" "${PHP_CONFIGURE_FLAGS[@]}" "${other[@]}" \
        "$(os_release ID)" "$(debian_version || os_release VERSION_ID)" "$(uname -m)" \
        ${PHPSRV_PHP_INSTALL_PREFIX:+"$PHPSRV_PHP_INSTALL_PREFIX"} | sha256sum | cut -c1-12
}

# Where PHP is to be found in the end.
prefix() { printf '%s\n' "${PHPSRV_PHP_INSTALL_PREFIX:-$build/prefix}"; }

# The newest directory of this key: a finished one before one that was interrupted.
existing_build() {
    local key=$1 dir finished='' started=''
    while read -r dir; do
        if [[ -e $dir/stamps/installed ]]; then finished=$dir; elif [[ -d $dir/stamps ]]; then started=$dir; fi
    done < <(compgen -G "$cache/php-*-$key" | sort -V)
    printf '%s\n' "${finished:-$started}"
}

fetch() {
    local key=$1 sources=$cache/php-source orig version
    rm -rf "$sources.new"
    mkdir -p "$sources.new"
    say "fetching PHP's source"
    private_apt_setup
    private_fetch_source "$sources.new"
    orig=$(compgen -G "$sources.new/${PHP_SOURCE_PACKAGE}_*.orig.tar.*z*" | grep -v '\.asc$' | head -n 1)
    version=${orig##*_}
    version=${version%%.orig*}
    # Debian marks a repacked archive: 8.4.24+dfsg.
    version=${version%%+*}
    build=$cache/php-$version-$key
    mkdir -p "$build/stamps" "$build/log"
    mv "$orig" "$build/php-$version.orig.tar.${orig##*.}"
    rm -rf "$sources.new"
    touch "$build/stamps/fetched"
}

unpack() {
    rm -rf "$build/src"
    mkdir -p "$build/src"
    tar -C "$build/src" --strip-components=1 -xf "$(compgen -G "$build/php-*.orig.tar.*")"
    [[ -f $build/src/main/php_version.h ]] || die "the source archive in $build has no PHP in it: remove that directory and run again"
    touch "$build/stamps/unpacked"
}

configure() {
    local log=$build/log/configure.log prefix etc
    prefix=$(prefix)
    etc=$prefix/etc/php
    if [[ -n $for_package ]]; then prefix=$PACKAGE_PHP_PREFIX etc=$PACKAGE_PHP_ETC; fi
    local -a variables=("CFLAGS=$PHP_CFLAGS" "CXXFLAGS=$PHP_CFLAGS" "LDFLAGS=$PHP_LDFLAGS")
    if [[ ! -x $build/src/configure ]]; then
        (cd "$build/src" && ./buildconf --force) >"$log" 2>&1 || die_log "$log" "PHP's buildconf failed"
    fi
    rm -rf "$build/build"
    mkdir -p "$build/build"
    (cd "$build/build" && env "${variables[@]}" nice ../src/configure --prefix="$prefix" \
        --with-config-file-path="$etc" --with-config-file-scan-dir="$etc/conf.d" \
        --disable-debug "${PHP_CONFIGURE_FLAGS[@]}") >>"$log" 2>&1 || die_log "$log" "PHP's configure failed"
    # Not in CFLAGS: phpinfo() shows those, and they shall not name the place of this build.
    [[ -z $for_package ]] || printf '\nCFLAGS_CLEAN += -ffile-prefix-map=%s=/usr/src/phpsrv-php\nCXXFLAGS_CLEAN += -ffile-prefix-map=%s=/usr/src/phpsrv-php\n' \
        "$build" "$build" >>"$build/build/Makefile"
    touch "$build/stamps/configured"
}

# progress WHAT TOTAL: prints how far make is, from the dependency files that each compiled file leaves behind.
progress() {
    local what=$1 total=$2 compiled percent last=-1 started=$SECONDS said=$SECONDS
    ((total > 0)) || total=1
    # Ends by itself when the build that it watches is gone; does not hold the lock.
    while sleep 1 && kill -0 $$ 2>/dev/null; do
        compiled=$(find "$build/build" -name '*.dep' -size +0 2>/dev/null | wc -l)
        percent=$((compiled * 100 / total))
        ((percent < 100)) || percent=99
        if [[ -t 2 ]]; then
            ((percent == last)) || printf '\r%s building %s: %3d %% (%d of %d files, %d s)\e[K' "${C_BOLD}==>${C_OFF}" "$what" "$percent" "$compiled" "$total" $((SECONDS - started)) >&2
        elif ((SECONDS - said >= 30)); then
            said=$SECONDS
            say "building $what: $percent % ($compiled of $total files, $((SECONDS - started)) s)"
        fi
        last=$percent
    done
}

# run_make WHAT LOG [MAKE ARGUMENTS]: calls make and shows how far it is.
run_make() {
    local what=$1 log=$build/log/$2 total watcher status=0
    shift 2
    total=$(grep -c '^-include .*\.dep$' "$build/build/Makefile" || true)
    progress "$what" "$total" 9>&- &
    watcher=$!
    # shellcheck disable=SC2064
    trap "kill $watcher 2>/dev/null || true" EXIT
    nice make -C "$build/build" -j"$(nproc)" "$@" >>"$log" 2>&1 || status=$?
    kill "$watcher" 2>/dev/null || true
    wait "$watcher" 2>/dev/null || true
    trap - EXIT
    [[ ! -t 2 ]] || printf '\r\e[K' >&2
    ((status == 0)) || die_log "$log" "PHP's make failed"
}

compile() {
    local -a flags=()
    [[ $optimize == none ]] || flags=("PROF_FLAGS=$PGO_USE")
    run_make PHP make.log "${flags[@]}"
    touch "$build/stamps/made"
}

install_php() {
    local log=$build/log/install.log prefix
    prefix=$(prefix)
    if [[ -n $for_package ]]; then
        rm -rf "$build/root"
        prefix=$build/root$PACKAGE_PHP_PREFIX
        make -C "$build/build" install INSTALL_ROOT="$build/root" >"$log" 2>&1 || die_log "$log" "PHP's make install failed"
    else
        make -C "$build/build" install >"$log" 2>&1 || die_log "$log" "PHP's make install failed"
        mkdir -p "$prefix/etc/php/conf.d"
    fi
    [[ -f $prefix/lib/libphp.so && -x $prefix/bin/php-config ]] ||
        die_log "$log" "PHP was installed without libphp.so or php-config"
    # Objects are of no use any more (a quarter of a gigabyte); config.nice and the logs tell how it was made.
    mkdir -p "$build/log"
    cp "$build/build/config.nice" "$build/log/" 2>/dev/null || true
    rm -rf "$build/build"
    touch "$build/stamps/installed"
}

main() {
    cache=$(cache_dir)
    mkdir -p "$cache"
    local key started=$SECONDS
    key=$(build_key)
    build=$(existing_build "$key")
    if [[ -n $build && -e $build/stamps/installed ]]; then
        print_place
        return 0
    fi
    "$here/install_packages.sh" build php ${for_package:+package}
    exec 9>"$cache/php.lock"
    if ! flock -n 9; then
        say "another run is building PHP: waiting for it"
        flock 9
    fi
    build=$(existing_build "$key")
    if [[ -z $build || ! -e $build/stamps/installed ]]; then
        [[ -n $build && -e $build/stamps/fetched ]] || fetch "$key"
        [[ -e $build/stamps/unpacked ]] || unpack
        say "building PHP $(sed -n 's/^#define PHP_VERSION "\(.*\)"$/\1/p' "$build/src/main/php_version.h") (ZTS, embed): once, $duration on 2 cores"
        dim "    in $build"
        [[ -e $build/stamps/configured ]] || configure
        [[ $optimize == none || -e $build/stamps/trained ]] || train_php
        [[ -e $build/stamps/made ]] || compile
        [[ -e $build/stamps/installed ]] || install_php
        good "PHP is ready ($((SECONDS - started)) s)"
    fi
    print_place
}

print_place() {
    if [[ -n $for_package ]]; then printf '%s\n' "$build/root"; else prefix; fi
}

main </dev/null
