#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Makes the random passwords that docker/compose.yaml hands to its containers as files. What is there already stays.
# usage: make_secrets.sh [DIR]   (default: docker/secrets)
set -euo pipefail
folder=${1:-$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/secrets}

# Closed for others here; inside a container a file is read by that container's user, hence the modes below.
mkdir -p "$folder"
chmod 700 "$folder"

random_password() { od -An -tx1 -N24 /dev/urandom | tr -d ' \n'; }

# write NAME TEXT: a new file, readable for all who get into the folder.
write() {
    [[ ! -e $folder/$1 ]] || return 0
    printf '%s\n' "$2" >"$folder/$1"
    chmod 444 "$folder/$1"
    printf 'made %s\n' "$folder/$1"
}

for name in mariadb_root_password mariadb_password grafana_admin_password; do write "$name" "$(random_password)"; done
# One password in the words of two programs.
if [[ ! -e $folder/valkey.conf || ! -e $folder/session.ini ]]; then
    rm -f "$folder/valkey.conf" "$folder/session.ini"
    password=$(random_password)
    write valkey.conf "requirepass $password"
    write session.ini "session.save_handler = redis
session.save_path = \"tcp://valkey:6379?auth=$password\""
fi
