/* The sending half of the HTTP/1 codec: what handlers reach through struct psv_exchange_codec.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#include "codec_state.h"

#include "base/assert.h"
#include "base/memory.h"
#include "base/text_parse.h"
#include "http/status.h"

/* Heads up to this size are formatted on the stack. */
#define HEAD_STACK_BYTES 4096
/* A refused request's body up to this size is read and dropped, so that the connection can be kept. */
#define DROP_BODY_BYTES_MAX 65536

static struct psv_h1 *h1_of(struct psv_exchange *exchange)
{
    struct psv_h1 *h1 = exchange->codec_stream;

    CHECK_MAGIC(h1, PSV_H1_MAGIC);
    INVARIANT(h1->exchange == exchange);
    return h1;
}

/* May the unread rest of the request be dropped, or must the connection close? */
static bool can_finish_request(const struct psv_h1 *h1)
{
    if (h1->state == PSV_H1_RESPONDING) {
        return true;
    }
    return h1->state == PSV_H1_READ_BODY && !h1->parser.expects_continue &&
           h1->exchange->request.content_length >= 0 &&
           h1->exchange->request.content_length <= DROP_BODY_BYTES_MAX;
}

static enum psv_h1_framing choose_framing(struct psv_h1 *h1, const struct psv_list *pieces, bool is_last)
{
    struct psv_exchange *exchange = h1->exchange;
    struct psv_response *response = &exchange->response;

    if (psv_status_is_bodiless(response->status)) {
        return PSV_H1_FRAMING_NONE;
    }
    if (is_last && response->content_length < 0 && exchange->request.method != PSV_METHOD_HEAD) {
        response->content_length = (int64_t)psv_body_pieces_len(pieces);
    }
    if (response->content_length >= 0) {
        return PSV_H1_FRAMING_LENGTH;
    }
    if (exchange->request.method == PSV_METHOD_HEAD) {
        return PSV_H1_FRAMING_NONE;
    }
    return exchange->request.version == PSV_HTTP_1_1 ? PSV_H1_FRAMING_CHUNKED : PSV_H1_FRAMING_CLOSE;
}

static bool has_no_body(const struct psv_h1 *h1)
{
    return h1->framing == PSV_H1_FRAMING_NONE || h1->exchange->request.method == PSV_METHOD_HEAD;
}

/* Keeps the promised length: more bytes than owed, or an end before all are there, cannot be framed. */
static bool is_length_kept(struct psv_h1 *h1, uint64_t len, bool is_last)
{
    if (h1->framing != PSV_H1_FRAMING_LENGTH || has_no_body(h1)) {
        return true;
    }
    if (len > h1->body_left) {
        return false;
    }
    h1->body_left -= len;
    return !is_last || h1->body_left == 0;
}

static void note_sent(struct psv_h1 *h1, struct psv_send_result result)
{
    struct psv_exchange *exchange = h1->exchange;

    h1->has_progress = true;
    h1->is_gone |= result.is_gone;
    if (result.bytes > 0) {
        exchange->bytes_sent += result.bytes;
        exchange->host->on_sent(exchange, result.bytes);
    }
}

/* Framing around the pieces: with chunked coding a chunk size before and a line end after them. */
static void send_framed(struct psv_h1 *h1, struct psv_bytes head, struct psv_list *pieces, bool is_last)
{
    static const struct psv_bytes chunk_end = PSV_BYTES_INIT("\r\n");
    static const struct psv_bytes last_chunk = PSV_BYTES_INIT("0\r\n\r\n");
    static const struct psv_bytes chunk_end_and_last = PSV_BYTES_INIT("\r\n0\r\n\r\n");
    uint64_t len = psv_body_pieces_len(pieces);
    struct psv_bytes tail = PSV_BYTES_EMPTY;

    if (has_no_body(h1)) {
        psv_body_pieces_release(pieces);
    } else if (h1->framing == PSV_H1_FRAMING_CHUNKED) {
        if (len > 0) {
            tail = is_last ? chunk_end_and_last : chunk_end;
        } else if (is_last) {
            tail = last_chunk;
        }
    }
    note_sent(h1, psv_connection_send(h1->connection, head, pieces, tail));
}

static struct psv_bytes server_field(const struct psv_h1_config *config)
{
    return config->sends_server_field ? PSV_BYTES("Server: phpsrv\r\n") : PSV_BYTES_EMPTY;
}

