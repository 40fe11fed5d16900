/* Checks passwords against hashes that are slow on purpose (crypt(3)), in threads of their own, and remembers
 * for a while which were right.  One per process.  [loop], but for those threads; made and freed at [boot].
 *
 * - The loop asks; the answer is at once (remembered, or too much to do), or comes by a notifier: whoever
 *   watches its descriptor calls psv_password_checker_collect.
 * - Requests with the same question wait for one check.  Of one client one check runs at a time and a few
 *   wait, so that its guesses never keep all threads; the whole is bounded too.
 * - Remembered is a keyed hash of question and password, never a password; a wrong one is never remembered.
 *   The memory ends with the process, and so with a reload.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/list.h"
#include "base/macros.h"
#include "base/ring.h"
#include "os/ip_network.h"
#include "os/notifier.h"
#include "os/thread.h"

#define PSV_PASSWORD_THREADS 2
/* Hashes of one question, all of which the password must match. */
#define PSV_PASSWORD_HASHES_MAX 12

struct psv_password_memory;

struct psv_password_checker {
    struct psv_thread threads[PSV_PASSWORD_THREADS];
    unsigned threads_len;
    struct psv_list checks; /* struct psv_password_check: all that are under way, oldest first */
    unsigned checks_len;
    struct psv_ring todo; /* loop to threads */
    struct psv_ring done; /* threads to loop */
    struct psv_notifier notifier;
    _Atomic uint32_t word; /* changes with every push to todo; threads sleep on it */
    _Atomic bool is_stopping;
    struct psv_password_memory *memory;
    uint64_t keys[2][2];
};

struct psv_password_question {
    const char *hashes[PSV_PASSWORD_HASHES_MAX]; /* must outlive the checker's threads */
    unsigned hashes_len;
    bool is_known;         /* false: there is no such user; the check is made all the same, and fails */
    struct psv_bytes user; /* these two are needed during the call only */
    struct psv_bytes password;
    struct psv_ip client; /* zeros over a unix socket */
};

struct psv_password_waiter;
typedef void psv_password_answer_fn(struct psv_password_waiter *waiter, bool is_right);

/** Who waits for an answer; embedded in what asks. */
struct psv_password_waiter {
    struct psv_list link;              /* self-linked when not waiting */
    psv_password_answer_fn *on_answer; /* called once by psv_password_checker_collect */
};

enum psv_password_answer {
    PSV_PASSWORD_RIGHT,       /* remembered */
    PSV_PASSWORD_WAIT,        /* on_answer will be called */
    PSV_PASSWORD_CLIENT_BUSY, /* this client has too many checks under way */
    PSV_PASSWORD_BUSY,        /* all together have, or there is no memory */
};

/** PSV_ENOMEM, PSV_ELIMIT.  A failed one needs neither stop nor fini.  [boot] */
MUST_CHECK int psv_password_checker_start(struct psv_password_checker *checker, struct psv_error *reterr);
/** PSV_ETIMEOUT: a thread is within a check that does not end in time, and checker and hashes must stay.
 * Nobody waits any more.  [boot] */
MUST_CHECK int psv_password_checker_stop(struct psv_password_checker *checker);
void psv_password_checker_fini(struct psv_password_checker *checker);

enum psv_password_answer psv_password_checker_ask(struct psv_password_checker *checker,
                                                  const struct psv_password_question *question,
                                                  uint64_t now_ns, struct psv_password_waiter *waiter);
/** The waiter's request is gone.  Harmless when it does not wait. */
static inline void psv_password_waiter_cancel(struct psv_password_waiter *waiter)
{
    psv_list_remove(&waiter->link);
}
/** Hands out what the threads have found; checker->notifier said that there is something. */
void psv_password_checker_collect(struct psv_password_checker *checker, uint64_t now_ns);
