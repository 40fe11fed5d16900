/* The scoreboard as a page for people: plain HTML, nothing from elsewhere, renewed by the browser.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "base/macros.h"

struct psv_buffer;
struct psv_internal_facts;
struct psv_worker_report;

/** workers are put into another order: those that run longest first.  0, PSV_ENOMEM, PSV_ELIMIT. */
MUST_CHECK int psv_status_page_format(struct psv_buffer *out, const struct psv_internal_facts *facts,
                                      struct psv_worker_report *workers, unsigned workers_len,
                                      const char *version, uint64_t uptime_ms);
