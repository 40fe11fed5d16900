/* gzip (RFC 1952) by zlib.  [worker]
 *
 * SPDX-License-Identifier: MIT */
#include "compress_encoder.h"

#include <limits.h>
#include <string.h>
#include <zlib.h>

#include "base/error.h"
#include "base/memory.h"

#define WINDOW_BITS (15 + 16) /* the largest window; +16: gzip's frame */
#define MEMORY_LEVEL 8

struct gzip {
    z_stream stream;
    int level;
};

static void *context_new(int level)
{
    struct gzip *gzip = psv_calloc(1, sizeof(*gzip));

    if (gzip == NULL) {
        return NULL;
    }
    gzip->level = level;
    if (deflateInit2(&gzip->stream, level, Z_DEFLATED, WINDOW_BITS, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) !=
        Z_OK) {
        return psv_free(gzip);
    }
    return gzip;
}

static void context_free(void *context)
{
    struct gzip *gzip = context;

    (void)deflateEnd(&gzip->stream);
    psv_free(gzip);
}

static int reset(void *context, int level, uint64_t len)
{
    struct gzip *gzip = context;

    (void)level, (void)len;
    return deflateReset(&gzip->stream) == Z_OK ? PSV_OK : PSV_ENOMEM;
}

/* Runs until the library has taken all input and given all output. */
static int run(struct gzip *gzip, int flush, struct psv_response_body *out)
{
    unsigned char portion[PSV_ENCODER_PORTION_BYTES];
    int code = PSV_OK;

    do {
        gzip->stream.next_out = portion;
        gzip->stream.avail_out = sizeof(portion);
        int result = deflate(&gzip->stream, flush);
        if (result == Z_STREAM_ERROR) {
            return PSV_EIO;
        }
        code = psv_response_body_append(out, portion, sizeof(portion) - gzip->stream.avail_out);
    } while (code == PSV_OK && gzip->stream.avail_out == 0);
    return code;
}

static int encode(void *context, const void *data, size_t len, struct psv_response_body *out)
{
    struct gzip *gzip = context;
    const unsigned char *next = data;
    int code = PSV_OK;

    while (len > 0 && code == PSV_OK) {
        size_t part = MIN(len, (size_t)UINT_MAX);
        gzip->stream.next_in = (unsigned char *)(uintptr_t)next;
        gzip->stream.avail_in = (unsigned)part;
        code = run(gzip, Z_NO_FLUSH, out);
        next += part;
        len -= part;
    }
    return code;
}

static int end(void *context, enum psv_body_end end, struct psv_response_body *out)
{
    struct gzip *gzip = context;

    gzip->stream.next_in = NULL;
    gzip->stream.avail_in = 0;
    return run(gzip, end == PSV_BODY_FINISH ? Z_FINISH : Z_SYNC_FLUSH, out);
}

const struct psv_encoder_kind psv_encoder_gzip = {context_new, context_free, reset, encode, end};
