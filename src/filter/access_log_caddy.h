/* The access log's line as Caddy writes it, in JSON: what Laravel Octane and dashboards for Caddy read.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct psv_access_line;
struct psv_exchange;

/** Longest line. */
#define PSV_ACCESS_LOG_CADDY_BYTES 2000

/** Appends the line (no newline) to an empty one that has the room.  Whatever the client sent is escaped and
 * cut.  [loop] */
void psv_access_log_caddy(const struct psv_exchange *exchange, uint64_t now_ns, bool is_aborted,
                          struct psv_access_line *line);
