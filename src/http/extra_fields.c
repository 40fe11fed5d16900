/* See extra_fields.h.
 *
 * SPDX-License-Identifier: MIT */
#include "extra_fields.h"

#include "http/field.h"

static bool is_same(const struct psv_field *a, const struct psv_field *b)
{
    return a->id == b->id && (a->id != PSV_FIELD_UNKNOWN || psv_bytes_equal_case(a->name, b->name));
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
    extra->text_bytes += name.len + value.len + 4;
    return true;
}

uint32_t psv_extra_fields_missing(const struct psv_extra_fields *extra, const struct psv_headers *headers)
{
    if (extra == NULL || extra->len == 0) {
        return 0;
    }
    uint32_t missing = (UINT32_C(1) << extra->len) - 1;
    for (unsigned i = 0; headers != NULL && i < headers->len && missing != 0; i++) {
        for (unsigned k = 0; k < extra->len; k++) {
            if (is_same(&headers->items[i], &extra->items[k])) {
                missing &= ~(UINT32_C(1) << k);
            }
        }
    }
    return missing;
}
