/* Host of the internal listener: /health, /metrics, /config, and calls that change something.  Answers
 * everything on the loop.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "exec/exchange.h"

struct psv_internal;
struct psv_worker_admin;

struct psv_internal_host {
    struct psv_exchange_host host; /* context points back to this struct */
    struct psv_exchange_pool *pool;
    struct psv_internal *internal;
    struct psv_worker_admin *admin; /* NULL: none */
};

/** The caller has filled pool and internal. */
void psv_internal_host_init(struct psv_internal_host *internal_host);
