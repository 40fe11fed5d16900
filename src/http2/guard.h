/* How much of what costs the server more than the client a connection may send: one token bucket a kind.
 * Within the buckets everything is served; beyond, the connection ends with ENHANCE_YOUR_CALM (RFC
 * 9113 10.5).  Pure, takes the clock as argument.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* X(ID, burst, tokens a second)
 * RESET: streams that the client resets, or makes us reset (CVE-2023-44487, CVE-2025-8671); a browser that
 * leaves a page cancels at most its open streams.  EMPTY: frames that carry nothing.  WINDOW: refilled by
 * what we send as well. */
#define PSV_H2_GUARD_TABLE(X)                                                                                \
    X(RESET, 400, 40)                                                                                        \
    X(SETTINGS, 32, 2)                                                                                       \
    X(PING, 64, 8)                                                                                           \
    X(PRIORITY, 400, 40)                                                                                     \
    X(WINDOW, 1000, 100)                                                                                     \
    X(EMPTY, 100, 10)

enum psv_h2_guard_kind {
#define X(id, burst, rate) PSV_H2_GUARD_##id,
    PSV_H2_GUARD_TABLE(X)
#undef X
        PSV_H2_GUARD_COUNT
};

struct psv_h2_guard {
    uint64_t refilled_ns;
    int32_t tokens[PSV_H2_GUARD_COUNT];
};

void psv_h2_guard_init(struct psv_h2_guard *guard, uint64_t now_ns);
/** Takes a token; false when there is none left. */
bool psv_h2_guard_take(struct psv_h2_guard *guard, enum psv_h2_guard_kind kind, uint64_t now_ns);
/** Gives tokens back, up to the kind's burst. */
void psv_h2_guard_refund(struct psv_h2_guard *guard, enum psv_h2_guard_kind kind, int32_t tokens);
