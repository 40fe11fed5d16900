/* Fuzz target of http/origin.c.  Input: an Origin, then a pattern.  Oracles: an origin that a pattern without
 * a star lets in is the pattern; what a star lets in ends like it and is a host; what is no pattern has a
 * reason.
 *
 * SPDX-License-Identifier: MIT */
#include "http_oracle.h"

#include <string.h>

#include "http/origin.h"

static void check(struct psv_bytes text, struct psv_bytes origin)
{
    struct psv_origin_pattern pattern;

    if (psv_origin_pattern_parse(text, &pattern) != NULL || !psv_origin_matches(&pattern, origin)) {
        return;
    }
    if (!pattern.is_wildcard) {
        ORACLE(psv_bytes_equal_case(text, origin));
        return;
    }
    ORACLE(origin.len > text.len - 1 && psv_bytes_ends_with_case(origin, pattern.rest));
    struct psv_bytes labels = psv_bytes_first(psv_bytes_from(origin, pattern.scheme.len),
                                              origin.len - pattern.scheme.len - pattern.rest.len);
    ORACLE(labels.len > 0 && labels.data[0] != '.' && labels.data[labels.len - 1] != '.');
    for (size_t i = 0; i < labels.len; i++) {
        ORACLE(strchr("/:@#?[] \\", labels.data[i]) == NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct psv_bytes input = {(const char *)data, size};
    struct psv_bytes origin = psv_bytes_first(input, psv_bytes_find(input, '\n'));

    check(psv_bytes_from(input, origin.len + 1), origin);
    check(PSV_BYTES("https://a.test"), origin);
    check(PSV_BYTES("https://*.a.test"), origin);
    check(PSV_BYTES("http://*.a.test:8080"), origin);
    return 0;
}
