/* The hash map against a plain array as its model.
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "table.h"

#include "base/error.h"
#include "base/map.h"
#include "base/random.h"
#include "fail_alloc.h"

#include "base/map.c" /* for the hash itself */

static void test_put_find_remove(void **state)
{
    (void)state;
    struct psv_map map;
    int one = 1, two = 2, three = 3;
    void *old = &three;
    psv_map_init(&map, 10);
    assert_null(psv_map_find(&map, PSV_BYTES("a")));
    assert_null(psv_map_remove(&map, PSV_BYTES("a")));
    assert_int_equal(psv_map_put(&map, PSV_BYTES("a"), &one, &old), 0);
    assert_null(old);
    assert_int_equal(psv_map_put(&map, PSV_BYTES("b"), &two, NULL), 0);
    assert_int_equal(psv_map_put(&map, PSV_BYTES_EMPTY, &three, NULL), 0);
    assert_ptr_equal(psv_map_find(&map, PSV_BYTES("a")), &one);
    assert_ptr_equal(psv_map_find(&map, PSV_BYTES("b")), &two);
    assert_ptr_equal(psv_map_find(&map, PSV_BYTES("")), &three);
    assert_null(psv_map_find(&map, PSV_BYTES("A")));
    assert_int_equal(map.len, 3);

    assert_int_equal(psv_map_put(&map, PSV_BYTES("a"), &three, &old), 0);
    assert_ptr_equal(old, &one);
    assert_int_equal(map.len, 3);
    assert_ptr_equal(psv_map_remove(&map, PSV_BYTES("a")), &three);
    assert_null(psv_map_remove(&map, PSV_BYTES("a")));
    assert_null(psv_map_find(&map, PSV_BYTES("a")));
    assert_int_equal(map.len, 2);
    psv_map_fini(&map);
    assert_null(psv_map_find(&map, PSV_BYTES("b")));
    psv_map_fini(&map);
}

static void test_replacing_takes_the_new_key(void **state)
{
    (void)state;
    struct psv_map map;
    int value = 0;
    char first_key[] = "key";
    char second_key[] = "key";
    psv_map_init(&map, 10);
    assert_int_equal(psv_map_put(&map, psv_bytes_of(first_key), &value, NULL), 0);
    assert_int_equal(psv_map_put(&map, psv_bytes_of(second_key), &value, NULL), 0);
    first_key[0] = 'x'; /* as if freed with the old value */
    assert_ptr_equal(psv_map_find(&map, PSV_BYTES("key")), &value);
    psv_map_fini(&map);
}

static void test_maximum(void **state)
{
    (void)state;
    struct psv_map map;
    int value = 0;
    psv_map_init(&map, 2);
    assert_int_equal(psv_map_put(&map, PSV_BYTES("a"), &value, NULL), 0);
    assert_int_equal(psv_map_put(&map, PSV_BYTES("b"), &value, NULL), 0);
    assert_int_equal(psv_map_put(&map, PSV_BYTES("c"), &value, NULL), PSV_ELIMIT);
    assert_int_equal(psv_map_put(&map, PSV_BYTES("a"), &value, NULL), 0); /* replacing is no new key */
    assert_ptr_equal(psv_map_remove(&map, PSV_BYTES("a")), &value);
    assert_int_equal(psv_map_put(&map, PSV_BYTES("c"), &value, NULL), 0);
    assert_int_equal(map.len, 2);
    psv_map_fini(&map);
    psv_map_init(&map, 0);
    assert_int_equal(psv_map_put(&map, PSV_BYTES("a"), &value, NULL), PSV_ELIMIT);
    psv_map_fini(&map);
}

#define KEYS 500

struct model {
    char keys[KEYS][16];
    bool is_there[KEYS];
    size_t len;
};

static void check_against(const struct psv_map *map, struct model *model)
{
    assert_int_equal(map->len, model->len);
    for (size_t i = 0; i < KEYS; i++)
        assert_ptr_equal(psv_map_find(map, psv_bytes_of(model->keys[i])),
                         model->is_there[i] ? &model->keys[i] : NULL);
}

static void count_visit(struct psv_bytes key, void *value, void *context)
{
    size_t *count = context;
    assert_ptr_equal(key.data, value); /* here the value begins with its key */
    ++*count;
}

