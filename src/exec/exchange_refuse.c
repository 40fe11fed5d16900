/* Pages of the server's or the site's own: errors, in the form the client likes best.  [loop]
 * Knows nothing of configuration, and nothing of the request but its method and its Accept fields.
 *
 * SPDX-License-Identifier: MIT */
#include "exchange.h"

#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/text_parse.h"
#include "exec/error_pages.h"
#include "http/accept.h"
#include "http/status.h"

#define TEXT_BYTES_MAX 512
#define U64_BYTES_MAX 20 /* psv_format_u64 */
/* Content-Type and what the caller adds. */
#define FIELDS_MAX 16

struct page {
    struct psv_body_piece piece; /* nothing to release: the arena's */
    struct psv_bytes type;
    struct psv_bytes body; /* text, or the site's own page */
    char text[TEXT_BYTES_MAX];
};

static void put(struct page *page, struct psv_bytes text)
{
    /* phrases are our own and short */
    INVARIANT(text.len <= sizeof(page->text) - page->body.len);
    memcpy(page->text + page->body.len, text.data, text.len);
    page->body.len += text.len;
}

static void put_number(struct page *page, unsigned number)
{
    char digits[U64_BYTES_MAX];

    put(page, (struct psv_bytes){digits, psv_format_u64(digits, number)});
}

static void put_title(struct page *page, unsigned status, struct psv_bytes phrase)
{
    put_number(page, status);
    put(page, PSV_BYTES(" "));
    put(page, phrase);
}

/* Under overload this is what the server does most: no printf. */
static void write_page(struct page *page, enum psv_accept_form form, unsigned status)
{
    struct psv_bytes phrase = psv_bytes_of(psv_status_text(status));

    page->body = (struct psv_bytes){page->text, 0};
    switch (form) {
    case PSV_ACCEPT_PLAIN:
        page->type = PSV_BYTES("text/plain; charset=utf-8");
        put_title(page, status, phrase);
        put(page, PSV_BYTES("\n"));
        break;
    case PSV_ACCEPT_HTML:
        page->type = PSV_BYTES("text/html; charset=utf-8");
        /* readable on a telephone, dark where all is; no style: a site's Content-Security-Policy may forbid
         * it */
        put(page, PSV_BYTES("<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">"
                            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
                            "<meta name=\"color-scheme\" content=\"light dark\"><title>"));
        put_title(page, status, phrase);
        put(page, PSV_BYTES("</title></head>\n<body><h1>"));
        put_title(page, status, phrase);
        put(page, PSV_BYTES("</h1></body>\n</html>\n"));
        break;
    case PSV_ACCEPT_JSON:
        /* RFC 9457 4.2.1: without a type member it is "about:blank", and title the reason phrase */
        page->type = PSV_BYTES("application/problem+json");
        put(page, PSV_BYTES("{\"title\":\""));
        put(page, phrase);
        put(page, PSV_BYTES("\",\"status\":"));
        put_number(page, status);
        put(page, PSV_BYTES("}\n"));
        break;
    }
}

/* The site's own page in place of ours. */
static void use_own_page(struct page *page, const struct psv_exchange *exchange, struct psv_arena *arena,
                         enum psv_accept_form form, unsigned status)
{
    const struct psv_error_page *own = psv_error_pages_find(psv_exchange_pages(exchange), status, form);
    struct psv_bytes body = own != NULL
                                ? psv_error_page_fill(own, arena, status, psv_bytes_of(exchange->request_id))
                                : PSV_BYTES_EMPTY;

    if (body.data != NULL) {
        page->body = body;
    }
}

static int add_extra(struct psv_headers *headers, struct psv_arena *arena, const struct psv_field *extra)
{
    struct psv_bytes name = psv_arena_copy(arena, extra->name);
    struct psv_bytes value = psv_arena_copy(arena, extra->value); /* often made on the caller's stack */

    if (name.data == NULL || value.data == NULL) {
        return PSV_ENOMEM;
    }
    return psv_headers_add(headers, arena, name, value);
}

/* Head and body on the arena; NULL when there is no memory for them. */
static struct page *make_page(struct psv_exchange *exchange, struct psv_arena *arena, unsigned status,
                              const struct psv_field *extra, unsigned extra_len)
{
    struct psv_headers *headers = &exchange->response.headers;
    struct page *page = psv_arena_alloc(arena, sizeof(*page));

    if (page == NULL) {
        return NULL;
    }
    page->piece = (struct psv_body_piece){.fd = -1};
    enum psv_accept_form form = psv_accept_choose(&exchange->request.headers);
    write_page(page, form, status);
    use_own_page(page, exchange, arena, form, status);
    int code = psv_headers_add_known(headers, arena, PSV_FIELD_CONTENT_TYPE, page->type);
    for (unsigned i = 0; code == PSV_OK && i < extra_len; i++) {
        code = add_extra(headers, arena, &extra[i]);
    }
    return code == PSV_OK ? page : NULL;
}

void psv_exchange_refuse(struct psv_exchange *exchange, unsigned status, const char *reason,
                         const struct psv_field *extra, unsigned extra_len)
{
    CHECK_MAGIC(exchange, PSV_EXCHANGE_MAGIC);
    INVARIANT(!psv_status_is_bodiless(status));
    INVARIANT(extra_len < FIELDS_MAX);
    struct psv_arena *arena = psv_exchange_arena(exchange);
    struct psv_response *response = &exchange->response;
    struct psv_list pieces;

    psv_list_init(&pieces);
    exchange->refusal = reason;
    response->status = status;
    psv_headers_init(&response->headers, FIELDS_MAX); /* a half-made response is dropped */
    struct page *page = make_page(exchange, arena, status, extra, extra_len);
    if (page == NULL) {
        response->headers.len = 0; /* out of memory: the status alone has to do */
        response->content_length = 0;
    } else {
        response->content_length = (int64_t)page->body.len;
        if (exchange->request.method != PSV_METHOD_HEAD && page->body.len > 0) {
            page->piece.data = page->body.data;
            page->piece.len = page->body.len;
            psv_list_append(&pieces, &page->piece.link);
        }
    }
    psv_exchange_respond(exchange, &pieces, true);
}
