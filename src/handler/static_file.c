/* Answers from a file of the cache (RFC 9110 9.3.1, 13, 14).  [loop]  Bodies are pieces of the cached
 * descriptor or content: nothing is read or copied here.  Must not know where the file came from nor
 * which protocol carries the answer.
 *
 * SPDX-License-Identifier: MIT */
#include "static_file.h"

#include <fnmatch.h>
#include <string.h>

#include "base/macros.h"
#include "base/random.h"
#include "base/text_parse.h"
#include "exec/exchange.h"
#include "handler/file_cache.h"
#include "http/conditional.h"
#include "http/range.h"
#include "observe/metrics.h"

static const struct psv_bytes allowed_methods = PSV_BYTES_INIT("GET, HEAD, OPTIONS");

/* Most fields that an answer of ours has: type, length's sister Content-Range, tag, date, Accept-Ranges,
 * Vary, Content-Encoding, Cache-Control. */
#define FIELDS_MAX 10

#define BOUNDARY_RANDOM_BYTES 16
#define BOUNDARY_LEN (2 * BOUNDARY_RANDOM_BYTES)

/* One answer being put together. */
struct answer {
    struct psv_exchange *exchange;
    struct psv_arena *arena; /* of all that is made here */
    const struct psv_static_file *options;
    const struct psv_static_choice *choice;
    const struct psv_cached_file *file;
    const struct psv_static_form *form;
    struct psv_list pieces;
    bool is_out_of_memory; /* sticky: looked at once, before responding */
};

static void answer_methods(struct answer *answer);
static void answer_whole(struct answer *answer);
static void answer_not_modified(struct answer *answer);
static void answer_unsatisfiable(struct answer *answer);
static void answer_range(struct answer *answer, struct psv_range range);
static void answer_ranges(struct answer *answer, const struct psv_range *ranges, unsigned ranges_len);

/* RFC 9110 14.2: only GET has ranges, and only one Range field makes sense. */
static enum psv_range_verdict ranges_of(const struct psv_static_file *options, struct answer *answer,
                                        struct psv_range **ret_ranges, unsigned *ret_len)
{
    const struct psv_request *request = &answer->exchange->request;
    if (request->method != PSV_METHOD_GET || psv_headers_count(&request->headers, PSV_FIELD_RANGE) != 1 ||
        answer->form->coding.len != 0 ||
        !psv_conditional_allows_range(request, answer->form->etag, answer->file->modified_s))
        return PSV_RANGE_IGNORED;
    struct psv_range *ranges = psv_arena_alloc(answer->arena, sizeof(*ranges) * options->ranges_max);
    if (ranges == NULL)
        return PSV_RANGE_IGNORED;
    *ret_ranges = ranges;
    return psv_range_parse(psv_headers_value(&request->headers, PSV_FIELD_RANGE), answer->form->size_bytes,
                           ranges, options->ranges_max, ret_len);
}

static void answer_get(const struct psv_static_file *options, struct answer *answer)
{
    struct psv_range *ranges = NULL;
    unsigned ranges_len = 0;
    switch (ranges_of(options, answer, &ranges, &ranges_len)) {
    case PSV_RANGE_IGNORED:
        answer_whole(answer);
        return;
    case PSV_RANGE_UNSATISFIABLE:
        answer_unsatisfiable(answer);
        return;
    case PSV_RANGE_PARTIAL:
        if (ranges_len == 1)
            answer_range(answer, ranges[0]);
        else
            answer_ranges(answer, ranges, ranges_len);
        return;
    }
}

struct psv_static_form psv_static_form_of(const struct psv_cached_file *file, struct psv_bytes coding)
{
    return (struct psv_static_form){.coding = coding,
                                    .etag = file->etag,
                                    .content = file->content,
                                    .fd = file->fd,
                                    .size_bytes = file->size_bytes};
}

