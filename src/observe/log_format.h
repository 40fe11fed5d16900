/* Makes one log line of an event and its fields, in a fixed room: never more, never an allocation.  Any
 * thread; pure.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log.h"

struct psv_log_event {
    enum psv_log_level level;
    const char *name;
    const struct psv_log_field *fields;
    size_t fields_len;
    uint64_t unix_us;
};

/** Least room that psv_log_format_* accept. */
#define PSV_LOG_ROOM_MIN 256

/** Writes the line with its newline into out; returns its length.  What does not fit is left out, and the
 * line then ends in "truncated=true" (in JSON a member, so that the line stays valid).  has_colour: escape
 * sequences around the level. */
size_t psv_log_format_text(char *out, size_t room, const struct psv_log_event *event, bool has_colour);
size_t psv_log_format_json(char *out, size_t room, const struct psv_log_event *event);
/** JSON with the names of Caddy's log: "level", "ts" in seconds, "msg", which is the field "message" where
 * there is one and else what happened and why. */
size_t psv_log_format_caddy(char *out, size_t room, const struct psv_log_event *event);
