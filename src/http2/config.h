/* What the HTTP/2 codec is given: limits, timers, the exchange pool; and what all its connections share.
 * [loop]; made at boot.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/macros.h"
#include "net/timer.h"

struct psv_extra_fields; /* http/extra_fields.h */

struct psv_exchange_pool;
struct psv_h2_shared;

struct psv_h2_config {
    size_t target_bytes_max;      /* longer: 414 */
    size_t header_bytes_max;      /* names and values of a request together: 431 */
    unsigned header_count_max;    /* 431 */
    uint64_t body_bytes_max;      /* 413 */
    size_t body_memory_bytes;     /* past it a body is spilled to a file */
    uint32_t streams_max;         /* at once on a connection; more are refused (RFC 9113 5.1.2) */
    uint32_t stream_window_bytes; /* of a request body that the client may send ahead */
    uint32_t connection_window_bytes;
    unsigned unanswered_max; /* requests of a connection that the host has at once; others wait */
    uint64_t held_bytes_max; /* of a connection's answers; with more it gets few at a time */
    bool sends_server_field;
    struct psv_exchange_pool *pool;
    /* timers of connections, shared with other codecs of the service: psv_connection_on_timer is called */
    struct psv_timer_queue *header_timer;
    struct psv_timer_queue *keepalive_timer;
    struct psv_timer_queue *write_timer;
    struct psv_timer_queue *linger_timer;
    /* timers of streams: psv_h2_config_init makes them */
    struct psv_timer_queue body_timer;  /* silence while a request body arrives */
    struct psv_timer_queue stall_timer; /* no window for a response */
    struct psv_timer_queue drain_timer; /* from the announcement of a drain to its final GOAWAY */
    struct psv_h2_shared *shared;       /* library objects and the output buffer */
};

/** Makes the library's objects and the streams' timer queues; durations in nanoseconds.  0, PSV_ENOMEM.
 *  [boot] */
MUST_CHECK int psv_h2_config_init(struct psv_h2_config *config, struct psv_timer_wheel *wheel,
                                  uint64_t body_idle_ns, uint64_t write_ns);
/** After the last connection is closed.  Accepts a zeroed struct. */
void psv_h2_config_fini(struct psv_h2_config *config);
