/* The clocks.  Monotonic time is for deadlines and durations, wall-clock time for what people read.  Calendar
 * text is http/date's affair, not this file's.  Every function is [any].
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#define PSV_NS_PER_US UINT64_C(1000)
#define PSV_NS_PER_MS UINT64_C(1000000)
#define PSV_NS_PER_S UINT64_C(1000000000)
#define PSV_US_PER_S UINT64_C(1000000)

/** Nanoseconds since some point in the past; never goes back, does not count suspended time. */
uint64_t psv_clock_monotonic_ns(void);
/** The same clock as of the kernel's last tick (1 to 10 ms old): cheaper, and never ahead of the exact one.
 */
uint64_t psv_clock_monotonic_coarse_ns(void);

/** Microseconds since 1970-01-01 00:00 UTC; may jump when the machine's clock is set. */
uint64_t psv_clock_unix_us(void);
uint64_t psv_clock_unix_coarse_us(void);

/** Processor time used by the calling thread. */
uint64_t psv_clock_thread_cpu_ns(void);

/** The sooner one of two times; 0: none. */
static inline uint64_t psv_clock_sooner(uint64_t first_ns, uint64_t second_ns)
{
    return first_ns == 0 || (second_ns != 0 && second_ns < first_ns) ? second_ns : first_ns;
}
