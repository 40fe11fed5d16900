/* How a response body is changed on its way: development mode's script, then the coding.  Part of the sink
 * (response_sink.h), not for others.  [worker]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"
#include "exec/response_sink.h"

/** Just before the head is posted: what the body will be.  len: the body's when it is complete.  Without
 * memory it stays as it is. */
void psv_sink_decide_coding(struct psv_response_sink *sink, bool is_complete, uint64_t len);

/** Whether the complete body will be changed, and one that is sent before its end would not: its length was
 * promised. Only while the head is not posted. */
bool psv_sink_gains_by_its_end(const struct psv_response_sink *sink);

/** Puts the encoded form in the place of the part's body; len: how much of it counts.  0, PSV_ENOMEM,
 * PSV_EIO. */
MUST_CHECK int psv_sink_encode_part(const struct psv_response_sink *sink, struct psv_body_encoder *encoder,
                                    struct psv_response_part *part, uint64_t len, enum psv_body_end end);
