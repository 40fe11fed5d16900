/* Tests of http/accept.c: RFC 9110 12.5.
 *
 * SPDX-License-Identifier: MIT */
#include "http_test.h"

#include "http/accept.h"

#define HTML PSV_ACCEPT_HTML
#define JSON PSV_ACCEPT_JSON
#define PLAIN PSV_ACCEPT_PLAIN

static const struct form_row {
    const char *name;
    const char *fields;
    enum psv_accept_form form;
} form_rows[] = {
    {"no field", "Host: a", PLAIN},
    {"empty", "Accept: ", PLAIN},
    {"anything", "Accept: */*", PLAIN},
    {"browser", "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", HTML},
    {"image of a page", "Accept: image/avif,image/webp,*/*;q=0.8", PLAIN},
    {"script library", "Accept: application/json, text/plain, */*", JSON},
    {"html", "Accept: text/html", HTML},
    {"any case", "accept: Text/HTML;Q=0.5", HTML},
    {"xhtml only", "Accept: application/xhtml+xml", HTML},
    {"json", "Accept: application/json", JSON},
    {"RFC 9457 problem", "Accept: application/problem+json", JSON},
    {"plain", "Accept: text/plain", PLAIN},
    {"12.4.2 weights", "Accept: text/html;q=0.5, application/json;q=0.6", JSON},
    {"12.4.2 weights in a second field", "Accept: text/html;q=0.5\nAccept: text/plain;q=0.7", PLAIN},
    {"12.4.2 not at all", "Accept: text/html;q=0, */*", PLAIN},
    {"12.5.1 main type", "Accept: text/*", HTML},
    {"12.5.1 other main type", "Accept: application/*", HTML},
    {"12.5.1 the exact one decides", "Accept: text/*, text/html;q=0.1, text/plain;q=0.5", PLAIN},
    {"exact before main type", "Accept: text/*, application/json", JSON},
    {"tie", "Accept: text/plain, application/json, text/html", HTML},
    {"parameters ask for something else", "Accept: text/html;level=1, application/json;q=0.1", JSON},
    {"charset does not", "Accept: text/html;charset=utf-8", HTML},
    {"weight before parameters", "Accept: text/html;q=0.4;level=1", HTML},
    {"empty parameter", "Accept: text/html; ;q=0.4", HTML},
    {"malformed weight", "Accept: text/html;q=2, application/json;q=0.1", JSON},
    {"image only", "Accept: image/png", PLAIN},
    {"no slash", "Accept: html", PLAIN},
    {"half a range", "Accept: */html, text", PLAIN},
    {"main type of another length", "Accept: tex/*, texts/*", PLAIN},
};

static const struct version_row {
    const char *name;
    const char *fields;
    unsigned weight;
} version_rows[] = {
    {"no field", "Host: a", 0},
    {"anything", "Accept: */*", 0},
    {"without a version", "Accept: application/openmetrics-text", 0},
    {"exactly", "Accept: application/openmetrics-text;version=1.0.0", 1000},
    {"any case", "Accept: Application/OpenMetrics-Text; VERSION=1.0.0; q=0.25", 250},
    {"quoted", "Accept: application/openmetrics-text; version=\"1.0.0\"", 1000},
    {"half a quote", "Accept: application/openmetrics-text; version=\"", 0},
    {"empty", "Accept: application/openmetrics-text; version=", 0},
    {"another one", "Accept: application/openmetrics-text;version=0.0.1", 0},
    {"another type", "Accept: text/plain;version=1.0.0", 0},
    {"among parameters", "Accept: application/openmetrics-text;escaping=x;version=1.0.0;q=0.6;x=y", 600},
    {"the best of several",
     "Accept: application/openmetrics-text;version=1.0.0;q=0.1\nAccept: text/plain, "
     "application/openmetrics-text;version=1.0.0;q=0.3",
     300},
    {"not at all", "Accept: application/openmetrics-text;version=1.0.0;q=0, */*", 0},
};

static void test_version(void **state)
{
    (void)state;
    FOR_ROWS(struct version_row, row, version_rows)
    {
        struct psv_arena arena;
        psv_arena_init(&arena, 1 << 16);
        struct psv_request request = request_with(&arena, PSV_METHOD_GET, PSV_HTTP_1_1, row->fields);
        ROW_INT(row,
                psv_accept_version_quality(&request.headers, PSV_BYTES("application/openmetrics-text"),
                                           PSV_BYTES("1.0.0")),
                row->weight);
        psv_arena_fini(&arena);
    }
}

