/* Bytes -> request; see parse.h.  The request line is read by request_line.c (llhttp knows only a closed list
 * of methods, gives some of them meanings of their own, and is lenient about blanks), fields and body by
 * llhttp; what RFC 9112 asks beyond its grammar is in request_rules.c.
 *
 * SPDX-License-Identifier: MIT */
#include "parse.h"

#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "http1/codec.h"
#include "http1/request_line.h"
#include "http1/request_rules.h"

#define EMPTY_LINE_BYTES_MAX 8

static int refuse(struct psv_h1_parser *parser, unsigned status, const char *reason)
{
    if (parser->refusal_status == 0) {
        parser->refusal_status = status;
        parser->refusal_reason = reason;
    }
    return HPE_USER;
}

static struct psv_h1_parser *parser_of(llhttp_t *llhttp)
{
    return CONTAINER_OF(llhttp, struct psv_h1_parser, llhttp);
}

/* Appends to a text that is usually the arena's newest allocation, so that it grows in place.  len is not 0.
 */
static int append(struct psv_arena *arena, struct psv_bytes *text, const char *at, size_t len)
{
    char *grown = text->data == NULL
                      ? psv_arena_alloc_text(arena, len)
                      : psv_arena_grow(arena, (void *)(uintptr_t)text->data, text->len, text->len + len);

    if (grown == NULL) {
        return PSV_ENOMEM;
    }
    memcpy(grown + text->len, at, len);
    *text = (struct psv_bytes){grown, text->len + len};
    return PSV_OK;
}

/* Of trailers and chunk extensions; those of the head are counted as they are fed. */
static int count_bytes(struct psv_h1_parser *parser, size_t len)
{
    parser->header_bytes += len;
    if (parser->header_bytes > parser->config->header_bytes_max) {
        return refuse(parser, 413, "trailers or chunk extensions too large");
    }
    return 0;
}

static int on_field_part(llhttp_t *llhttp, struct psv_bytes *text, const char *at, size_t len)
{
    struct psv_h1_parser *parser = parser_of(llhttp);

    if (parser->in_body) {
        return count_bytes(parser, len); /* trailers never become request fields */
    }
    if (len > 0 && append(&parser->exchange->arena, text, at, len) != PSV_OK) {
        return refuse(parser, 431, "header fields too large");
    }
    return 0;
}

static int on_header_field(llhttp_t *llhttp, const char *at, size_t len)
{
    struct psv_h1_parser *parser = parser_of(llhttp);

    parser->field_end = (char *)(uintptr_t)(at + len);
    return on_field_part(llhttp, &parser->name, at, len);
}

/* Tabs are optional white space around a value (RFC 9110 5.6.3), but llhttp refuses them around the two
 * fields that it reads itself: there they become blanks before it gets to them.  Returns true when the
 * value's line goes on past the input. */
static bool blank_tabs(char *from, char *end)
{
    for (; from < end; from++) {
        if (*from == '\n') {
            return false;
        }
        if (*from == '\t') {
            *from = ' ';
        }
    }
    return true;
}

static int on_header_field_complete(llhttp_t *llhttp)
{
    struct psv_h1_parser *parser = parser_of(llhttp);
    enum psv_field_id id = parser->in_body ? PSV_FIELD_UNKNOWN : psv_field_find(parser->name);

    parser->field_id = id;
    if (id == PSV_FIELD_CONTENT_LENGTH || id == PSV_FIELD_TRANSFER_ENCODING) {
        parser->in_framing_value = blank_tabs(parser->field_end, parser->input_end);
    }
    return 0;
}

static int on_header_value(llhttp_t *llhttp, const char *at, size_t len)
{
    return on_field_part(llhttp, &parser_of(llhttp)->value, at, len);
}

static int on_header_value_complete(llhttp_t *llhttp)
{
    struct psv_h1_parser *parser = parser_of(llhttp);
    struct psv_exchange *exchange = parser->exchange;

    if (parser->in_body) {
        return 0;
    }
    const struct psv_field field = {parser->name, psv_bytes_trim(parser->value), parser->field_id};
    int code = psv_headers_add_field(&exchange->request.headers, &exchange->arena, &field);
    if (code != PSV_OK) {
        return refuse(parser, 431, code == PSV_ELIMIT ? "too many header fields" : "header fields too large");
    }
    parser->name = PSV_BYTES_EMPTY;
    parser->value = PSV_BYTES_EMPTY;
    return 0;
}

static int on_chunk_extension(llhttp_t *llhttp, const char *at, size_t len)
{
    (void)at;
    return count_bytes(parser_of(llhttp), len);
}

