/* zstd (RFC 8878) by its library; several frames in a row are one content.  [worker]
 *
 * SPDX-License-Identifier: MIT */
#include "decompress_decoder.h"

#include <zstd.h>

#include "base/error.h"

/* RFC 9659: nobody may ask for a larger window in HTTP (8 MiB). */
#define WINDOW_LOG_MAX 23

static void *context_new(void)
{
    ZSTD_DCtx *zstd = ZSTD_createDCtx();

    if (zstd != NULL && ZSTD_isError(ZSTD_DCtx_setParameter(zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX))) {
        (void)ZSTD_freeDCtx(zstd);
        zstd = NULL;
    }
    return zstd;
}

static void context_free(void *context)
{
    (void)ZSTD_freeDCtx(context);
}

static int decode(void *context, struct psv_bytes *in, char *out, size_t out_size, size_t *ret_len,
                  bool *ret_is_end)
{
    ZSTD_inBuffer source = {.src = in->data, .size = in->len};
    ZSTD_outBuffer target = {.dst = out, .size = out_size};

    size_t result = ZSTD_decompressStream(context, &target, &source);
    *in = psv_bytes_from(*in, source.pos);
    *ret_len = target.pos;
    if (ZSTD_isError(result)) {
        return PSV_ESYNTAX;
    }
    if (source.pos > 0 || target.pos > 0) {
        *ret_is_end = result == 0; /* a whole frame */
    }
    return PSV_OK;
}

const struct psv_decoder_kind psv_decoder_zstd = {context_new, context_free, decode};
