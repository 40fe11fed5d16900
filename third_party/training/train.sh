#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# train.sh SOURCE BUILD: runs the requests of requests.txt on the libphp.so of a build tree of PHP. With counters in it (pgo_php.sh)
# that makes the profile; with a plain one it tries the scripts out. PHPSRV_TRAINING_ROUNDS: how often in each of the runs.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source=$1 build=$2
rounds=${PHPSRV_TRAINING_ROUNDS:-60}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/phpsrv-training.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/sessions" "$scratch/files"

cc -O1 -pthread -DZTS -DZEND_MAX_EXECUTION_TIMERS -I"$build/main" -I"$build" -I"$build/Zend" -I"$source/main" -I"$source" -I"$source/Zend" -I"$source/TSRM" \
    -o "$scratch/trainer" "$here/trainer.c" -L"$build/libs" -lphp -Wl,-rpath,"$build/libs"

# run ROUNDS SETTING...
run() {
    local rounds=$1
    shift
    printf '==> %s\n' "$*"
    TRAINING_FOLDER=$scratch/files "$scratch/trainer" "$here/site" "$here/requests.txt" "$rounds" \
        memory_limit=256M max_execution_time=0 html_errors=0 log_errors=1 display_errors=0 error_reporting=32767 variables_order=EGPCS \
        date.timezone=Europe/Berlin session.save_path="$scratch/sessions" session.use_strict_mode=0 sys_temp_dir="$scratch" "$@"
}

opcache=("zend_extension=$build/modules/opcache.so" opcache.enable=1 opcache.memory_consumption=64)
# As it is used mostly: compiled once, run from the cache.
run "$rounds" "${opcache[@]}" opcache.jit=disable output_buffering=4096
# Each file looked at for a change, small writes.
run $((rounds / 4 + 1)) "${opcache[@]}" opcache.jit=disable opcache.validate_timestamps=1 opcache.revalidate_freq=0 output_buffering=0
# The compiler of PHP: each request compiles its files.
run $((rounds / 6 + 1)) output_buffering=4096
run $((rounds / 4 + 1)) "${opcache[@]}" opcache.jit=tracing opcache.jit_buffer_size=32M output_buffering=4096
