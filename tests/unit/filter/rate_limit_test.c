/* The rate limit: exact numbers, bursts, independent keys, bounded memory.
 *
 * SPDX-License-Identifier: MIT */
#include "table.h"

#include <stdio.h>

#include "fail_alloc.h"
#include "filter/rate_limit.h"

#define NS_PER_S UINT64_C(1000000000)

static struct psv_rate_limit make(const char *text, uint64_t burst, size_t memory)
{
    struct psv_rate_limit limit;
    struct psv_rate rate;
    assert_int_equal(psv_rate_parse(psv_bytes_of(text), &rate), PSV_OK);
    rate.burst = burst;
    assert_int_equal(psv_rate_limit_init(&limit, &rate, memory), PSV_OK);
    return limit;
}

static void test_parse(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t count;
        uint64_t seconds; /* 0 = refused */
    } rows[] = {
        {"1/s", 1, 1},
        {"100/s", 100, 1},
        {"600/m", 600, 60},
        {"10000/h", 10000, 3600},
        {"5/10s", 5, 10},
        {"1/d", 1, 86400},
        {"", 0, 0},
        {"100", 0, 0},
        {"/s", 0, 0},
        {"0/s", 0, 0},
        {"1/", 0, 0},
        {"1/x", 0, 0},
        {"1/0s", 0, 0},
        {"-1/s", 0, 0},
        {"1/s ", 0, 0},
        {"1.5/s", 0, 0},
        {"1/sm", 0, 0},
        {"99999999999/s", 0, 0},
        {"1/99999999s", 0, 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct psv_rate rate = {0};
        int code = psv_rate_parse(psv_bytes_of(rows[i].text), &rate);
        assert_int_equal(code, rows[i].seconds != 0 ? PSV_OK : PSV_ESYNTAX);
        assert_int_equal(rate.count, rows[i].count);
        assert_int_equal(rate.period_ns, rows[i].seconds * NS_PER_S);
    }
}

static void test_burst_then_rate(void **state)
{
    (void)state;
    struct psv_rate_limit limit = make("10/s", 5, 1 << 16);
    struct psv_bytes key = PSV_BYTES("192.0.2.1");
    uint64_t now = 77 * NS_PER_S;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(psv_rate_limit_take(&limit, key, now), 0);
    }
    assert_int_equal(psv_rate_limit_take(&limit, key, now), NS_PER_S / 10);
    assert_int_equal(psv_rate_limit_take(&limit, key, now + NS_PER_S / 20), NS_PER_S / 20);
    assert_int_equal(psv_rate_limit_take(&limit, key, now + NS_PER_S / 10), 0);
    assert_true(psv_rate_limit_take(&limit, key, now + NS_PER_S / 10) > 0);
    assert_int_equal(psv_rate_limit_take(&limit, PSV_BYTES("192.0.2.2"), now), 0);
    /* after a pause the whole burst again, and not more */
    int admitted = 0;
    for (int i = 0; i < 20; i++) {
        admitted += psv_rate_limit_take(&limit, key, now + 100 * NS_PER_S) == 0;
    }
    assert_int_equal(admitted, 5);
    psv_rate_limit_fini(&limit);
}

static void test_admitted_is_allowed(void **state)
{
    (void)state;
    struct psv_rate_limit limit = make("100/s", 1, 1 << 16);
    int admitted = 0;
    for (uint64_t now = NS_PER_S; now < 11 * NS_PER_S; now += 1000003) { /* about 1,000 a second for 10 s */
        admitted += psv_rate_limit_take(&limit, PSV_BYTES("k"), now) == 0;
    }
    assert_in_range(admitted, 900, 1001); /* a step of the clock is a tenth of the interval */
    psv_rate_limit_fini(&limit);
}

static void test_a_million_clients_in_bounded_memory(void **state)
{
    (void)state;
    struct psv_rate_limit limit = make("1/h", 1, 16 << 20);
    size_t again = 0;
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 1000000; i++) {
            uint64_t wait = psv_rate_limit_take(&limit, (struct psv_bytes){(const char *)&i, sizeof(i)},
                                                NS_PER_S + round);
            assert_true(round != 0 || wait == 0);
            again += round == 1 && wait == 0;
        }
    }
    /* a table of 1,048,576 places, 95 % full: sets of 8 run over, and their clients are forgotten */
    assert_true(limit.sets_mask == (1u << 17) - 1);
    assert_true(again > 0 && again < 250000);
    psv_rate_limit_fini(&limit);
}

static void test_who_owes_least_is_forgotten(void **state)
{
    (void)state;
    struct psv_rate_limit limit = make("1/s", 10, 1); /* one set */
    char keys[9][2] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};
    for (int i = 0; i < 8; i++) {
        for (int k = 0; k <= i; k++) {
            assert_int_equal(psv_rate_limit_take(&limit, psv_bytes_of(keys[i]), NS_PER_S), 0);
        }
    }
    assert_int_equal(limit.evictions, 0);
    assert_int_equal(psv_rate_limit_take(&limit, psv_bytes_of(keys[8]), NS_PER_S), 0);
    assert_int_equal(limit.evictions, 1); /* "a" */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(psv_rate_limit_take(&limit, psv_bytes_of(keys[7]), NS_PER_S), 0);
    }
    assert_true(psv_rate_limit_take(&limit, psv_bytes_of(keys[7]), NS_PER_S) > 0); /* "h" was not forgotten */
    psv_rate_limit_fini(&limit);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct psv_rate_limit limit;
    const struct psv_rate rate = {.count = 1, .period_ns = NS_PER_S, .burst = 1};
    psv_memory_fail_after(1);
    assert_int_equal(psv_rate_limit_init(&limit, &rate, 4096), PSV_ENOMEM);
    psv_memory_fail_after(0);
    psv_rate_limit_fini(&limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_burst_then_rate),
        cmocka_unit_test(test_admitted_is_allowed),
        cmocka_unit_test(test_a_million_clients_in_bounded_memory),
        cmocka_unit_test(test_who_owes_least_is_forgotten),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