static void send_head(struct psv_h1 *h1, struct psv_list *pieces, bool is_last)
{
    const struct psv_h1_head head = {
        .response = &h1->exchange->response,
        .version = h1->exchange->request.version,
        .framing = h1->framing,
        .closes = h1->closes,
        .date = psv_loop_date(h1->connection->service->loop),
        .server = server_field(h1->config),
        .extra = psv_exchange_fields(h1->exchange),
    };
    char stack[HEAD_STACK_BYTES];
    size_t size = psv_h1_head_size(&head) + 24; /* and the first chunk's size */
    char *text = size <= sizeof(stack) ? stack : psv_malloc(size);

    if (text == NULL) {
        h1->is_gone = true;
        psv_body_pieces_release(pieces);
        return;
    }
    size_t len = psv_h1_head_format(&head, text);
    h1->exchange->head_bytes_sent = len;
    uint64_t body_len = psv_body_pieces_len(pieces);
    if (h1->framing == PSV_H1_FRAMING_CHUNKED && body_len > 0) {
        len += psv_h1_chunk_format(body_len, text + len);
    }
    send_framed(h1, (struct psv_bytes){text, len}, pieces, is_last);
    if (text != stack) {
        psv_free(text);
    }
}

static void respond(struct psv_exchange *exchange, struct psv_list *pieces, bool is_last)
{
    struct psv_h1 *h1 = h1_of(exchange);

    INVARIANT(!h1->head_is_sent);
    h1->head_is_sent = true;
    h1->framing = choose_framing(h1, pieces, is_last);
    h1->body_left = exchange->response.content_length >= 0 ? (uint64_t)exchange->response.content_length : 0;
    h1->closes = !h1->parser.wants_keep_alive || exchange->must_close || h1->config->is_draining ||
                 (h1->connection->has_eof && h1->input_left == 0) || h1->framing == PSV_H1_FRAMING_CLOSE ||
                 !can_finish_request(h1);
    h1->is_response_complete = is_last;
    if (!is_length_kept(h1, psv_body_pieces_len(pieces), is_last)) {
        h1->is_gone = true;
        psv_body_pieces_release(pieces);
    } else {
        send_head(h1, pieces, is_last);
    }
    psv_h1_advance(h1);
}

static void send_body(struct psv_exchange *exchange, struct psv_list *pieces, bool is_last)
{
    struct psv_h1 *h1 = h1_of(exchange);
    uint64_t len = psv_body_pieces_len(pieces);
    char size[24];
    size_t size_len = 0;

    INVARIANT(h1->head_is_sent && !h1->is_response_complete);
    h1->is_response_complete = is_last;
    if (!is_length_kept(h1, len, is_last)) {
        h1->is_gone = true;
        psv_body_pieces_release(pieces);
    } else {
        if (h1->framing == PSV_H1_FRAMING_CHUNKED && len > 0) {
            size_len = psv_h1_chunk_format(len, size);
        }
        send_framed(h1, (struct psv_bytes){size, size_len}, pieces, is_last);
    }
    psv_h1_advance(h1);
}

static void abort_exchange(struct psv_exchange *exchange)
{
    struct psv_h1 *h1 = h1_of(exchange);

    psv_connection_reset(h1->connection, PSV_CLOSE_ABORTED);
}

static void inform(struct psv_exchange *exchange, unsigned status, const struct psv_headers *headers)
{
    struct psv_h1 *h1 = h1_of(exchange);
    struct psv_list none;
    struct psv_buffer text;

    if (exchange->request.version == PSV_HTTP_1_0 || h1->head_is_sent) {
        return; /* RFC 9110 15.2: never to a 1.0 client, never after the final response has begun */
    }
    psv_list_init(&none);
    psv_buffer_init(&text, 64 * 1024);
    struct psv_bytes line = psv_status_line(status);
    int code = psv_buffer_append_bytes(&text, line);
    for (unsigned i = 0; headers != NULL && i < headers->len && code == PSV_OK; i++) {
        code = psv_buffer_printf(&text, "%.*s: %.*s\r\n", PSV_BYTES_ARG(headers->items[i].name),
                                 PSV_BYTES_ARG(headers->items[i].value));
    }
    if (code == PSV_OK && psv_buffer_append(&text, "\r\n", 2) == PSV_OK && line.len > 0) {
        note_sent(h1, psv_connection_send(h1->connection, psv_buffer_bytes(&text), &none, PSV_BYTES_EMPTY));
    }
    psv_buffer_fini(&text);
}

size_t psv_h1_format_overload(struct psv_service *service, unsigned status, char *out, size_t out_size)
{
    static struct psv_field retry = {
        .name = PSV_BYTES_INIT("Retry-After"), .value = PSV_BYTES_INIT("1"), .id = PSV_FIELD_RETRY_AFTER};
    const struct psv_h1_config *config = service->codec_config;
    const struct psv_response response = {.status = status, .headers = {.items = &retry, .len = 1}};
    const struct psv_h1_head head = {
        .response = &response,
        .version = PSV_HTTP_1_1,
        .framing = PSV_H1_FRAMING_LENGTH,
        .closes = true,
        .date = psv_loop_date(service->loop),
        .server = server_field(config),
    };

    return psv_h1_head_size(&head) <= out_size ? psv_h1_head_format(&head, out) : 0;
}

const struct psv_exchange_codec psv_h1_exchange_codec = {
    .respond = respond,
    .send_body = send_body,
    .abort = abort_exchange,
    .inform = inform,
};
