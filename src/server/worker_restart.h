/* Restarts of the scripts of worker mode: who asks for one gets a new set of workers in place of the old one,
 * once it has booted.  Also the clock by which boots that take too long are ended.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "net/timer.h"

struct psv_server;

/** Of one group. */
struct psv_worker_restart {
    bool is_running;
    bool is_wanted;         /* once more, when the running one is done */
    const char *why;        /* static */
    bool has_failed;        /* the last one; the old workers went on */
    struct psv_error error; /* then */
    uint64_t duration_ns;   /* of the last one */
};

struct psv_worker_restarts {
    struct psv_server *server;
    struct psv_worker_restart *items; /* by number of the group; [0] is not used */
    struct psv_timer_queue slow_queue;
    struct psv_timer slow_timer; /* looks at boots */
    struct psv_timer_queue quick_queue;
    struct psv_timer quick_timer;  /* looks at restarts, while there are any */
    void (*on_end)(void *context); /* a restart has ended, one way or the other */
    void *context;
};

/** After the groups; does nothing without scripts.  PSV_ENOMEM.  [boot] */
MUST_CHECK int psv_worker_restarts_boot(struct psv_server *server, struct psv_error *reterr);
void psv_worker_restarts_fini(struct psv_server *server);

/** Asks for a new set of workers of a group (1 ...); what is asked while one boots comes after it.  why:
 * static, for the log. */
void psv_worker_restart(struct psv_server *server, unsigned group, const char *why);
void psv_worker_restart_all(struct psv_server *server, const char *why);
/** A restart of the group runs or is wanted. */
bool psv_worker_restart_is_pending(const struct psv_server *server, unsigned group);