static void test_choose(void **state)
{
    (void)state;
    FOR_ROWS(struct form_row, row, form_rows)
    {
        struct psv_arena arena;
        psv_arena_init(&arena, 1 << 16);
        struct psv_request request = request_with(&arena, PSV_METHOD_GET, PSV_HTTP_1_1, row->fields);
        ROW_INT(row, psv_accept_choose(&request.headers), row->form);
        psv_arena_fini(&arena);
    }
}

static const struct quality_row {
    const char *name;
    const char *fields;
    const char *what;
    unsigned quality;
} type_rows[] =
    {
        {"12.5.1 no field", "Host: a", "text/html", 1000},
        {"12.5.1 example 1", "Accept: audio/*; q=0.2, audio/basic", "audio/basic", 1000},
        {"12.5.1 example 1, other", "Accept: audio/*; q=0.2, audio/basic", "audio/mp3", 200},
        {"12.5.1 table, plain",
         "Accept: text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, "
         "*/*;q=0.5",
         "text/plain", 700},
        {"12.5.1 table, html",
         "Accept: text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, "
         "*/*;q=0.5",
         "text/html", 300},
        {"12.5.1 table, image",
         "Accept: text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, "
         "*/*;q=0.5",
         "image/jpeg", 500},
        {"none fits", "Accept: image/png", "text/html", 0},
        {"twice", "Accept: text/html;q=0.1, text/html;q=0.3, text/html;q=0.2", "text/html", 300},
},
  coding_rows[] = {
      {"12.5.3 no field", "Host: a", "gzip", 0},
      {"12.5.3 no field, identity", "Host: a", "identity", 1000},
      {"12.5.3 empty", "Accept-Encoding: ", "gzip", 0},
      {"12.5.3 empty, identity", "Accept-Encoding: ", "identity", 1000},
      {"12.5.3 named", "Accept-Encoding: br, GZIP;q=0.5", "gzip", 500},
      {"12.5.3 any", "Accept-Encoding: *;q=0.3", "zstd", 300},
      {"12.5.3 named before any", "Accept-Encoding: *;q=0.3, zstd;q=0", "zstd", 0},
      {"12.5.3 any before named", "Accept-Encoding: zstd;q=0.9, *;q=0", "zstd", 900},
      {"12.5.3 any behind", "Accept-Encoding: zstd;q=0.9, *;q=0", "gzip", 0},
      {"12.5.3 identity excluded", "Accept-Encoding: identity;q=0", "identity", 0},
      {"12.5.3 identity excluded by any", "Accept-Encoding: gzip, *;q=0", "identity", 0},
      {"12.5.3 identity untouched", "Accept-Encoding: gzip", "identity", 1000},
      {"12.5.3 not named", "Accept-Encoding: gzip, deflate", "br", 0},
      {"12.5.3 second field", "Accept-Encoding: gzip\nAccept-Encoding: br;q=0.7", "br", 700},
      {"prefix", "Accept-Encoding: gzipx, gzi", "gzip", 0},
};

static void test_qualities(void **state)
{
    (void)state;
    FOR_ROWS(struct quality_row, row, type_rows)
    {
        struct psv_arena arena;
        psv_arena_init(&arena, 1 << 16);
        struct psv_request request = request_with(&arena, PSV_METHOD_GET, PSV_HTTP_1_1, row->fields);
        ROW_INT(row, psv_accept_quality(&request.headers, psv_bytes_of(row->what)), row->quality);
        psv_arena_fini(&arena);
    }
    FOR_ROWS(struct quality_row, row, coding_rows)
    {
        struct psv_arena arena;
        psv_arena_init(&arena, 1 << 16);
        struct psv_request request = request_with(&arena, PSV_METHOD_GET, PSV_HTTP_1_1, row->fields);
        ROW_INT(row, psv_accept_encoding_quality(&request.headers, psv_bytes_of(row->what)), row->quality);
        psv_arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choose),
        cmocka_unit_test(test_version),
        cmocka_unit_test(test_qualities),
    };
    return cmocka_run_group_tests_name("http/accept", tests, NULL, NULL);
}
