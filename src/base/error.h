/* Error codes of all modules: 0 is success, every failure is one negative code of this table.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "base/macros.h"

#define PSV_ERROR_TABLE(X)                                                                                   \
    X(ENOMEM, "out of memory")                                                                               \
    X(EINVAL, "invalid value")                                                                               \
    X(ERANGE, "value out of range")                                                                          \
    X(ELIMIT, "a configured limit is reached")                                                               \
    X(EFULL, "queue is full")                                                                                \
    X(EEMPTY, "nothing there")                                                                               \
    X(EAGAIN, "not ready, try again")                                                                        \
    X(ESTOPPING, "shutting down")                                                                            \
    X(EGONE, "the peer is gone")                                                                             \
    X(ENOENT, "not found")                                                                                   \
    X(EACCESS, "access denied")                                                                              \
    X(EIO, "input or output failed")                                                                         \
    X(ESYNTAX, "malformed input")                                                                            \
    X(EUNSUPPORTED, "not supported")                                                                         \
    X(EEXIST, "exists already")                                                                              \
    X(ETIMEOUT, "timed out")

enum psv_error_index {
#define X(name, text) PSV_ERROR_INDEX_##name,
    PSV_ERROR_TABLE(X)
#undef X
        PSV_ERROR_COUNT
};

enum psv_error_code {
    PSV_OK = 0,
#define X(name, text) PSV_##name = -(PSV_ERROR_INDEX_##name + 1),
    PSV_ERROR_TABLE(X)
#undef X
};

/** Human detail of a failure, filled at boundaries (configuration, start-up).  Plain storage, nothing to
 * free. */
struct psv_error {
    int code;
    char message[512];
};

/** Static text of a code; never NULL.  [any] */
const char *psv_error_text(int code);

/** The code that says what a failed system call meant; PSV_EIO for all that have no better one.  [any] */
int psv_error_of_errno(int errno_value);

/** Fills *reterr (may be NULL) and returns code, so that a caller can write `return psv_error_set(...)`.
 * [any] */
int psv_error_set(struct psv_error *reterr, int code, const char *format, ...) PRINTF_LIKE(3, 4);

/** The same, with ": <text of errno_value>" appended; thread-safe.  [any] */
int psv_error_set_errno(struct psv_error *reterr, int code, int errno_value, const char *format, ...)
    PRINTF_LIKE(4, 5);
