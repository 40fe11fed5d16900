/* Request methods: lookup by text and back.  Pure; any thread.
 *
 * SPDX-License-Identifier: MIT */
#include "method.h"

#include "base/assert.h"
#include "base/macros.h"

static const struct method_row {
    const char *text;
    bool is_safe;
    bool may_have_body;
} rows[PSV_METHOD_COUNT] = {
#define X(name, safe, body) [PSV_METHOD_##name] = {#name, safe, body},
    PSV_METHOD_TABLE(X)
#undef X
        /* an extension method may do anything */
        [PSV_METHOD_OTHER] = {"OTHER", false, true},
};

/* At most two methods share a length and an initial, so that no name is compared with more than one text
 * but there. */
static enum psv_method guess(struct psv_bytes text)
{
    switch (text.len) {
    case 3:
        return text.data[0] == 'G' ? PSV_METHOD_GET : PSV_METHOD_PUT;
    case 4:
        return text.data[0] == 'P' ? PSV_METHOD_POST : PSV_METHOD_HEAD;
    case 5:
        return text.data[0] == 'P' ? PSV_METHOD_PATCH
                                   : (text.data[0] == 'Q' ? PSV_METHOD_QUERY : PSV_METHOD_TRACE);
    case 6:
        return PSV_METHOD_DELETE;
    case 7:
        return text.data[0] == 'O' ? PSV_METHOD_OPTIONS : PSV_METHOD_CONNECT;
    default:
        return PSV_METHOD_OTHER;
    }
}

enum psv_method psv_method_find(struct psv_bytes text)
{
    enum psv_method method = guess(text);

    if (method != PSV_METHOD_OTHER && memcmp(text.data, rows[method].text, text.len) == 0) {
        return method;
    }
    return PSV_METHOD_OTHER;
}

static const struct method_row *row(enum psv_method method)
{
    INVARIANT((unsigned)method < PSV_METHOD_COUNT);
    return &rows[method];
}

const char *psv_method_text(enum psv_method method)
{
    return row(method)->text;
}

bool psv_method_is_safe(enum psv_method method)
{
    return row(method)->is_safe;
}

bool psv_method_may_have_body(enum psv_method method)
{
    return row(method)->may_have_body;
}
