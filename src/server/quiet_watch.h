/* Files that are watched, and told of when they have become quiet: editors, tools and deployments write
 * several files, and each in several steps.  [loop]  Knows not what a change means.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "net/timer.h"
#include "os/watch.h"

struct psv_loop;

/** False: this is no good moment, it asks again a little later. */
typedef bool psv_quiet_fn(void *context);

struct psv_quiet_watch_options {
    struct psv_loop *loop;
    uint64_t quiet_ns;  /* without a change */
    uint64_t latest_ns; /* a change so long after the first one puts it off no more */
    unsigned folders_max;
    psv_watch_fn *on_change; /* calls psv_quiet_watch_note when the change counts */
    psv_quiet_fn *on_quiet;
    void *context; /* of both */
};

struct psv_quiet_watch {
    struct psv_quiet_watch_options options;
    struct psv_watch *watch; /* for folders and trees; NULL: files cannot be watched here */
    struct psv_loop_watch *loop_watch;
    struct psv_timer_queue queue;
    struct psv_timer timer;
    uint64_t first_ns; /* of what has changed and was not told; 0: nothing */
};

/** Folders that begin with a dot, node_modules and cache are left out of trees: what applications change by
 * themselves would be told for ever.  What psv_watch_new says, with a sentence; watch is NULL then.  [boot]
 */
MUST_CHECK int psv_quiet_watch_init(struct psv_quiet_watch *quiet,
                                    const struct psv_quiet_watch_options *options, struct psv_error *reterr);
/** All folders are there: logs event when some were too many, and begins to listen.  PSV_ENOMEM.  [boot] */
MUST_CHECK int psv_quiet_watch_start(struct psv_quiet_watch *quiet, const char *event);
/** Accepts one that is all zeros.  [boot] */
void psv_quiet_watch_fini(struct psv_quiet_watch *quiet);

/** A change that counts was seen. */
void psv_quiet_watch_note(struct psv_quiet_watch *quiet);
/** Something has changed and was not told yet. */
static inline bool psv_quiet_watch_is_changing(const struct psv_quiet_watch *quiet)
{
    return quiet->first_ns != 0;
}
