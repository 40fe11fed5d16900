/* Exchanges: the pool, the way to the codec, and the server's own pages.
 *
 * SPDX-License-Identifier: MIT */
#include "exec/exchange.h"

#include "exec_test.h"

#include "base/error.h"
#include "base/memory.h"
#include "exec/body_memory.h"
#include "http/status.h"

/* ---- a codec that takes notes */

static struct {
    unsigned responds;
    unsigned bodies;
    unsigned aborts;
    bool is_last;
    char text[2048]; /* of the pieces */
} codec_log;

static void note_pieces(struct psv_list *pieces)
{
    size_t len = 0;

    PSV_LIST_FOR_EACH(node, pieces)
    {
        struct psv_body_piece *piece = PSV_LIST_ENTRY(node, struct psv_body_piece, link);
        assert_true(len + piece->len < sizeof(codec_log.text));
        memcpy(codec_log.text + len, piece->data + piece->offset, piece->len);
        len += piece->len;
    }
    codec_log.text[len] = '\0';
    psv_body_pieces_release(pieces);
}

static void on_respond(struct psv_exchange *exchange, struct psv_list *pieces, bool is_last)
{
    assert_true(exchange->is_answered);
    assert_true(exchange->is_complete == is_last);
    codec_log.responds++;
    codec_log.is_last = is_last;
    note_pieces(pieces);
}

static void on_send_body(struct psv_exchange *exchange, struct psv_list *pieces, bool is_last)
{
    assert_true(exchange->is_complete == is_last);
    codec_log.bodies++;
    codec_log.is_last = is_last;
    note_pieces(pieces);
}

static void on_abort(struct psv_exchange *exchange)
{
    (void)exchange;
    codec_log.aborts++;
}

static const struct psv_exchange_codec codec = {
    .respond = on_respond, .send_body = on_send_body, .abort = on_abort};
static const struct psv_exchange_host host;

static struct psv_exchange_pool *pool;
static struct psv_exchange *exchange;
static int stream; /* only its address counts */

static int setup(void **state)
{
    (void)state;
    memset(&codec_log, 0, sizeof(codec_log));
    pool = psv_exchange_pool_new(1 << 20, 2);
    assert_non_null(pool);
    exchange = psv_exchange_new(pool, &codec, &host);
    assert_non_null(exchange);
    exchange->codec_stream = &stream;
    return 0;
}

static int teardown(void **state)
{
    psv_exchange_free(pool, exchange);
    psv_exchange_pool_free(pool);
    exchange = NULL;
    return table_report_row(state);
}

/* ---- the pool */

static void expect_fresh(const struct psv_exchange *fresh)
{
    assert_int_equal(fresh->magic, PSV_EXCHANGE_MAGIC);
    assert_ptr_equal(fresh->codec, &codec);
    assert_ptr_equal(fresh->host, &host);
    assert_null(fresh->codec_stream);
    assert_null(fresh->job);
    assert_null(fresh->host_state);
    assert_null(fresh->refusal);
    assert_null(fresh->body.spill.data);
    assert_true(psv_list_is_empty(&fresh->link));
    assert_false(fresh->is_answered || fresh->is_complete || fresh->must_close || fresh->is_job_held);
    assert_int_equal(fresh->request.headers.len, 0);
    assert_int_equal(fresh->request_id[0], 0);
}

static void test_a_recycled_one_is_as_good_as_new_and_needs_no_memory(void **state)
{
    struct psv_list live;

    (void)state;
    psv_list_init(&live);
    psv_list_append(&live, &exchange->link);
    assert_non_null(psv_arena_alloc(&exchange->arena, 100));
    assert_non_null(psv_arena_alloc(&exchange->late_arena, 100));
    psv_request_body_init(&exchange->body, 0, 10);
    assert_int_equal(psv_request_body_append(&exchange->body, "x", 1), 0);
    assert_non_null(exchange->body.spill.data);
    size_t kept = psv_body_memory_kept_bytes();
    memset(exchange->request_id, 'x', sizeof(exchange->request_id));
    exchange->is_answered = exchange->is_complete = exchange->must_close = exchange->is_job_held = true;
    exchange->refusal = "test";
    exchange->host_state = &stream;
    exchange->request.headers.len = 7;

    struct psv_exchange *before = exchange;
    psv_exchange_free(pool, exchange);
    assert_true(psv_list_is_empty(&live));
    assert_true(psv_body_memory_kept_bytes() > kept); /* the body is gone */
    uint64_t allocations = psv_memory_allocation_count();
    exchange = psv_exchange_new(pool, &codec, &host);
    assert_ptr_equal(exchange, before);
    expect_fresh(exchange);
    assert_non_null(psv_arena_alloc(&exchange->arena, 4000)); /* from the block that was kept */
    assert_true(psv_memory_allocation_count() == allocations);
}

