/* A text as a string of JSON.  Pure; [any].
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "base/bytes.h"
#include "base/macros.h"

struct psv_buffer;

/** Appends it with its quotes.  Bytes that are not UTF-8 (what a client sent need not be, and may be cut
 * within a sequence) become U+FFFD.  PSV_ENOMEM, PSV_ELIMIT. */
MUST_CHECK int psv_json_text_put(struct psv_buffer *out, struct psv_bytes text);
