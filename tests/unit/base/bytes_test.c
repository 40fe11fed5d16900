/* Views of bytes, and the small macros beside them.
 *
 * SPDX-License-Identifier: MIT */
#include "table.h"

#include "base/bytes.h"
#include "base/list.h"
#include "base/refcount.h"

#define NONE PSV_BYTES_EMPTY

static void test_equal(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        struct psv_bytes a;
        struct psv_bytes b;
        bool is_equal;
        bool is_equal_case;
    } cases[] = {
        {ROW("both absent"), {NULL, 0}, {NULL, 0}, true, true},
        {ROW("absent and empty"), {NULL, 0}, PSV_BYTES_INIT(""), true, true},
        {ROW("same"), PSV_BYTES_INIT("Host"), PSV_BYTES_INIT("Host"), true, true},
        {ROW("other case"), PSV_BYTES_INIT("Host"), PSV_BYTES_INIT("hOST"), false, true},
        {ROW("other length"), PSV_BYTES_INIT("Host"), PSV_BYTES_INIT("Hosts"), false, false},
        {ROW("one byte differs"), PSV_BYTES_INIT("Host"), PSV_BYTES_INIT("Hast"), false, false},
        {ROW("32 apart but no letters"), PSV_BYTES_INIT("@["), PSV_BYTES_INIT("`{"), false, false},
        {ROW("above 127"), PSV_BYTES_INIT("\xc4"), PSV_BYTES_INIT("\xe4"), false, false},
        {ROW("NUL inside"), PSV_BYTES_INIT("a\0b"), PSV_BYTES_INIT("a\0c"), false, false},
    };
    TABLE_FOR_EACH(row, cases)
    {
        assert_int_equal(psv_bytes_equal(row->a, row->b), row->is_equal);
        assert_int_equal(psv_bytes_equal(row->b, row->a), row->is_equal);
        assert_int_equal(psv_bytes_equal_case(row->a, row->b), row->is_equal_case);
        assert_int_equal(psv_bytes_equal_case(row->b, row->a), row->is_equal_case);
    }
}

/* Every pair of bytes at every place of texts of all lengths around a word, against the plain question. */
static void test_equal_case_everywhere(void **state)
{
    (void)state;
    for (size_t len = 1; len <= 18; len++) {
        for (size_t at = 0; at < len; at++) {
            for (int pair = 0; pair < 256 * 256; pair++) {
                char one[18] = "aBcDeFgHiJkLmNoPq";
                char other[18] = "AbCdEfGhIjKlMnOpQ";
                one[at] = (char)(pair >> 8);
                other[at] = (char)(pair & 255);
                bool is_equal = psv_ascii_lower(one[at]) == psv_ascii_lower(other[at]);
                if (psv_bytes_equal_case((struct psv_bytes){one, len}, (struct psv_bytes){other, len}) !=
                    is_equal) {
                    fail_msg("bytes %02x and %02x at %zu of %zu", pair >> 8, pair & 255, at, len);
                }
            }
        }
    }
}

static void test_starts_and_ends(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        struct psv_bytes text;
        struct psv_bytes part;
        bool starts;
        bool starts_case;
        bool ends;
        bool ends_case;
    } cases[] = {
        {ROW("empty part"), PSV_BYTES_INIT("abc"), PSV_BYTES_INIT(""), true, true, true, true},
        {ROW("all empty"), {NULL, 0}, {NULL, 0}, true, true, true, true},
        {ROW("prefix"), PSV_BYTES_INIT("/admin/x"), PSV_BYTES_INIT("/admin"), true, true, false, false},
        {ROW("prefix in other case"), PSV_BYTES_INIT("/admin/x"), PSV_BYTES_INIT("/Admin"), false, true,
         false, false},
        {ROW("suffix"), PSV_BYTES_INIT("index.php"), PSV_BYTES_INIT(".php"), false, false, true, true},
        {ROW("suffix in other case"), PSV_BYTES_INIT("index.PHP"), PSV_BYTES_INIT(".php"), false, false,
         false, true},
        {ROW("all of it"), PSV_BYTES_INIT("abc"), PSV_BYTES_INIT("abc"), true, true, true, true},
        {ROW("longer than the text"), PSV_BYTES_INIT("abc"), PSV_BYTES_INIT("abcd"), false, false, false,
         false},
        {ROW("part of absent"), {NULL, 0}, PSV_BYTES_INIT("a"), false, false, false, false},
    };
    TABLE_FOR_EACH(row, cases)
    {
        assert_int_equal(psv_bytes_starts_with(row->text, row->part), row->starts);
        assert_int_equal(psv_bytes_starts_with_case(row->text, row->part), row->starts_case);
        assert_int_equal(psv_bytes_ends_with(row->text, row->part), row->ends);
        assert_int_equal(psv_bytes_ends_with_case(row->text, row->part), row->ends_case);
    }
}

static void test_find(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        struct psv_bytes text;
        char byte;
        size_t first;
        size_t last;
    } cases[] = {
        {ROW("absent text"), {NULL, 0}, 'a', 0, 0},
        {ROW("not there"), PSV_BYTES_INIT("abc"), 'x', 3, 3},
        {ROW("once"), PSV_BYTES_INIT("abc"), 'c', 2, 2},
        {ROW("twice"), PSV_BYTES_INIT("a:b:c"), ':', 1, 3},
        {ROW("NUL"), PSV_BYTES_INIT("a\0b"), '\0', 1, 1},
        {ROW("above 127"), PSV_BYTES_INIT("a\xff"), '\xff', 1, 1},
    };
    TABLE_FOR_EACH(row, cases)
    {
        assert_int_equal(psv_bytes_find(row->text, row->byte), row->first);
        assert_int_equal(psv_bytes_find_last(row->text, row->byte), row->last);
    }
}

