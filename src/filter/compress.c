/* Choosing a coding, and the encoders of this thread; see compress.h.
 *
 * SPDX-License-Identifier: MIT */
#include "compress.h"

#include <pthread.h>

#include "base/memory.h"
#include "filter/compress_encoder.h"
#include "http/accept.h"
#include "http/field_list.h"
#include "observe/metrics.h"

static const struct psv_bytes names[] = {
#define X(id, name) PSV_BYTES_INIT(name),
    PSV_COMPRESS_TABLE(X)
#undef X
};

static const struct psv_encoder_kind *const kinds[] = {
    [PSV_COMPRESS_ZSTD] = &psv_encoder_zstd,
    [PSV_COMPRESS_BROTLI] = &psv_encoder_brotli,
    [PSV_COMPRESS_GZIP] = &psv_encoder_gzip,
};

/* Text in one form or another; images, videos and archives are compressed already. */
static const char *const usual_types[] = {
    "text/*",
    "application/json",
    "application/*+json",
    "application/javascript",
    "application/x-javascript",
    "application/xml",
    "application/*+xml",
    "application/wasm",
    "application/manifest+json",
    "application/vnd.ms-fontobject",
    "application/x-ndjson",
    "font/ttf",
    "font/otf",
    "image/svg+xml",
    "image/bmp",
    "image/x-icon",
    "image/vnd.microsoft.icon",
};

struct coding_filter {
    struct psv_body_filter filter;
    const struct psv_compress *compress;
    enum psv_compress_coding coding;
};

/* A media type, of which one end may be an asterisk on either side of its name. */
struct type_pattern {
    struct psv_bytes before; /* the asterisk; all of it when there is none */
    struct psv_bytes after;
    bool has_asterisk;
};

struct psv_compress {
    struct psv_compress_options options;
    struct type_pattern *types;
    size_t types_len;
    struct coding_filter filters[PSV_COMPRESS_COUNT]; /* by preference */
    unsigned filters_len;
    struct coding_filter none; /* for clients that take no coding of ours */
};

static const struct coding_filter *coding_filter_of(const struct psv_body_filter *filter)
{
    return CONTAINER_OF_CONST(filter, struct coding_filter, filter);
}

/* ---- encoders of a thread */

struct thread_encoder {
    struct psv_body_encoder encoder;
    const struct psv_encoder_kind *kind;
    enum psv_compress_coding coding;
    void *context;
};

struct thread_encoders {
    struct thread_encoder all[PSV_COMPRESS_COUNT];
};

static pthread_key_t thread_key;
static pthread_once_t thread_once = PTHREAD_ONCE_INIT;

static void free_thread_encoders(void *context)
{
    struct thread_encoders *encoders = context;

    for (unsigned i = 0; i < PSV_COMPRESS_COUNT; i++) {
        if (encoders->all[i].context != NULL) {
            encoders->all[i].kind->context_free(encoders->all[i].context);
        }
    }
    psv_free(encoders);
}

static void make_thread_key(void)
{
    (void)pthread_key_create(&thread_key, free_thread_encoders);
}

static struct thread_encoders *encoders_of_thread(void)
{
    (void)pthread_once(&thread_once, make_thread_key);
    struct thread_encoders *encoders = pthread_getspecific(thread_key);

    if (encoders == NULL) {
        encoders = psv_calloc(1, sizeof(*encoders));
        if (encoders != NULL && pthread_setspecific(thread_key, encoders) != 0) {
            encoders = psv_free(encoders);
        }
    }
    return encoders;
}

