/* Tests of http/field_list.c.
 *
 * SPDX-License-Identifier: MIT */
#include "http_test.h"

#include "http/field_list.h"

/* Joins what the iterator yields with '|'. */
static struct psv_bytes members_of(const char *text, bool (*next)(struct psv_bytes *, struct psv_bytes *),
                                   char *out)
{
    struct psv_bytes rest = psv_bytes_of(text);
    struct psv_bytes member;
    size_t len = 0;

    while (next(&rest, &member)) {
        if (member.len > 0) {
            memcpy(out + len, member.data, member.len);
        }
        len += member.len;
        out[len++] = '|';
    }
    return (struct psv_bytes){out, len};
}

static const struct list_row {
    const char *name;
    const char *text;
    const char *members;
} list_rows[] =
    {
        {"RFC 9110 5.6.1 members", "a,b ,\tc", "a|b|c|"},
        {"RFC 9110 5.6.1.2 empty members", ", a,, ,b,", "a|b|"},
        {"nothing", "", ""},
        {"only commas", " , ,,", ""},
        {"RFC 9110 5.6.4 quoted comma", "\"a,b\",c", "\"a,b\"|c|"},
        {"RFC 9110 5.6.4 escaped quote", "\"a\\\",b\",c", "\"a\\\",b\"|c|"},
        {"backslash outside of quotes", "a\\,b", "a\\|b|"},
        {"unfinished string", "a,\"b,c", "a|\"b,c|"},
        {"unfinished escape", "\"a\\", "\"a\\|"},
},
  parameter_rows[] = {
      {"RFC 9110 5.6.6 parameters", "text/html ; q=0.5;a=\"x;y\"", "text/html|q=0.5|a=\"x;y\"|"},
      {"empty parameters", ";;a; ", "||a||"},
      {"value only", "a", "a|"},
};

static void test_lists(void **state)
{
    char out[200];
    (void)state;
    FOR_ROWS(struct list_row, row, list_rows)
    {
        ROW_TEXT(row, members_of(row->text, psv_field_list_next, out), psv_bytes_of(row->members));
    }
    FOR_ROWS(struct list_row, row, parameter_rows)
    {
        ROW_TEXT(row, members_of(row->text, psv_field_parameter_next, out), psv_bytes_of(row->members));
    }
}

static const struct weight_row {
    const char *name;
    const char *parameters;
    unsigned weight;
} weight_rows[] = {
    {"RFC 9110 12.4.2 default", "", 1000},
    {"RFC 9110 12.4.2 one", "q=1", 1000},
    {"one with decimals", "q=1.000", 1000},
    {"one with a dot", "q=1.", 1000},
    {"zero", "q=0", 0},
    {"zero with decimals", "q=0.000", 0},
    {"tenths", "q=0.8", 800},
    {"hundredths", "q=0.85", 850},
    {"thousandths", "Q=0.857", 857},
    {"behind others", "a=b; q=0.1", 100},
    {"first of two", "q=0.1;q=0.2", 100},
    {"too many decimals", "q=0.8571", 0},
    {"above one", "q=1.001", 0},
    {"two", "q=2", 0},
    {"no number", "q=", 0},
    {"letters", "q=0.a", 0},
    {"no dot", "q=01", 0},
    {"sign", "q=-1", 0},
    {"another parameter", "qs=0.1", 1000},
};

static void test_weights(void **state)
{
    (void)state;
    FOR_ROWS(struct weight_row, row, weight_rows)
    {
        ROW_INT(row, psv_field_weight(psv_bytes_of(row->parameters)), row->weight);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_weights),
    };
    return cmocka_run_group_tests_name("http/field_list", tests, NULL, NULL);
}
