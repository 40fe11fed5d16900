/* traceparent: what is continued and what is ignored.
 *
 * SPDX-License-Identifier: MIT */
#include "table.h"

#include "http/trace_parent.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"
#define ZEROS "00000000000000000000000000000000"

static void test_parse(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int flags; /* -1 = refused */
    } rows[] = {
        {"00-" TRACE "-" SPAN "-01", 1},
        {"00-" TRACE "-" SPAN "-00", 0},
        {"00-" TRACE "-" SPAN "-ff", 255},
        {" 00-" TRACE "-" SPAN "-01 ", 1},
        {"01-" TRACE "-" SPAN "-01", 1},
        {"cc-" TRACE "-" SPAN "-01-what-comes-later", 1},
        {"fe-" TRACE "-" SPAN "-01-", 1},
        {"00-" TRACE "-" SPAN "-01-", -1},
        {"00-" TRACE "-" SPAN "-01-x", -1},
        {"cc-" TRACE "-" SPAN "-01x", -1},
        {"ff-" TRACE "-" SPAN "-01", -1},
        {"00-" ZEROS "-" SPAN "-01", -1},
        {"00-" TRACE "-0000000000000000-01", -1},
        {"00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01", -1},
        {"00-" TRACE "-" SPAN "-0", -1},
        {"00-" TRACE "-" SPAN, -1},
        {"00-" TRACE "-" SPAN "-", -1},
        {"00-" TRACE "-" SPAN "-0g", -1},
        {"0-" TRACE "-" SPAN "-01", -1},
        {"00-" TRACE "0-" SPAN "-01", -1},
        {"00_" TRACE "_" SPAN "_01", -1},
        {"00-" TRACE "--" SPAN "-01", -1},
        {"", -1},
        {"-", -1},
        {"00", -1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct psv_trace_parent parent;
        bool is_taken = psv_trace_parent_parse(psv_bytes_of(rows[i].text), &parent);
        if (is_taken != (rows[i].flags >= 0)) {
            fail_msg("\"%s\"", rows[i].text);
        }
        if (is_taken) {
            assert_string_equal(parent.trace_id, TRACE);
            assert_string_equal(parent.span_id, SPAN);
            assert_int_equal(parent.flags, rows[i].flags);
        }
    }
}

static void test_format(void **state)
{
    (void)state;
    const struct psv_trace_parent parent = {.trace_id = TRACE, .span_id = SPAN, .flags = 0xa1};
    char text[PSV_TRACE_PARENT_LEN + 1];
    psv_trace_parent_format(&parent, text);
    assert_string_equal(text, "00-" TRACE "-" SPAN "-a1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
