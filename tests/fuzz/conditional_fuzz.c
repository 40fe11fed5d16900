/* Fuzz target of http/conditional.c, etag.c and date.c.  Input: lines; the first byte of each chooses the
 * field, the rest is its value.  Oracles: laws that hold for all conditions; dates that parse format back;
 * a tag found is a tag in the list.
 *
 * SPDX-License-Identifier: MIT */
#include "http_oracle.h"

#include "http/conditional.h"
#include "http/date.h"
#include "http/etag.h"

#define MTIME INT64_C(784111777)
#define OWN_TAG PSV_BYTES("\"x\"")

static const enum psv_field_id ids[] = {
    PSV_FIELD_IF_MATCH, PSV_FIELD_IF_NONE_MATCH, PSV_FIELD_IF_MODIFIED_SINCE, PSV_FIELD_IF_UNMODIFIED_SINCE,
    PSV_FIELD_IF_RANGE,
};

static void check_date(struct psv_bytes value)
{
    char text[PSV_DATE_IMF_LEN];
    int64_t unix_s;
    int64_t again;

    if (psv_date_parse(value, MTIME, &unix_s) != 0)
        return;
    psv_date_format_imf(text, unix_s);
    /* a leap second at the very end of the calendar is the one moment without a successor */
    ORACLE(psv_date_parse((struct psv_bytes){text, sizeof(text)}, MTIME, &again) == 0);
    ORACLE(again == unix_s || unix_s == INT64_C(253402300800));
}

static void check_list(struct psv_bytes value)
{
    enum psv_etag_match strong = psv_etag_list_match(value, OWN_TAG, true);
    enum psv_etag_match weak = psv_etag_list_match(value, OWN_TAG, false);
    struct psv_etag etag;

    ORACLE(strong == weak || (strong == PSV_ETAG_MATCH_NO && weak == PSV_ETAG_MATCH_YES));
    if (weak == PSV_ETAG_MATCH_YES)
        ORACLE(memmem(value.data, value.len, "\"x\"", 3) != NULL);
    if (psv_etag_parse(value, &etag) == 0)
        ORACLE(psv_etag_list_match(value, value, false) == PSV_ETAG_MATCH_YES);
}

static void check_laws(struct psv_request *request)
{
    enum psv_precondition with[2]; /* without and with a representation */
    bool has_match = psv_headers_count(&request->headers, PSV_FIELD_IF_MATCH) > 0;

    for (int exists = 0; exists < 2; exists++) {
        request->method = PSV_METHOD_GET;
        enum psv_precondition get = psv_conditional_evaluate(request, OWN_TAG, MTIME, exists);
        request->method = PSV_METHOD_HEAD;
        ORACLE(psv_conditional_evaluate(request, OWN_TAG, MTIME, exists) == get);
        request->method = PSV_METHOD_PUT;
        enum psv_precondition put = psv_conditional_evaluate(request, OWN_TAG, MTIME, exists);
        ORACLE(put != PSV_PRECONDITION_NOT_MODIFIED);
        ORACLE(get != PSV_PRECONDITION_FAILED || put == PSV_PRECONDITION_FAILED);
        with[exists] = get;
    }
    ORACLE(with[0] == (has_match ? PSV_PRECONDITION_FAILED : PSV_PRECONDITION_PASS));
    if (psv_conditional_allows_range(request, PSV_BYTES_EMPTY, MTIME))
        ORACLE(psv_conditional_allows_range(request, OWN_TAG, MTIME));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct psv_bytes rest = {(const char *)data, size};
    struct psv_bytes line;
    struct psv_request request = {.version = PSV_HTTP_1_1};
    struct psv_arena arena;

    psv_arena_init(&arena, 1 << 20);
    psv_headers_init(&request.headers, 32);
    while (psv_bytes_split(&rest, '\n', &line)) {
        enum psv_field_id id = ids[take_byte(&line) % ARRAY_SIZE(ids)];
        check_date(line);
        check_list(line);
        if (psv_headers_add_known(&request.headers, &arena, id, line) != 0)
            break;
    }
    check_laws(&request);
    psv_arena_fini(&arena);
    return 0;
}
