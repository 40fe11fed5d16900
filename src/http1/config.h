/* What the HTTP/1 codec is given: limits, timers, the exchange pool.  Shared by all connections of a service;
 * [loop].
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "net/timer.h"

struct psv_extra_fields; /* http/extra_fields.h */

struct psv_exchange_pool;

struct psv_h1_config {
    size_t request_line_bytes_max;  /* target longer than that: 414 */
    size_t header_bytes_max;        /* all fields together: 431 */
    unsigned header_count_max;      /* 431 */
    uint64_t body_bytes_max;        /* 413 */
    size_t body_memory_bytes;       /* past it a body is spilled to a file */
    unsigned pipeline_requests_max; /* answered in one turn of the loop before others get theirs */
    bool sends_server_field;
    bool is_draining; /* every response is the connection's last */
    struct psv_exchange_pool *pool;
    struct psv_timer_queue header_timer;
    struct psv_timer_queue body_timer;
    struct psv_timer_queue keepalive_timer;
    struct psv_timer_queue write_timer;
    struct psv_timer_queue linger_timer;
    struct psv_timer_queue drain_timer; /* idle while the server stops */
};