void psv_static_file_answer(const struct psv_static_file *options, struct psv_exchange *exchange,
                            const struct psv_static_choice *choice)
{
    struct answer answer = {.exchange = exchange,
                            .arena = psv_exchange_arena(exchange),
                            .options = options,
                            .choice = choice,
                            .file = choice->file,
                            .form = &choice->form};
    enum psv_method method = exchange->request.method;
    psv_metric_inc(PSV_METRIC_STATIC_REQUESTS);
    psv_list_init(&answer.pieces);
    psv_headers_init(&exchange->response.headers, FIELDS_MAX + choice->extra_len);
    if (method != PSV_METHOD_GET && method != PSV_METHOD_HEAD) {
        answer_methods(&answer);
        return;
    }
    switch (psv_conditional_evaluate(&exchange->request, choice->form.etag, choice->file->modified_s, true)) {
    case PSV_PRECONDITION_PASS:
        answer_get(options, &answer);
        return;
    case PSV_PRECONDITION_NOT_MODIFIED:
        psv_metric_inc(PSV_METRIC_STATIC_NOT_MODIFIED);
        answer_not_modified(&answer);
        return;
    case PSV_PRECONDITION_FAILED:
        psv_exchange_refuse(exchange, 412, "precondition failed", NULL, 0);
        return;
    }
}

static bool has_extra(const struct answer *answer, enum psv_field_id id)
{
    for (unsigned i = 0; i < answer->choice->extra_len; i++) {
        if (answer->choice->extra[i].id == id)
            return true;
    }
    return false;
}

static void add_extra(struct answer *answer)
{
    for (unsigned i = 0; i < answer->choice->extra_len; i++) {
        const struct psv_field *field = &answer->choice->extra[i];
        if (psv_headers_add(&answer->exchange->response.headers, answer->arena, field->name, field->value) !=
            0)
            answer->is_out_of_memory = true;
    }
}

static void add_field(struct answer *answer, enum psv_field_id id, struct psv_bytes value)
{
    if (has_extra(answer, id) && id != PSV_FIELD_VARY)
        return;
    if (psv_headers_add_known(&answer->exchange->response.headers, answer->arena, id, value) != 0)
        answer->is_out_of_memory = true;
}

/* The name changes with the content, so the content of a name does not (RFC 8246). */
#define IMMUTABLE PSV_BYTES("public, max-age=31536000, immutable")

static bool is_immutable(const struct answer *answer)
{
    const struct psv_config_list *patterns = &answer->options->immutable;
    for (size_t i = 0; i < patterns->len; i++) {
        if (fnmatch(patterns->items[i], answer->file->path_text, 0) == 0)
            return true;
    }
    return false;
}

/* What needed a password is not for caches that many share, whatever is said of files otherwise (RFC 9111
 * 3.5). */
static struct psv_bytes make_private(struct answer *answer, struct psv_bytes cache_control)
{
    const struct psv_bytes shared = PSV_BYTES("public");
    const struct psv_bytes own = PSV_BYTES("private");
    size_t rest_len = cache_control.len - shared.len;

    if (!psv_bytes_starts_with(cache_control, shared))
        return cache_control;
    char *text = psv_arena_alloc_text(answer->arena, own.len + rest_len);
    if (text == NULL) {
        answer->is_out_of_memory = true;
        return PSV_BYTES_EMPTY;
    }
    memcpy(text, own.data, own.len);
    memcpy(text + own.len, cache_control.data + shared.len, rest_len);
    return (struct psv_bytes){text, own.len + rest_len};
}

/* What 200, 206 and 304 have in common (RFC 9110 15.4.5). */
static void add_validators(struct answer *answer)
{
    const struct psv_cached_file *file = answer->file;
    struct psv_bytes cache_control = is_immutable(answer) ? IMMUTABLE : answer->options->cache_control;
    if (answer->exchange->is_user_checked)
        cache_control = make_private(answer, cache_control);
    add_extra(answer);
    add_field(answer, PSV_FIELD_ETAG, answer->form->etag);
    if (cache_control.len > 0)
        add_field(answer, PSV_FIELD_CACHE_CONTROL, cache_control);
    if (answer->choice->varies)
        add_field(answer, PSV_FIELD_VARY, PSV_BYTES("Accept-Encoding"));
    /* a date in the future must not be sent (RFC 9110 8.8.2.1) */
    if (file->modified_s <= (int64_t)(answer->exchange->received_unix_us / 1000000))
        add_field(answer, PSV_FIELD_LAST_MODIFIED, file->last_modified);
}

