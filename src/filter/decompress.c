/* Decoding request bodies portion by portion within their bounds; see decompress.h.
 *
 * SPDX-License-Identifier: MIT */
#include "decompress.h"

#include "base/error.h"
#include "base/memory.h"
#include "exec/request_body.h"
#include "filter/decompress_decoder.h"
#include "http/field_list.h"

#define PORTION_BYTES ((size_t)16 * 1024)
/* Short bodies may have any ratio: a form of zeros is no attack. */
#define RATIO_FREE_BYTES (UINT64_C(64) * 1024)

static const struct {
    struct psv_bytes name;
    const struct psv_decoder_kind *kind;
} codings[] = {
    {PSV_BYTES_INIT("gzip"), &psv_decoder_gzip},
    {PSV_BYTES_INIT("x-gzip"), &psv_decoder_gzip}, /* RFC 9110 8.4.1.3 */
    {PSV_BYTES_INIT("br"), &psv_decoder_brotli},
    {PSV_BYTES_INIT("zstd"), &psv_decoder_zstd},
};

struct coding_decoder {
    struct psv_body_decoder decoder;
    const struct psv_decoder_kind *kind;
    uint64_t ratio_max;
};

struct psv_decompress {
    struct coding_decoder decoders[ARRAY_SIZE(codings)];
};

/* One body being decoded. */
struct decoding {
    const struct coding_decoder *coding;
    void *context;
    struct psv_request_body *in;
    struct psv_request_body *out;
    bool is_end; /* the input so far is complete */
};

static bool is_too_large(const struct decoding *decoding, size_t more)
{
    uint64_t len = decoding->out->len + more;

    return len > RATIO_FREE_BYTES && len / decoding->coding->ratio_max > decoding->in->len;
}

static int decode_portion(struct decoding *decoding, struct psv_bytes in)
{
    char out[PORTION_BYTES];
    size_t len;

    do {
        int code =
            decoding->coding->kind->decode(decoding->context, &in, out, sizeof(out), &len, &decoding->is_end);
        if (code == PSV_OK && is_too_large(decoding, len)) {
            code = PSV_ELIMIT;
        }
        if (code == PSV_OK && len > 0) {
            code = psv_request_body_append(decoding->out, out, len);
        }
        if (code != PSV_OK) {
            return code;
        }
    } while (in.len > 0 || len == sizeof(out)); /* a full portion: there may be more behind it */
    return PSV_OK;
}

static int decode_all(struct decoding *decoding)
{
    char in[PORTION_BYTES];
    size_t len;

    psv_request_body_rewind(decoding->in);
    while ((len = psv_request_body_read(decoding->in, in, sizeof(in))) > 0) {
        int code = decode_portion(decoding, (struct psv_bytes){in, len});
        if (code != PSV_OK) {
            return code;
        }
    }
    return decoding->is_end ? PSV_OK : PSV_ESYNTAX;
}

static int decode(const struct psv_body_decoder *decoder, struct psv_request_body *in,
                  struct psv_request_body *out)
{
    const struct coding_decoder *coding = CONTAINER_OF_CONST(decoder, struct coding_decoder, decoder);
    struct decoding decoding = {.coding = coding, .in = in, .out = out};

    if (in->len == 0) {
        return PSV_OK; /* no body has no coding either */
    }
    decoding.context = coding->kind->context_new();
    if (decoding.context == NULL) {
        return PSV_ENOMEM;
    }
    int code = decode_all(&decoding);
    coding->kind->context_free(decoding.context);
    return code;
}

int psv_decompress_choose(const struct psv_decompress *decompress, const struct psv_headers *headers,
                          const struct psv_body_decoder **ret_decoder)
{
    *ret_decoder = NULL;
    for (unsigned i = 0; i < headers->len; i++) {
        struct psv_bytes rest = headers->items[i].value;
        struct psv_bytes name;
        while (headers->items[i].id == PSV_FIELD_CONTENT_ENCODING && psv_field_list_next(&rest, &name)) {
            if (psv_bytes_equal_case(name, PSV_BYTES("identity"))) {
                continue;
            }
            size_t found = 0;
            while (found < ARRAY_SIZE(codings) && !psv_bytes_equal_case(name, codings[found].name)) {
                found++;
            }
            if (found == ARRAY_SIZE(codings) || *ret_decoder != NULL) {
                return PSV_EUNSUPPORTED;
            }
            *ret_decoder = &decompress->decoders[found].decoder;
        }
    }
    return PSV_OK;
}

struct psv_bytes psv_decompress_codings(void)
{
    return PSV_BYTES("zstd, br, gzip");
}

struct psv_decompress *psv_decompress_new(uint64_t ratio_max)
{
    struct psv_decompress *decompress = psv_calloc(1, sizeof(*decompress));

    for (size_t i = 0; decompress != NULL && i < ARRAY_SIZE(codings); i++) {
        decompress->decoders[i] = (struct coding_decoder){
            .decoder = {.decode = decode}, .kind = codings[i].kind, .ratio_max = ratio_max};
    }
    return decompress;
}

struct psv_decompress *psv_decompress_free(struct psv_decompress *decompress)
{
    psv_free(decompress);
    return NULL;
}
