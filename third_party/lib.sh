# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Shared by ./dev and the scripts beside this file: messages, the cache directory, root, Debian's version. Sourced, not run.

if [[ -t 2 && -z ${NO_COLOR:-} ]]; then
    C_BOLD=$'\e[1m' C_RED=$'\e[31m' C_GREEN=$'\e[32m' C_YELLOW=$'\e[33m' C_DIM=$'\e[2m' C_OFF=$'\e[0m'
else
    C_BOLD='' C_RED='' C_GREEN='' C_YELLOW='' C_DIM='' C_OFF=''
fi

say() { printf '%s\n' "${C_BOLD}==>${C_OFF} $*" >&2; }
notice() { printf '%s\n' "${C_YELLOW}note:${C_OFF} $*" >&2; }
good() { printf '%s\n' "${C_GREEN}ok:${C_OFF} $*" >&2; }
dim() { printf '%s\n' "${C_DIM}$*${C_OFF}" >&2; }
die() {
    printf '%s\n' "${C_RED}error:${C_OFF} $*" >&2
    exit 1
}

# die_log LOG WORDS...: says what failed, shows the end of the log and where the rest is.
die_log() {
    local log=$1
    shift
    printf '%s\n' "${C_RED}error:${C_OFF} $*; the last lines of its log:" >&2
    tail -n 25 "$log" | sed 's/^/    /' >&2
    printf '%s\n' "the whole log: $log" >&2
    exit 1
}

# Where everything fetched or built outside the checkout lives.
cache_dir() {
    if [[ -n ${PHPSRV_CACHE_DIR:-} ]]; then
        printf '%s\n' "$PHPSRV_CACHE_DIR"
    elif [[ -n ${XDG_CACHE_HOME:-} ]]; then
        printf '%s\n' "$XDG_CACHE_HOME/phpsrv"
    else
        printf '%s\n' "${HOME:?HOME is not set: set PHPSRV_CACHE_DIR}/.cache/phpsrv"
    fi
}

as_root() {
    if [[ $EUID -eq 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo -- "$@"
    else
        die "this needs root and there is no sudo: run as root: $*"
    fi
}

os_release() { (
    # shellcheck disable=SC1091
    . /etc/os-release 2>/dev/null
    printf '%s\n' "${!1:-}"
); }

# Debian's major version; "testing" and "unstable" carry none and count as newer than all.
debian_version() {
    [[ $(os_release ID) == debian ]] || return 1
    local version
    version=$(os_release VERSION_ID)
    printf '%s\n' "${version:-99}"
}

package_installed() { # one dpkg-query call per package list is faster: see install_packages.sh
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}
