/* What the programs of this folder share: numbers of the command line, clocks, and sleep.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>
#include <time.h>

/** A whole number from 1 to most; 0 when text is none. */
static inline unsigned number(const char *text, unsigned most)
{
    unsigned value = 0;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p < '0' || *p > '9')
            return 0;
        value = value * 10 + (unsigned)(*p - '0');
        if (value > most)
            return 0;
    }
    return value;
}

static inline uint64_t clock_ns(clockid_t which)
{
    struct timespec now;
    clock_gettime(which, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline void sleep_ns(uint64_t ns)
{
    struct timespec left = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
    while (nanosleep(&left, &left) != 0) {
    }
}
