/* TOML behind a C interface: reads a text and shows every table and every value with its path and place.
 * Knows no option. [boot]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#include "base/bytes.h"
#include "base/error.h"

enum psv_toml_kind {
    PSV_TOML_TABLE, /* shown before what is in it; len = number of its keys */
    PSV_TOML_BOOL,
    PSV_TOML_INTEGER,
    PSV_TOML_FLOAT,
    PSV_TOML_TIME, /* dates and times of all kinds */
    PSV_TOML_TEXT,
    PSV_TOML_LIST /* items and len */
};

struct psv_toml_value {
    enum psv_toml_kind kind;
    unsigned line; /* of the value, from 1 */
    unsigned column;
    unsigned key_line; /* of the key; 0 for items of a list */
    unsigned key_column;
    bool flag;
    int64_t integer;
    struct psv_bytes text;
    const struct psv_toml_value *items; /* of a list; those of lists within lists are not shown */
    size_t len;
};

/** path: keys joined by dots; a key that is not made of letters, digits, "_" and "-" is in single quotes.
 * A table within a list is shown as "list[0]", "list[1]" ..., and what is in it as "list[0].key".
 * Both arguments are borrowed for the call.  A result other than 0 ends the reading and becomes
 * psv_toml_read's.
 */
typedef int psv_toml_visit_fn(struct psv_bytes path, const struct psv_toml_value *value, void *context);

/** Shows all tables and values in the order of the file.  Malformed text: PSV_ESYNTAX with "name:line:column:
 * ...". Also PSV_ELIMIT (nested too deeply), PSV_ENOMEM, or the visitor's result. */
int psv_toml_read(struct psv_bytes text, const char *name, psv_toml_visit_fn *visit, void *context,
                  struct psv_error *reterr);

/** Version of the TOML library, for --version.  Static. */
const char *psv_toml_library_version(void);

#ifdef __cplusplus
}
#endif
