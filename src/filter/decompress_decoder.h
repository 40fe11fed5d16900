/* What each decompression library is wrapped into.  [worker]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/macros.h"

struct psv_decoder_kind {
    /** NULL when out of memory. */
    void *(*context_new)(void);
    void (*context_free)(void *context);
    /** Decodes from *in, which advances, into out; at least one of both moves unless the input is used up.
     * *ret_is_end: what came so far is complete.  0, PSV_ESYNTAX, PSV_ENOMEM. */
    MUST_CHECK int (*decode)(void *context, struct psv_bytes *in, char *out, size_t out_size, size_t *ret_len,
                             bool *ret_is_end);
};

extern const struct psv_decoder_kind psv_decoder_gzip;
extern const struct psv_decoder_kind psv_decoder_brotli;
extern const struct psv_decoder_kind psv_decoder_zstd;
