/* Exchanges and the pool that recycles them; handing responses to the codec.  [loop]
 * Knows neither what a codec does with a response nor who makes one; the server's own pages are in
 * exchange_refuse.c.
 *
 * SPDX-License-Identifier: MIT */
#include "exchange.h"

#include <string.h>

#include "base/assert.h"
#include "base/memory.h"
#include "os/clock.h"

struct psv_exchange_pool {
    size_t arena_max_bytes;
    size_t max_spare;
    size_t spare_len;
    struct psv_list spare; /* of struct psv_exchange, last freed first: its memory is still in the cache */
};

struct psv_exchange_pool *psv_exchange_pool_new(size_t arena_max_bytes, size_t max_spare)
{
    struct psv_exchange_pool *pool = psv_calloc(1, sizeof(*pool));

    if (pool == NULL) {
        return NULL;
    }
    pool->arena_max_bytes = arena_max_bytes;
    pool->max_spare = max_spare;
    psv_list_init(&pool->spare);
    return pool;
}

static void destroy(struct psv_exchange *exchange)
{
    psv_arena_fini(&exchange->arena);
    psv_arena_fini(&exchange->late_arena);
    psv_free(exchange);
}

void psv_exchange_pool_free(struct psv_exchange_pool *pool)
{
    struct psv_list *node;

    if (pool == NULL) {
        return;
    }
    while ((node = psv_list_first(&pool->spare)) != NULL) {
        psv_list_remove(node);
        destroy(PSV_LIST_ENTRY(node, struct psv_exchange, link));
    }
    psv_free(pool);
}

static struct psv_exchange *take_spare(struct psv_exchange_pool *pool)
{
    struct psv_list *node = psv_list_first(&pool->spare);

    if (node == NULL) {
        return NULL;
    }
    psv_list_remove(node);
    pool->spare_len--;
    return PSV_LIST_ENTRY(node, struct psv_exchange, link);
}

struct psv_exchange *psv_exchange_new(struct psv_exchange_pool *pool, const struct psv_exchange_codec *codec,
                                      const struct psv_exchange_host *host)
{
    struct psv_exchange *exchange = take_spare(pool);

    if (exchange != NULL) {
        /* its arena has kept a block */
        const size_t zeroed_at = offsetof(struct psv_exchange, codec);
        memset((char *)exchange + zeroed_at, 0, sizeof(*exchange) - zeroed_at);
        exchange->request_id[0] = '\0';
    } else {
        exchange = psv_calloc(1, sizeof(*exchange));
        if (exchange == NULL) {
            return NULL;
        }
        psv_arena_init(&exchange->arena, pool->arena_max_bytes);
    }
    exchange->magic = PSV_EXCHANGE_MAGIC;
    exchange->codec = codec;
    exchange->host = host;
    exchange->site = host->site;
    psv_arena_init(&exchange->late_arena, pool->arena_max_bytes);
    psv_request_body_init(&exchange->body, 0, 0);
    psv_list_init(&exchange->link);
    return exchange;
}

void psv_exchange_free(struct psv_exchange_pool *pool, struct psv_exchange *exchange)
{
    if (exchange == NULL) {
        return;
    }
    CHECK_MAGIC(exchange, PSV_EXCHANGE_MAGIC);
    exchange->magic = 0;
    psv_list_remove(&exchange->link);
    psv_request_body_fini(&exchange->body);
    psv_arena_fini(&exchange->late_arena);
    if (pool->spare_len >= pool->max_spare) {
        destroy(exchange);
        return;
    }
    psv_arena_reset(&exchange->arena);
    psv_list_prepend(&pool->spare, &exchange->link);
    pool->spare_len++;
}

void psv_exchange_respond(struct psv_exchange *exchange, struct psv_list *pieces, bool is_last)
{
    CHECK_MAGIC(exchange, PSV_EXCHANGE_MAGIC);
    INVARIANT(!exchange->is_answered);
    exchange->is_answered = true;
    exchange->is_complete = is_last;
    if (exchange->codec_stream == NULL) {
        psv_body_pieces_release(pieces);
        return;
    }
    if (exchange->host->on_respond != NULL) {
        exchange->host->on_respond(exchange);
    }
    exchange->first_byte_ns = psv_clock_monotonic_ns();
    exchange->codec->respond(exchange, pieces, is_last); /* may end the exchange: nothing follows */
}

void psv_exchange_send_body(struct psv_exchange *exchange, struct psv_list *pieces, bool is_last)
{
    CHECK_MAGIC(exchange, PSV_EXCHANGE_MAGIC);
    INVARIANT(exchange->is_answered && !exchange->is_complete);
    exchange->is_complete = is_last;
    if (exchange->codec_stream == NULL) {
        psv_body_pieces_release(pieces);
        return;
    }
    exchange->codec->send_body(exchange, pieces, is_last);
}

void psv_exchange_abort(struct psv_exchange *exchange)
{
    CHECK_MAGIC(exchange, PSV_EXCHANGE_MAGIC);
    if (exchange->codec_stream != NULL) {
        exchange->codec->abort(exchange);
    }
}
