/* The way of a request on the loop thread, as one ordered list: request id, method, router, static file or
 * worker, then metrics and access log at its end.  Implements struct psv_exchange_host for the site's
 * listener.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "exec/exchange.h"
#include "filter/access_log.h"
#include "handler/dynamic.h"
#include "net/timer.h"
#include "server/client_address.h"
#include "server/sites.h"

struct psv_dev;
struct psv_loop;
struct psv_otlp;

struct psv_pipeline {
    struct psv_client_rules clients;
    bool has_traces;
    uint32_t traces_sampled_ppm;
    struct psv_otlp *otlp;         /* where sampled requests go; NULL = nowhere; borrowed */
    struct psv_exchange_host host; /* context points back to this struct */
    struct psv_loop *loop;
    struct psv_sites sites;
    struct psv_exchange_pool *pool;
    struct psv_dev *dev; /* NULL without --dev; borrowed */
    struct psv_dynamic dynamic;
    struct psv_access_log access_log;
    struct psv_timer_queue
        recheck_queue; /* deadlines that the script has moved, and scripts that do not stop */
    struct psv_timer_queue stall_queue; /* looks whether jobs that are held back make progress */
    struct psv_timer stall_timer;
    struct psv_list live; /* exchanges between on_head and their end */
    uint64_t live_len;
};

/** The caller has filled loop, sites, pool, dynamic and access_log. */
void psv_pipeline_init(struct psv_pipeline *pipeline);
/** Wakes workers for the batch's requests. */
void psv_pipeline_end_batch(struct psv_pipeline *pipeline);
