/* Error pages: their names, which one is chosen, and what is filled in.
 *
 * SPDX-License-Identifier: MIT */
#include "table.h"

#include "base/memory.h"
#include "exec/error_pages.h"

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned status; /* 0 = no page */
        enum psv_accept_form form;
    } rows[] = {
        {"404.html", 404, PSV_ACCEPT_HTML},
        {"503.json", 503, PSV_ACCEPT_JSON},
        {"5xx.txt", 5, PSV_ACCEPT_PLAIN},
        {"4xx.html", 4, PSV_ACCEPT_HTML},
        {"200.html", 0, 0},
        {"404.HTML", 0, 0},
        {"404", 0, 0},
        {"404.", 0, 0},
        {"40x.html", 0, 0},
        {"4xx.html~", 0, 0},
        {".html", 0, 0},
        {"", 0, 0},
        {"4", 0, 0},
        {"xxx.html", 0, 0},
        {"4040.html", 0, 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct psv_error_page page = {0};
        assert_int_equal(psv_error_page_read_name(psv_bytes_of(rows[i].name), &page), rows[i].status != 0);
        assert_int_equal(page.status, rows[i].status);
        if (rows[i].status != 0)
            assert_int_equal(page.form, rows[i].form);
    }
}

static void test_choice(void **state)
{
    (void)state;
    const struct psv_error_pages pages = {
        .items = {{5, PSV_ACCEPT_HTML, PSV_BYTES_INIT("class")},
                  {503, PSV_ACCEPT_HTML, PSV_BYTES_INIT("own")},
                  {404, PSV_ACCEPT_JSON, PSV_BYTES_INIT("json")}},
        .len = 3,
    };
    assert_ptr_equal(psv_error_pages_find(&pages, 503, PSV_ACCEPT_HTML), &pages.items[1]);
    assert_ptr_equal(psv_error_pages_find(&pages, 500, PSV_ACCEPT_HTML), &pages.items[0]);
    assert_null(psv_error_pages_find(&pages, 404, PSV_ACCEPT_HTML));
    assert_null(psv_error_pages_find(&pages, 503, PSV_ACCEPT_JSON));
    assert_null(psv_error_pages_find(NULL, 503, PSV_ACCEPT_JSON));
}

static void test_filling(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *filled;
    } rows[] = {
        {"", ""},
        {"plain", "plain"},
        {"{{status}} {{title}}: {{request_id}}!", "404 Not Found: abc!"},
        {"{{status}}{{status}}", "404404"},
        {"{{{status}}}", "{404}"},
        {"{{other}} {{status", "{{other}} {{status"},
        {"{", "{"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct psv_arena arena;
        psv_arena_init(&arena, 1 << 16);
        const struct psv_error_page page = {404, PSV_ACCEPT_HTML, psv_bytes_of(rows[i].text)};
        struct psv_bytes filled = psv_error_page_fill(&page, &arena, 404, PSV_BYTES("abc"));
        assert_non_null(filled.data);
        assert_int_equal(filled.len, strlen(rows[i].filled));
        assert_memory_equal(filled.data, rows[i].filled, filled.len);
        psv_arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_filling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