static void test_a_new_one_is_fresh(void **state)
{
    (void)state;
    struct psv_exchange *other = psv_exchange_new(pool, &codec, &host);

    assert_non_null(other);
    expect_fresh(other);
    psv_exchange_free(pool, other);
    psv_exchange_free(pool, NULL);
    psv_exchange_pool_free(NULL);
}

static void test_spares_are_bounded_and_the_last_freed_comes_first(void **state)
{
    struct psv_exchange *more[4];

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        more[i] = psv_exchange_new(pool, &codec, &host);
        assert_non_null(more[i]);
    }
    for (unsigned i = 0; i < 4; i++) { /* two are kept, two are freed: the leak check sees that */
        psv_exchange_free(pool, more[i]);
    }
    assert_ptr_equal(psv_exchange_new(pool, &codec, &host), more[1]);
    assert_ptr_equal(psv_exchange_new(pool, &codec, &host), more[0]);
    uint64_t allocations = psv_memory_allocation_count();
    struct psv_exchange *fresh = psv_exchange_new(pool, &codec, &host);
    assert_non_null(fresh);
    assert_true(psv_memory_allocation_count() == allocations + 1);
    psv_exchange_free(pool, fresh);
    psv_exchange_free(pool, more[0]);
    psv_exchange_free(pool, more[1]);
}

static int make_one(void *context)
{
    struct psv_exchange_pool *own = psv_exchange_pool_new(1 << 20, 1);
    struct psv_exchange *one;

    (void)context;
    if (own == NULL) {
        return PSV_ENOMEM;
    }
    one = psv_exchange_new(own, &codec, &host);
    int code = one != NULL ? PSV_OK : PSV_ENOMEM;
    psv_exchange_free(own, one);
    psv_exchange_pool_free(own);
    return code;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    assert_int_equal(fail_each_allocation(make_one, NULL), 2);
}

/* ---- to the codec */

static unsigned released;

static void count_release(struct psv_body_piece *piece)
{
    (void)piece;
    released++;
}

static struct psv_list *pieces_of(struct psv_body_piece *piece, const char *text)
{
    static struct psv_list pieces;

    psv_list_init(&pieces);
    *piece = (struct psv_body_piece){.data = text, .len = strlen(text), .fd = -1, .release = count_release};
    psv_list_append(&pieces, &piece->link);
    released = 0;
    return &pieces;
}

static void test_a_response_in_two_steps(void **state)
{
    struct psv_body_piece piece;

    (void)state;
    psv_exchange_respond(exchange, pieces_of(&piece, "one"), false);
    assert_int_equal(codec_log.responds, 1);
    assert_false(codec_log.is_last);
    assert_string_equal(codec_log.text, "one");
    assert_true(exchange->first_byte_ns != 0);
    psv_exchange_send_body(exchange, pieces_of(&piece, "two"), true);
    assert_int_equal(codec_log.bodies, 1);
    assert_true(codec_log.is_last);
    assert_string_equal(codec_log.text, "two");
    psv_exchange_abort(exchange);
    assert_int_equal(codec_log.aborts, 1);
}

static void test_without_a_client_everything_is_thrown_away(void **state)
{
    struct psv_body_piece piece;

    (void)state;
    exchange->codec_stream = NULL;
    psv_exchange_respond(exchange, pieces_of(&piece, "one"), false);
    assert_int_equal(released, 1);
    psv_exchange_send_body(exchange, pieces_of(&piece, "two"), true);
    assert_int_equal(released, 1);
    psv_exchange_abort(exchange);
    assert_int_equal(codec_log.responds + codec_log.bodies + codec_log.aborts, 0);
    assert_true(exchange->first_byte_ns == 0);
}

/* ---- the server's own pages */

static void add_accept(const char *value)
{
    psv_headers_init(&exchange->request.headers, 4);
    assert_int_equal(psv_headers_add(&exchange->request.headers, &exchange->arena, PSV_BYTES("Accept"),
                                     psv_bytes_of(value)),
                     0);
}

static void test_the_forms_of_a_page(void **state)
{
    static const struct {
        TABLE_ROW;
        const char *accept;
        unsigned status;
        const char *type;
        const char *text;
    } cases[] = {
        {ROW("no Accept, no fields at all"), NULL, 400, "text/plain; charset=utf-8", "400 Bad Request\n"},
        {ROW("browser"), "text/html,application/xhtml+xml,*/*;q=0.8", 404, "text/html; charset=utf-8",
         "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><meta name=\"viewport\" "
         "content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light "
         "dark\"><title>404 Not Found</title></head>\n"
         "<body><h1>404 Not Found</h1></body>\n</html>\n"},
        {ROW("API client"), "application/json", 503, "application/problem+json",
         "{\"title\":\"Service Unavailable\",\"status\":503}\n"},
        {ROW("plain"), "text/plain", 431, "text/plain; charset=utf-8",
         "431 Request Header Fields Too Large\n"},
    };

    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        for (unsigned is_head = 0; is_head < 2; is_head++) {
            exchange->is_answered = false;
            exchange->request.method = is_head ? PSV_METHOD_HEAD : PSV_METHOD_GET;
            exchange->request.headers = (struct psv_headers){0};
            if (row->accept != NULL) {
                add_accept(row->accept);
            }
            psv_exchange_refuse(exchange, row->status, "a reason", NULL, 0);
            assert_string_equal(codec_log.text, is_head ? "" : row->text);
            assert_true(codec_log.is_last);
            assert_int_equal(exchange->response.status, row->status);
            assert_int_equal(exchange->response.content_length, strlen(row->text));
            assert_int_equal(exchange->response.headers.len, 1);
            assert_bytes_equal(psv_headers_value(&exchange->response.headers, PSV_FIELD_CONTENT_TYPE),
                               row->type);
            assert_string_equal(exchange->refusal, "a reason");
        }
    }
}

