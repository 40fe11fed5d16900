/* Request bodies on the heap and in mappings.
 *
 * SPDX-License-Identifier: MIT */
#include "exec/request_body.h"

#include <string.h>

#include "exec/body_memory.h"
#include "fail_alloc.h"
#include "limit.h"

#define MEMORY_MAX 100
#define MAX_BYTES 2000000

static char filler(uint64_t position)
{
    return (char)('!' + position % 89);
}

static void append_filler(struct psv_request_body *body, size_t len)
{
    char block[4096];

    assert_true(len <= sizeof(block));
    for (size_t i = 0; i < len; i++) {
        block[i] = filler(body->len + i);
    }
    assert_int_equal(psv_request_body_append(body, block, len), 0);
}

static void expect_filler(struct psv_request_body *body, size_t step)
{
    char block[4096];
    uint64_t position = 0;
    size_t got;

    while ((got = psv_request_body_read(body, block, step)) > 0) {
        for (size_t i = 0; i < got; i++) {
            assert_int_equal(block[i], filler(position + i));
        }
        position += got;
        assert_true(got == step || position == body->len); /* never short before the end */
    }
    assert_true(position == body->len);
    assert_int_equal(psv_request_body_read(body, block, step), 0);
}

static void test_sizes_around_the_threshold(void **state)
{
    static const struct {
        TABLE_ROW;
        size_t memory_max;
        size_t step;
        size_t steps;
        bool is_spilled;
    } cases[] = {
        {ROW("nothing"), MEMORY_MAX, 0, 3, false},
        {ROW("small"), MEMORY_MAX, 7, 2, false},
        {ROW("exactly the threshold"), MEMORY_MAX, 50, 2, false},
        {ROW("one byte more"), MEMORY_MAX, MEMORY_MAX + 1, 1, true},
        {ROW("past it in small steps"), MEMORY_MAX, 7, 1000, true},
        {ROW("no memory allowed"), 0, 1, 1, true},
        {ROW("exactly the limit"), MEMORY_MAX, 1000, MAX_BYTES / 1000, true},
    };

    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        struct psv_request_body body;
        psv_request_body_init(&body, row->memory_max, MAX_BYTES);
        for (size_t i = 0; i < row->steps; i++) {
            append_filler(&body, row->step);
        }
        assert_true(body.len == row->step * row->steps);
        assert_true((body.spill.data != NULL) == row->is_spilled);
        assert_true(body.memory.len == (row->is_spilled ? 0 : body.len));
        expect_filler(&body, 13);
        psv_request_body_rewind(&body);
        expect_filler(&body, 4096);
        psv_request_body_fini(&body);
        psv_request_body_fini(&body);
    }
}

/* What was put where it belongs is not copied; what lies elsewhere in the room is moved to there. */
static void test_room(void **state)
{
    struct psv_request_body body;

    (void)state;
    psv_request_body_init(&body, MEMORY_MAX, MAX_BYTES);
    append_filler(&body, MEMORY_MAX);
    assert_null(psv_request_body_room(&body, 1)); /* it is small */
    append_filler(&body, 1);
    while (body.len < MAX_BYTES) {
        size_t len = (size_t)MIN(MAX_BYTES - body.len, (uint64_t)65536);
        size_t before = (size_t)body.len % 2; /* bytes in front of the body's own: a chunk's size */
        char *room = psv_request_body_room(&body, len);
        assert_non_null(room);
        assert_ptr_equal(room, body.spill.data + body.len);
        for (size_t i = 0; i + before < len; i++) {
            room[before + i] = filler(body.len + i);
        }
        assert_int_equal(psv_request_body_append(&body, room + before, len - before), 0);
    }
    assert_null(psv_request_body_room(&body, 1)); /* it is full */
    expect_filler(&body, 4096);
    psv_request_body_fini(&body);
}

static void test_the_limit_is_exact_and_keeps_what_was_there(void **state)
{
    struct psv_request_body body;

    (void)state;
    psv_request_body_init(&body, MEMORY_MAX, 10);
    append_filler(&body, 8);
    assert_int_equal(psv_request_body_append(&body, "abc", 3), PSV_ELIMIT);
    assert_true(body.len == 8);
    append_filler(&body, 2);
    assert_int_equal(psv_request_body_append(&body, "a", 1), PSV_ELIMIT);
    expect_filler(&body, 3);
    psv_request_body_fini(&body);
}

