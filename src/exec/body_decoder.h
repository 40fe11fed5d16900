/* How a worker decodes a request's body before its script sees it (RFC 9110 8.4).  Implemented in filter/,
 * chosen on the loop for each request, used by the worker.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/macros.h"

struct psv_job;
struct psv_request_body;

/** One content coding with its bounds; const and shared by all requests. */
struct psv_body_decoder {
    /** Appends the decoded form of all of in to out, whose limit it keeps.  0; PSV_ESYNTAX: not of this
     * coding, or cut off; PSV_ELIMIT: larger than out may be, or than a body of this size may become;
     * PSV_ENOMEM; PSV_EIO.  [worker] */
    MUST_CHECK int (*decode)(const struct psv_body_decoder *decoder, struct psv_request_body *in,
                             struct psv_request_body *out);
};

/** Puts the decoded body in the place of the job's and takes the coding out of its message.  False: it cannot
 * be done; then the job knows with which status it is to be refused.  [worker] */
bool psv_job_decode_body(struct psv_job *job);
