/* Compressed request bodies (RFC 9110 8.4): which codings are known, and the decoders behind one interface.
 * Choosing is [loop], decoding [worker]; made at boot, const afterwards.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "base/bytes.h"
#include "base/macros.h"
#include "exec/body_decoder.h"
#include "http/headers.h"

struct psv_decompress;

/** ratio_max: how many times larger than received a body may become.  NULL when out of memory.  [boot] */
struct psv_decompress *psv_decompress_new(uint64_t ratio_max);
/** Accepts NULL; returns NULL. */
struct psv_decompress *psv_decompress_free(struct psv_decompress *decompress);

/** The decoder for a request with these fields; NULL when it needs none.  0, or PSV_EUNSUPPORTED: an unknown
 * coding, or several. */
MUST_CHECK int psv_decompress_choose(const struct psv_decompress *decompress,
                                     const struct psv_headers *headers,
                                     const struct psv_body_decoder **ret_decoder);
/** What it knows, as the value of an Accept-Encoding field: static. */
struct psv_bytes psv_decompress_codings(void);
