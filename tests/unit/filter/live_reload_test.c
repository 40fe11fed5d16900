/* Tests of filter/live_reload.c: which pages get the script, and where.
 *
 * SPDX-License-Identifier: MIT */
#include "table.h"

#include <string.h>

#include "base/error.h"
#include "base/macros.h"
#include "filter/live_reload.h"
#include "http/request.h"

#define TAG "<script src=\"/.phpsrv/live-reload.js\" defer></script>"

static struct psv_live_reload_injection injection;

/* The page in portions of this size through the filter; flushed after each. */
static size_t run(const char *page, size_t portion, char *out, size_t size)
{
    struct psv_response_body body;
    size_t len = strlen(page);
    struct psv_body_encoder *encoder = injection.base.begin(&injection.base);

    psv_response_body_init(&body, NULL, 0, size);
    for (size_t at = 0; at < len; at += portion) {
        assert_int_equal(encoder->encode(encoder, page + at, MIN(portion, len - at), &body), PSV_OK);
        assert_int_equal(encoder->end(encoder, PSV_BODY_FLUSH, &body), PSV_OK);
    }
    assert_int_equal(encoder->end(encoder, PSV_BODY_FINISH, &body), PSV_OK);
    size_t written = body.memory_len;
    assert_true(written < size);
    memcpy(out, body.memory, written);
    out[written] = '\0';
    psv_response_body_fini(&body);
    return written;
}

static void puts_the_tag_before_the_end(void **state)
{
    static const struct page_row {
        TABLE_ROW;
        const char *page;
        const char *result;
    } rows[] = {
        {ROW("usual"), "<p>a</p></body></html>", "<p>a</p>" TAG "</body></html>"},
        {ROW("no end"), "<p>a</p>", "<p>a</p>" TAG},
        {ROW("a beginning at the end"), "<p>a</p></bod", "<p>a</p></bod" TAG},
        {ROW("false starts"), "a</bo</b</bodx></body>", "a</bo</b</bodx>" TAG "</body>"},
        {ROW("in a script"), "<script>'</body>'</script></body>", "<script>'</body>'</script>" TAG "</body>"},
        {ROW("empty"), "", TAG},
        {ROW("once"), "</body></body>", TAG "</body></body>"},
    };
    (void)state;
    psv_live_reload_injection_init(&injection, PSV_BYTES_EMPTY);
    TABLE_FOR_EACH(row, rows)
    {
        for (size_t portion = 1; portion <= strlen(row->page) + 1; portion++) {
            char out[400];
            (void)run(row->page, portion, out, sizeof(out));
            assert_string_equal(out, row->result);
        }
        struct psv_arena arena;
        psv_arena_init(&arena, 1 << 16);
        struct psv_bytes whole = psv_live_reload_put(&arena, psv_bytes_of(row->page));
        assert_int_equal(psv_bytes_equal(whole, psv_bytes_of(row->result)), true);
        psv_arena_fini(&arena);
    }
}

static void leaves_very_long_pages_alone(void **state)
{
    static char block[1 << 20];
    struct psv_response_body body;
    struct psv_body_encoder *encoder = injection.base.begin(&injection.base);

    (void)state;
    memset(block, 'x', sizeof(block));
    psv_response_body_init(&body, NULL, 0, 64u << 20);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(encoder->encode(encoder, block, sizeof(block), &body), PSV_OK);
    assert_int_equal(encoder->encode(encoder, "</body>", 7, &body), PSV_OK);
    assert_int_equal(encoder->end(encoder, PSV_BODY_FINISH, &body), PSV_OK);
    assert_int_equal(psv_response_body_len(&body), 5 * sizeof(block) + 7);
    psv_response_body_fini(&body);
}

