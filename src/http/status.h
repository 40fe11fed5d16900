/* Response status codes and their reason phrases, one table (IANA registry).
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"

/** Reason phrase of 100..599, e.g. "Not Found"; "Unknown" when the code has none.  Static. */
const char *psv_status_text(unsigned status);

/** "HTTP/1.1 404 Not Found\r\n" from a table built at compile time; len 0 when the code is not in it. */
struct psv_bytes psv_status_line(unsigned status);

/** True for 1xx, 204 and 304: never a body, whatever the script wrote (RFC 9110 6.4.1). */
bool psv_status_is_bodiless(unsigned status);
