/* See extra_fields.h.
 *
 * SPDX-License-Identifier: MIT */
#include "extra_fields.h"

#include <string.h>

#include "http/field.h"

static bool is_same(const struct psv_field *a, const struct psv_field *b)
{
    return a->id == b->id && (a->id != PSV_FIELD_UNKNOWN || psv_bytes_equal_case(a->name, b->name));
}

/* Counts it also when there is no room. */
static void add_text(struct psv_extra_fields *extra, struct psv_bytes text, struct psv_bytes end)
{
    size_t begin = extra->text_bytes;

    extra->text_bytes += text.len + end.len;
    if (extra->text_bytes <= sizeof(extra->text)) {
        if (text.len > 0) {
            memcpy(extra->text + begin, text.data, text.len);
        }
        memcpy(extra->text + begin + text.len, end.data, end.len);
    }
}

bool psv_extra_fields_add(struct psv_extra_fields *extra, struct psv_bytes name, struct psv_bytes value)
{
    struct psv_field field = {.name = name, .value = value, .id = psv_field_find(name)};

    for (unsigned i = 0; i < extra->len; i++) {
        if (is_same(&extra->items[i], &field)) {
            return false;
        }
    }
    if (extra->len == PSV_EXTRA_FIELDS_MAX) {
        return false;
    }
    extra->items[extra->len++] = field;
    extra->name_lens |= UINT64_C(1) << name.len % 64;
    add_text(extra, name, PSV_BYTES(": "));
    add_text(extra, value, PSV_BYTES("\r\n"));
    return true;
}

uint32_t psv_extra_fields_missing(const struct psv_extra_fields *extra, const struct psv_headers *headers)
{
    if (extra == NULL || extra->len == 0) {
        return 0;
    }
    uint32_t missing = psv_extra_fields_all(extra);
    for (unsigned i = 0; headers != NULL && i < headers->len && missing != 0; i++) {
        if ((extra->name_lens >> headers->items[i].name.len % 64 & 1) == 0) {
            continue; /* most of them */
        }
        for (unsigned k = 0; k < extra->len; k++) {
            if (is_same(&headers->items[i], &extra->items[k])) {
                missing &= ~(UINT32_C(1) << k);
            }
        }
    }
    return missing;
}
