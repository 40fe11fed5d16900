/* Logging: any thread hands a finished line to the log thread and goes on; nobody blocks on a log.  A full
 * ring drops the line and counts it.  Before psv_log_start and after psv_log_stop lines are written directly
 * to standard error.
 *
 *   PSV_LOG(PSV_LOG_WARN, "listener.accept_failed", PSV_LOG_TEXT("reason", text), PSV_LOG_U64("errno",
 * code));
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/macros.h"

#define PSV_LOG_LEVEL_TABLE(X) X(DEBUG, "debug") X(INFO, "info") X(WARN, "warn") X(ERROR, "error")
enum psv_log_level {
#define X(id, text) PSV_LOG_##id,
    PSV_LOG_LEVEL_TABLE(X)
#undef X
        PSV_LOG_LEVEL_COUNT
};

/** AUTO: on a terminal, unless NO_COLOR is set. */
enum psv_log_color { PSV_LOG_COLOR_AUTO, PSV_LOG_COLOR_ALWAYS, PSV_LOG_COLOR_NEVER };

enum psv_log_format { PSV_LOG_FORMAT_TEXT, PSV_LOG_FORMAT_JSON, PSV_LOG_FORMAT_CADDY };

struct psv_log_field {
    const char *key; /* static, snake_case; NULL: the field is left out */
    enum {
        PSV_LOG_KIND_BYTES,
        PSV_LOG_KIND_U64,
        PSV_LOG_KIND_I64,
        PSV_LOG_KIND_SECONDS,
        PSV_LOG_KIND_BOOL
    } kind;
    union {
        struct psv_bytes bytes; /* escaped when written; control bytes never reach the log raw */
        uint64_t u64;
        int64_t i64;
        double seconds;
        bool flag;
    } value;
};

#define PSV_LOG_BYTES(k, b)                                                                                  \
    ((struct psv_log_field){.key = (k), .kind = PSV_LOG_KIND_BYTES, .value.bytes = (b)})
/** Left out when the text is absent (data NULL). */
#define PSV_LOG_BYTES_IF(k, b) PSV_LOG_BYTES((b).data != NULL ? (k) : NULL, (b))
#define PSV_LOG_TEXT(k, t) PSV_LOG_BYTES(k, psv_bytes_of(t))
#define PSV_LOG_U64(k, n) ((struct psv_log_field){.key = (k), .kind = PSV_LOG_KIND_U64, .value.u64 = (n)})
#define PSV_LOG_I64(k, n) ((struct psv_log_field){.key = (k), .kind = PSV_LOG_KIND_I64, .value.i64 = (n)})
#define PSV_LOG_SECONDS(k, s)                                                                                \
    ((struct psv_log_field){.key = (k), .kind = PSV_LOG_KIND_SECONDS, .value.seconds = (s)})
#define PSV_LOG_BOOL(k, f) ((struct psv_log_field){.key = (k), .kind = PSV_LOG_KIND_BOOL, .value.flag = (f)})

/** event: static text "module.what_happened".  Fields may be none. [any] */
#define PSV_LOG(level, event, ...)                                                                           \
    do {                                                                                                     \
        if ((level) >= psv_log_min_level()) {                                                                \
            const struct psv_log_field psv_log_fields_[] = {{.key = NULL}, ##__VA_ARGS__};                   \
            psv_log_write((level), (event), psv_log_fields_ + 1, ARRAY_SIZE(psv_log_fields_) - 1);           \
        }                                                                                                    \
    } while (0)

void psv_log_write(enum psv_log_level level, const char *event, const struct psv_log_field *fields,
                   size_t fields_len);
enum psv_log_level psv_log_min_level(void);
/** Changes the level while running (reload).  [any] */
void psv_log_set_min_level(enum psv_log_level level);

/** Room of one line, newline included; longer lines are cut and marked. */
#define PSV_LOG_LINE_BYTES 2040

/** Room for a line of the access log: up to PSV_LOG_LINE_BYTES - 1 bytes, in which the caller escapes what is
 * foreign.  NULL: the access log is off, or full, and then the line is counted as dropped.  Else
 * psv_log_access_end follows soon, on the same thread: the stop of the log waits for it.  [any] */
MUST_CHECK char *psv_log_access_begin(void);
/** Takes what psv_log_access_begin gave; newline not included.  len 0: no line after all. */
void psv_log_access_end(char *line, size_t len);
/** The access log goes to a terminal, or colour was asked for.  [any] */
bool psv_log_access_has_colour(void);

struct psv_log_options {
    enum psv_log_level min_level;
    enum psv_log_format format;
    const char *error_path;  /* "stderr", "stdout" or a file (appended) */
    const char *access_path; /* "stdout", "stderr" or a file; NULL = access log is off */
    size_t ring_lines;       /* capacity of the ring */
    enum psv_log_color color;
};

/** Opens the files and starts the log thread.  0, PSV_EEXIST (runs already), PSV_EIO or PSV_EACCESS (a file
 * cannot be opened), PSV_ENOMEM, PSV_ELIMIT.  [boot] */
MUST_CHECK int psv_log_start(const struct psv_log_options *options, struct psv_error *reterr);
/** Writes what is in the ring and ends the thread; a reader that takes nothing for 3 s loses the rest.  Lines
 * of other threads are written directly from then on.  [boot] */
void psv_log_stop(void);
/** Closes and opens the files again (after logrotate); asynchronous.  [any] */
void psv_log_reopen(void);
/** Lines dropped since start.  [any] */
uint64_t psv_log_dropped(void);
