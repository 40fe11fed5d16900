/* What a script is doing right now, seen from another thread.  Include php_compat.h first.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

/** Writes the stack of the script that the thread `state` runs: "#0 usleep() #1 f() /srv/a.php:12 #2 {main}
 * /srv/index.php:3", at most size bytes; returns the length, 0 when it cannot be seen.  The executor's
 * trace().  [any] */
size_t psv_php_trace(void *state, char *out, size_t size);
