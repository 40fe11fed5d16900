/* Response bodies: inline memory, heap, memory file.
 *
 * SPDX-License-Identifier: MIT */
#include "exec/response_body.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exec/body_memory.h"
#include "fail_alloc.h"
#include "limit.h"

#define KIB ((size_t)1024)

/* Appends `total` bytes in steps and compares what comes out: *ret_fd tells where it was. */
static int write_and_compare(struct psv_response_body *body, size_t total, size_t step)
{
    char *expected = malloc(total + 1);
    int code = PSV_OK;

    assert_non_null(expected);
    for (size_t i = 0; i < total; i++) {
        expected[i] = (char)(i * 7 + i / 251);
    }
    for (size_t i = 0; i < total && code == PSV_OK; i += step) {
        code = psv_response_body_append(body, expected + i, MIN(step, total - i));
        assert_true(code != PSV_OK || psv_response_body_len(body) == MIN(i + step, total));
    }
    if (code == PSV_OK) {
        code = psv_response_body_seal(body);
    }
    if (code == PSV_OK) {
        assert_true(psv_response_body_len(body) == total);
        if (body->fd < 0) {
            assert_memory_equal(body->memory, expected, total);
        } else {
            char *actual = malloc(total);
            assert_non_null(actual);
            assert_int_equal(body->memory_len, 0); /* one place only */
            assert_int_equal(pread(body->fd, actual, total, 0), (ssize_t)total);
            assert_memory_equal(actual, expected, total);
            free(actual);
        }
    }
    free(expected);
    return code;
}

static void test_places(void **state)
{
    static const struct {
        TABLE_ROW;
        size_t inline_bytes;
        size_t memory_max;
        size_t total;
        size_t step;
        enum { INLINE, HEAP, MAPPING, MEMFD } place;
    } cases[] = {
        {ROW("one byte inline"), 64, 1000, 1, 1, INLINE},
        {ROW("inline filled exactly"), 64, 1000, 64, 16, INLINE},
        {ROW("inline and one more"), 64, 1000, 65, 65, HEAP},
        {ROW("inline and one more, by bytes"), 64, 1000, 65, 1, HEAP},
        {ROW("no inline memory"), 0, 1000, 1, 1, HEAP},
        {ROW("heap filled exactly"), 64, 1000, 1000, 10, HEAP},
        {ROW("heap doubles"), 64, 256 * KIB, 120 * KIB, 100, HEAP},
        {ROW("as much as the heap gives"), 64, 1000 * KIB, 128 * KIB, 1000, HEAP},
        {ROW("a byte more than the heap gives"), 64, 1000 * KIB, 128 * KIB + 1, 1000, MAPPING},
        {ROW("a mapping at once"), 64, 1000 * KIB, 900 * KIB, 900 * KIB, MAPPING},
        {ROW("a mapping doubles"), 64, 2000 * KIB, 2000 * KIB, 10000, MAPPING},
        {ROW("a mapping and one more"), 64, 1000 * KIB, 1000 * KIB + 1, 1000, MEMFD},
        {ROW("a mapping, then a large write"), 64, 1000 * KIB, 4000 * KIB, 700 * KIB, MEMFD},
        {ROW("heap and one more"), 64, 1000, 1001, 10, MEMFD},
        {ROW("one write past everything"), 64, 1000, 300 * KIB, 300 * KIB, MEMFD},
        {ROW("no memory at all"), 64, 0, 1, 1, MEMFD},
        {ROW("inline is cut to the threshold"), 64, 10, 11, 1, MEMFD},
        {ROW("many small writes"), 64, 8 * KIB, 1000 * KIB, 777, MEMFD},
        {ROW("writes as large as the buffer"), 64, 8 * KIB, 1000 * KIB, 64 * KIB, MEMFD},
        {ROW("writes a little larger"), 64, 8 * KIB, 1000 * KIB, 64 * KIB + 1, MEMFD},
        {ROW("threshold above the chunk"), 64, 300 * KIB, 1000 * KIB, 1000, MEMFD},
        {ROW("from a large heap block"), 64, 300 * KIB, 301 * KIB, 299 * KIB, MEMFD},
    };

    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        struct psv_response_body body;
        char memory[64];
        psv_response_body_init(&body, row->inline_bytes > 0 ? memory : NULL, row->inline_bytes,
                               row->memory_max);
        assert_int_equal(psv_response_body_append(&body, NULL, 0), 0);
        assert_int_equal(write_and_compare(&body, row->total, row->step), 0);
        assert_int_equal(body.fd >= 0                ? MEMFD
                         : body.mapping.data != NULL ? MAPPING
                         : body.memory == memory     ? INLINE
                                                     : HEAP,
                         row->place);
        assert_int_equal(psv_response_body_holds_memory(&body), row->place != INLINE);
        psv_response_body_fini(&body);
        assert_false(psv_response_body_holds_memory(&body));
        psv_response_body_fini(&body);
        assert_true(psv_response_body_len(&body) == 0);
    }
}

static void test_the_file_gets_large_writes_only(void **state)
{
    struct psv_response_body body;
    uint64_t before = 0;

    (void)state;
    psv_response_body_init(&body, NULL, 0, 1000);
    for (unsigned i = 0; i < 10000; i++) {
        assert_int_equal(psv_response_body_append(&body, "0123456789012345678901234567890123456789", 40), 0);
        assert_true(body.fd_len == before || body.fd_len - before >= 64 * KIB);
        before = body.fd_len;
    }
    psv_response_body_fini(&body);
}

