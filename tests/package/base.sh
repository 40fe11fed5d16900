#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Prints a folder with a fresh minimal Debian of this machine's release, made once by debootstrap from the machine's own mirror
# and kept in the cache. Tests work on copies of it. Its apt has the machine's Debian entries and settings.
set -euo pipefail
third_party=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../third_party" && pwd)
# shellcheck source=third_party/lib.sh
. "$third_party/lib.sh"
# shellcheck source=third_party/versions.sh
. "$third_party/versions.sh"
# shellcheck source=third_party/apt_private.sh
. "$third_party/apt_private.sh"

codename=$(os_release VERSION_CODENAME)
base=$(cache_dir)/chroot-$codename
[[ $EUID -eq 0 ]] || die "a Debian to install packages in can be made by root only"

mirror() {
    local uri suite components
    while IFS=$'\t' read -r uri suite components _; do
        if [[ $suite == "$codename" && " $components " == *" main "* ]]; then
            printf '%s\n' "$uri"
            return 0
        fi
    done < <(debian_entries)
    die "no Debian archive entry for $codename was found under /etc/apt"
}

apt_entries() {
    local uri suite components options
    debian_entries | while IFS=$'\t' read -r uri suite components options; do
        case $suite in
            "$codename" | "$codename"-updates | "$codename"-security) printf 'deb %s%s %s main\n' "${options:+[$options] }" "$uri" "$suite" ;;
        esac
    done | sort -u
}

if [[ ! -e $base/ready ]]; then
    mkdir -p "$(cache_dir)"
    exec 9>"$base.lock"
    flock 9
fi
if [[ ! -e $base/ready ]]; then
    say "making a Debian $codename to install packages in"
    rm -rf "$base"
    mkdir -p "$base"
    debootstrap --variant=minbase "$codename" "$base/root" "$(mirror)" >"$base/log" 2>&1 || die_log "$base/log" "debootstrap failed"
    apt_entries >"$base/root/etc/apt/sources.list"
    rm -f "$base/root/etc/apt/sources.list.d"/*
    # Proxies and the like, as far as the file can be read without what else is installed here.
    cp -L /etc/resolv.conf "$base/root/etc/resolv.conf"
    chroot "$base/root" apt-get update >>"$base/log" 2>&1 || die_log "$base/log" "apt found no lists"
    touch "$base/ready"
fi
printf '%s\n' "$base/root"