static const struct {
    enum psv_metric_id bodies, input, output;
} metrics[PSV_COMPRESS_COUNT] = {
#define X(id, name)                                                                                          \
    {PSV_METRIC_COMPRESSED_##id, PSV_METRIC_COMPRESS_INPUT_##id, PSV_METRIC_COMPRESS_OUTPUT_##id},
    PSV_COMPRESS_TABLE(X)
#undef X
};

static int encode(struct psv_body_encoder *encoder, const void *data, size_t len,
                  struct psv_response_body *out)
{
    struct thread_encoder *mine = CONTAINER_OF(encoder, struct thread_encoder, encoder);
    uint64_t before = psv_response_body_len(out);
    int code = mine->kind->encode(mine->context, data, len, out);

    psv_metric_add(metrics[mine->coding].input, (int64_t)len);
    psv_metric_add(metrics[mine->coding].output, (int64_t)(psv_response_body_len(out) - before));
    return code;
}

static int end(struct psv_body_encoder *encoder, enum psv_body_end end, struct psv_response_body *out)
{
    struct thread_encoder *mine = CONTAINER_OF(encoder, struct thread_encoder, encoder);
    uint64_t before = psv_response_body_len(out);
    int code = mine->kind->end(mine->context, end, out);

    psv_metric_add(metrics[mine->coding].output, (int64_t)(psv_response_body_len(out) - before));
    return code;
}

static struct psv_body_encoder *begin(const struct psv_body_filter *filter, uint64_t len)
{
    const struct coding_filter *wanted = coding_filter_of(filter);
    int level = wanted->compress->options.levels[wanted->coding];
    struct thread_encoders *encoders = encoders_of_thread();

    if (encoders == NULL) {
        return NULL;
    }
    struct thread_encoder *encoder = &encoders->all[wanted->coding];
    if (encoder->context == NULL) {
        encoder->kind = kinds[wanted->coding];
        encoder->coding = wanted->coding;
        encoder->encoder = (struct psv_body_encoder){.encode = encode, .end = end};
        encoder->context = encoder->kind->context_new(level);
    }
    if (encoder->context == NULL || encoder->kind->reset(encoder->context, level, len) != PSV_OK) {
        return NULL;
    }
    psv_metric_inc(metrics[wanted->coding].bodies);
    return &encoder->encoder;
}

/* ---- rules */

static bool matches(struct psv_bytes type, const struct type_pattern *pattern)
{
    if (!pattern->has_asterisk) {
        return psv_bytes_equal_case(type, pattern->before);
    }
    return type.len >= pattern->before.len + pattern->after.len &&
           psv_bytes_starts_with_case(type, pattern->before) &&
           (pattern->after.len == 0 || psv_bytes_ends_with_case(type, pattern->after));
}

bool psv_compress_takes_type(const struct psv_compress *compress, struct psv_bytes content_type)
{
    /* a type before its parameters holds no quotes (RFC 9110 8.3.1) */
    struct psv_bytes type = psv_bytes_trim(psv_bytes_first(content_type, psv_bytes_find(content_type, ';')));

    if (compress->options.types_len == 0 && psv_bytes_equal_case(type, PSV_BYTES("text/event-stream"))) {
        return false; /* small events, each for now */
    }
    for (size_t i = 0; i < compress->types_len && type.len > 0; i++) {
        if (matches(type, &compress->types[i])) {
            return true;
        }
    }
    return false;
}

static bool takes_type(const struct psv_body_filter *filter, struct psv_bytes content_type)
{
    return psv_compress_takes_type(coding_filter_of(filter)->compress, content_type);
}

static bool is_named(const struct psv_headers *headers, struct psv_bytes coding)
{
    for (unsigned i = 0; i < headers->len; i++) {
        struct psv_bytes rest = headers->items[i].value;
        struct psv_bytes member;
        struct psv_bytes name;
        while (headers->items[i].id == PSV_FIELD_ACCEPT_ENCODING && psv_field_list_next(&rest, &member)) {
            if (psv_field_parameter_next(&member, &name) && psv_bytes_equal_case(name, coding)) {
                return true;
            }
        }
    }
    return false;
}

/* Our preference, unless the client's weights say otherwise.  Who says to like the plain form better gets it
 * (RFC 9110 12.5.3): codings of less weight are left out. */
static unsigned rank(const struct psv_compress *compress, const struct psv_headers *headers,
                     const struct coding_filter *ret_ranked[PSV_COMPRESS_COUNT])
{
    unsigned qualities[PSV_COMPRESS_COUNT];
    unsigned len = 0;

    if (psv_headers_find(headers, PSV_FIELD_ACCEPT_ENCODING) == NULL) {
        return 0;
    }
    unsigned identity = is_named(headers, PSV_BYTES("identity"))
                            ? psv_accept_encoding_quality(headers, PSV_BYTES("identity"))
                            : 0;
    for (unsigned i = 0; i < compress->filters_len; i++) {
        unsigned quality = psv_accept_encoding_quality(headers, compress->filters[i].filter.coding);
        if (quality == 0 || quality < identity) {
            continue;
        }
        unsigned at = len++;
        for (; at > 0 && qualities[at - 1] < quality; at--) {
            qualities[at] = qualities[at - 1];
            ret_ranked[at] = ret_ranked[at - 1];
        }
        qualities[at] = quality;
        ret_ranked[at] = &compress->filters[i];
    }
    return len;
}

const struct psv_body_filter *psv_compress_choose(const struct psv_compress *compress,
                                                  const struct psv_headers *headers)
{
    const struct coding_filter *ranked[PSV_COMPRESS_COUNT];

    if (compress == NULL) {
        return NULL;
    }
    return rank(compress, headers, ranked) > 0 ? &ranked[0]->filter : &compress->none.filter;
}

unsigned psv_compress_rank(const struct psv_compress *compress, const struct psv_headers *headers,
                           const struct psv_body_filter *ret_filters[PSV_COMPRESS_COUNT])
{
    const struct coding_filter *ranked[PSV_COMPRESS_COUNT];
    unsigned len = rank(compress, headers, ranked);

    for (unsigned i = 0; i < len; i++) {
        ret_filters[i] = &ranked[i]->filter;
    }
    return len;
}

/* ---- boot */

static void add(struct psv_compress *compress, struct coding_filter *filter, struct psv_bytes name,
                enum psv_compress_coding coding)
{
    *filter = (struct coding_filter){
        .filter = {.coding = name,
                   .min_bytes = compress->options.min_bytes,
                   .takes_type = takes_type,
                   .begin = begin},
        .compress = compress,
        .coding = coding,
    };
}

static int add_named(struct psv_compress *compress, struct psv_bytes name, struct psv_error *reterr)
{
    for (unsigned i = 0; i < PSV_COMPRESS_COUNT; i++) {
        if (!psv_bytes_equal(name, names[i])) {
            continue;
        }
        for (unsigned k = 0; k < compress->filters_len; k++) {
            if (compress->filters[k].coding == i) {
                return psv_error_set(reterr, PSV_EINVAL, "compress.codings names \"%.*s\" twice",
                                     PSV_BYTES_ARG(name));
            }
        }
        add(compress, &compress->filters[compress->filters_len++], names[i], (enum psv_compress_coding)i);
        return PSV_OK;
    }
    return psv_error_set(reterr, PSV_EINVAL, "compress.codings: \"%.40s\" is none of zstd, br, gzip, off",
                         name.len > 0 ? name.data : "");
}

static int add_types(struct psv_compress *compress, struct psv_error *reterr)
{
    const struct psv_compress_options *options = &compress->options;
    const char *const *types = options->types_len > 0 ? options->types : usual_types;
    size_t types_len = options->types_len > 0 ? options->types_len : ARRAY_SIZE(usual_types);

    compress->types = psv_calloc(types_len, sizeof(*compress->types));
    if (compress->types == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "out of memory");
    }
    for (size_t i = 0; i < types_len; i++) {
        struct psv_bytes text = psv_bytes_of(types[i]);
        size_t asterisk = psv_bytes_find(text, '*');
        compress->types[i] = (struct type_pattern){
            .before = psv_bytes_first(text, asterisk),
            .after = psv_bytes_from(text, asterisk + 1),
            .has_asterisk = asterisk < text.len,
        };
    }
    compress->types_len = types_len;
    return PSV_OK;
}

