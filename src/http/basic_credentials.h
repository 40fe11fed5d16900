/* Basic credentials (RFC 7617 2): "Basic " and user:password in base64.  Pure.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "base/bytes.h"
#include "base/macros.h"

#define PSV_BASIC_USER_MAX 255
#define PSV_BASIC_PASSWORD_MAX 511
#define PSV_BASIC_BYTES_MAX (PSV_BASIC_USER_MAX + 1 + PSV_BASIC_PASSWORD_MAX)

struct psv_basic_credentials {
    struct psv_bytes user; /* without a colon; may be empty */
    struct psv_bytes password;
};

/** Decodes the value of an Authorization field into out; the result points into it.  0; PSV_EUNSUPPORTED:
 * another scheme; PSV_ESYNTAX: no base64, no colon, or control bytes (RFC 7617 2 forbids them, and a NUL
 * would end the password early); PSV_ELIMIT: user or password is too long. */
MUST_CHECK int psv_basic_credentials_parse(struct psv_bytes value, char out[PSV_BASIC_BYTES_MAX],
                                           struct psv_basic_credentials *ret);

/** The user's name alone, for logs: decoded up to the colon, the password never.  Its length, at most
 * out_max; 0 when there is none. */
size_t psv_basic_user(struct psv_bytes value, char *out, size_t out_max);
