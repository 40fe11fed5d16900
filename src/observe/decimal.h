/* Decimal fractions as text, whatever locale the process is in (a script may call setlocale at any time).
 * Pure.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** Enough for every result of this file, terminating NUL included. */
#define PSV_DECIMAL_BYTES 352

/** value rounded to at most fraction_digits (0..9) digits, trailing zeros cut; "NaN", "+Inf", "-Inf" else.
 * NUL-terminated; returns the length. */
size_t psv_decimal_format(char out[PSV_DECIMAL_BYTES], double value, unsigned fraction_digits);

/** units / 10^fraction_digits, exact ("1.5" for 1500 and 3). */
size_t psv_decimal_format_scaled(char out[PSV_DECIMAL_BYTES], uint64_t units, unsigned fraction_digits);
