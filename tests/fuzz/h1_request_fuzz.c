/* Fuzz target of http1/parse.c: the bytes of a connection.  Input: one byte for the limits, one for the cuts,
 * then the bytes.  Oracles: fed whole, byte by byte and in odd pieces, they are the same requests with the
 * same bodies and the same refusal; a request keeps the limits; nothing is read past a piece's end (each has
 * memory of its own).
 *
 * SPDX-License-Identifier: MIT */
#include "http_oracle.h"

#include "base/buffer.h"
#include "exec/exchange.h"
#include "http1/parse.h"

#define TEXT_BYTES_MAX (1 << 22)

/* One way of cutting the same bytes, and what came out of it. */
struct reading {
    struct psv_h1_config config;
    struct psv_h1_parser parser;
    struct psv_exchange *exchange;
    struct psv_buffer text;  /* all requests, written down */
    unsigned refusal_status; /* 0: none yet */
    bool is_over;            /* refused, or the client's last request */
    bool keeps_body;
};

static void note(struct reading *reading, const char *name, struct psv_bytes value)
{
    struct psv_bytes parts[] = {psv_bytes_of(name), PSV_BYTES("="), value, PSV_BYTES("\n")};

    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        ORACLE(psv_buffer_append(&reading->text, parts[i].data, parts[i].len) == 0);
    }
}

static void note_number(struct reading *reading, const char *name, int64_t value)
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%lld", (long long)value);
    note(reading, name, (struct psv_bytes){digits, (size_t)len});
}

static void note_head(struct reading *reading)
{
    const struct psv_request *request = &reading->exchange->request;
    size_t fields_len = 0;

    note(reading, "method", request->method_text);
    note_number(reading, "version", (int64_t)request->version);
    note(reading, "target", request->target);
    note(reading, "path", request->path);
    note(reading, "query", request->query);
    note(reading, "authority", request->authority);
    note_number(reading, "length", request->content_length);
    note_number(reading, "has_body", request->has_body);
    note_number(reading, "keep_alive", reading->parser.wants_keep_alive);
    note_number(reading, "expects", reading->parser.expects_continue);
    for (unsigned i = 0; i < request->headers.len; i++) {
        const struct psv_field *field = &request->headers.items[i];
        ORACLE(field->name.len > 0);
        ORACLE(psv_bytes_find(field->value, '\0') == field->value.len);
        ORACLE(psv_bytes_find(field->value, '\n') == field->value.len);
        fields_len += field->name.len + field->value.len;
        note(reading, "field", field->name);
        note(reading, "value", field->value);
    }
    ORACLE(request->headers.len <= reading->config.header_count_max);
    /* an absolute target's authority may stand in for a shorter Host */
    ORACLE(fields_len <= reading->config.header_bytes_max + request->authority.len + 4);
    ORACLE(request->target.len <= reading->config.request_line_bytes_max);
    ORACLE(request->content_length < 0 || request->has_body == (request->content_length > 0));
}

static void note_body(struct reading *reading)
{
    struct psv_exchange *exchange = reading->exchange;
    const struct psv_request *request = &exchange->request;
    char block[512];
    size_t len;
    uint64_t sum = 0;

    note(reading, "body", PSV_BYTES_EMPTY);
    psv_request_body_rewind(&exchange->body);
    while ((len = psv_request_body_read(&exchange->body, block, sizeof(block))) > 0) {
        ORACLE(psv_buffer_append(&reading->text, block, len) == 0);
        sum += len;
    }
    ORACLE(sum == exchange->body.len);
    ORACLE(sum <= reading->config.body_bytes_max);
    if (reading->keeps_body) {
        ORACLE(sum == reading->parser.body_bytes);
    }
    if (request->content_length >= 0) {
        ORACLE(reading->parser.body_bytes == (uint64_t)request->content_length);
    }
}

static void end_request(struct reading *reading)
{
    reading->is_over = reading->is_over || !reading->parser.wants_keep_alive;
    psv_exchange_free(reading->config.pool, reading->exchange);
    reading->exchange = NULL;
    psv_h1_parser_reset(&reading->parser, &reading->config);
}

static void begin_request(struct reading *reading)
{
    static const struct psv_exchange_codec no_codec;
    static const struct psv_exchange_host no_host;

    reading->exchange = psv_exchange_new(reading->config.pool, &no_codec, &no_host);
    ORACLE(reading->exchange != NULL);
    psv_request_body_init(&reading->exchange->body, reading->config.body_memory_bytes,
                          reading->config.body_bytes_max);
    psv_h1_parser_begin(&reading->parser, reading->exchange);
}

