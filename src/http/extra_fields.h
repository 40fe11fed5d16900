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

struct psv_extra_fields {
    struct psv_field items[PSV_EXTRA_FIELDS_MAX]; /* texts live as long as this */
    unsigned len;
    size_t text_bytes; /* of all as "Name: value\r\n" */
};

/** False when there is no room, or one of that name already. */
bool psv_extra_fields_add(struct psv_extra_fields *extra, struct psv_bytes name, struct psv_bytes value);

/** Bit i is set when the response has no field of the name of items[i].  extra may be NULL. */
uint32_t psv_extra_fields_missing(const struct psv_extra_fields *extra, const struct psv_headers *headers);