static void test_cut(void **state)
{
    (void)state;
    struct psv_bytes text = PSV_BYTES("hello");
    assert_bytes_equal(psv_bytes_from(text, 0), "hello");
    assert_bytes_equal(psv_bytes_from(text, 2), "llo");
    assert_bytes_equal(psv_bytes_from(text, 5), "");
    assert_bytes_equal(psv_bytes_from(text, 6), "");
    assert_ptr_equal(psv_bytes_from(text, SIZE_MAX).data, text.data + 5);
    assert_null(psv_bytes_from(NONE, 3).data);
    assert_bytes_equal(psv_bytes_first(text, 0), "");
    assert_bytes_equal(psv_bytes_first(text, 2), "he");
    assert_bytes_equal(psv_bytes_first(text, 99), "hello");
    assert_int_equal(psv_bytes_first(NONE, 1).len, 0);
    assert_bytes_equal(psv_bytes_of(NULL), "");
}

static void test_trim(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        struct psv_bytes text;
        const char *trimmed;
    } cases[] = {
        {ROW("absent"), {NULL, 0}, ""},
        {ROW("nothing to cut"), PSV_BYTES_INIT("a b"), "a b"},
        {ROW("both ends"), PSV_BYTES_INIT(" \ta b\t "), "a b"},
        {ROW("only blanks"), PSV_BYTES_INIT(" \t \t"), ""},
        {ROW("line ends are no blanks"), PSV_BYTES_INIT(" a\r\n"), "a\r\n"},
    };
    TABLE_FOR_EACH(row, cases)
    {
        assert_bytes_equal(psv_bytes_trim(row->text), row->trimmed);
    }
}

static void test_split(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        struct psv_bytes text;
        const char *items[4];
    } cases[] = {
        {ROW("absent"), {NULL, 0}, {NULL}},
        {ROW("empty"), PSV_BYTES_INIT(""), {NULL}},
        {ROW("one"), PSV_BYTES_INIT("a"), {"a", NULL}},
        {ROW("three"), PSV_BYTES_INIT("a,bc, d"), {"a", "bc", " d", NULL}},
        {ROW("empty ones"), PSV_BYTES_INIT(",,a"), {"", "", "a", NULL}},
        {ROW("trailing separator"), PSV_BYTES_INIT("a,"), {"a", NULL}},
        {ROW("only a separator"), PSV_BYTES_INIT(","), {"", NULL}},
    };
    TABLE_FOR_EACH(row, cases)
    {
        struct psv_bytes rest = row->text;
        struct psv_bytes item;
        size_t count = 0;
        while (psv_bytes_split(&rest, ',', &item)) {
            assert_non_null(row->items[count]);
            assert_bytes_equal(item, row->items[count]);
            count++;
        }
        assert_null(row->items[count]);
    }
}

static void test_ascii(void **state)
{
    (void)state;
    for (int i = -128; i < 128; i++) {
        char c = (char)i;
        bool is_upper = i >= 'A' && i <= 'Z';
        bool is_lower = i >= 'a' && i <= 'z';
        assert_int_equal(psv_ascii_lower(c), is_upper ? i + 32 : i);
        assert_int_equal(psv_ascii_upper(c), is_lower ? i - 32 : i);
        assert_int_equal(psv_ascii_is_digit(c), i >= '0' && i <= '9');
    }
}

struct thing {
    int number;
    struct psv_list link;
};

static int sum_in_order(struct psv_list *list)
{
    int sum = 0;
    PSV_LIST_FOR_EACH(node, list)
    sum = sum * 10 + PSV_LIST_ENTRY(node, struct thing, link)->number;
    return sum;
}

static void test_list(void **state)
{
    (void)state;
    struct psv_list list;
    struct thing things[4];
    psv_list_init(&list);
    assert_true(psv_list_is_empty(&list));
    assert_null(psv_list_first(&list));
    for (int i = 0; i < 4; i++) {
        things[i].number = i + 1;
        psv_list_init(&things[i].link);
    }
    psv_list_append(&list, &things[1].link);
    psv_list_append(&list, &things[2].link);
    psv_list_prepend(&list, &things[0].link);
    assert_int_equal(sum_in_order(&list), 123);
    assert_ptr_equal(psv_list_first(&list), &things[0].link);

    psv_list_remove(&things[1].link);
    psv_list_remove(&things[1].link); /* harmless */
    psv_list_remove(&things[3].link); /* was never in */
    assert_int_equal(sum_in_order(&list), 13);

    PSV_LIST_FOR_EACH(node, &list)
    psv_list_remove(node);
    assert_true(psv_list_is_empty(&list));
}

static void test_refcount(void **state)
{
    (void)state;
    struct psv_refcount refs;
    psv_refcount_init(&refs);
    psv_refcount_ref(&refs);
    psv_refcount_ref(&refs);
    assert_false(psv_refcount_unref(&refs));
    assert_false(psv_refcount_unref(&refs));
    assert_true(psv_refcount_unref(&refs));
}

static void test_take(void **state)
{
    (void)state;
    const char *text = "x";
    const char *taken = TAKE(&text);
    assert_string_equal(taken, "x");
    assert_null(text);
    assert_int_equal(MIN(2, 3) + MAX(2, 3), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_equal_case_everywhere),
        cmocka_unit_test(test_starts_and_ends),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_trim),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_ascii),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_refcount),
        cmocka_unit_test(test_take),
    };
    return cmocka_run_group_tests_name("base/bytes", tests, NULL, NULL);
}
