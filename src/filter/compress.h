/* Compression of responses: which coding a client gets, and the encoders behind one interface.  Choosing is
 * [loop], encoding [worker]; made at boot, const afterwards.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "exec/body_filter.h"
#include "http/headers.h"

/* X(ID, "name"): the codings that there are. */
#define PSV_COMPRESS_TABLE(X)                                                                                \
    X(ZSTD, "zstd")                                                                                          \
    X(BROTLI, "br")                                                                                          \
    X(GZIP, "gzip")

enum psv_compress_coding {
#define X(id, name) PSV_COMPRESS_##id,
    PSV_COMPRESS_TABLE(X)
#undef X
        PSV_COMPRESS_COUNT
};

struct psv_compress_options {
    struct psv_bytes codings; /* names by preference, with commas; "off" = none */
    int levels[PSV_COMPRESS_COUNT];
    uint64_t min_bytes;
    const char *const *types; /* "text/html", "text/" + "*"; none: the built-in list */
    size_t types_len;
};

struct psv_compress;

/** options' texts are borrowed.  PSV_EINVAL with a sentence for an unknown name; PSV_ENOMEM.  *ret is NULL
 * for "off". [boot] */
MUST_CHECK int psv_compress_new(const struct psv_compress_options *options,
                                struct psv_compress **ret_compress, struct psv_error *reterr);
/** Accepts NULL; returns NULL. */
struct psv_compress *psv_compress_free(struct psv_compress *compress);

/** The filter for a client with these request fields: its highest weight, among equals our preference.  The
 * one without a coding when it takes none; NULL when compress is NULL. */
const struct psv_body_filter *psv_compress_choose(const struct psv_compress *compress,
                                                  const struct psv_headers *headers);
/** Is a body of this media type worth it? */
bool psv_compress_takes_type(const struct psv_compress *compress, struct psv_bytes content_type);
/** The filters of all codings that the client takes, the best first; returns how many. */
unsigned psv_compress_rank(const struct psv_compress *compress, const struct psv_headers *headers,
                           const struct psv_body_filter *ret_filters[PSV_COMPRESS_COUNT]);
