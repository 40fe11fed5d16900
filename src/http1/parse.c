/* Bytes -> request; see parse.h.  The method is read here (llhttp knows only a closed list of methods and gives some of
 * them meanings of their own), the rest by llhttp; what RFC 9112 asks beyond llhttp is in request_rules.c.
 * SPDX-License-Identifier: MIT */
#include "parse.h"

#include <string.h>

#include "base/assert.h"
#include "base/error.h"
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

/* Appends to a text that is usually the arena's newest allocation, so that it grows in place. */
static int append(struct psv_arena *arena, struct psv_bytes *text, const char *at, size_t len)
{
    char *grown = psv_arena_grow(arena, (void *)(uintptr_t)text->data, text->len, text->len + len);

    if (grown == NULL) {
        return PSV_ENOMEM;
    }
    memcpy(grown + text->len, at, len);
    *text = (struct psv_bytes){grown, text->len + len};
    return PSV_OK;
}

static int on_url(llhttp_t *llhttp, const char *at, size_t len)
{
    struct psv_h1_parser *parser = parser_of(llhttp);
    struct psv_request *request = &parser->exchange->request;

    if (request->target.len + len > parser->config->request_line_bytes_max) {
        return refuse(parser, 414, "request target too long");
    }
    if (len > 0 && append(&parser->exchange->arena, &request->target, at, len) != PSV_OK) {
        return refuse(parser, 500, "out of memory");
    }
    return 0;
}

/* Counts bytes of fields, trailers and chunk extensions against one limit. */
static int count_bytes(struct psv_h1_parser *parser, size_t len)
{
    parser->header_bytes += len;
    if (parser->header_bytes > parser->config->header_bytes_max) {
        return refuse(parser, parser->in_body ? 413 : 431, "header fields too large");
    }
    return 0;
}

static int on_field_part(llhttp_t *llhttp, struct psv_bytes *text, const char *at, size_t len)
{
    struct psv_h1_parser *parser = parser_of(llhttp);

    if (count_bytes(parser, len) != 0) {
        return HPE_USER;
    }
    if (parser->in_body || len == 0) {
        return 0; /* trailers never become request fields */
    }
    if (append(&parser->exchange->arena, text, at, len) != PSV_OK) {
        return refuse(parser, 431, "header fields too large");
    }
    return 0;
}

static int on_header_field(llhttp_t *llhttp, const char *at, size_t len)
{
    return on_field_part(llhttp, &parser_of(llhttp)->name, at, len);
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
    int code = psv_headers_add(&exchange->request.headers, &exchange->arena, parser->name,
                               psv_bytes_trim(parser->value));
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

    parser->exchange->request.version = llhttp->http_minor == 0 ? PSV_HTTP_1_0 : PSV_HTTP_1_1;
    if (llhttp->http_major != 1) {
        return refuse(parser, 505, "only HTTP/1.x is spoken here");
    }
    if (psv_h1_request_check(&parser->exchange->request, &parser->exchange->arena, &result) != PSV_OK) {
        return refuse(parser, result.status, result.reason);
    }
    parser->wants_keep_alive = result.wants_keep_alive;
    parser->expects_continue = result.expects_continue;
    parser->in_body = true;
    llhttp->upgrade = 0; /* Upgrade is ignored (RFC 9110 7.8): the connection stays HTTP/1.1 */
    return HPE_PAUSED;
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
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_header_value_complete,
    .on_chunk_extension_name = on_chunk_extension,
    .on_chunk_extension_value = on_chunk_extension,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

void psv_h1_parser_reset(struct psv_h1_parser *parser, const struct psv_h1_config *config)
{
    memset(parser, 0, sizeof(*parser));
    parser->config = config;
    llhttp_init(&parser->llhttp, HTTP_REQUEST, &settings);
}

size_t psv_h1_parser_skip_empty_lines(struct psv_h1_parser *parser, const char *data, size_t len, unsigned *ret_status)
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

/* Reads the method token; *ret_used counts its bytes and the space.  Feeds llhttp "POST " in its place: to llhttp all
 * methods are alike then (no CONNECT, no PRI, no RTSP), and any token of RFC 9110 9.1 is understood. */
static enum psv_h1_parse_event feed_method(struct psv_h1_parser *parser, const char *data, size_t len, size_t *ret_used)
{
    struct psv_request *request = &parser->exchange->request;
    size_t used = 0;

    while (used < len && data[used] != ' ') {
        if (parser->method_len == sizeof(parser->method)) {
            (void)refuse(parser, 501, "method too long");
            return PSV_H1_ERROR;
        }
        parser->method[parser->method_len++] = data[used++];
    }
    *ret_used = used;
    struct psv_bytes method = {parser->method, parser->method_len};
    if (!psv_field_name_is_valid(method)) { /* the same grammar: token */
        (void)refuse(parser, 400, "malformed method");
        return PSV_H1_ERROR;
    }
    if (used == len) {
        return PSV_H1_NEEDS_MORE;
    }
    *ret_used = used + 1;
    request->method = psv_method_find(method);
    request->method_text = psv_arena_copy(&parser->exchange->arena, method);
    if (request->method_text.data == NULL || llhttp_execute(&parser->llhttp, "POST ", 5) != HPE_OK) {
        (void)refuse(parser, 500, "out of memory");
        return PSV_H1_ERROR;
    }
    parser->has_method = true;
    return PSV_H1_NEEDS_MORE;
}

static enum psv_h1_parse_event fail(struct psv_h1_parser *parser, llhttp_errno_t error)
{
    switch (error) {
    case HPE_USER:
        break; /* a callback has said why */
    case HPE_INVALID_VERSION:
        (void)refuse(parser, 505, "unsupported HTTP version");
        break;
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

enum psv_h1_parse_event psv_h1_parser_feed(struct psv_h1_parser *parser, const char *data, size_t len, size_t *ret_used)
{
    size_t method_used = 0;

    INVARIANT(parser->exchange != NULL);
    *ret_used = 0;
    if (!parser->has_method) {
        enum psv_h1_parse_event event = feed_method(parser, data, len, &method_used);
        *ret_used = method_used;
        if (event == PSV_H1_ERROR || !parser->has_method) {
            return event;
        }
    }
    bool was_in_body = parser->in_body;
    llhttp_errno_t error = llhttp_execute(&parser->llhttp, data + method_used, len - method_used);
    if (error == HPE_OK) {
        *ret_used = len;
        return PSV_H1_NEEDS_MORE;
    }
    if (error != HPE_PAUSED) {
        *ret_used = len;
        return fail(parser, error);
    }
    const char *position = llhttp_get_error_pos(&parser->llhttp);
    *ret_used = position != NULL ? (size_t)(position - data) : len;
    llhttp_resume(&parser->llhttp);
    return was_in_body ? PSV_H1_REQUEST : PSV_H1_HEAD;
}
