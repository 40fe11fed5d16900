/* Small macros that every floor uses.  No types, no state, no I/O.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define CONTAINER_OF_CONST(ptr, type, member)                                                                \
    ((const type *)(const void *)((const char *)(ptr)-offsetof(type, member)))
#ifndef MIN /* PHP's headers define the same two */
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#endif
#define LIKELY(c) __builtin_expect(!!(c), 1)
#define UNLIKELY(c) __builtin_expect(!!(c), 0)
#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define STRINGIFY_(x) #x
#define STRINGIFY(x) STRINGIFY_(x)

/** Runs fn(&variable) when the variable goes out of scope.  Not between zend_try and a longjmp. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

/** Moves a pointer out of its variable and leaves NULL behind: ownership transfer that can be seen. */
#define TAKE(pp)                                                                                             \
    ({                                                                                                       \
        __typeof__(*(pp)) _p = *(pp);                                                                        \
        *(pp) = NULL;                                                                                        \
        _p;                                                                                                  \
    })

/** Whether a sanitizer watches this build: gcc says it by a macro, clang by a feature. */
#if defined(__has_feature)
#define HAS_FEATURE_(name) __has_feature(name)
#else
#define HAS_FEATURE_(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || HAS_FEATURE_(address_sanitizer)
#define HAS_ADDRESS_SANITIZER 1
#else
#define HAS_ADDRESS_SANITIZER 0
#endif
#if defined(__SANITIZE_THREAD__) || HAS_FEATURE_(thread_sanitizer)
#define HAS_THREAD_SANITIZER 1
#else
#define HAS_THREAD_SANITIZER 0
#endif

/** Size of one cache line: fields of different threads are kept that far apart. */
#define CACHE_LINE_BYTES 64