static void test_the_file_is_closed(void **state)
{
    struct psv_response_body body;

    (void)state;
    psv_response_body_init(&body, NULL, 0, 0);
    assert_int_equal(psv_response_body_append(&body, "x", 1), 0);
    int fd = body.fd;
    assert_true(fcntl(fd, F_GETFD) >= 0);
    psv_response_body_fini(&body);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void test_without_descriptors(void **state)
{
    struct psv_response_body body;

    (void)state;
    psv_response_body_init(&body, NULL, 0, 10);
    assert_int_equal(psv_response_body_append(&body, "0123456789", 10), 0);
    struct rlimit before = limit_to(RLIMIT_NOFILE, 0);
    int code = psv_response_body_append(&body, "x", 1);
    limit_back(RLIMIT_NOFILE, &before);
    assert_int_equal(code, PSV_EIO);
    psv_response_body_fini(&body);
}

static void test_a_full_disk(void **state)
{
    struct psv_response_body body;
    char *block = calloc(1, 200 * KIB);

    (void)state;
    assert_non_null(block);
    psv_response_body_init(&body, NULL, 0, 10);
    assert_int_equal(psv_response_body_append(&body, block, 20), 0);
    assert_int_equal(close(body.fd), 0);
    body.fd = open("/dev/full", O_RDWR | O_CLOEXEC);
    assert_true(body.fd >= 0);
    assert_int_equal(psv_response_body_append(&body, block, 200 * KIB), PSV_EIO);
    assert_int_equal(psv_response_body_seal(&body), PSV_EIO);
    psv_response_body_fini(&body);
    free(block);
}

static void test_what_is_kept_fits(void **state)
{
    static const struct {
        TABLE_ROW;
        size_t len;
        bool is_inline;
    } cases[] = {
        {ROW("nothing"), 0, true},
        {ROW("inline"), 10, true},
        {ROW("heap"), 5000, false},
        {ROW("mapping"), 300 * KIB + 1, false},
    };
    char *block = calloc(1, 301 * KIB);

    (void)state;
    assert_non_null(block);
    memset(block, 'x', 301 * KIB);
    TABLE_FOR_EACH(row, cases)
    {
        struct psv_response_body body;
        char memory[64];
        psv_response_body_init(&body, memory, sizeof(memory), SIZE_MAX);
        assert_int_equal(psv_response_body_append(&body, block, row->len), 0);
        psv_response_body_fit(&body);
        assert_true(psv_response_body_len(&body) == row->len);
        assert_int_equal(body.memory == memory, row->is_inline);
        assert_true(row->is_inline || (body.memory_is_heap && body.memory_capacity == row->len));
        assert_null(body.mapping.data);
        assert_memory_equal(body.memory, block, row->len);
        psv_response_body_fini(&body);
    }
    free(block);
}

/* A mapping has whole pages, and one that was kept may be much larger. */
static void test_the_threshold_is_the_bodys_not_the_mappings(void **state)
{
    static const size_t threshold = 150 * KIB + 1;
    struct psv_mapping large = {0};
    struct psv_response_body body;
    char *block = calloc(1, threshold);

    (void)state;
    assert_non_null(block);
    assert_int_equal(psv_body_memory_open(&large, PSV_BODY_MEMORY_KEPT_BYTES_MAX), 0);
    psv_body_memory_close(&large);
    psv_response_body_init(&body, NULL, 0, threshold);
    assert_int_equal(psv_response_body_append(&body, block, threshold - 10), 0);
    assert_true(body.mapping.capacity > threshold);
    assert_true(psv_response_body_put(&body, block, 10));
    assert_false(psv_response_body_put(&body, block, 1));
    assert_int_equal(psv_response_body_append(&body, block, threshold), 0);
    assert_true(body.fd >= 0);
    assert_true(psv_response_body_len(&body) == 2 * threshold);
    psv_response_body_fini(&body);
    free(block);
}

static void test_no_address_space(void **state)
{
    struct psv_response_body body;
    char *block = calloc(1, 300 * KIB);

    (void)state;
    assert_non_null(block);
    psv_body_memory_trim();
    psv_body_memory_trim();
    assert_int_equal(psv_body_memory_kept_bytes(), 0);
    psv_response_body_init(&body, NULL, 0, 1000 * KIB);
    assert_int_equal(psv_response_body_append(&body, block, 200 * KIB), 0);
    struct rlimit before = limit_to(RLIMIT_AS, 0);
    int code = psv_response_body_append(&body, block, 300 * KIB);
    limit_back(RLIMIT_AS, &before);
    assert_int_equal(code, PSV_ENOMEM);
    assert_true(psv_response_body_len(&body) == 200 * KIB);
    psv_response_body_fini(&body);
    free(block);
}

struct oom_case {
    size_t memory_max;
    size_t total;
};

static int write_under_pressure(void *context)
{
    const struct oom_case *oom = context;
    struct psv_response_body body;
    char memory[64];

    psv_response_body_init(&body, memory, sizeof(memory), oom->memory_max);
    int code = write_and_compare(&body, oom->total, 1000);
    psv_response_body_fini(&body);
    return code;
}

static void test_out_of_memory(void **state)
{
    struct oom_case heap = {100 * KIB, 90 * KIB};
    struct oom_case file = {10 * KIB, 90 * KIB};

    (void)state;
    assert_true(fail_each_allocation(write_under_pressure, &heap) >= 2);
    assert_true(fail_each_allocation(write_under_pressure, &file) >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_the_file_gets_large_writes_only),
        cmocka_unit_test(test_the_file_is_closed),
        cmocka_unit_test(test_without_descriptors),
        cmocka_unit_test(test_a_full_disk),
        cmocka_unit_test(test_what_is_kept_fits),
        cmocka_unit_test(test_the_threshold_is_the_bodys_not_the_mappings),
        cmocka_unit_test(test_no_address_space),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests_name("response_body", tests, NULL, NULL);
}
