/* What is counted about every exchange, whichever listener it came from.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"

struct psv_exchange;
struct psv_sites;

/** Tells the metrics the names of the sites.  PSV_ENOMEM.  [boot] */
MUST_CHECK int psv_exchange_metrics_name_sites(struct psv_sites *sites, struct psv_error *reterr);

/** Its head was read, and its site found. */
void psv_exchange_metrics_begin(struct psv_exchange *exchange);
/** At its end, also of one whose head was never read. */
void psv_exchange_metrics_count(const struct psv_exchange *exchange, uint64_t now_ns, bool aborted);
