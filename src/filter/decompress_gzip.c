/* gzip (RFC 1952) by zlib; several members in a row are one content (section 2.2).  [worker]
 *
 * SPDX-License-Identifier: MIT */
#include "decompress_decoder.h"

#include <limits.h>
#include <zlib.h>

#include "base/error.h"
#include "base/memory.h"

#define WINDOW_BITS (15 + 16) /* the largest window; +16: gzip's frame only */

struct gzip {
    z_stream stream;
    bool is_end; /* of a member */
};

static void *context_new(void)
{
    struct gzip *gzip = psv_calloc(1, sizeof(*gzip));

    if (gzip != NULL && inflateInit2(&gzip->stream, WINDOW_BITS) != Z_OK) {
        gzip = psv_free(gzip);
    }
    return gzip;
}

static void context_free(void *context)
{
    struct gzip *gzip = context;

    (void)inflateEnd(&gzip->stream);
    psv_free(gzip);
}

static int decode(void *context, struct psv_bytes *in, char *out, size_t out_size, size_t *ret_len,
                  bool *ret_is_end)
{
    struct gzip *gzip = context;
    size_t part = MIN(in->len, (size_t)UINT_MAX);

    if (gzip->is_end && part > 0) {
        (void)inflateReset(&gzip->stream); /* the next member */
        gzip->is_end = false;
    }
    gzip->stream.next_in = (unsigned char *)(uintptr_t)in->data;
    gzip->stream.avail_in = (unsigned)part;
    gzip->stream.next_out = (unsigned char *)out;
    gzip->stream.avail_out = (unsigned)out_size;
    int result = gzip->is_end ? Z_STREAM_END : inflate(&gzip->stream, Z_NO_FLUSH);
    *in = psv_bytes_from(*in, part - gzip->stream.avail_in);
    *ret_len = out_size - gzip->stream.avail_out;
    gzip->is_end = result == Z_STREAM_END;
    *ret_is_end = gzip->is_end;
    if (result == Z_MEM_ERROR) {
        return PSV_ENOMEM;
    }
    /* Z_BUF_ERROR: nothing to do with what there is */
    return result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR ? PSV_OK : PSV_ESYNTAX;
}

const struct psv_decoder_kind psv_decoder_gzip = {context_new, context_free, decode};
