/* Settings of PHP that may hold a password, for those who show a configuration.  Pure.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "base/bytes.h"

/** How much of "key=value" may be shown: all of it, or the part up to and with '=' when the key sounds like a
 * secret (mysqli.default_pw) or the value has one in it (a Redis path with auth=, a URL with user:password@).
 */
size_t psv_option_shown_len(struct psv_bytes item);
