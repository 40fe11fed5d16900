/* zstd (RFC 8878) by its library.  [worker]
 *
 * SPDX-License-Identifier: MIT */
#include "compress_encoder.h"

#include <zstd.h>

#include "base/error.h"

/* RFC 9659: a decoder of HTTP content need not have more than 8 MiB; pages need far less. */
#define WINDOW_LOG_MAX 19

static void *context_new(int level)
{
    (void)level;
    return ZSTD_createCCtx();
}

static void context_free(void *context)
{
    (void)ZSTD_freeCCtx(context);
}

static int reset(void *context, int level, uint64_t len)
{
    ZSTD_CCtx *zstd = context;

    if (ZSTD_isError(ZSTD_CCtx_reset(zstd, ZSTD_reset_session_and_parameters)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, level)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, WINDOW_LOG_MAX)) ||
        (len > 0 && ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(zstd, len)))) {
        return PSV_ENOMEM;
    }
    return PSV_OK;
}

static int run(ZSTD_CCtx *zstd, ZSTD_inBuffer *in, ZSTD_EndDirective directive, struct psv_response_body *out)
{
    char portion[PSV_ENCODER_PORTION_BYTES];
    size_t left;
    int code = PSV_OK;

    do {
        ZSTD_outBuffer buffer = {.dst = portion, .size = sizeof(portion)};
        left = ZSTD_compressStream2(zstd, &buffer, in, directive);
        if (ZSTD_isError(left)) {
            return PSV_ENOMEM;
        }
        code = psv_response_body_append(out, portion, buffer.pos);
    } while (code == PSV_OK && (in->pos < in->size || (directive != ZSTD_e_continue && left > 0)));
    return code;
}

static int encode(void *context, const void *data, size_t len, struct psv_response_body *out)
{
    ZSTD_inBuffer in = {.src = data, .size = len};

    return len > 0 ? run(context, &in, ZSTD_e_continue, out) : PSV_OK;
}

static int end(void *context, enum psv_body_end end, struct psv_response_body *out)
{
    ZSTD_inBuffer in = {.src = NULL, .size = 0};

    return run(context, &in, end == PSV_BODY_FINISH ? ZSTD_e_end : ZSTD_e_flush, out);
}

const struct psv_encoder_kind psv_encoder_zstd = {context_new, context_free, reset, encode, end};
