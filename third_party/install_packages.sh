#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs the Debian packages of the named groups (packages.txt) that are missing. With all of them there it needs neither
# root nor a network and takes a fraction of a second. No service is started by the installation.
# Usage: install_packages.sh GROUP...   PHPSRV_PACKAGES_WITHOUT="NAME ..." leaves these out (images need no second compiler).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=third_party/lib.sh
. "$here/lib.sh"

declare -A installed=()
load_installed() {
    local name status
    installed=()
    while read -r name status; do
        [[ $status == installed ]] && installed[${name%%:*}]=1
    done < <(dpkg-query -W -f='${binary:Package} ${db:Status-Status}\n' 2>/dev/null)
    # Virtual packages count as well (libjpeg-dev and the like).
    while read -r name; do
        name=${name%%[ (:]*}
        [[ -z $name ]] || installed[$name]=1
    done < <(dpkg-query -W -f='${db:Status-Status} ${Provides}\n' | sed -n 's/^installed //p' | tr ',' '\n' | sed 's/^ *//' | sort -u)
}

# Prints the packages of the groups that apply to this Debian, one per line, with their marks.
wanted() {
    local version=$1 line group package
    shift
    while read -r line; do
        [[ -z $line || $line == \#* ]] && continue
        read -r group package <<<"$line"
        [[ " $* " == *" $group "* && " ${PHPSRV_PACKAGES_WITHOUT:-} " != *" ${package%\?} "* ]] || continue
        case $package in
            12:*) ((version == 12)) && printf '%s\n' "${package#12:}" ;;
            13+:*) ((version >= 13)) && printf '%s\n' "${package#13+:}" ;;
            *) printf '%s\n' "$package" ;;
        esac
    done <"$here/packages.txt"
}

missing_packages() {
    local entry name alternatives found
    while read -r entry; do
        found=
        IFS='|' read -ra alternatives <<<"${entry%\?}"
        for name in "${alternatives[@]}"; do
            [[ -n ${installed[$name]:-} ]] && found=1
        done
        [[ -n $found ]] || printf '%s\n' "$entry"
    done | sort -u
}

# A package that ships a service would start it while it is installed; this policy says no, for as long as apt runs.
policy=/usr/sbin/policy-rc.d
policy_made=
forbid_services() {
    [[ -e $policy ]] && return 0
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    policy_made=1
}
restore_services() {
    [[ -z $policy_made ]] || as_root rm -f "$policy"
    policy_made=
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y --no-install-recommends "$@"
}

main() {
    (($# > 0)) || die "usage: install_packages.sh GROUP... (groups: build php test images bench clients cluster apps)"
    local group version log
    for group; do
        grep -q "^$group " "$here/packages.txt" || die "no package group is named '$group' (see third_party/packages.txt)"
    done
    version=$(debian_version) || die "packages are installed on Debian only: install those of third_party/packages.txt by hand"
    load_installed
    local -a missing=()
    mapfile -t missing < <(wanted "$version" "$@" | missing_packages)
    ((${#missing[@]})) || return 0

    local -a names=() optional=()
    local entry name
    for entry in "${missing[@]}"; do
        name=${entry%%|*}
        if [[ $entry == *\? ]]; then optional+=("${name%\?}"); else names+=("$name"); fi
    done
    log=$(mktemp "${TMPDIR:-/tmp}/phpsrv-packages.XXXXXX.log")
    say "installing ${#missing[@]} Debian packages (groups: $*)"
    dim "    ${names[*]-} ${optional[*]-}"
    trap restore_services EXIT
    as_root apt-get -o DPkg::Lock::Timeout=600 update >>"$log" 2>&1 || die_log "$log" "apt-get update failed"
    forbid_services
    # All at once first; one by one only when an optional package is in the way.
    if ! apt_install "${names[@]}" "${optional[@]}" >>"$log" 2>&1; then
        if ((${#names[@]})); then
            apt_install "${names[@]}" >>"$log" 2>&1 || die_log "$log" "apt-get could not install ${names[*]}"
        fi
        for name in "${optional[@]}"; do
            apt_install "$name" >>"$log" 2>&1 || notice "the optional package $name cannot be installed here"
        done
    fi
    rm -f "$log"
}

main "$@"
