/* Names of the CGI variables that carry request fields to a script (RFC 3875 4.1.18).  Pure; any thread.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "base/bytes.h"

struct psv_field;

/** "User-Agent" -> "HTTP_USER_AGENT", followed by a NUL that is not counted.  Returns the length; 0 when
 * out_size is too small (name.len + 6 always suffices), and for fields that must not become HTTP_*: names
 * with anything but ASCII letters, digits and '-' ("X_Y", and "X.Y", which PHP would turn into X_Y, pose as
 * "X-Y"), Proxy (it would become HTTP_PROXY), and Content-Type and Content-Length, whose variables are made
 * from the message itself. */
size_t psv_cgi_name(const struct psv_field *field, char *out, size_t out_size);
