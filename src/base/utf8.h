/* UTF-8, as RFC 3629 has it.  Pure; any thread.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/** Length of the sequence at the beginning of text (1 to 4) and its code point; 0 when text is empty or
 * begins with something else: a stray byte, a cut sequence, an overlong form, a surrogate. */
size_t psv_utf8_decode(struct psv_bytes text, uint32_t *ret_code);
