/* Latencies in buckets of a logarithmic scale.  One thread.
 *
 * SPDX-License-Identifier: MIT */
#include "histogram.h"

#include <stddef.h>

/* Values below 128 have a bucket each; above, the six bits after the highest one choose it. */
static size_t bucket_of(uint64_t value)
{
    if (value < 128)
        return (size_t)value;
    unsigned shift = 57u - (unsigned)__builtin_clzll(value); /* value >> shift is 64 .. 127 */
    size_t bucket = 64u * (shift + 1u) + (size_t)(value >> shift) - 64u;
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static uint64_t upper_end(size_t bucket)
{
    if (bucket < 128)
        return bucket;
    unsigned shift = (unsigned)(bucket / 64u) - 1u;
    return (((uint64_t)(bucket % 64u) + 65u) << shift) - 1u;
}

void histogram_add(struct histogram *histogram, uint64_t value_us)
{
    histogram->counts[bucket_of(value_us)]++;
    histogram->total++;
    if (value_us > histogram->max_us)
        histogram->max_us = value_us;
}

uint64_t histogram_at(const struct histogram *histogram, unsigned per_100000)
{
    uint64_t wanted = (histogram->total * per_100000 + 99999u) / 100000u;
    uint64_t seen = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen >= wanted && seen > 0) {
            uint64_t end = upper_end(i);
            return end < histogram->max_us ? end : histogram->max_us;
        }
    }
    return histogram->max_us;
}
