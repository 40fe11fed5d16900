/* The metrics of scripts of worker mode, under our names and under FrankenPHP's.  Pure; [any]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct psv_prometheus;
struct psv_worker_script_facts;

struct psv_worker_metrics {
    const struct psv_worker_script_facts *scripts;
    size_t scripts_len;
    bool has_frankenphp; /* the second set of names, too */
    unsigned threads;    /* of the classic group; the next two as well */
    unsigned busy;
    uint64_t queue_len;
};

/** Appends all families; none when there are no scripts, but for the reference. */
void psv_worker_metrics_format(struct psv_prometheus *out, const struct psv_worker_metrics *metrics);
