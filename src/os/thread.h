/* Threads with a name, a stack size and a clean signal mask; joining them with a deadline; the futex that
 * workers sleep on. Knows nothing of what the threads do.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct psv_error;
struct psv_thread_record;

typedef void psv_thread_fn(void *argument);

struct psv_thread {
    pthread_t handle;
    struct psv_thread_record *record; /* NULL: not started, joined or abandoned */
};

struct psv_thread_options {
    const char *name;   /* at most 15 bytes, longer ones are cut; what top -H shows */
    size_t stack_bytes; /* 0 = the process's default; raised to the system's minimum, rounded up to pages */
    psv_thread_fn *function;
    void *argument;
};

/** Starts a thread.  It begins with all signals blocked but those that report its own faults (SIGSEGV,
 * SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS); more it must open itself.  function returns to end it;
 * it must not call pthread_exit. 0, PSV_ENOMEM, PSV_ELIMIT (no more threads allowed).  [any] */
MUST_CHECK int psv_thread_start(struct psv_thread *thread, const struct psv_thread_options *options,
                                struct psv_error *reterr);

/** Waits for its end until deadline_ns (monotonic; 0 = for ever).  0, or PSV_ETIMEOUT: it runs on, join again
 * or abandon it. 0 at once when it is not running.  [any], one thread at a time */
MUST_CHECK int psv_thread_join(struct psv_thread *thread, uint64_t deadline_ns);

/** Gives up joining: the thread cleans up after itself if it ever ends. */
void psv_thread_abandon(struct psv_thread *thread);

/** The kernel's id of the calling thread; cached.  [any] */
uint32_t psv_thread_id(void);

/** The calling thread runs when the others of the machine leave it time (nice 10).  [any] */
void psv_thread_yield_to_others(void);

/** How often the calling thread has given up the processor by itself: slept, waited for a socket, a file or a
 * lock (getrusage(2), ru_nvcsw).  [any] */
uint64_t psv_thread_waits(void);

/** Sleeps while *word == expected.  0 when woken, when the value differs, or for no reason (look at the word
 * again); PSV_ETIMEOUT once deadline_ns (monotonic; 0 = none) has passed.  [any] but the loop */
int psv_futex_wait(_Atomic uint32_t *word, uint32_t expected, uint64_t deadline_ns);

/** Wakes up to count sleepers of this process; change the word first.  [any] */
void psv_futex_wake(_Atomic uint32_t *word, uint32_t count);
