/* Random numbers: unpredictable ones from the kernel, and quick ones for identifiers that are no secret.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** Unpredictable bytes, from a per-thread pool refilled by getrandom(2).  Fatal if the kernel has none. [any]
 */
void psv_random_fill(void *out, size_t len);
uint64_t psv_random_u64(void);
/** From a generator of the thread's own that the kernel seeded once: costs nothing, and whoever has seen
 * enough of its numbers knows the next ones.  For what must be unique but is no secret.  [any] */
uint64_t psv_random_quick_u64(void);
/** Writes 2 x len lower-case hex digits (no NUL) of the bytes. */
void psv_hex_encode(char *out, const uint8_t *bytes, size_t len);