static void add_piece(struct answer *answer, const char *data, uint64_t offset, uint64_t len)
{
    struct psv_body_piece *piece = psv_arena_alloc(answer->arena, sizeof(*piece));
    if (piece == NULL) {
        answer->is_out_of_memory = true;
        return;
    }
    /* no release: the exchange's arena holds the file, and the piece lives there as well */
    *piece = (struct psv_body_piece){.data = data, .fd = -1, .offset = offset, .len = len};
    if (data == NULL)
        piece->fd = answer->form->fd;
    psv_list_append(&answer->pieces, &piece->link);
}

static void add_file_piece(struct answer *answer, struct psv_range range)
{
    if (range.len != 0)
        add_piece(answer, answer->form->content, range.offset, range.len);
}

static void respond(struct answer *answer, unsigned status, int64_t content_length)
{
    struct psv_exchange *exchange = answer->exchange;
    if (answer->is_out_of_memory) {
        psv_body_pieces_release(&answer->pieces);
        psv_exchange_refuse(exchange, 503, "out of memory", NULL, 0);
        return;
    }
    exchange->response.status = status;
    exchange->response.content_length = content_length;
    if (exchange->request.method == PSV_METHOD_GET && status != 304)
        psv_metric_add(PSV_METRIC_STATIC_BYTES, content_length);
    psv_exchange_respond(exchange, &answer->pieces, true);
}

static void answer_methods(struct answer *answer)
{
    const struct psv_field allow = {
        .name = psv_field_name(PSV_FIELD_ALLOW), .value = allowed_methods, .id = PSV_FIELD_ALLOW};
    if (answer->exchange->request.method != PSV_METHOD_OPTIONS) {
        psv_exchange_refuse(answer->exchange, 405, "method not allowed for a file", &allow, 1);
        return;
    }
    add_field(answer, PSV_FIELD_ALLOW, allowed_methods);
    respond(answer, 204, -1);
}

static void answer_whole(struct answer *answer)
{
    const struct psv_static_form *form = answer->form;
    add_field(answer, PSV_FIELD_CONTENT_TYPE, answer->file->content_type);
    add_validators(answer);
    if (form->coding.len != 0)
        add_field(answer, PSV_FIELD_CONTENT_ENCODING, form->coding);
    else
        add_field(answer, PSV_FIELD_ACCEPT_RANGES, PSV_BYTES("bytes"));
    if (answer->exchange->request.method == PSV_METHOD_GET)
        add_file_piece(answer, (struct psv_range){.offset = 0, .len = form->size_bytes});
    respond(answer, 200, (int64_t)form->size_bytes);
}

static void answer_not_modified(struct answer *answer)
{
    add_validators(answer);
    respond(answer, 304, (int64_t)answer->form->size_bytes);
}

static void answer_unsatisfiable(struct answer *answer)
{
    char *text = psv_arena_alloc_text(answer->arena, PSV_RANGE_TEXT_MAX);
    if (text == NULL) {
        answer_whole(answer); /* a Range may always be ignored */
        return;
    }
    const struct psv_field content_range = {
        .name = psv_field_name(PSV_FIELD_CONTENT_RANGE),
        .value = {text, psv_range_format_unsatisfied(text, answer->form->size_bytes)},
        .id = PSV_FIELD_CONTENT_RANGE,
    };
    psv_exchange_refuse(answer->exchange, 416, "range not satisfiable", &content_range, 1);
}

static void answer_range(struct answer *answer, struct psv_range range)
{
    char *text = psv_arena_alloc_text(answer->arena, PSV_RANGE_TEXT_MAX);
    if (text == NULL) {
        answer_whole(answer);
        return;
    }
    struct psv_bytes content_range = {text, psv_range_format(text, range, answer->form->size_bytes)};
    add_field(answer, PSV_FIELD_CONTENT_TYPE, answer->file->content_type);
    add_field(answer, PSV_FIELD_CONTENT_RANGE, content_range);
    add_validators(answer);
    add_field(answer, PSV_FIELD_ACCEPT_RANGES, PSV_BYTES("bytes"));
    add_file_piece(answer, range);
    respond(answer, 206, (int64_t)range.len);
}

