/* The scoreboard: a page for people (plain HTML, nothing from elsewhere, no script) and the same as JSON.
 * [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct psv_buffer;
struct psv_history;
struct psv_internal_facts;
struct psv_worker_report;
struct psv_worker_script_facts;

struct psv_status {
    const struct psv_internal_facts *facts;
    const struct psv_history *history;
    struct psv_worker_report *workers;
    unsigned workers_len;
    const struct psv_worker_script_facts *scripts; /* of groups 1 ... */
    size_t scripts_len;
    const char *version; /* of the program */
    uint64_t uptime_ms;
    uint64_t now_ns; /* monotonic */
    uint64_t now_unix_us;
    unsigned refresh_s; /* the browser asks again after so long; 0 = never */
};

/** Puts the workers into order: those that run longest first, idle ones last. */
void psv_status_sort(struct psv_status *status);

/** "idle" ...; [any]. */
const char *psv_status_state_name(const struct psv_worker_report *worker);

/** 0, PSV_ENOMEM, PSV_ELIMIT. */
MUST_CHECK int psv_status_format_html(struct psv_buffer *out, const struct psv_status *status);
MUST_CHECK int psv_status_format_json(struct psv_buffer *out, const struct psv_status *status);