static void refuse(struct reading *reading, unsigned status)
{
    ORACLE(status >= 400 && status <= 599);
    reading->refusal_status = status;
    reading->is_over = true;
}

/* As the codec does it.  False when nothing more can be made of the piece. */
static bool read_some(struct reading *reading, char **data, size_t *len)
{
    size_t used = 0;

    if (reading->exchange == NULL) {
        unsigned status;
        used = psv_h1_parser_skip_empty_lines(&reading->parser, *data, *len, &status);
        ORACLE(used <= *len);
        *data += used;
        *len -= used;
        if (status != 0) {
            refuse(reading, status);
            return false;
        }
        if (*len == 0) {
            return false;
        }
        begin_request(reading);
    }
    enum psv_h1_parse_event event = psv_h1_parser_feed(&reading->parser, *data, *len, &used);
    if (event == PSV_H1_ERROR) {
        refuse(reading, reading->parser.refusal_status);
        return false;
    }
    ORACLE(used <= *len);
    *data += used;
    *len -= used;
    switch (event) {
    case PSV_H1_HEAD:
        note_head(reading);
        reading->parser.keeps_body = reading->keeps_body;
        return true;
    case PSV_H1_REQUEST:
        note_body(reading);
        end_request(reading);
        return !reading->is_over;
    default:
        ORACLE(event == PSV_H1_NEEDS_MORE);
        return used > 0 && *len > 0;
    }
}

static void read_piece(struct reading *reading, struct psv_bytes piece)
{
    char *copy = malloc(piece.len + (piece.len == 0)); /* the parser may change its input */
    char *data = copy;
    size_t len = piece.len;

    memcpy(copy, piece.data, piece.len);
    while (!reading->is_over && read_some(reading, &data, &len)) {
    }
    ORACLE(reading->is_over || len == 0);
    free(copy);
}

static void read_all(struct reading *reading, struct psv_exchange_pool *pool, uint8_t limits,
                     struct psv_bytes input, size_t piece_len)
{
    memset(reading, 0, sizeof(*reading));
    psv_buffer_init(&reading->text, TEXT_BYTES_MAX);
    reading->config.pool = pool;
    reading->config.request_line_bytes_max = (limits & 1) != 0 ? 24 : 8192;
    reading->config.header_bytes_max = (limits & 2) != 0 ? 96 : 16384;
    reading->config.header_count_max = (limits & 4) != 0 ? 3 : 100;
    reading->config.body_bytes_max = (limits & 8) != 0 ? 16 : 1 << 20;
    reading->config.body_memory_bytes = (limits & 16) != 0 ? 8 : 65536;
    reading->keeps_body = (limits & 32) == 0;
    psv_h1_parser_reset(&reading->parser, &reading->config);
    while (input.len > 0 && !reading->is_over) {
        struct psv_bytes piece = psv_bytes_first(input, piece_len);
        read_piece(reading, piece);
        input = psv_bytes_from(input, piece.len);
    }
    if (reading->exchange != NULL) {
        end_request(reading);
    }
}

static bool is_limit(unsigned status)
{
    return status == 413 || status == 414 || status == 431;
}

/* Where both a limit and a rule are broken, it depends on the pieces which one is noticed first. */
static void compare(struct reading *whole, struct reading *pieces)
{
    if (whole->refusal_status != pieces->refusal_status) {
        ORACLE(whole->refusal_status != 0 && pieces->refusal_status != 0);
        ORACLE(is_limit(whole->refusal_status) || is_limit(pieces->refusal_status));
    }
    ORACLE(psv_bytes_equal(psv_buffer_bytes(&whole->text), psv_buffer_bytes(&pieces->text)));
    ORACLE(whole->is_over == pieces->is_over);
    psv_buffer_fini(&pieces->text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct psv_bytes input = {(const char *)data, size};
    uint8_t limits = take_byte(&input);
    size_t piece_len = (size_t)take_byte(&input) + 2;
    struct psv_exchange_pool *pool = psv_exchange_pool_new(1 << 22, 4);
    struct reading whole;
    struct reading pieces;

    ORACLE(pool != NULL);
    read_all(&whole, pool, limits, input, SIZE_MAX);
    read_all(&pieces, pool, limits, input, 1);
    compare(&whole, &pieces);
    read_all(&pieces, pool, limits, input, piece_len);
    compare(&whole, &pieces);
    psv_buffer_fini(&whole.text);
    psv_exchange_pool_free(pool);
    return 0;
}