/* Many rounds of random puts and removes: the shifting at a removal must lose nobody, at the end of the table
 * either. */
static void test_random_operations(void **state)
{
    (void)state;
    static struct model model;
    struct psv_map map;
    uint64_t random = psv_random_u64() | 1;
    print_message("seed %llu\n", (unsigned long long)random);
    psv_map_init(&map, KEYS);
    for (size_t i = 0; i < KEYS; i++)
        snprintf(model.keys[i], sizeof(model.keys[i]), "key-%zu", i * 7919);
    for (unsigned step = 0; step < 60000; step++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        size_t i = random % KEYS;
        bool wants_put = (random >> 32) % 100 < (step / 10000 % 2 == 0 ? 60 : 40);
        struct psv_bytes key = psv_bytes_of(model.keys[i]);
        void *expected = model.is_there[i] ? &model.keys[i] : NULL;
        if (wants_put) {
            void *old;
            assert_int_equal(psv_map_put(&map, key, &model.keys[i], &old), 0);
            assert_ptr_equal(old, expected);
            model.len += !model.is_there[i];
        } else {
            assert_ptr_equal(psv_map_remove(&map, key), expected);
            model.len -= model.is_there[i];
        }
        model.is_there[i] = wants_put;
        if (step % 2000 == 0)
            check_against(&map, &model);
    }
    check_against(&map, &model);
    size_t visited = 0;
    psv_map_for_each(&map, count_visit, &visited);
    assert_int_equal(visited, model.len);
    psv_map_fini(&map);
}

/* Values of an independent SipHash, which was checked against the published vectors of its 2-4 variant, for
 * the key 00 01 .. 0f and the messages "", 00, 00 01, ...: the machine's byte order is little-endian wherever
 * this runs. */
static void test_hash(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        size_t len;
        uint64_t hash;
    } cases[] = {
        {ROW("empty"), 0, UINT64_C(0xabac0158050fc4dc)},
        {ROW("1 byte"), 1, UINT64_C(0xc9f49bf37d57ca93)},
        {ROW("7 bytes"), 7, UINT64_C(0xd3927d989bb11140)},
        {ROW("8 bytes"), 8, UINT64_C(0x369095118d299a8e)},
        {ROW("15 bytes"), 15, UINT64_C(0xd320d86d2a519956)},
        {ROW("63 bytes"), 63, UINT64_C(0x9d199062b7bbb3a8)},
    };
    static const uint64_t seed[2] = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
    char message[64];
    for (size_t i = 0; i < sizeof(message); i++)
        message[i] = (char)i;
    TABLE_FOR_EACH(row, cases)
    {
        uint64_t hash = psv_siphash(seed, (struct psv_bytes){message, row->len});
        if (hash != row->hash)
            print_error("%016llx\n", (unsigned long long)hash);
        assert_true(hash == row->hash);
    }
}

static void test_seeds_differ(void **state)
{
    (void)state;
    struct psv_map a, b;
    psv_map_init(&a, 1);
    psv_map_init(&b, 1);
    assert_memory_not_equal(a.seed, b.seed, sizeof(a.seed));
    psv_map_fini(&a);
    psv_map_fini(&b);
}

static int fill(void *context)
{
    static char keys[40][8];
    (void)context;
    struct psv_map map;
    psv_map_init(&map, 40);
    int error = 0;
    size_t count = 0;
    while (error == 0 && count < 40) {
        snprintf(keys[count], sizeof(keys[count]), "%zu", count);
        error = psv_map_put(&map, psv_bytes_of(keys[count]), keys[count], NULL);
        count += error == 0;
    }
    assert_int_equal(map.len, count);
    for (size_t i = 0; i < count; i++) /* a failed growth loses nothing */
        assert_ptr_equal(psv_map_find(&map, psv_bytes_of(keys[i])), keys[i]);
    psv_map_fini(&map);
    return error;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    assert_int_equal(fail_each_allocation(fill, NULL), 4); /* 8, 16, 32, 64 places */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_find_remove),
        cmocka_unit_test(test_replacing_takes_the_new_key),
        cmocka_unit_test(test_maximum),
        cmocka_unit_test(test_random_operations),
        cmocka_unit_test(test_hash),
        cmocka_unit_test(test_seeds_differ),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests_name("base/map", tests, NULL, NULL);
}
