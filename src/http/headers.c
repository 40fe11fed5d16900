/* Ordered list of header fields.  Pure; one thread at a time, like the arena it lives on.
 *
 * SPDX-License-Identifier: MIT */
#include "headers.h"

#include "base/assert.h"
#include "base/error.h"
#include "base/macros.h"

/* Fields of a usual browser request: one growth step is rare. */
#define FIRST_CAPACITY 16u

void psv_headers_init(struct psv_headers *headers, unsigned max_len)
{
    *headers = (struct psv_headers){.max_len = max_len, .absent = UINT64_MAX};
}

static int grow(struct psv_headers *headers, struct psv_arena *arena)
{
    unsigned capacity = headers->capacity > headers->max_len / 2 ? headers->max_len : headers->capacity * 2;
    struct psv_field *items;

    capacity = MAX(capacity, MIN(FIRST_CAPACITY, headers->max_len));
    items =
        psv_arena_grow(arena, headers->items, headers->capacity * sizeof(*items), capacity * sizeof(*items));
    if (items == NULL) {
        return PSV_ENOMEM;
    }
    headers->items = items;
    headers->capacity = capacity;
    return 0;
}

int psv_headers_add_field(struct psv_headers *headers, struct psv_arena *arena, const struct psv_field *field)
{
    if (headers->len == headers->max_len) {
        return PSV_ELIMIT;
    }
    if (headers->len == headers->capacity) {
        int error = grow(headers, arena);
        if (error != 0) {
            return error;
        }
    }
    headers->items[headers->len++] = *field;
    headers->absent &= ~(UINT64_C(1) << field->id);
    return 0;
}

int psv_headers_add(struct psv_headers *headers, struct psv_arena *arena, struct psv_bytes name,
                    struct psv_bytes value)
{
    const struct psv_field field = {name, value, psv_field_find(name)};

    return psv_headers_add_field(headers, arena, &field);
}

int psv_headers_add_known(struct psv_headers *headers, struct psv_arena *arena, enum psv_field_id id,
                          struct psv_bytes value)
{
    INVARIANT(id != PSV_FIELD_UNKNOWN);
    const struct psv_field field = {psv_field_name(id), value, id};

    return psv_headers_add_field(headers, arena, &field);
}

const struct psv_field *psv_headers_find(const struct psv_headers *headers, enum psv_field_id id)
{
    if (psv_headers_lack(headers, id)) {
        return NULL;
    }
    for (unsigned i = 0; i < headers->len; i++) {
        if (headers->items[i].id == id) {
            return &headers->items[i];
        }
    }
    return NULL;
}

const struct psv_field *psv_headers_find_name(const struct psv_headers *headers, struct psv_bytes name)
{
    for (unsigned i = 0; i < headers->len; i++) {
        if (headers->items[i].name.len == name.len && psv_bytes_equal_case(headers->items[i].name, name)) {
            return &headers->items[i];
        }
    }
    return NULL;
}

struct psv_bytes psv_headers_value(const struct psv_headers *headers, enum psv_field_id id)
{
    const struct psv_field *field = psv_headers_find(headers, id);

    return field != NULL ? field->value : PSV_BYTES_EMPTY;
}

unsigned psv_headers_count(const struct psv_headers *headers, enum psv_field_id id)
{
    unsigned count = 0;

    if (psv_headers_lack(headers, id)) {
        return 0;
    }
    for (unsigned i = 0; i < headers->len; i++) {
        count += headers->items[i].id == id;
    }
    return count;
}

static char *append(char *out, struct psv_bytes text)
{
    if (text.len > 0) {
        memcpy(out, text.data, text.len);
    }
    return out + text.len;
}

struct psv_bytes psv_headers_join(const struct psv_headers *headers, struct psv_arena *arena,
                                  enum psv_field_id id, struct psv_bytes separator)
{
    const struct psv_field *first = psv_headers_find(headers, id);
    const struct psv_field *end;
    unsigned count = psv_headers_count(headers, id);
    size_t len = 0;
    char *text;
    char *out;

    if (count == 0) {
        return PSV_BYTES_EMPTY;
    }
    if (count == 1) {
        /* a present but empty field must not look absent */
        return first->value.data != NULL ? first->value : PSV_BYTES("");
    }
    end = headers->items + headers->len;
    for (const struct psv_field *field = first; field < end; field++) {
        len += field->id == id ? field->value.len + separator.len : 0;
    }
    /* one byte more than is used: never an allocation of nothing */
    text = psv_arena_alloc_text(arena, len + 1);
    if (text == NULL) {
        return PSV_BYTES_EMPTY;
    }
    out = append(text, first->value);
    for (const struct psv_field *field = first + 1; field < end; field++) {
        if (field->id == id) {
            out = append(append(out, separator), field->value);
        }
    }
    return (struct psv_bytes){text, (size_t)(out - text)};
}
