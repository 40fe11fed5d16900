/* Development mode's event stream and its script: who has a page open learns that something has changed.
 * Served by the loop itself.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/list.h"
#include "net/timer.h"

struct psv_exchange;
struct psv_loop;

struct psv_live_streams {
    struct psv_loop *loop;
    struct psv_list streams; /* of struct live_stream */
    unsigned len;
    uint64_t start;   /* of this server: a client that knows another one has missed something */
    uint64_t changes; /* so far */
    bool is_closed;   /* the server ends: no new ones */
    struct psv_timer_queue ping_queue;
    struct psv_timer ping_timer;
};

void psv_live_streams_init(struct psv_live_streams *streams, struct psv_loop *loop, uint64_t start);

/** Answers requests for /.phpsrv/live-reload and /.phpsrv/live-reload.js; false: it is none. */
bool psv_live_streams_answer(struct psv_live_streams *streams, struct psv_exchange *exchange);

enum psv_live_change {
    PSV_LIVE_STYLE, /* style sheets only */
    PSV_LIVE_PAGE,
};
/** Tells all. */
void psv_live_streams_tell(struct psv_live_streams *streams, enum psv_live_change change);

/** Ends all streams, so that the server can; clients come back to the next one. */
void psv_live_streams_close(struct psv_live_streams *streams);
