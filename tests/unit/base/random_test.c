/* Random bytes: no repetition across calls, refills, threads and forks; the pool is wiped.
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "table.h"

#include "base/random.h"

#include "base/random.c" /* for a look into the pool */

static int compare_u64(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return x < y ? -1 : x > y;
}

static void test_values_do_not_repeat(void **state)
{
    (void)state;
    static uint64_t values[20000];
    uint64_t ones = 0;
    uint64_t zeros = 0;
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        values[i] = psv_random_u64();
        ones |= values[i];
        zeros |= ~values[i];
    }
    assert_true(ones == UINT64_MAX); /* every bit was seen both ways */
    assert_true(zeros == UINT64_MAX);
    qsort(values, ARRAY_SIZE(values), sizeof(values[0]), compare_u64);
    for (size_t i = 1; i < ARRAY_SIZE(values); i++)
        assert_true(values[i - 1] != values[i]);
}

static void test_fill_touches_exactly_its_range(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        size_t len;
    } cases[] = {
        {ROW("nothing"), 0},
        {ROW("one byte"), 1},
        {ROW("largest from the pool"), POOL_BYTES / 4},
        {ROW("past the pool"), POOL_BYTES / 4 + 1},
        {ROW("larger than the pool"), 5000},
    };
    TABLE_FOR_EACH(row, cases)
    {
        unsigned char out[5002];
        unsigned char seen[5002] = {0};
        for (int round = 0; round < 64; round++) {
            memset(out, 0, sizeof(out));
            psv_random_fill(out + 1, row->len);
            assert_int_equal(out[0], 0);
            assert_int_equal(out[row->len + 1], 0);
            for (size_t i = 0; i < sizeof(out); i++)
                seen[i] |= out[i];
        }
        for (size_t i = 1; i <= row->len; i++)
            assert_int_not_equal(seen[i], 0);
    }
}

static void test_used_bytes_are_wiped(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        (void)psv_random_u64();
        for (size_t j = 0; j < POOL_BYTES - pool.left; j++)
            assert_int_equal(pool.bytes[j], 0);
    }
}

static void assert_child_gets_other_values(uint64_t (*next)(void))
{
    (void)next();
    int pipe_fds[2];
    uint64_t of_child[4];
    uint64_t of_parent[4];
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        for (size_t i = 0; i < 4; i++)
            of_child[i] = next();
        _exit(write(pipe_fds[1], of_child, sizeof(of_child)) == sizeof(of_child) ? 0 : 1);
    }
    for (size_t i = 0; i < 4; i++)
        of_parent[i] = next();
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(read(pipe_fds[0], of_child, sizeof(of_child)), sizeof(of_child));
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 4; j++)
            assert_true(of_parent[i] != of_child[j]);
    }
}

static void test_child_gets_other_values(void **state)
{
    (void)state;
    assert_child_gets_other_values(psv_random_u64);
    assert_child_gets_other_values(psv_random_quick_u64);
}

static void fill_quick(uint64_t out[4])
{
    for (size_t i = 0; i < 4; i++)
        out[i] = psv_random_quick_u64();
}

struct filled {
    uint8_t bytes[32];
    uint64_t quick[4];
};

static void *fill_on_thread(void *context)
{
    struct filled *out = context;
    psv_random_fill(out->bytes, sizeof(out->bytes));
    fill_quick(out->quick);
    return NULL;
}

static void test_threads_get_other_values(void **state)
{
    (void)state;
    struct filled mine;
    struct filled other;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, fill_on_thread, &other), 0);
    (void)fill_on_thread(&mine);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_memory_not_equal(mine.bytes, other.bytes, sizeof(mine.bytes));
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 4; j++)
            assert_true(mine.quick[i] != other.quick[j]);
    }
}

/* None repeats, and each bit is set in about half of them: 8 standard deviations are let pass. */
static void test_quick_values_are_even(void **state)
{
    (void)state;
    static uint64_t values[10000];
    unsigned counts[64] = {0};
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        values[i] = psv_random_quick_u64();
        for (unsigned bit = 0; bit < 64; bit++)
            counts[bit] += (unsigned)(values[i] >> bit & 1);
    }
    for (unsigned bit = 0; bit < 64; bit++)
        assert_in_range(counts[bit], 4600, 5400);
    qsort(values, ARRAY_SIZE(values), sizeof(values[0]), compare_u64);
    for (size_t i = 1; i < ARRAY_SIZE(values); i++)
        assert_true(values[i - 1] != values[i]);
}

static void test_hex_encode(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x00, 0x0f, 0xf0, 0xab, 0x19, 0xff};
    char out[13] = "#############";
    out[12] = '#';
    psv_hex_encode(out, bytes, sizeof(bytes));
    assert_memory_equal(out, "000ff0ab19ff#", 13);
    psv_hex_encode(out, bytes, 0);
    assert_memory_equal(out, "000ff0ab19ff#", 13);
    uint8_t all[256];
    char text[2 * sizeof(all)];
    for (size_t i = 0; i < sizeof(all); i++) {
        all[i] = (uint8_t)i;
    }
    for (size_t at = 0; at < 8; at++) {
        psv_hex_encode(text, all + at, sizeof(all) - at);
        for (size_t i = at; i < sizeof(all); i++) {
            char digits[3];
            (void)snprintf(digits, sizeof(digits), "%02x", (unsigned)i);
            assert_memory_equal(text + 2 * (i - at), digits, 2);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_do_not_repeat),
        cmocka_unit_test(test_fill_touches_exactly_its_range),
        cmocka_unit_test(test_used_bytes_are_wiped),
        cmocka_unit_test(test_child_gets_other_values),
        cmocka_unit_test(test_threads_get_other_values),
        cmocka_unit_test(test_quick_values_are_even),
        cmocka_unit_test(test_hex_encode),
    };
    return cmocka_run_group_tests_name("base/random", tests, NULL, NULL);
}
