/* Fields that every response gets from the server unless it has one of that name: HSTS, security fields, the
 * configuration's own.  Pure.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "http/headers.h"

#define PSV_EXTRA_FIELDS_MAX 17
#define PSV_EXTRA_FIELDS_TEXT_MAX 1024

struct psv_extra_fields {
    struct psv_field items[PSV_EXTRA_FIELDS_MAX]; /* texts live as long as this */
    unsigned len;
    size_t text_bytes;                    /* of all as "Name: value\r\n" */
    uint64_t name_lens;                   /* bit n: a name of n bytes, or of 64 more */
    char text[PSV_EXTRA_FIELDS_TEXT_MAX]; /* all of them so, when they fit: see psv_extra_fields_text */
};

/** False when there is no room, or one of that name already. */
bool psv_extra_fields_add(struct psv_extra_fields *extra, struct psv_bytes name, struct psv_bytes value);

/** All of them as "Name: value\r\n", made at the start; empty when there are none, or they are too long. */
static inline struct psv_bytes psv_extra_fields_text(const struct psv_extra_fields *extra)
{
    return (struct psv_bytes){extra->text, extra->text_bytes <= sizeof(extra->text) ? extra->text_bytes : 0};
}

/** Bit i is set for all i. */
static inline uint32_t psv_extra_fields_all(const struct psv_extra_fields *extra)
{
    return (UINT32_C(1) << extra->len) - 1;
}

/** Bit i is set when the response has no field of the name of items[i].  extra may be NULL. */
uint32_t psv_extra_fields_missing(const struct psv_extra_fields *extra, const struct psv_headers *headers);
