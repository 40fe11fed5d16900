/* The access log's line for people at a terminal: time, method, path, status, duration.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct psv_exchange;

#define PSV_ACCESS_LOG_SHORT_BYTES 1024

/** Writes the line (no newline, no NUL); returns its length.  0: not worth a line, because the server itself
 * was asked by its own script.  has_colour: the status in the colour of its class, the time alone without the
 * date.  Whatever the client sent is escaped.  [loop] */
size_t psv_access_log_short(const struct psv_exchange *exchange, uint64_t now_ns, bool is_aborted,
                            bool has_colour, char out[PSV_ACCESS_LOG_SHORT_BYTES]);
