/* The server's side of its supervisor: says when it is ready and that it is alive.  Without a supervisor all
 * of this does nothing.  [boot], [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/* Environment variable by which the supervisor names the descriptor to write to, and some numbers. */
#define PSV_SUPERVISED_VARIABLE "_PHPSRV_SUPERVISOR"

struct psv_supervised {
    int fd;              /* -1: nobody supervises */
    unsigned generation; /* 1, 2, ... */
    unsigned crashes;    /* of servers before this one */
};

/** Reads the variable and removes it from the environment: scripts and their commands do not see it. */
void psv_supervised_init(struct psv_supervised *supervised);
bool psv_supervised_is(const struct psv_supervised *supervised);
/** The listeners accept, PHP answers. */
void psv_supervised_tell_ready(const struct psv_supervised *supervised);
/** The loop turns; once a second. */
void psv_supervised_tell_beat(const struct psv_supervised *supervised);
