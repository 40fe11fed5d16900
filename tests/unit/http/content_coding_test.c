/* http/content_coding.c: what may be encoded, and what the fields say then.
 *
 * SPDX-License-Identifier: MIT */
#include "http/content_coding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

struct row {
    unsigned status;
    const char *fields[4]; /* name, value, name, value */
    enum psv_coding_verdict verdict;
};

static const struct row rows[] = {
    {200, {NULL}, PSV_CODING_ALLOWED},
    {404, {NULL}, PSV_CODING_ALLOWED},
    {204, {NULL}, PSV_CODING_FORBIDDEN},
    {304, {NULL}, PSV_CODING_FORBIDDEN},
    {206, {NULL}, PSV_CODING_FORBIDDEN},
    {200, {"Content-Encoding", "gzip"}, PSV_CODING_DONE},
    {200, {"content-encoding", " Identity "}, PSV_CODING_UNWANTED},
    {200, {"Cache-Control", "public, NO-transform"}, PSV_CODING_FORBIDDEN},
    {200, {"Cache-Control", "no-transformer"}, PSV_CODING_ALLOWED},
    {200, {"Content-Range", "bytes 0-1/2"}, PSV_CODING_FORBIDDEN},
    {200, {"content-md5", "x"}, PSV_CODING_FORBIDDEN},
    {200, {"Repr-Digest", "x"}, PSV_CODING_ALLOWED},
    {200, {"Content-Encoding", "identity", "Content-Encoding", "br"}, PSV_CODING_DONE},
    {200, {"Content-Encoding", "identity", "Cache-Control", "no-transform"}, PSV_CODING_FORBIDDEN},
};

static unsigned make(struct psv_field *out, const char *const *texts, size_t pairs)
{
    unsigned len = 0;

    for (size_t i = 0; i < pairs && texts[2 * i] != NULL; i++) {
        out[len].name = psv_bytes_of(texts[2 * i]);
        out[len].value = psv_bytes_of(texts[2 * i + 1]);
        out[len].id = psv_field_find(out[len].name);
        len++;
    }
    return len;
}

static void verdicts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct psv_field fields[2];
        unsigned len = make(fields, rows[i].fields, 2);
        print_message("%zu\n", i);
        assert_int_equal(psv_coding_judge(rows[i].status, fields, len), rows[i].verdict);
    }
}

static void assert_fields(const struct psv_field *fields, unsigned len, const char *const *expected,
                          unsigned pairs)
{
    assert_int_equal(len, pairs);
    for (unsigned i = 0; i < len; i++) {
        assert_true(psv_bytes_equal_case(fields[i].name, psv_bytes_of(expected[2 * i])));
        assert_true(psv_bytes_equal(fields[i].value, psv_bytes_of(expected[2 * i + 1])));
        assert_int_equal(fields[i].id, psv_field_find(fields[i].name));
    }
}

static void rewriting(void **state)
{
    static const char *const given[] = {"ETag", "\"a\"", "Accept-Ranges", "bytes", "Vary", "Cookie",
                                        "X",    "y"};
    static const char *const encoded[] = {"ETag", "W/\"a\"",          "Vary", "Cookie, Accept-Encoding", "X",
                                          "y",    "Content-Encoding", "br"};
    static const char *const plain[] = {
        "ETag", "\"a\"", "Accept-Ranges", "bytes", "Vary", "Cookie, Accept-Encoding", "X", "y"};
    struct psv_arena arena;
    struct psv_field fields[4];
    const struct psv_field *out;
    unsigned out_len;

    (void)state;
    psv_arena_init(&arena, 1 << 16);
    unsigned len = make(fields, given, 4);
    assert_int_equal(psv_coding_rewrite(&arena, fields, len, PSV_BYTES("br"), &out, &out_len), PSV_OK);
    assert_fields(out, out_len, encoded, 4);
    assert_int_equal(psv_coding_rewrite(&arena, fields, len, PSV_BYTES(""), &out, &out_len), PSV_OK);
    assert_fields(out, out_len, plain, 4);
    assert_int_equal(psv_coding_rewrite(&arena, NULL, 0, PSV_BYTES("gzip"), &out, &out_len), PSV_OK);
    assert_int_equal(out_len, 2);
    psv_arena_fini(&arena);
}

static void dropping(void **state)
{
    static const char *const given[] = {"A", "b", "Content-Encoding", "identity", "C", "d"};
    static const char *const left[] = {"A", "b", "C", "d"};
    struct psv_arena arena;
    struct psv_field fields[3];
    const struct psv_field *out;
    unsigned out_len;

    (void)state;
    psv_arena_init(&arena, 1 << 16);
    unsigned len = make(fields, given, 3);
    assert_int_equal(psv_coding_drop_identity(&arena, fields, len, &out, &out_len), PSV_OK);
    assert_fields(out, out_len, left, 2);
    psv_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts),
        cmocka_unit_test(rewriting),
        cmocka_unit_test(dropping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
