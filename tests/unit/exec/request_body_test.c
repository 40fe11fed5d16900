/* Request bodies in memory and in a file.
 *
 * SPDX-License-Identifier: MIT */
#include "exec/request_body.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fail_alloc.h"

#define MEMORY_MAX 100
#define MAX_BYTES 100000

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
    int64_t got;

    while ((got = psv_request_body_read(body, block, step)) > 0) {
        for (int64_t i = 0; i < got; i++) {
            assert_int_equal(block[i], filler(position + (uint64_t)i));
        }
        position += (uint64_t)got;
        assert_true((size_t)got == step || position == body->len); /* never short before the end */
    }
    assert_int_equal(got, 0);
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
        assert_true((body.fd >= 0) == row->is_spilled);
        assert_true(body.memory.len == (row->is_spilled ? 0 : body.len));
        expect_filler(&body, 13);
        psv_request_body_rewind(&body);
        expect_filler(&body, 4096);
        psv_request_body_fini(&body);
        psv_request_body_fini(&body);
    }
}

/* Small reads take the file in stretches, large ones and those that go back do not disturb them. */
static void test_reading_ahead(void **state)
{
    enum { LEN = 300000 };
    static char out[100000];
    struct psv_request_body body;

    (void)state;
    psv_request_body_init(&body, 128 * 1024, LEN);
    for (size_t i = 0; i < LEN / 1000; i++) {
        append_filler(&body, 1000);
    }
    static const size_t steps[] = {5119, 1, 40000, 100000, 5119, 65536, 3, 32768};
    for (int round = 0; round < 3; round++) {
        uint64_t position = 0;
        int64_t got = 1;
        for (size_t i = 0; got > 0; i++) {
            got = psv_request_body_read(&body, out, steps[i % ARRAY_SIZE(steps)]);
            for (int64_t k = 0; k < got; k++) {
                assert_int_equal(out[k], filler(position + (uint64_t)k));
            }
            position += (uint64_t)got;
        }
        assert_int_equal(got, 0);
        assert_int_equal(position, LEN);
        assert_true(body.memory.len <= 65536);
        psv_request_body_rewind(&body);
    }
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

static void test_the_file_is_closed(void **state)
{
    struct psv_request_body body;

    (void)state;
    psv_request_body_init(&body, 0, 10);
    append_filler(&body, 1);
    int fd = body.fd;
    assert_true(fcntl(fd, F_GETFD) >= 0);
    psv_request_body_fini(&body);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_int_equal(body.fd, -1);
}

static void test_without_descriptors(void **state)
{
    struct rlimit before;
    struct psv_request_body body;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit none = {.rlim_cur = 0, .rlim_max = before.rlim_max};
    psv_request_body_init(&body, 4, 10);
    append_filler(&body, 4);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int code = psv_request_body_append(&body, "x", 1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(code, PSV_EIO);
    assert_true(body.len == 4); /* as before: it can go on */
    append_filler(&body, 1);
    expect_filler(&body, 2);
    psv_request_body_fini(&body);
}

static void test_file_errors(void **state)
{
    struct psv_request_body body;
    char out[16];

    (void)state;
    psv_request_body_init(&body, 0, 100);
    append_filler(&body, 10);
    assert_int_equal(ftruncate(body.fd, 5), 0);
    assert_int_equal(psv_request_body_read(&body, out, 10), PSV_EIO);
    assert_int_equal(close(body.fd), 0);
    body.fd = open("/dev/full", O_RDWR | O_CLOEXEC);
    assert_true(body.fd >= 0);
    assert_int_equal(psv_request_body_append(&body, "x", 1), PSV_EIO);
    assert_true(body.len == 10);
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
        char first;
        int64_t got = psv_request_body_read(&body, &first, 1); /* reads ahead */
        code = got < 0 ? (int)got : PSV_OK;
    }
    if (code == PSV_OK) {
        psv_request_body_rewind(&body);
        expect_filler(&body, 50);
    }
    psv_request_body_fini(&body);
    return code;
}

static void test_out_of_memory(void **state)
{
    size_t in_memory = 1000;
    size_t in_file = 100;

    (void)state;
    assert_true(fail_each_allocation(fill_and_read, &in_memory) > 0);
    assert_true(fail_each_allocation(fill_and_read, &in_file) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes_around_the_threshold),
        cmocka_unit_test(test_reading_ahead),
        cmocka_unit_test(test_the_limit_is_exact_and_keeps_what_was_there),
        cmocka_unit_test(test_the_file_is_closed),
        cmocka_unit_test(test_without_descriptors),
        cmocka_unit_test(test_file_errors),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests_name("request_body", tests, NULL, NULL);
}
