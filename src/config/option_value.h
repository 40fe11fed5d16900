/* One option's value: from text or from a TOML value into struct psv_config, and back to text.  The only code
 * that knows the types of the table.  [boot]; formatting is [any].
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/macros.h"
#include "options.h"

struct psv_buffer;
struct psv_config;

/** Most items of one list option. */
#define PSV_OPTION_LIST_MAX 256

/** Where values go, and who is to blame when one is wrong. */
struct psv_option_target {
    struct psv_config *config;
    struct psv_arena *arena;  /* texts are copied to it */
    const char *where;        /* begins the sentence: "--workers", "phpsrv.toml:3:9: workers.count" */
    struct psv_error *reterr; /* may be NULL */
};

/* All return 0, PSV_EINVAL with a sentence such as
 *    --workers: "abc" is not a whole number from 0 to 4096
 * or PSV_ENOMEM; the old value stays on failure.  Lists get one item more. */

/** The form of command line and environment: "8", "64K", "30s", "true". */
MUST_CHECK int psv_option_set_text(const struct psv_option *option, const struct psv_option_target *target,
                                   struct psv_bytes text);
/** TOML's types: a number is no text and a text no number, but sizes and durations may be either. */
MUST_CHECK int psv_option_set_toml_text(const struct psv_option *option,
                                        const struct psv_option_target *target, struct psv_bytes text);
MUST_CHECK int psv_option_set_toml_integer(const struct psv_option *option,
                                           const struct psv_option_target *target, int64_t value);
MUST_CHECK int psv_option_set_toml_bool(const struct psv_option *option,
                                        const struct psv_option_target *target, bool value);
/** A value of some other kind; always PSV_EINVAL.  what: "a table". */
int psv_option_refuse(const struct psv_option *option, const struct psv_option_target *target,
                      const char *what);

/** "a whole number from 0 to 4096", "one of: text, json", as in the sentences above. */
#define PSV_OPTION_EXPECTED_BYTES 200
void psv_option_describe(const struct psv_option *option, char out[PSV_OPTION_EXPECTED_BYTES]);

/** The value as TOML, which is JSON as well but for sizes and durations: those are texts with units in TOML,
 * and numbers in base units in JSON.  0, PSV_ENOMEM, PSV_ELIMIT. */
MUST_CHECK int psv_option_format_toml(const struct psv_option *option, const struct psv_config *config,
                                      struct psv_buffer *out);
MUST_CHECK int psv_option_format_json(const struct psv_option *option, const struct psv_config *config,
                                      struct psv_buffer *out);
/** A text between double quotes, escaped for both. */
MUST_CHECK int psv_option_append_quoted(struct psv_buffer *out, struct psv_bytes text);

/** text between double quotes for a message: control bytes escaped, cut when it is long.  Returns out. */
#define PSV_OPTION_QUOTE_BYTES 128
const char *psv_option_quote(char out[PSV_OPTION_QUOTE_BYTES], struct psv_bytes text);
