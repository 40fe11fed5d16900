/* Tests of http/html_scan.c: WHATWG HTML 13.2.5.
 *
 * SPDX-License-Identifier: MIT */
#include "http_test.h"

#include "http/html_scan.h"

#define NONE PSV_HTML_SCAN_NONE

/* "|" in the page marks where the end is found; it is not part of the page. */
static const struct scan_row {
    const char *name;
    const char *page;
} scan_rows[] = {
    {"usual", "<html><body><p>x</p>|</body></html>"},
    {"any case", "<BODY>x|</Body >"},
    {"blank and line end after the name", "x|</body\n>"},
    {"slash after the name", "x|</body/>"},
    {"none", "<p>x</p>"},
    {"empty", ""},
    {"another name that begins so", "x</bodyguard>|</body>"},
    {"a beginning only", "x</bod y></bo>"},
    {"never ended", "x</body"},
    {"begin tag", "<body></bodi>|</body>"},
    {"in a script", "<script>document.write('</body>')</script>|</body>"},
    {"in a script with attributes", "<script type=\"a>b\" src='x'>'</body>'</script >|</body>"},
    {"in a style", "<style>a:after{content:'</body>'}</style>|</body>"},
    {"in a textarea", "<textarea></body></textarea>|</body>"},
    {"in a title", "<title>about </body></title>|</body>"},
    {"in a comment", "<!-- </body> -->|</body>"},
    {"short comment", "<!-->|</body>-->"},
    {"comment with dashes", "<!-- a -- b --->|</body>"},
    {"in an attribute", "<p title=\"</body>\">|</body>"},
    {"in an attribute with single quotes", "<p title = '</body>'>|</body>"},
    {"a quote in a value without quotes", "<p title=it's>|</body>"},
    {"doctype", "<!DOCTYPE html>|</body>"},
    {"a doctype's quotes", "<!DOCTYPE html PUBLIC \"-//W3C//DTD\">|</body>"},
    {"no tag", "a < b </ c>|</body>"},
    {"twice a bracket", "<<</</body>|</body>"},
    {"half an end of a style", "<style></styl></style>|</body>"},
    {"an open script", "<script></body>"},
    {"the first counts", "|</body></body>"},
    {"other end tags", "</p></b></bod></body2>|</body>"},
};

static int64_t scan_in_portions(const char *page, size_t len, size_t portion)
{
    struct psv_html_scan scan = {0};
    for (size_t at = 0; at < len; at += portion) {
        int64_t found = psv_html_scan(&scan, (struct psv_bytes){page + at, MIN(portion, len - at)});
        if (found != NONE)
            return (int64_t)at + found;
        assert_true(scan.pending <= PSV_HTML_SCAN_PENDING_MAX);
        assert_true(scan.pending <= at + portion);
        if (scan.pending > 0)
            assert_int_equal(page[MIN(at + portion, len) - scan.pending], '<');
    }
    return NONE;
}

static void finds_the_end_over_every_border(void **state)
{
    (void)state;
    FOR_ROWS(struct scan_row, row, scan_rows)
    {
        char page[200];
        const char *mark = strchr(row->page, '|');
        size_t before = mark != NULL ? (size_t)(mark - row->page) : strlen(row->page);
        size_t len = 0;
        memcpy(page, row->page, before);
        len = before;
        if (mark != NULL) {
            memcpy(page + before, mark + 1, strlen(mark + 1));
            len += strlen(mark + 1);
        }
        for (size_t portion = 1; portion <= len; portion++)
            ROW_INT(row, scan_in_portions(page, len, portion), mark != NULL ? (int64_t)before : NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(finds_the_end_over_every_border)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