/* Text on the arena whose size was computed beforehand. */
static char *put(char *out, struct psv_bytes text)
{
    if (text.len != 0)
        memcpy(out, text.data, text.len);
    return out + text.len;
}

#define DELIMITER_TYPE PSV_BYTES("\r\nContent-Type: ")
#define DELIMITER_RANGE PSV_BYTES("\r\nContent-Range: ")
#define DELIMITER_END PSV_BYTES("\r\n\r\n")

/* The head of one part, the delimiter before it included (RFC 2046 5.1.1, RFC 9110 14.6). */
static uint64_t add_part_head(struct answer *answer, struct psv_bytes boundary, struct psv_range range)
{
    struct psv_bytes type = answer->file->content_type;
    size_t max = 4 + boundary.len + DELIMITER_TYPE.len + type.len + DELIMITER_RANGE.len + PSV_RANGE_TEXT_MAX +
                 DELIMITER_END.len;
    char *text = psv_arena_alloc_text(answer->arena, max);
    if (text == NULL) {
        answer->is_out_of_memory = true;
        return 0;
    }
    char *out = put(text, PSV_BYTES("\r\n--"));
    out = put(out, boundary);
    out = put(out, DELIMITER_TYPE);
    out = put(out, type);
    out = put(out, DELIMITER_RANGE);
    out += psv_range_format(out, range, answer->form->size_bytes);
    out = put(out, DELIMITER_END);
    /* the first delimiter needs no line break before it: it begins the body */
    size_t skip = psv_list_is_empty(&answer->pieces) ? 2 : 0;
    size_t len = (size_t)(out - text) - skip;
    add_piece(answer, text + skip, 0, len);
    return len;
}

static uint64_t add_last_delimiter(struct answer *answer, struct psv_bytes boundary)
{
    size_t len = boundary.len + 8;
    char *text = psv_arena_alloc_text(answer->arena, len);
    if (text == NULL) {
        answer->is_out_of_memory = true;
        return 0;
    }
    char *out = put(text, PSV_BYTES("\r\n--"));
    out = put(out, boundary);
    put(out, PSV_BYTES("--\r\n"));
    add_piece(answer, text, 0, len);
    return len;
}

/* "multipart/byteranges; boundary=<32 hex digits>"; *ret_boundary is its end.  Random, so that no file can
 * hold it on purpose. */
static struct psv_bytes multipart_type(struct answer *answer, struct psv_bytes *ret_boundary)
{
    const struct psv_bytes prefix = PSV_BYTES("multipart/byteranges; boundary=");
    uint8_t random[BOUNDARY_RANDOM_BYTES];
    char *text = psv_arena_alloc_text(answer->arena, prefix.len + BOUNDARY_LEN);
    if (text == NULL)
        return PSV_BYTES_EMPTY;
    psv_random_fill(random, sizeof(random));
    char *boundary = put(text, prefix);
    psv_hex_encode(boundary, random, sizeof(random));
    *ret_boundary = (struct psv_bytes){boundary, BOUNDARY_LEN};
    return (struct psv_bytes){text, prefix.len + BOUNDARY_LEN};
}

static void answer_ranges(struct answer *answer, const struct psv_range *ranges, unsigned ranges_len)
{
    struct psv_bytes boundary = PSV_BYTES_EMPTY;
    struct psv_bytes type = multipart_type(answer, &boundary);
    if (type.data == NULL) {
        answer_whole(answer);
        return;
    }
    uint64_t len = 0;
    for (unsigned i = 0; i < ranges_len && !answer->is_out_of_memory; i++) {
        len += add_part_head(answer, boundary, ranges[i]);
        add_file_piece(answer, ranges[i]);
        len += ranges[i].len;
    }
    len += add_last_delimiter(answer, boundary);
    add_field(answer, PSV_FIELD_CONTENT_TYPE, type);
    add_validators(answer);
    add_field(answer, PSV_FIELD_ACCEPT_RANGES, PSV_BYTES("bytes"));
    respond(answer, 206, (int64_t)len);
}
