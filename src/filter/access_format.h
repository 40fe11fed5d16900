/* The access log's own format: a text with variables as nginx names them, compiled once into pieces.
 *
 *   $remote_addr [$time_iso8601] "$request" $status $request_time queue=$queue_time php=$php_time
 *
 * Compiling is [boot], rendering [loop]; a rendered line always fits, whatever the client sent.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/macros.h"
#include "filter/access_line.h"
#include "http/date.h"

struct psv_access_piece;
struct psv_exchange;

/** What a line is made of beside its exchange. */
struct psv_access_facts {
    const char *time_local;       /* PSV_DATE_CLF_LEN bytes */
    const char *time_iso;         /* PSV_DATE_ISO_LEN bytes */
    struct psv_bytes server_name; /* configured; empty = the request's host */
    uint64_t now_ns;              /* monotonic, the end of the exchange */
    bool is_aborted;
};

struct psv_access_format {
    struct psv_access_piece *pieces;
    size_t len;
    enum psv_access_escaping escaping;
    bool wants_usage; /* some variable needs what workers count only when asked: memory, processor time */
    char *texts;      /* literals and names of fields */
};

/** text may begin with "escape=json " or "escape=default ".  $$ is a dollar.  PSV_EINVAL with a sentence: an
 * unknown variable and the nearest name, a name that is none, more than a line holds.  PSV_ENOMEM. */
MUST_CHECK int psv_access_format_compile(struct psv_access_format *format, const char *text,
                                         struct psv_error *reterr);
/** Accepts a zeroed struct. */
void psv_access_format_fini(struct psv_access_format *format);

/** Appends the line; its size is at least what the log takes (PSV_ACCESS_LOG_LINE_BYTES). */
void psv_access_format_render(const struct psv_access_format *format, struct psv_access_line *line,
                              const struct psv_exchange *exchange, const struct psv_access_facts *facts);
