/* Names of the CGI variables that carry request fields to a script (RFC 3875 4.1.18).  Pure; any thread.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

struct psv_field;

/** "User-Agent" -> "HTTP_USER_AGENT"; Content-Type and Content-Length become CONTENT_TYPE and
 *  CONTENT_LENGTH.  Followed by a NUL that is not counted.  Returns the length, 0 when out_size is too
 *  small (field.len + 6 always suffices). */
size_t psv_cgi_name(struct psv_bytes field, char *out, size_t out_size);

/** False for fields that must not become HTTP_*: names with anything but ASCII letters, digits and '-'
 *  ("X_Y", and "X.Y", which PHP would turn into X_Y, pose as "X-Y"), Proxy (it would become HTTP_PROXY),
 *  and Content-Type and Content-Length, whose variables are made from the message itself. */
bool psv_cgi_name_is_forwarded(const struct psv_field *field);
