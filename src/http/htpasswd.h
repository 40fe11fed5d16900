/* Lines of an htpasswd file: "user:hash".  Only hashes that are worth it today are taken.  Pure.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "base/bytes.h"
#include "base/macros.h"

/* All hashes that are taken are shorter. */
#define PSV_HTPASSWD_HASH_BYTES_MAX 128

struct psv_htpasswd_line {
    struct psv_bytes user;
    struct psv_bytes hash; /* bcrypt or SHA-crypt, as crypt(3) takes it */
};

/** line is without its end.  0; PSV_EEMPTY: blank, or a comment; PSV_ESYNTAX or PSV_EUNSUPPORTED with
 * *ret_why, the rest of a sentence about the line, static. */
MUST_CHECK int psv_htpasswd_parse_line(struct psv_bytes line, struct psv_htpasswd_line *ret,
                                       const char **ret_why);
