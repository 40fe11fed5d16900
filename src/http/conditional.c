/* Preconditions in the order of RFC 9110 13.2.2.  Pure; any thread.
 *
 * SPDX-License-Identifier: MIT */
#include "conditional.h"

#include "date.h"
#include "etag.h"
#include "request.h"

/* What is asked about. */
struct subject {
    struct psv_bytes etag;
    int64_t mtime_unix;
    bool exists;
};

/* True when "*" meets something, or any field of that name lists the tag. */
static bool is_listed(const struct psv_headers *headers, enum psv_field_id id, const struct subject *subject,
                      bool is_strong)
{
    for (unsigned i = 0; i < headers->len; i++) {
        if (headers->items[i].id != id || !subject->exists) {
            continue;
        }
        switch (psv_etag_list_match(headers->items[i].value, subject->etag, is_strong)) {
        case PSV_ETAG_MATCH_YES:
        case PSV_ETAG_MATCH_ANY:
            return true;
        case PSV_ETAG_MATCH_NO:
        case PSV_ETAG_MATCH_MALFORMED:
            break;
        }
    }
    return false;
}

/* The one well-formed date of that field; false when there is none, or two. */
static bool find_date(const struct psv_headers *headers, enum psv_field_id id, int64_t mtime_unix,
                      int64_t *ret_date)
{
    if (psv_headers_count(headers, id) != 1) {
        return false;
    }
    /* no clock here: the client's date is some Last-Modified, so the file's own time is near enough for the
     * century */
    return psv_date_parse(psv_bytes_trim(psv_headers_value(headers, id)), mtime_unix, ret_date) == 0;
}

enum psv_precondition psv_conditional_evaluate(const struct psv_request *request, struct psv_bytes etag,
                                               int64_t mtime_unix, bool exists)
{
    const struct psv_headers *headers = &request->headers;
    const struct subject subject = {etag, mtime_unix, exists};
    bool is_retrieval = request->method == PSV_METHOD_GET || request->method == PSV_METHOD_HEAD;
    int64_t date;

    /* steps 1 and 2: may the client's idea of the state be relied on? */
    if (psv_headers_find(headers, PSV_FIELD_IF_MATCH) != NULL) {
        if (!is_listed(headers, PSV_FIELD_IF_MATCH, &subject, true)) {
            return PSV_PRECONDITION_FAILED;
        }
    } else if (exists && find_date(headers, PSV_FIELD_IF_UNMODIFIED_SINCE, mtime_unix, &date) &&
               mtime_unix > date) {
        return PSV_PRECONDITION_FAILED;
    }
    /* steps 3 and 4: does the client have it already? */
    if (psv_headers_find(headers, PSV_FIELD_IF_NONE_MATCH) != NULL) {
        if (is_listed(headers, PSV_FIELD_IF_NONE_MATCH, &subject, false)) {
            return is_retrieval ? PSV_PRECONDITION_NOT_MODIFIED : PSV_PRECONDITION_FAILED;
        }
    } else if (is_retrieval && exists && find_date(headers, PSV_FIELD_IF_MODIFIED_SINCE, mtime_unix, &date) &&
               mtime_unix <= date) {
        return PSV_PRECONDITION_NOT_MODIFIED;
    }
    return PSV_PRECONDITION_PASS;
}

bool psv_conditional_allows_range(const struct psv_request *request, struct psv_bytes etag,
                                  int64_t mtime_unix)
{
    struct psv_bytes value = psv_bytes_trim(psv_headers_value(&request->headers, PSV_FIELD_IF_RANGE));
    int64_t date;

    switch (psv_headers_count(&request->headers, PSV_FIELD_IF_RANGE)) {
    case 0:
        return true;
    case 1:
        break;
    default:
        return false;
    }
    if (psv_etag_equal_strong(value, etag)) {
        return true;
    }
    return psv_date_parse(value, mtime_unix, &date) == 0 && date == mtime_unix;
}
