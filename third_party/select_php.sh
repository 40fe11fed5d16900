#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Prints the php-config to build with: the one named by PHPSRV_PHP_CONFIG, else one in PATH that has ZTS and embed, else that
# of the PHP which build_php.sh builds (or has built). find_php.cmake follows the same order for plain CMake. With
# PHPSRV_PHP_OPTIMIZE=pgo nothing is taken from PATH: what is there was made without it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=third_party/lib.sh
. "$here/lib.sh"
# shellcheck source=third_party/versions.sh
. "$here/versions.sh"

# Prints what is wrong with this php-config for us; nothing when it fits.
problem_of() {
    local php_config=$1 include_dir prefix lib_dir id
    include_dir=$("$php_config" --include-dir 2>/dev/null) || include_dir=
    if [[ ! -f $include_dir/main/php_config.h || ! -f $include_dir/main/php_version.h ]]; then
        echo "has no PHP headers (is the -dev package there?)"
        return
    fi
    id=$(sed -n 's/^#define PHP_VERSION_ID \([0-9]*\).*/\1/p' "$include_dir/main/php_version.h")
    prefix=$("$php_config" --prefix)
    lib_dir=$("$php_config" --lib-dir 2>/dev/null) || lib_dir=
    if ((${id:-0} < PHP_OLDEST_ID)); then
        echo "is older than PHP 8.3"
    elif ! grep -q '^#define ZTS 1' "$include_dir/main/php_config.h"; then
        echo "belongs to a PHP without threads (ZTS)"
    elif ! compgen -G "$prefix/lib/libphp*.so" >/dev/null && ! compgen -G "$prefix/lib/*/libphp*.so" >/dev/null &&
        ! { [[ -n $lib_dir ]] && compgen -G "$lib_dir/libphp*.so" >/dev/null; }; then
        echo "belongs to a PHP without libphp.so (embed)"
    fi
}

main() {
    local problem in_path prefix
    if [[ -n ${PHPSRV_PHP_CONFIG:-} ]]; then
        [[ -x $PHPSRV_PHP_CONFIG ]] || die "PHPSRV_PHP_CONFIG names $PHPSRV_PHP_CONFIG, which is not a program: name a php-config or unset it"
        problem=$(problem_of "$PHPSRV_PHP_CONFIG")
        [[ -z $problem ]] || die "$PHPSRV_PHP_CONFIG $problem: name one of a PHP 8.3 or newer configured with --enable-zts --enable-embed, or unset PHPSRV_PHP_CONFIG to have one built"
        printf '%s\n' "$PHPSRV_PHP_CONFIG"
        return 0
    fi
    if [[ ${PHPSRV_PHP_OPTIMIZE:-none} == none ]] && in_path=$(command -v php-config); then
        problem=$(problem_of "$in_path")
        if [[ -z $problem ]]; then
            printf '%s\n' "$in_path"
            return 0
        fi
        notice "$in_path is passed over: it $problem"
    fi
    prefix=$("$here/build_php.sh")
    printf '%s\n' "$prefix/bin/php-config"
}

main "$@"
