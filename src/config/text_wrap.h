/* Breaks prose into lines.  Internal to config/; pure.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/macros.h"

/** Appends text broken at blanks and a newline; each line but the first begins with prefix; `at` columns of
 * the first line are in use already.  A word that is longer than a line stays whole.  0, PSV_ENOMEM,
 * PSV_ELIMIT. */
MUST_CHECK int psv_text_append_wrapped(struct psv_buffer *out, struct psv_bytes text, const char *prefix,
                                       size_t at, size_t columns);
