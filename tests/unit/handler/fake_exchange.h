/* An exchange without a connection: a request is written down, and what the handler answers is
 * collected.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "table.h"

#include "exec/exchange.h"
#include "http/method.h"
#include "http/target.h"

struct fake_exchange {
    struct psv_exchange_pool *pool;
    struct psv_exchange *exchange;
    unsigned answers;
    unsigned pieces;
    bool is_from_file;
    char *body;
    size_t body_len;
};

static inline struct fake_exchange *fake_of(struct psv_exchange *exchange)
{
    return exchange->host->context;
}

static inline void fake_collect(struct fake_exchange *fake, const struct psv_body_piece *piece)
{
    fake->pieces++;
    fake->body = realloc(fake->body, fake->body_len + piece->len + 1);
    assert_non_null(fake->body);
    if (piece->data != NULL) {
        memcpy(fake->body + fake->body_len, piece->data + piece->offset, piece->len);
    } else {
        fake->is_from_file = true;
        assert_int_equal(pread(piece->fd, fake->body + fake->body_len, piece->len, (off_t)piece->offset),
                         (ssize_t)piece->len);
    }
    fake->body_len += piece->len;
}

static void fake_respond(struct psv_exchange *exchange, struct psv_list *pieces, bool is_last)
{
    struct fake_exchange *fake = fake_of(exchange);
    assert_true(is_last);
    fake->answers++;
    PSV_LIST_FOR_EACH(node, pieces)
    fake_collect(fake, PSV_LIST_ENTRY(node, struct psv_body_piece, link));
    psv_body_pieces_release(pieces);
}

static const struct psv_exchange_codec fake_codec = {.respond = fake_respond};

/** fields: "Name: value" lines, or NULL. */
static inline void fake_exchange_begin(struct fake_exchange *fake, const char *method, const char *target,
                                       const char *fields)
{
    static struct psv_exchange_host host;
    *fake = (struct fake_exchange){.pool = psv_exchange_pool_new(1 << 20, 1)};
    assert_non_null(fake->pool);
    host.context = fake;
    fake->exchange = psv_exchange_new(fake->pool, &fake_codec, &host);
    assert_non_null(fake->exchange);
    fake->exchange->codec_stream = fake;
    fake->exchange->received_unix_us = UINT64_C(1767225600) * 1000000; /* 2026-01-01 00:00:00 */
    struct psv_request *request = &fake->exchange->request;
    request->version = PSV_HTTP_1_1;
    request->method_text = psv_bytes_of(method);
    request->method = psv_method_find(request->method_text);
    assert_int_equal(psv_target_parse(&fake->exchange->arena, request->method, psv_bytes_of(target), request),
                     0);
    psv_headers_init(&request->headers, 100);
    struct psv_bytes rest = psv_bytes_of(fields);
    struct psv_bytes line;
    while (rest.len != 0 && psv_bytes_split(&rest, '\n', &line)) {
        size_t colon = psv_bytes_find(line, ':');
        assert_int_equal(psv_headers_add(&request->headers, &fake->exchange->arena,
                                         psv_bytes_first(line, colon),
                                         psv_bytes_trim(psv_bytes_from(line, colon + 1))),
                         0);
    }
}

static inline void fake_exchange_end(struct fake_exchange *fake)
{
    psv_exchange_free(fake->pool, fake->exchange);
    psv_exchange_pool_free(fake->pool);
    free(fake->body);
}

/** The value of a response field; "" when absent. */
static inline struct psv_bytes fake_field(const struct fake_exchange *fake, enum psv_field_id id)
{
    return psv_headers_value(&fake->exchange->response.headers, id);
}

static inline struct psv_bytes fake_body(const struct fake_exchange *fake)
{
    return (struct psv_bytes){fake->body, fake->body_len};
}
