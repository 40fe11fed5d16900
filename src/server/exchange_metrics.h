/* What is counted about every exchange at its end, whichever listener it came from.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct psv_exchange;

void psv_exchange_metrics_count(const struct psv_exchange *exchange, uint64_t now_ns, bool aborted);
