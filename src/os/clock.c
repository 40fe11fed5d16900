/* Reading the kernel's clocks through the vdso.
 *
 * SPDX-License-Identifier: MIT */
#include "clock.h"

#include <time.h>

#include "base/assert.h"

static struct timespec read_clock(clockid_t id)
{
    struct timespec now;
    INVARIANT(clock_gettime(id, &now) == 0); /* fails for unknown clocks only */
    return now;
}

static uint64_t read_ns(clockid_t id)
{
    struct timespec now = read_clock(id);
    return (uint64_t)now.tv_sec * PSV_NS_PER_S + (uint64_t)now.tv_nsec;
}

static uint64_t read_us(clockid_t id)
{
    struct timespec now = read_clock(id);
    return (uint64_t)now.tv_sec * PSV_US_PER_S + (uint64_t)now.tv_nsec / PSV_NS_PER_US;
}

uint64_t psv_clock_monotonic_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

uint64_t psv_clock_monotonic_coarse_ns(void)
{
    return read_ns(CLOCK_MONOTONIC_COARSE);
}

uint64_t psv_clock_unix_us(void)
{
    return read_us(CLOCK_REALTIME);
}

uint64_t psv_clock_unix_coarse_us(void)
{
    return read_us(CLOCK_REALTIME_COARSE);
}

uint64_t psv_clock_thread_cpu_ns(void)
{
    return read_ns(CLOCK_THREAD_CPUTIME_ID);
}
