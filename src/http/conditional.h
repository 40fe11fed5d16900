/* Preconditions of a request against a representation, in the order of RFC 9110 13.2.2.  Pure; any thread.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

struct psv_request;

enum psv_precondition {
    PSV_PRECONDITION_PASS,         /* go on; evaluate Range next */
    PSV_PRECONDITION_NOT_MODIFIED, /* 304 */
    PSV_PRECONDITION_FAILED,       /* 412 */
};

/** etag: the representation's own, with quotes, empty when it has none.  exists = false: nothing there
 *  (etag and mtime are ignored).  Call it only when the answer without preconditions would be 2xx (RFC 9110
 *  13.2.1).  A malformed list matches nothing; a malformed or repeated date is ignored. */
enum psv_precondition psv_conditional_evaluate(const struct psv_request *request, struct psv_bytes etag,
                                               int64_t mtime_unix, bool exists);

/** RFC 9110 13.1.5: may the Range field be honoured?  True without If-Range, with a strongly equal tag or
 *  exactly this date. */
bool psv_conditional_allows_range(const struct psv_request *request, struct psv_bytes etag,
                                  int64_t mtime_unix);
