/* Server-Timing (W3C Server Timing): what a script's response has taken, for the developer tools of browsers.
 * [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct psv_job;

#define PSV_SERVER_TIMING_BYTES 96

/** Writes the field's value, with durations in milliseconds: "queue;dur=0.1, php;dur=3.2", or, while the
 * script goes on (a streamed response), "queue;dur=0.1, boot;dur=2.0": until its head came.  A part of the
 * job's response has come through the mailbox.  Returns the length. */
size_t psv_server_timing_format(const struct psv_job *job, bool is_complete, uint64_t now_ns,
                                char out[PSV_SERVER_TIMING_BYTES]);
