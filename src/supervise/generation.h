/* One server process of the supervisor's: started with the listening sockets, watched through a pipe.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"
#include "supervise/listen_set.h"

struct psv_config_loaded;

enum psv_generation_state {
    PSV_GENERATION_NONE,
    PSV_GENERATION_STARTING,
    PSV_GENERATION_SERVING,
    PSV_GENERATION_DRAINING, /* was told to end */
};

struct psv_generation {
    enum psv_generation_state state;
    unsigned number;
    pid_t pid;
    int status_fd;     /* what psv_supervised_tell_... write comes here */
    bool wants_reload; /* see psv_generation_take_wish */
    bool wants_end;    /* of everything, as by SIGTERM */
    uint64_t started_ns;
    uint64_t beat_ns; /* when it was heard last */
};

struct psv_generation_options {
    const char *program; /* path */
    char *const *argv;
    char *const *environment; /* without what is added here */
    const struct psv_listen_set *sockets;
    unsigned number;
    unsigned crashes;
    int page_fd; /* of the shared page */
    /** Serves and returns the exit code.  With it the process goes on as a copy of this one, which must have
     * one thread, and shares its pages; without (NULL) the program is started anew. */
    int (*serve)(const struct psv_config_loaded *config);
    const struct psv_config_loaded *config; /* for serve */
};

/** Starts the process.  PSV_ENOMEM, PSV_ELIMIT, PSV_EIO. */
MUST_CHECK int psv_generation_start(struct psv_generation *generation,
                                    const struct psv_generation_options *options, struct psv_error *reterr);
/** Reads what it has said; true when it has become ready. */
bool psv_generation_listen(struct psv_generation *generation);
/** Whether it has asked for a successor since the last call: in development mode it watches files. */
bool psv_generation_take_wish(struct psv_generation *generation);
void psv_generation_signal(const struct psv_generation *generation, int number);
/** The process is gone and was waited for. */
void psv_generation_end(struct psv_generation *generation);
