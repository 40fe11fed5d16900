/* Informational responses (RFC 9110 15.2, RFC 8297) on their way from a worker to the codec: parts of their
 * own that overtake nothing.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "base/macros.h"
#include "exec/response_sink.h"
#include "http/headers.h"

struct psv_exchange;

struct psv_informational {
    struct psv_response_part part; /* with PSV_PART_INFORM; freed with its piece */
    unsigned status;
    struct psv_headers headers; /* in this block of memory */
};

/** Posts one.  0; PSV_EINVAL: no informational status but 101, which is the connection's; PSV_EUNSUPPORTED:
 * HTTP/1.0; PSV_EEXIST: the response has begun; PSV_ELIMIT: there have been too many; PSV_EGONE, PSV_ENOMEM.
 * [worker] */
MUST_CHECK int psv_sink_inform(struct psv_response_sink *sink, unsigned status,
                               const struct psv_field *fields, unsigned fields_len);

/** Hands the part's response to the exchange's codec.  [loop] */
void psv_informational_deliver(const struct psv_response_part *part, struct psv_exchange *exchange);
