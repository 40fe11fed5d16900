/* Ordered list of header fields on a request's arena: names keep their spelling, duplicates stay apart.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "http/field.h"

struct psv_field {
    struct psv_bytes name;
    struct psv_bytes value;
    enum psv_field_id id;
};

struct psv_headers {
    struct psv_field *items;
    unsigned len;
    unsigned capacity;
    unsigned max_len; /* adding beyond it is PSV_ELIMIT */
    uint64_t absent;  /* a bit for each id of which there is no field; 0 in a list that was not begun with
                         psv_headers_init: it has to be looked through */
};
_Static_assert(PSV_FIELD_COUNT <= 64, "ids are bits of a word");

/** There is no field of that id.  False tells nothing. */
static inline bool psv_headers_lack(const struct psv_headers *headers, enum psv_field_id id)
{
    return (headers->absent >> id & 1) != 0;
}

void psv_headers_init(struct psv_headers *headers, unsigned max_len);

/** Borrows name and value: they must live as long as the arena.  0, PSV_ENOMEM, PSV_ELIMIT. */
MUST_CHECK int psv_headers_add(struct psv_headers *headers, struct psv_arena *arena, struct psv_bytes name,
                               struct psv_bytes value);
/** The same for who knows what psv_field_find says of the name. */
MUST_CHECK int psv_headers_add_field(struct psv_headers *headers, struct psv_arena *arena,
                                     const struct psv_field *field);
/** The same with the name from the table. */
MUST_CHECK int psv_headers_add_known(struct psv_headers *headers, struct psv_arena *arena,
                                     enum psv_field_id id, struct psv_bytes value);

/** First field of that id, or NULL. */
const struct psv_field *psv_headers_find(const struct psv_headers *headers, enum psv_field_id id);
/** First field of that name, whatever its case, or NULL; for names that are not in the table. */
const struct psv_field *psv_headers_find_name(const struct psv_headers *headers, struct psv_bytes name);
/** Value of the first field of that id; empty with data NULL if absent. */
struct psv_bytes psv_headers_value(const struct psv_headers *headers, enum psv_field_id id);
unsigned psv_headers_count(const struct psv_headers *headers, enum psv_field_id id);
/** All values of that id joined by separator (", ", or "; " for cookies); no copy when there is only one.
 *  data is NULL if absent or out of memory. */
struct psv_bytes psv_headers_join(const struct psv_headers *headers, struct psv_arena *arena,
                                  enum psv_field_id id, struct psv_bytes separator);
