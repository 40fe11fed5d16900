/* Token buckets; see guard.h.
 *
 * SPDX-License-Identifier: MIT */
#include "guard.h"

#include "base/macros.h"

#define NS_PER_SECOND 1000000000u

static const int32_t bursts[] = {
#define X(id, burst, rate) (burst),
    PSV_H2_GUARD_TABLE(X)
#undef X
};

static const int32_t rates[] = {
#define X(id, burst, rate) (rate),
    PSV_H2_GUARD_TABLE(X)
#undef X
};

void psv_h2_guard_init(struct psv_h2_guard *guard, uint64_t now_ns)
{
    guard->refilled_ns = now_ns;
    for (unsigned i = 0; i < PSV_H2_GUARD_COUNT; i++) {
        guard->tokens[i] = bursts[i];
    }
}

/* Whole seconds only: the buckets are large beside a second's tokens, and nothing is lost to rounding. */
static void refill(struct psv_h2_guard *guard, uint64_t now_ns)
{
    uint64_t seconds = now_ns > guard->refilled_ns ? (now_ns - guard->refilled_ns) / NS_PER_SECOND : 0;

    if (seconds == 0) {
        return;
    }
    guard->refilled_ns += seconds * NS_PER_SECOND;
    int32_t counted = (int32_t)MIN(seconds, (uint64_t)1000); /* fills every bucket */
    for (unsigned i = 0; i < PSV_H2_GUARD_COUNT; i++) {
        guard->tokens[i] = MIN(guard->tokens[i] + counted * rates[i], bursts[i]);
    }
}

bool psv_h2_guard_take(struct psv_h2_guard *guard, enum psv_h2_guard_kind kind, uint64_t now_ns)
{
    refill(guard, now_ns);
    if (guard->tokens[kind] == 0) {
        return false;
    }
    guard->tokens[kind]--;
    return true;
}

void psv_h2_guard_refund(struct psv_h2_guard *guard, enum psv_h2_guard_kind kind, int32_t tokens)
{
    guard->tokens[kind] = MIN(guard->tokens[kind] + tokens, bursts[kind]);
}
