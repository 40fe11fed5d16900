/* http2/stream_ids.c against a model that remembers everything.
 *
 * SPDX-License-Identifier: MIT */
#include "http2/stream_ids.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define IDS_MAX 200000

static void ids_in_order(void **state)
{
    struct psv_h2_stream_ids ids = {0};

    (void)state;
    assert_true(psv_h2_stream_ids_note(&ids, 1));
    assert_true(psv_h2_stream_ids_note(&ids, 3));
    assert_true(psv_h2_stream_ids_note(&ids, 1));
    assert_true(psv_h2_stream_ids_note(&ids, 9));
    assert_false(psv_h2_stream_ids_note(&ids, 5));
    assert_false(psv_h2_stream_ids_note(&ids, 7));
    assert_true(psv_h2_stream_ids_note(&ids, 3));
}

static void only_used_streams_have_ended(void **state)
{
    struct psv_h2_stream_ids ids = {0};

    (void)state;
    psv_h2_stream_ids_note_end(&ids, 1);
    assert_false(psv_h2_stream_ids_has_ended(&ids, 1));
    assert_true(psv_h2_stream_ids_note(&ids, 5));
    psv_h2_stream_ids_note_end(&ids, 3); /* skipped */
    psv_h2_stream_ids_note_end(&ids, 7); /* idle */
    assert_false(psv_h2_stream_ids_has_ended(&ids, 3));
    assert_false(psv_h2_stream_ids_has_ended(&ids, 5));
    assert_false(psv_h2_stream_ids_has_ended(&ids, 7));
    psv_h2_stream_ids_note_end(&ids, 5);
    assert_true(psv_h2_stream_ids_has_ended(&ids, 5));
}

static void the_largest_id(void **state)
{
    struct psv_h2_stream_ids ids = {0};

    (void)state;
    assert_true(psv_h2_stream_ids_note(&ids, 0x7fffffff));
    assert_false(psv_h2_stream_ids_note(&ids, 0x7ffffffd));
    assert_true(psv_h2_stream_ids_note(&ids, 1)); /* below the window: counts as used */
    assert_false(psv_h2_stream_ids_has_ended(&ids, 1));
}

/* Random steps; inside the window the answers are the model's, below it everything counts as used. */
static void random_walk(void **state)
{
    static unsigned char used[IDS_MAX];
    static unsigned char ended[IDS_MAX];
    struct psv_h2_stream_ids ids = {0};
    uint32_t random = 12345;
    uint32_t highest = 0;

    (void)state;
    memset(used, 0, sizeof(used));
    memset(ended, 0, sizeof(ended));
    for (unsigned step = 0; step < 100000; step++) {
        random = random * 1664525u + 1013904223u;
        uint32_t span = (random >> 20) % 100 == 0 ? 3000 : 6;
        uint32_t id = (highest > 40 ? highest - 40 : 0) + (random >> 8) % (40 + span);
        id |= 1;
        if (id >= IDS_MAX) {
            break;
        }
        bool in_window = id > highest || (highest - id) / 2 < PSV_H2_IDS_WINDOW;
        bool expected = id > highest || used[id] || !in_window;
        assert_int_equal(psv_h2_stream_ids_note(&ids, id), expected);
        if (id > highest) {
            used[id] = 1;
            highest = id;
        }
        if ((random & 1) != 0) {
            psv_h2_stream_ids_note_end(&ids, id);
            ended[id] = used[id];
        }
        assert_int_equal(psv_h2_stream_ids_has_ended(&ids, id), in_window && ended[id]);
    }
    assert_true(highest > 50000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_in_order),
        cmocka_unit_test(only_used_streams_have_ended),
        cmocka_unit_test(the_largest_id),
        cmocka_unit_test(random_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