static void test_every_status_fits_on_its_page(void **state)
{
    static const char *const accepts[] = {"text/html", "application/json", "text/plain"};

    (void)state;
    for (unsigned status = 400; status < 600; status++) {
        for (size_t i = 0; i < ARRAY_SIZE(accepts); i++) {
            exchange->is_answered = false;
            add_accept(accepts[i]);
            psv_exchange_refuse(exchange, status, "test", NULL, 0);
            assert_non_null(strstr(codec_log.text, psv_status_text(status)));
        }
    }
}

static void test_extra_fields_are_copied_and_a_half_made_response_is_dropped(void **state)
{
    char seconds[] = "10";
    const struct psv_field extra[] = {
        {.name = PSV_BYTES("Retry-After"), .value = {seconds, 2}},
        {.name = PSV_BYTES("Allow"), .value = PSV_BYTES("GET")},
    };
    struct psv_headers *headers = &exchange->response.headers;

    (void)state;
    psv_headers_init(headers, 1);
    assert_int_equal(psv_headers_add_known(headers, &exchange->arena, PSV_FIELD_ETAG, PSV_BYTES("\"x\"")), 0);
    psv_exchange_refuse(exchange, 503, "test", extra, 2);
    seconds[0] = '9';
    assert_int_equal(headers->len, 3);
    assert_bytes_equal(psv_headers_value(headers, PSV_FIELD_RETRY_AFTER), "10");
    assert_bytes_equal(psv_headers_value(headers, PSV_FIELD_ALLOW), "GET");
    assert_null(psv_headers_find(headers, PSV_FIELD_ETAG));
}

static void test_the_worker_s_arena_is_left_alone(void **state)
{
    (void)state;
    assert_non_null(psv_arena_alloc(&exchange->arena, 1));
    const char *next = exchange->arena.next;
    exchange->is_job_held = true;
    psv_exchange_refuse(exchange, 504, "test", NULL, 0);
    assert_ptr_equal(exchange->arena.next, next);
    assert_true(exchange->late_arena.used_bytes > 0);
    assert_string_equal(codec_log.text, "504 Gateway Timeout\n");
}

static void test_a_page_without_memory_is_a_bare_status(void **state)
{
    const struct psv_field extra = {.name = PSV_BYTES("Allow"), .value = PSV_BYTES("GET")};

    (void)state;
    for (size_t left = 0; left < 4096; left += 16) {
        psv_arena_reset(&exchange->arena);
        exchange->arena.max_bytes = exchange->arena.used_bytes + left; /* the block is as small as that */
        exchange->is_answered = false;
        codec_log.responds = 0;
        psv_exchange_refuse(exchange, 405, "test", &extra, 1);
        assert_int_equal(codec_log.responds, 1);
        assert_int_equal(exchange->response.status, 405);
        bool is_whole = codec_log.text[0] != '\0';
        assert_int_equal(exchange->response.headers.len, is_whole ? 2 : 0);
        assert_int_equal(exchange->response.content_length, strlen(codec_log.text));
        assert_true(is_whole == (left > 2048) || (left > 512 && left <= 2048));
        psv_arena_fini(&exchange->arena);
        psv_arena_init(&exchange->arena, 1 << 20);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_recycled_one_is_as_good_as_new_and_needs_no_memory),
        TEST(test_a_new_one_is_fresh),
        TEST(test_spares_are_bounded_and_the_last_freed_comes_first),
        TEST(test_out_of_memory),
        TEST(test_a_response_in_two_steps),
        TEST(test_without_a_client_everything_is_thrown_away),
        TEST(test_the_forms_of_a_page),
        TEST(test_every_status_fits_on_its_page),
        TEST(test_extra_fields_are_copied_and_a_half_made_response_is_dropped),
        TEST(test_the_worker_s_arena_is_left_alone),
        TEST(test_a_page_without_memory_is_a_bare_status),
    };
    return cmocka_run_group_tests_name("exchange", tests, NULL, NULL);
}
