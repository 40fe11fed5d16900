/* Origins (RFC 6454, WHATWG HTML 7.1.1) as browsers send them, and the patterns that a configuration allows:
 * "https://app.example.org", "https://app.example.org:8443", or with "*" in place of the first labels.  Pure.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"
#include "base/macros.h"

struct psv_origin_pattern {
    struct psv_bytes scheme; /* with "://" */
    struct psv_bytes rest;   /* host and port; of a wildcard what follows the "*", with its dot */
    bool is_wildcard;        /* one label or more stand before rest */
};

/** NULL, or what is wrong with the text, as the rest of a sentence ("has a path ...").  Borrows text. */
MUST_CHECK const char *psv_origin_pattern_parse(struct psv_bytes text, struct psv_origin_pattern *ret);
/** Whether the value of an Origin field is one of these.  "null" never is. */
bool psv_origin_matches(const struct psv_origin_pattern *pattern, struct psv_bytes origin);
