/* Brotli (RFC 7932) by its library; what follows the end of the stream is an error.  [worker]
 *
 * SPDX-License-Identifier: MIT */
#include "decompress_decoder.h"

#include <brotli/decode.h>

#include "base/error.h"

static void *context_new(void)
{
    return BrotliDecoderCreateInstance(NULL, NULL, NULL);
}

static void context_free(void *context)
{
    BrotliDecoderDestroyInstance(context);
}

static int decode(void *context, struct psv_bytes *in, char *out, size_t out_size, size_t *ret_len,
                  bool *ret_is_end)
{
    const uint8_t *next_in = (const uint8_t *)in->data;
    uint8_t *next_out = (uint8_t *)out;
    size_t in_left = in->len;
    size_t out_left = out_size;

    if (BrotliDecoderIsFinished(context)) {
        *ret_len = 0;
        *ret_is_end = true;
        return in->len > 0 ? PSV_ESYNTAX : PSV_OK;
    }
    BrotliDecoderResult result =
        BrotliDecoderDecompressStream(context, &in_left, &next_in, &out_left, &next_out, NULL);
    *in = psv_bytes_from(*in, in->len - in_left);
    *ret_len = out_size - out_left;
    *ret_is_end = result == BROTLI_DECODER_RESULT_SUCCESS;
    return result == BROTLI_DECODER_RESULT_ERROR ? PSV_ESYNTAX : PSV_OK;
}

const struct psv_decoder_kind psv_decoder_brotli = {context_new, context_free, decode};
