/* One line per finished exchange: common, combined or JSON.  [loop]  Formats on the stack, allocates
 * nothing; the log thread does the writing.  Whatever the client sent is escaped: a request can neither
 * begin a line nor end a quoted text. Must not know codecs or handlers: it reads the exchange only.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "http/date.h"
#include "observe/log.h"

struct psv_exchange;

enum psv_access_log_format {
    PSV_ACCESS_LOG_COMMON,
    PSV_ACCESS_LOG_COMBINED,
    PSV_ACCESS_LOG_JSON,
    PSV_ACCESS_LOG_FORMAT_COUNT
};

/** Longest line; client texts that would exceed their share are cut and end in "...". */
#define PSV_ACCESS_LOG_LINE_BYTES (PSV_LOG_LINE_BYTES - 1)

struct psv_access_log {
    bool is_enabled;
    enum psv_access_log_format format;
    bool has_second;
    uint64_t second;                                         /* of time_text */
    char time_text[MAX(PSV_DATE_ISO_LEN, PSV_DATE_CLF_LEN)]; /* in the form that format asks for */
};

/** [boot] */
void psv_access_log_init(struct psv_access_log *log, bool is_enabled, enum psv_access_log_format format);

/** The exchange is over: hands its line to psv_log_access.  Does nothing when the log is off. */
void psv_access_log_end(struct psv_access_log *log, const struct psv_exchange *exchange, uint64_t now_ns,
                        bool is_aborted);

/** Writes the line (no newline, no NUL) to out, which holds PSV_ACCESS_LOG_LINE_BYTES.  Returns its length.
 */
size_t psv_access_log_line(struct psv_access_log *log, const struct psv_exchange *exchange, uint64_t now_ns,
                           bool is_aborted, char *out);
