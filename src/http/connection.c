/* Options of the Connection field.  Pure; any thread.
 *
 * SPDX-License-Identifier: MIT */
#include "connection.h"

#include "base/assert.h"
#include "field_list.h"

bool psv_connection_option_next(const struct psv_headers *headers, struct psv_connection_options *options,
                                struct psv_bytes *ret_option)
{
    struct psv_bytes option;

    for (;;) {
        while (psv_field_list_next(&options->rest, &option)) {
            if (psv_field_name_is_valid(option)) {
                *ret_option = option;
                return true;
            }
        }
        while (options->next_field < headers->len &&
               headers->items[options->next_field].id != PSV_FIELD_CONNECTION) {
            options->next_field++;
        }
        if (options->next_field == headers->len) {
            return false;
        }
        options->rest = headers->items[options->next_field++].value;
    }
}

bool psv_connection_option_is_set(const struct psv_headers *headers, struct psv_bytes option)
{
    struct psv_connection_options options = {0};
    struct psv_bytes candidate;

    if (psv_headers_lack(headers, PSV_FIELD_CONNECTION)) {
        return false;
    }
    while (psv_connection_option_next(headers, &options, &candidate)) {
        if (psv_bytes_equal_case(candidate, option)) {
            return true;
        }
    }
    return false;
}

bool psv_connection_persists(const struct psv_request *request)
{
    switch (request->version) {
    case PSV_HTTP_1_0:
        return psv_connection_option_is_set(&request->headers, PSV_BYTES("keep-alive")) &&
               !psv_connection_option_is_set(&request->headers, PSV_BYTES("close"));
    case PSV_HTTP_1_1:
        return !psv_connection_option_is_set(&request->headers, PSV_BYTES("close"));
    case PSV_HTTP_2:
        return true;
    case PSV_HTTP_VERSION_COUNT:
        break;
    }
    UNREACHABLE("a version outside its enum");
}