static int on_headers_complete(llhttp_t *llhttp)
{
    struct psv_h1_parser *parser = parser_of(llhttp);
    struct psv_request_rules_result result = {0};

    if (psv_h1_request_check(&parser->exchange->request, &parser->exchange->arena, &result) != PSV_OK) {
        return refuse(parser, result.status, result.reason);
    }
    parser->wants_keep_alive = result.wants_keep_alive;
    parser->expects_continue = result.expects_continue;
    parser->in_body = true;
    llhttp->upgrade = 0; /* Upgrade is ignored (RFC 9110 7.8): the connection stays HTTP/1.1 */
    return HPE_PAUSED;
}

/* A chunk that cannot fit is refused by its size, before any of its bytes is stored. */
static int on_chunk_header(llhttp_t *llhttp)
{
    struct psv_h1_parser *parser = parser_of(llhttp);

    if (parser->keeps_body &&
        llhttp->content_length > parser->exchange->body.max_bytes - parser->exchange->body.len) {
        return refuse(parser, 413, "request body too large");
    }
    return 0;
}

static int on_body(llhttp_t *llhttp, const char *at, size_t len)
{
    struct psv_h1_parser *parser = parser_of(llhttp);

    parser->body_bytes += len;
    if (!parser->keeps_body) {
        return 0;
    }
    switch (psv_request_body_append(&parser->exchange->body, at, len)) {
    case PSV_OK:
        return 0;
    case PSV_ELIMIT:
        return refuse(parser, 413, "request body too large");
    default:
        return refuse(parser, 500, "request body cannot be stored");
    }
}

