/* Fuzz target of http/accept.c and field_list.c.  Input: an Accept value.  Oracles: weights are in range;
 * the form chosen is acceptable or the last resort; the field cut at its commas into several fields means
 * the same.
 *
 * SPDX-License-Identifier: MIT */
#include "http_oracle.h"

#include "http/accept.h"
#include "http/field_list.h"

static const char *const types[] = {"text/html",        "application/xhtml+xml",
                                    "application/json", "application/problem+json",
                                    "text/plain",       "image/png"};

static void check_cut(struct psv_arena *arena, const struct psv_headers *whole, enum psv_field_id id,
                      struct psv_bytes value)
{
    struct psv_headers parts;
    struct psv_bytes member;

    psv_headers_init(&parts, 4096);
    /* one that says nothing, so that the field is present even if it has no members */
    ORACLE(psv_headers_add_known(&parts, arena, id, PSV_BYTES("")) == 0);
    while (psv_field_list_next(&value, &member)) {
        ORACLE(member.len > 0);
        if (psv_headers_add_known(&parts, arena, id, member) != 0)
            return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        unsigned quality = psv_accept_quality(whole, psv_bytes_of(types[i]));
        ORACLE(quality <= 1000 && quality == psv_accept_quality(&parts, psv_bytes_of(types[i])));
        unsigned versioned = psv_accept_version_quality(whole, psv_bytes_of(types[i]), PSV_BYTES("1.0"));
        ORACLE(versioned <= 1000 &&
               versioned == psv_accept_version_quality(&parts, psv_bytes_of(types[i]), PSV_BYTES("1.0")));
    }
    ORACLE(psv_accept_choose(whole) == psv_accept_choose(&parts));
    ORACLE(psv_accept_encoding_quality(whole, PSV_BYTES("gzip")) ==
           psv_accept_encoding_quality(&parts, PSV_BYTES("gzip")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct psv_bytes value = {(const char *)data, size};
    struct psv_headers headers;
    struct psv_arena arena;

    psv_arena_init(&arena, 1 << 22);
    psv_headers_init(&headers, 1);
    ORACLE(psv_headers_add_known(&headers, &arena, PSV_FIELD_ACCEPT, value) == 0);
    check_cut(&arena, &headers, PSV_FIELD_ACCEPT, value);
    switch (psv_accept_choose(&headers)) {
    case PSV_ACCEPT_HTML:
        ORACLE(psv_accept_quality(&headers, PSV_BYTES("text/html")) > 0 ||
               psv_accept_quality(&headers, PSV_BYTES("application/xhtml+xml")) > 0);
        break;
    case PSV_ACCEPT_JSON:
        ORACLE(psv_accept_quality(&headers, PSV_BYTES("application/json")) > 0 ||
               psv_accept_quality(&headers, PSV_BYTES("application/problem+json")) > 0);
        break;
    case PSV_ACCEPT_PLAIN:
        break;
    }
    psv_headers_init(&headers, 1);
    ORACLE(psv_headers_add_known(&headers, &arena, PSV_FIELD_ACCEPT_ENCODING, value) == 0);
    check_cut(&arena, &headers, PSV_FIELD_ACCEPT_ENCODING, value);
    psv_arena_fini(&arena);
    return 0;
}
