/* Patterns of files in the manner of shells.  Pure.
 *
 *   *       any bytes but a slash
 *   ?       one byte, but no slash
 *   **      any bytes; between two slashes also none of them: any folders, or none
 *   {a,b}   one of these texts; not within each other
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

/** Length of the folder that all matches lie in, without the slash behind it; of the whole text when nothing
 * in it is special; 0: the working directory (or the root, when the text begins with a slash). */
size_t psv_file_pattern_base_len(struct psv_bytes pattern);
/** Whether nothing in it is special. */
bool psv_file_pattern_is_plain(struct psv_bytes pattern);
/** Whether the pattern matches the whole path.  Case counts.  Gives up (false) after 100,000 steps. */
bool psv_file_pattern_matches(struct psv_bytes pattern, struct psv_bytes path);
