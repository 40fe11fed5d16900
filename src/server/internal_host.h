/* Host of the internal listener: /health, /metrics, /config.  Answers everything on the loop.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "exec/exchange.h"

struct psv_internal;

struct psv_internal_host {
    struct psv_exchange_host host; /* context points back to this struct */
    struct psv_exchange_pool *pool;
    struct psv_internal *internal;
};

/** The caller has filled pool and internal. */
void psv_internal_host_init(struct psv_internal_host *internal_host);