int psv_compress_new(const struct psv_compress_options *options, struct psv_compress **ret_compress,
                     struct psv_error *reterr)
{
    struct psv_bytes rest = options->codings;
    struct psv_bytes name;
    int code = PSV_OK;

    *ret_compress = NULL;
    if (psv_bytes_equal(options->codings, PSV_BYTES("off"))) {
        return PSV_OK;
    }
    struct psv_compress *compress = psv_calloc(1, sizeof(*compress));
    if (compress == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "out of memory");
    }
    compress->options = *options;
    add(compress, &compress->none, PSV_BYTES(""), PSV_COMPRESS_COUNT);
    code = add_types(compress, reterr);
    while (code == PSV_OK && psv_field_list_next(&rest, &name)) {
        code = add_named(compress, name, reterr);
    }
    if (code == PSV_OK && compress->filters_len == 0) {
        code = psv_error_set(reterr, PSV_EINVAL,
                             "compress.codings names no coding; \"off\" switches compression off");
    }
    if (code != PSV_OK) {
        (void)psv_compress_free(compress);
        return code;
    }
    *ret_compress = compress;
    return PSV_OK;
}

struct psv_compress *psv_compress_free(struct psv_compress *compress)
{
    if (compress != NULL) {
        psv_free(compress->types);
    }
    psv_free(compress);
    return NULL;
}
