/* Brotli (RFC 7932) by its library, which has no way to use an encoder twice: the context is only a holder.
 * [worker]
 *
 * SPDX-License-Identifier: MIT */
#include "compress_encoder.h"

#include <brotli/encode.h>

#include "base/error.h"
#include "base/memory.h"

/* 256 KiB: beyond it pages gain little, and every response clears the memory. */
#define WINDOW_BITS_MAX 18

struct brotli {
    BrotliEncoderState *state;
};

static void *context_new(int level)
{
    (void)level;
    return psv_calloc(1, sizeof(struct brotli));
}

static void context_free(void *context)
{
    struct brotli *brotli = context;

    if (brotli->state != NULL) {
        BrotliEncoderDestroyInstance(brotli->state);
    }
    psv_free(brotli);
}

/* The smallest window that holds a body of that length. */
static uint32_t window_bits(uint64_t len)
{
    uint32_t bits = BROTLI_MIN_WINDOW_BITS;

    while (bits < WINDOW_BITS_MAX && (len == 0 || ((uint64_t)1 << bits) < len + 16)) {
        bits++;
    }
    return bits;
}

static int reset(void *context, int level, uint64_t len)
{
    struct brotli *brotli = context;

    if (brotli->state != NULL) {
        BrotliEncoderDestroyInstance(brotli->state);
    }
    brotli->state = BrotliEncoderCreateInstance(NULL, NULL, NULL);
    if (brotli->state == NULL) {
        return PSV_ENOMEM;
    }
    (void)BrotliEncoderSetParameter(brotli->state, BROTLI_PARAM_QUALITY, (uint32_t)level);
    (void)BrotliEncoderSetParameter(brotli->state, BROTLI_PARAM_LGWIN, window_bits(len));
    (void)BrotliEncoderSetParameter(brotli->state, BROTLI_PARAM_SIZE_HINT,
                                    (uint32_t)MIN(len, (uint64_t)1 << 30));
    return PSV_OK;
}

static int run(struct brotli *brotli, BrotliEncoderOperation operation, const void *data, size_t len,
               struct psv_response_body *out)
{
    const uint8_t *next = data;
    int code = PSV_OK;

    do {
        size_t no_room = 0;
        if (!BrotliEncoderCompressStream(brotli->state, operation, &len, &next, &no_room, NULL, NULL)) {
            return PSV_ENOMEM;
        }
        size_t made = 0;
        const uint8_t *output = BrotliEncoderTakeOutput(brotli->state, &made);
        code = psv_response_body_append(out, output, made);
    } while (code == PSV_OK && (len > 0 || BrotliEncoderHasMoreOutput(brotli->state)));
    return code;
}

static int encode(void *context, const void *data, size_t len, struct psv_response_body *out)
{
    return len > 0 ? run(context, BROTLI_OPERATION_PROCESS, data, len, out) : PSV_OK;
}

static int end(void *context, enum psv_body_end end, struct psv_response_body *out)
{
    struct brotli *brotli = context;
    int code =
        run(brotli, end == PSV_BODY_FINISH ? BROTLI_OPERATION_FINISH : BROTLI_OPERATION_FLUSH, NULL, 0, out);

    if (end == PSV_BODY_FINISH) {
        BrotliEncoderDestroyInstance(brotli->state); /* a megabyte that an idle worker need not hold */
        brotli->state = NULL;
    }
    return code;
}

const struct psv_encoder_kind psv_encoder_brotli = {context_new, context_free, reset, encode, end};