static void knows_what_policies_allow(void **state)
{
    static const struct policy_row {
        TABLE_ROW;
        const char *policy;
        bool allows;
    } rows[] = {
        {ROW("none"), "", true},
        {ROW("nothing said of scripts"), "frame-ancestors 'none'", true},
        {ROW("self"), "default-src 'self'", true},
        {ROW("any case"), "Default-Src 'SELF'", true},
        {ROW("everything"), "default-src *", true},
        {ROW("none at all"), "default-src 'none'", false},
        {ROW("empty directive"), "default-src", false},
        {ROW("scripts of another host only"), "script-src https://cdn.example", false},
        {ROW("scripts by nonce only"), "script-src 'nonce-abc'", false},
        {ROW("strict-dynamic"), "script-src 'self' 'strict-dynamic' 'nonce-abc'", false},
        {ROW("no connections"), "script-src 'self'; connect-src 'none'", false},
        {ROW("connections by default"), "default-src 'none'; script-src 'self'", false},
        {ROW("both said"), "default-src 'none'; script-src 'self'; connect-src 'self'", true},
        {ROW("elements"), "script-src 'none'; script-src-elem 'self'", true},
        {ROW("elements forbidden"), "script-src 'self'; script-src-elem 'none'", false},
        {ROW("the first counts"), "script-src 'self'; script-src 'none'", true},
        {ROW("all policies of a list"), "default-src 'self', script-src 'none'", false},
        {ROW("sandbox"), "sandbox", false},
        {ROW("open sandbox"), "sandbox allow-scripts allow-same-origin", true},
    };
    (void)state;
    TABLE_FOR_EACH(row, rows)
    {
        assert_int_equal(psv_live_reload_policy_allows(psv_bytes_of(row->policy)), row->allows);
    }
}

static void takes_whole_html_only(void **state)
{
    static const struct takes_row {
        TABLE_ROW;
        unsigned status;
        const char *type;
        const char *field; /* and its value, or NULL */
        const char *value;
        bool takes;
        bool is_told;
    } rows[] = {
        {ROW("page"), 200, "text/html; charset=UTF-8", NULL, NULL, true, false},
        {ROW("error page"), 500, "Text/HTML", NULL, NULL, true, false},
        {ROW("json"), 200, "application/json", NULL, NULL, false, false},
        {ROW("text that begins so"), 200, "text/html-template", NULL, NULL, false, false},
        {ROW("no type"), 200, "", NULL, NULL, false, false},
        {ROW("redirect"), 302, "text/html", NULL, NULL, false, false},
        {ROW("part"), 206, "text/html", NULL, NULL, false, false},
        {ROW("no content"), 204, "text/html", NULL, NULL, false, false},
        {ROW("encoded"), 200, "text/html", "content-encoding", "gzip", false, true},
        {ROW("range"), 200, "text/html", "Content-Range", "bytes 0-1/2", false, false},
        {ROW("digest"), 200, "text/html", "Repr-Digest", "sha-256=:x:", false, false},
        {ROW("for saving"), 200, "text/html", "Content-Disposition", "attachment; filename=a", false, false},
        {ROW("inline"), 200, "text/html", "Content-Disposition", "inline", true, false},
        {ROW("policy"), 200, "text/html", "Content-Security-Policy", "default-src 'none'", false, true},
        {ROW("policy that only reports"), 200, "text/html", "Content-Security-Policy-Report-Only",
         "default-src 'none'", true, false},
        {ROW("file"), 200, "text/html", "X-Sendfile", "/a", false, false},
    };
    (void)state;
    TABLE_FOR_EACH(row, rows)
    {
        const char *reason = NULL;
        const struct psv_field fields[] = {
            {.name = PSV_BYTES_INIT("Content-Type"), .value = psv_bytes_of(row->type)},
            {.name = psv_bytes_of(row->field), .value = psv_bytes_of(row->value)},
        };
        assert_int_equal(
            psv_live_reload_takes(row->status, fields, row->field != NULL ? 2 : 1, PSV_BYTES_EMPTY, &reason),
            row->takes);
        assert_int_equal(reason != NULL, row->is_told);
    }
    const char *reason = NULL;
    const struct psv_field type = {.name = PSV_BYTES_INIT("Content-Type"),
                                   .value = PSV_BYTES_INIT("text/html")};
    assert_false(psv_live_reload_takes(200, &type, 1, PSV_BYTES("script-src 'none'"), &reason));
    assert_non_null(reason);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(puts_the_tag_before_the_end),
        cmocka_unit_test(leaves_very_long_pages_alone),
        cmocka_unit_test(knows_what_policies_allow),
        cmocka_unit_test(takes_whole_html_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
