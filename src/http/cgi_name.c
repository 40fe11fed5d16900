/* Names of CGI variables for request fields (RFC 3875 4.1.18).  Pure; any thread.
 *
 * SPDX-License-Identifier: MIT */
#include "cgi_name.h"

#include "headers.h"

#define PREFIX PSV_BYTES("HTTP_")

static bool has_own_variable(enum psv_field_id id)
{
    return id == PSV_FIELD_CONTENT_TYPE || id == PSV_FIELD_CONTENT_LENGTH;
}

size_t psv_cgi_name(struct psv_bytes field, char *out, size_t out_size)
{
    size_t len = has_own_variable(psv_field_find(field)) ? 0 : PREFIX.len;

    /* written so that no sum can wrap */
    if (out_size <= len || field.len >= out_size - len) {
        return 0;
    }
    memcpy(out, PREFIX.data, len);
    for (size_t i = 0; i < field.len; i++) {
        char c = field.data[i];
        out[len++] = c == '-' ? '_' : psv_ascii_upper(c);
    }
    out[len] = '\0';
    return len;
}

bool psv_cgi_name_is_forwarded(const struct psv_field *field)
{
    if (field->id == PSV_FIELD_PROXY || has_own_variable(field->id) || field->name.len == 0) {
        return false;
    }
    for (size_t i = 0; i < field->name.len; i++) {
        char c = psv_ascii_lower(field->name.data[i]);
        if (!(c >= 'a' && c <= 'z') && !psv_ascii_is_digit(c) && c != '-') {
            return false;
        }
    }
    return true;
}
