#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Unpacks Debian's Apache with mod_php, and whatever of theirs this machine does not have, into <cache>/bench/apache/root: nothing is
# installed, no service is configured or started. Once fetched they are kept; remove the folder to fetch anew.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=third_party/lib.sh
. "$root/third_party/lib.sh"

target=$(cache_dir)/bench/apache
[[ ! -e $target/complete ]] || exit 0
if ! command -v apt-get >/dev/null; then
    notice "Apache is fetched from Debian's archive, and there is no apt-get here: the bench goes without it"
    exit 0
fi
mkdir -p "$target"
exec 9>"$target.lock"
flock 9
[[ ! -e $target/complete ]] || exit 0
say "fetching Apache with mod_php"
rm -rf "$target/root" "$target/packages"
mkdir -p "$target/root" "$target/packages"
log=$target/fetch.log
wanted() { apt-get -s --no-install-recommends install libapache2-mod-php 2>>"$log" | sed -n 's/^Inst \([^ ]*\).*/\1/p'; }
mapfile -t packages < <(wanted)
if ((${#packages[@]} == 0)) && ! compgen -G '/usr/lib/apache2/modules/libphp*.so' >/dev/null; then
    as_root apt-get update >>"$log" 2>&1 || true
    mapfile -t packages < <(wanted)
fi
if ((${#packages[@]} > 0)); then
    (cd "$target/packages" && apt-get -o APT::Sandbox::User= download "${packages[@]}" >>"$log" 2>&1) ||
        die_log "$log" "Apache's packages could not be fetched (apt-get update may help)"
    for deb in "$target/packages/"*.deb; do dpkg -x "$deb" "$target/root"; done
fi
rm -rf "$target/packages"
touch "$target/complete"
