/* The server's side of its supervisor: says when it is ready and that it is alive.  Without a supervisor all
 * of this does nothing.  [boot], [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Environment variable by which the supervisor names the descriptor to write to, and some numbers. */
#define PSV_SUPERVISED_VARIABLE "_PHPSRV_SUPERVISOR"

/** What happens to the supervisor while a server runs: a page of memory that it writes and servers read. */
struct psv_shared_facts {
    unsigned reloads_done;
    unsigned reloads_failed;
    bool last_reload_failed;
    uint64_t last_reload_unix_s; /* the last successful one; 0 = none */
};

struct psv_shared_page;

struct psv_supervised {
    const struct psv_shared_page *page; /* NULL: nobody supervises */
    int fd;                             /* -1: nobody supervises */
    unsigned generation;                /* 1, 2, ... */
    unsigned crashes;                   /* of servers before this one */
};

/** Reads the variable and removes it from the environment: scripts and their commands do not see it. */
void psv_supervised_init(struct psv_supervised *supervised);
/** [loop] */
struct psv_shared_facts psv_supervised_read_facts(const struct psv_supervised *supervised);
bool psv_supervised_is(const struct psv_supervised *supervised);
/** The listeners accept, PHP answers. */
void psv_supervised_tell_ready(const struct psv_supervised *supervised);
/** A file that the server was started from has changed: a new generation, please. */
void psv_supervised_tell_reload(const struct psv_supervised *supervised);
/** Somebody who may has asked for the end of the whole service. */
void psv_supervised_tell_end(const struct psv_supervised *supervised);
/** The loop turns; once a second. */
void psv_supervised_tell_beat(const struct psv_supervised *supervised);