static int on_message_complete(llhttp_t *llhttp)
{
    (void)llhttp;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_header_field = on_header_field,
    .on_header_field_complete = on_header_field_complete,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_header_value_complete,
    .on_chunk_extension_name = on_chunk_extension,
    .on_chunk_extension_value = on_chunk_extension,
    .on_headers_complete = on_headers_complete,
    .on_chunk_header = on_chunk_header,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

void psv_h1_parser_reset(struct psv_h1_parser *parser, const struct psv_h1_config *config)
{
    char *behind_llhttp = (char *)parser + sizeof(parser->llhttp); /* which take_line begins anew */

    _Static_assert(offsetof(struct psv_h1_parser, llhttp) == 0, "llhttp comes first");
    memset(behind_llhttp, 0, sizeof(*parser) - sizeof(parser->llhttp));
    parser->config = config;
}

size_t psv_h1_parser_skip_empty_lines(struct psv_h1_parser *parser, const char *data, size_t len,
                                      unsigned *ret_status)
{
    size_t used = 0;

    *ret_status = 0;
    while (used < len && (data[used] == '\r' || data[used] == '\n')) {
        used++;
        parser->empty_lines++;
    }
    if (parser->empty_lines > EMPTY_LINE_BYTES_MAX) {
        *ret_status = 400;
    }
    return used;
}

void psv_h1_parser_begin(struct psv_h1_parser *parser, struct psv_exchange *exchange)
{
    parser->exchange = exchange;
    psv_headers_init(&exchange->request.headers, parser->config->header_count_max);
    exchange->request.content_length = -1;
}

/* llhttp behind a request line, which stands for the real one: to it all requests are alike then, so that it
 * reads that line but once. */
static const llhttp_t *behind_line(unsigned minor_version)
{
    static const struct psv_bytes lines[2] = {PSV_BYTES_INIT("POST / HTTP/1.0\r\n"),
                                              PSV_BYTES_INIT("POST / HTTP/1.1\r\n")};
    static _Thread_local llhttp_t states[2];
    llhttp_t *state = &states[minor_version];

    if (UNLIKELY(state->settings == NULL)) {
        llhttp_init(state, HTTP_REQUEST, &settings);
        INVARIANT(llhttp_execute(state, lines[minor_version].data, lines[minor_version].len) == HPE_OK);
    }
    return state;
}

static int take_line(struct psv_h1_parser *parser, struct psv_bytes text)
{
    struct psv_request *request = &parser->exchange->request;
    struct psv_arena *arena = &parser->exchange->arena;
    struct psv_request_line line;

    if (psv_request_line_parse(text, &line) != PSV_OK) {
        return refuse(parser, line.status, line.reason);
    }
    if (line.target.len > parser->config->request_line_bytes_max) {
        return refuse(parser, 414, "request target too long");
    }
    request->method = psv_method_find(line.method);
    request->version = line.minor_version == 0 ? PSV_HTTP_1_0 : PSV_HTTP_1_1;
    request->method_text = request->method != PSV_METHOD_OTHER
                               ? (struct psv_bytes){psv_method_text(request->method), line.method.len}
                               : psv_arena_copy(arena, line.method);
    request->target = psv_arena_copy(arena, line.target);
    if (request->method_text.data == NULL || request->target.data == NULL) {
        return refuse(parser, 500, "out of memory");
    }
    parser->llhttp = *behind_line(line.minor_version);
    parser->has_line = true;
    return 0;
}

/* Reads up to the end of the request line; *ret_used counts the bytes taken.  0, or HPE_USER with a refusal.
 */
static int feed_line(struct psv_h1_parser *parser, const char *data, size_t len, size_t *ret_used)
{
    const char *end = memchr(data, '\n', len);
    size_t used = end != NULL ? (size_t)(end - data) : len;
    struct psv_bytes text = {data, used};

    *ret_used = end != NULL ? used + 1 : used;
    if (end == NULL || parser->line.len > 0) {
        /* room for the method and the version beside the longest target */
        if (parser->line.len + used > parser->config->request_line_bytes_max + 64) {
            return refuse(parser, 414, "request target too long");
        }
        if (used > 0 && append(&parser->exchange->arena, &parser->line, data, used) != PSV_OK) {
            return refuse(parser, 414, "request target too long");
        }
        text = parser->line;
    }
    if (end != NULL) {
        return take_line(parser, text);
    }
    return psv_request_line_may_begin(text) ? 0 : refuse(parser, 400, "not HTTP");
}

static enum psv_h1_parse_event fail(struct psv_h1_parser *parser, llhttp_errno_t error)
{
    switch (error) {
    case HPE_USER:
        break; /* a callback has said why */
    case HPE_INVALID_TRANSFER_ENCODING: {
        struct psv_request_rules_result result = {.status = 400, .reason = "malformed Transfer-Encoding"};
        if (psv_h1_request_check(&parser->exchange->request, &parser->exchange->arena, &result) == PSV_OK) {
            result.status = 400; /* llhttp is the stricter one */
        }
        (void)refuse(parser, result.status, result.reason);
        break;
    }
    default:
        (void)refuse(parser, 400, llhttp_errno_name(error));
    }
    return PSV_H1_ERROR;
}

/* Counts the head as it comes, white space included, so that an endless one is noticed. */
static bool is_head_too_large(struct psv_h1_parser *parser, size_t used)
{
    parser->header_bytes += used;
    if (parser->header_bytes <= parser->config->header_bytes_max) {
        return false;
    }
    (void)refuse(parser, 431, "header fields too large");
    return true;
}

static enum psv_h1_parse_event feed_llhttp(struct psv_h1_parser *parser, char *data, size_t len,
                                           size_t *ret_used)
{
    bool was_in_body = parser->in_body;

    parser->input_end = data + len;
    if (parser->in_framing_value) {
        parser->in_framing_value = blank_tabs(data, data + len);
    }
    llhttp_errno_t error = llhttp_execute(&parser->llhttp, data, len);
    *ret_used = len;
    if (error == HPE_PAUSED) {
        const char *position = llhttp_get_error_pos(&parser->llhttp);
        *ret_used = position != NULL ? (size_t)(position - data) : len;
        llhttp_resume(&parser->llhttp);
    } else if (error != HPE_OK) {
        return fail(parser, error);
    }
    if (was_in_body) {
        return error == HPE_PAUSED ? PSV_H1_REQUEST : PSV_H1_NEEDS_MORE;
    }
    if (is_head_too_large(parser, *ret_used)) {
        return PSV_H1_ERROR;
    }
    if (!parser->in_body) {
        return PSV_H1_NEEDS_MORE;
    }
    parser->header_bytes = 0; /* trailers and chunk extensions have a limit of their own */
    return PSV_H1_HEAD;
}

enum psv_h1_parse_event psv_h1_parser_feed(struct psv_h1_parser *parser, char *data, size_t len,
                                           size_t *ret_used)
{
    size_t line_used = 0;

    INVARIANT(parser->exchange != NULL);
    if (!parser->has_line) {
        int code = feed_line(parser, data, len, &line_used);
        *ret_used = line_used;
        if (code != 0 || !parser->has_line) {
            return code != 0 ? PSV_H1_ERROR : PSV_H1_NEEDS_MORE;
        }
    }
    enum psv_h1_parse_event event = feed_llhttp(parser, data + line_used, len - line_used, ret_used);
    *ret_used += line_used;
    return event;
}

const char *psv_h1_parser_library_version(void)
{
    return STRINGIFY(LLHTTP_VERSION_MAJOR) "." STRINGIFY(LLHTTP_VERSION_MINOR) "." STRINGIFY(
        LLHTTP_VERSION_PATCH);
}