static void test_memory_is_used_again(void **state)
{
    struct psv_request_body one, two;

    (void)state;
    psv_body_memory_trim();
    psv_body_memory_trim();
    assert_int_equal(psv_body_memory_kept_bytes(), 0);
    psv_request_body_init(&one, 0, MAX_BYTES);
    psv_request_body_init(&two, 0, MAX_BYTES);
    append_filler(&one, 1000);
    append_filler(&two, 1000);
    const char *place = two.spill.data;
    assert_ptr_not_equal(place, one.spill.data);
    psv_request_body_fini(&two);
    assert_null(two.spill.data);
    size_t kept = psv_body_memory_kept_bytes();
    assert_true(kept > 0);
    append_filler(&two, 10);
    assert_ptr_equal(two.spill.data, place);
    expect_filler(&two, 7); /* and nothing of what was there before */
    assert_int_equal(psv_body_memory_kept_bytes(), 0);
    psv_request_body_fini(&one);
    psv_request_body_fini(&two);
    assert_int_equal(psv_body_memory_kept_bytes(), 2 * kept);
    psv_body_memory_trim(); /* both were in use since the last one */
    assert_int_equal(psv_body_memory_kept_bytes(), 2 * kept);
    append_filler(&one, 10);
    psv_request_body_fini(&one);
    psv_body_memory_trim(); /* one of them was enough since then */
    assert_int_equal(psv_body_memory_kept_bytes(), kept);
    psv_body_memory_trim();
    assert_int_equal(psv_body_memory_kept_bytes(), 0);
}

static void test_what_is_kept_is_bounded(void **state)
{
    struct psv_mapping mappings[PSV_BODY_MEMORY_KEPT_MAX + 2];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(mappings); i++) {
        assert_int_equal(psv_body_memory_open(&mappings[i], PSV_BODY_MEMORY_KEPT_BYTES_MAX), 0);
    }
    for (size_t i = 0; i < ARRAY_SIZE(mappings); i++) {
        psv_body_memory_close(&mappings[i]);
        assert_null(mappings[i].data);
    }
    assert_int_equal(psv_body_memory_kept_bytes(), PSV_BODY_MEMORY_KEPT_MAX * PSV_BODY_MEMORY_KEPT_BYTES_MAX);
    assert_int_equal(psv_body_memory_open(&mappings[0], PSV_BODY_MEMORY_KEPT_BYTES_MAX + 1), 0);
    psv_body_memory_close(&mappings[0]); /* too large to be kept */
    assert_int_equal(psv_body_memory_kept_bytes(),
                     (PSV_BODY_MEMORY_KEPT_MAX - 1) * PSV_BODY_MEMORY_KEPT_BYTES_MAX);
    psv_body_memory_trim();
    psv_body_memory_trim();
    assert_int_equal(psv_body_memory_kept_bytes(), 0);
}

static void test_no_address_space(void **state)
{
    struct psv_request_body body;

    (void)state;
    psv_request_body_init(&body, 4, MAX_BYTES);
    append_filler(&body, 4);
    struct rlimit before = limit_to(RLIMIT_AS, 0);
    int code = psv_request_body_append(&body, "x", 1);
    limit_back(RLIMIT_AS, &before);
    assert_int_equal(code, PSV_ENOMEM);
    assert_true(body.len == 4); /* as before: it can go on */
    append_filler(&body, 1);
    size_t more = body.spill.capacity;
    before = limit_to(RLIMIT_AS, 0);
    char *room = psv_request_body_room(&body, more);
    limit_back(RLIMIT_AS, &before);
    assert_null(room);
    assert_non_null(psv_request_body_room(&body, more));
    expect_filler(&body, 2);
    psv_request_body_fini(&body);
}

static int fill_and_read(void *context)
{
    struct psv_request_body body;
    int code = PSV_OK;

    psv_request_body_init(&body, *(size_t *)context, MAX_BYTES);
    for (size_t i = 0; i < 300 && code == PSV_OK; i++) {
        char byte = filler(body.len);
        code = psv_request_body_append(&body, &byte, 1);
    }
    if (code == PSV_OK) {
        expect_filler(&body, 50);
    }
    psv_request_body_fini(&body);
    return code;
}

static void test_out_of_memory(void **state)
{
    size_t in_memory = 1000;
    size_t in_mapping = 100;

    (void)state;
    assert_true(fail_each_allocation(fill_and_read, &in_memory) > 0);
    assert_true(fail_each_allocation(fill_and_read, &in_mapping) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes_around_the_threshold),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_the_limit_is_exact_and_keeps_what_was_there),
        cmocka_unit_test(test_memory_is_used_again),
        cmocka_unit_test(test_what_is_kept_is_bounded),
        cmocka_unit_test(test_no_address_space),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests_name("request_body", tests, NULL, NULL);
}
