# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# The stages of build_php.sh that come before compiling when PHPSRV_PHP_OPTIMIZE=pgo: libphp.so with counters, the training
# (training/), and what it counted, put where the compiler looks for it. Sourced by build_php.sh; uses its $build.
# Stamps: instrumented, profiled, trained. The counters (.gcda) lie beside the objects, which is where gcc reads them again.
# shellcheck disable=SC2154,SC2034

duration="10 to 20 minutes"

train_php() {
    if [[ ! -e $build/stamps/profiled ]]; then
        [[ -e $build/stamps/instrumented ]] || build_instrumented
        run_training
        spread_profile
        touch "$build/stamps/profiled"
    fi
    drop_instrumented
    touch "$build/stamps/trained"
}

# Only what training runs: libphp.so and opcache.so, without the second set of objects that the programs are made of.
# The TLS model is for the resolvers of libphp.so's ifuncs (php_addslashes and others): counters are thread-local variables, and the
# dynamic linker calls resolvers before it has bound __tls_get_addr.
build_instrumented() {
    run_make "PHP with counters" make-instrumented.log "PROF_FLAGS=$PGO_GENERATE -ftls-model=initial-exec" \
        "LIBTOOL=\$(SHELL) \$(top_builddir)/libtool --silent --preserve-dup-deps --tag=disable-static" libphp.la build-modules
    touch "$build/stamps/instrumented"
}

run_training() {
    local log=$build/log/training.log started=$SECONDS
    say "training PHP"
    # An earlier run that was interrupted has left half of its counts.
    find "$build/build" -name '*.gcda' -delete
    "$here/training/train.sh" "$build/src" "$build/build" >"$log" 2>&1 || die_log "$log" "the training of PHP failed"
    dim "    $(find "$build/build" -name '*.gcda' | wc -l) profiles in $((SECONDS - started)) s"
}

# The objects of libphp.so (.libs/X.o) were trained; those of php and php-fpm (X.o) are the same source: same profile.
spread_profile() {
    local file folder
    while read -r file; do
        folder=${file%/.libs/*}
        cp "$file" "$folder/${file##*/}"
    done < <(find "$build/build" -path '*/.libs/*.gcda')
    [[ -f $build/build/Zend/zend_execute.gcda ]] || die "the training counted nothing: $build/log/training.log"
}

# The dependency files go as well: progress counts them.
drop_instrumented() {
    make -C "$build/build" prof-clean >>"$build/log/training.log" 2>&1 || die_log "$build/log/training.log" "PHP's make prof-clean failed"
    find "$build/build" -name '*.dep' -delete
}
