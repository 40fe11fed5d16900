/* One line per finished exchange: common, combined, JSON or a format of its own.  [loop]  Formats into
 * the log's own memory, allocates nothing; the log thread does the writing.  Whatever the client sent is
 * escaped: a request can neither begin a line nor end a quoted text. Must not know codecs or handlers: it
 * reads the exchange only.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/macros.h"
#include "filter/access_format.h"
#include "http/date.h"
#include "observe/log.h"

struct psv_exchange;

enum psv_access_log_format {
    PSV_ACCESS_LOG_COMMON,
    PSV_ACCESS_LOG_COMBINED,
    PSV_ACCESS_LOG_JSON,
    PSV_ACCESS_LOG_CUSTOM,
    PSV_ACCESS_LOG_SHORT, /* access_log_short.h */
    PSV_ACCESS_LOG_CADDY, /* access_log_caddy.h */
    PSV_ACCESS_LOG_FORMAT_COUNT
};

/** Longest line; client texts that would exceed their share are cut and end in "...". */
#define PSV_ACCESS_LOG_LINE_BYTES (PSV_LOG_LINE_BYTES - 1)

struct psv_access_log {
    bool is_enabled;
    bool names_sites;    /* JSON: there are several */
    unsigned status_min; /* lower ones are left out; 0 = none */
    enum psv_access_log_format format;
    bool has_second;
    uint64_t second;                   /* of both texts */
    char time_local[PSV_DATE_CLF_LEN]; /* 06/Nov/1994:08:49:37 +0000 */
    char time_iso[PSV_DATE_ISO_LEN];   /* its milliseconds are each line's own */
    struct psv_access_format custom;
    struct psv_bytes server_name; /* of custom; borrowed */
};

/** [boot] */
void psv_access_log_init(struct psv_access_log *log, bool is_enabled, enum psv_access_log_format format);

/** The log in a format of its own (filter/access_format.h).  server_name lives as long as log; empty = the
 * request's host.  PSV_EINVAL with what is wrong with the format, PSV_ENOMEM.  [boot] */
MUST_CHECK int psv_access_log_init_custom(struct psv_access_log *log, const char *format,
                                          struct psv_bytes server_name, struct psv_error *reterr);
/** Accepts a zeroed struct. */
void psv_access_log_fini(struct psv_access_log *log);

/** Whether the exchange has a line: the log is on, and its status high enough. */
bool psv_access_log_wants(const struct psv_access_log *log, const struct psv_exchange *exchange,
                          bool is_aborted);
/** The exchange is over: makes its line, if it has one, in the log's own memory. */
void psv_access_log_end(struct psv_access_log *log, const struct psv_exchange *exchange, uint64_t now_ns,
                        bool is_aborted);

/** Writes the line (no newline, no NUL) to out, which holds PSV_ACCESS_LOG_LINE_BYTES.  Returns its length.
 */
size_t psv_access_log_line(struct psv_access_log *log, const struct psv_exchange *exchange, uint64_t now_ns,
                           bool is_aborted, char *out);
