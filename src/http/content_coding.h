/* Whether a response may be encoded on its way (RFC 9110 8.4, 7.7, 8.8.1), and what its fields say then.
 * Pure; any thread.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "http/headers.h"

enum psv_coding_verdict {
    PSV_CODING_FORBIDDEN, /* no body, a part of one, a checksum of it, no-transform */
    PSV_CODING_DONE,      /* the application has encoded it: it stays as it is */
    PSV_CODING_UNWANTED,  /* "Content-Encoding: identity": the application asks for none; the field is to be
                             dropped */
    PSV_CODING_ALLOWED,
};

enum psv_coding_verdict psv_coding_judge(unsigned status, const struct psv_field *fields,
                                         unsigned fields_len);

/** A copy of the fields without Content-Encoding, with Vary for Accept-Encoding; with a coding also
 * Content-Encoding, a weak ETag and no Accept-Ranges.  coding "": only Vary.  0 or PSV_ENOMEM. */
MUST_CHECK int psv_coding_rewrite(struct psv_arena *arena, const struct psv_field *fields,
                                  unsigned fields_len, struct psv_bytes coding,
                                  const struct psv_field **ret_fields, unsigned *ret_len);

/** A copy of the fields for a body that is changed on its way: a weak ETag, no Accept-Ranges.  0 or
 * PSV_ENOMEM. */
MUST_CHECK int psv_coding_weaken(struct psv_arena *arena, const struct psv_field *fields, unsigned fields_len,
                                 const struct psv_field **ret_fields, unsigned *ret_len);

/** The same without Content-Encoding only. */
MUST_CHECK int psv_coding_drop_identity(struct psv_arena *arena, const struct psv_field *fields,
                                        unsigned fields_len, const struct psv_field **ret_fields,
                                        unsigned *ret_len);
