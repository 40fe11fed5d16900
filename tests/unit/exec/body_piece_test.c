/* Lists of body pieces.
 *
 * SPDX-License-Identifier: MIT */
#include "exec/body_piece.h"

#include "table.h"

#include "base/memory.h"

static unsigned released;

static void count_release(struct psv_body_piece *piece)
{
    released++;
    psv_free(piece);
}

static void test_lengths_add_up(void **state)
{
    struct psv_list pieces;
    struct psv_body_piece a = {.data = "abc", .len = 3};
    struct psv_body_piece b = {.fd = 5, .len = UINT64_C(5000000000)};

    (void)state;
    psv_list_init(&pieces);
    assert_int_equal(psv_body_pieces_len(&pieces), 0);
    psv_list_append(&pieces, &a.link);
    psv_list_append(&pieces, &b.link);
    assert_true(psv_body_pieces_len(&pieces) == UINT64_C(5000000003));
    psv_body_pieces_release(&pieces); /* without release functions: only unlinked */
    assert_true(psv_list_is_empty(&pieces));
}

static void test_release_may_free_the_piece(void **state)
{
    struct psv_list pieces;

    (void)state;
    psv_list_init(&pieces);
    released = 0;
    for (unsigned i = 0; i < 3; i++) {
        struct psv_body_piece *piece = psv_calloc(1, sizeof(*piece));
        assert_non_null(piece);
        piece->release = count_release;
        psv_list_append(&pieces, &piece->link);
    }
    psv_body_pieces_release(&pieces);
    assert_int_equal(released, 3);
    assert_true(psv_list_is_empty(&pieces));
    psv_body_pieces_release(&pieces);
    assert_int_equal(released, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths_add_up),
        cmocka_unit_test(test_release_may_free_the_piece),
    };
    return cmocka_run_group_tests_name("body_piece", tests, NULL, NULL);
}
