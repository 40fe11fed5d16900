/* Latencies in buckets that are at most 1.6 % wide: 64 per power of two. Fixed memory, one thread.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#define HISTOGRAM_BUCKETS (64 * 40)

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t total;
    uint64_t max_us;
};

void histogram_add(struct histogram *histogram, uint64_t value_us);

/** The upper end in us of the bucket below which so many per 100,000 of the values lie, never above the
 * largest value. */
uint64_t histogram_at(const struct histogram *histogram, unsigned per_100000);
