/* What FrankenPHP's administration answers, for tools that are made for it, such as Laravel Octane: on the
 * internal listener, beside its own pages, for clients of this machine.  [loop]  What it changes goes through
 * functions that the server gives.
 *
 *   GET /config/apps/frankenphp      the workers
 *   PATCH /config/apps/frankenphp    reloads, whatever the body says
 *   POST /frankenphp/workers/restart boots the worker scripts anew
 *   GET /frankenphp/threads          what each thread does
 *   POST /stop                       ends the service: what runs is finished
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/macros.h"

struct psv_config_loaded;
struct psv_exchange;
struct psv_worker_report;

/** Everything is borrowed. */
struct psv_frankenphp_admin {
    const struct psv_config_loaded *config;
    /** Threads of the classic group (0) and of those of worker scripts, in the order of config->workers:
     * fills up to max, returns how many there are. */
    unsigned (*read_threads)(void *context, unsigned group, struct psv_worker_report *out, unsigned max);
    /** Begins a reload of all there is, files of PHP and configuration with it, or of the worker scripts
     * where there is no supervisor; 0, or PSV_ESTOPPING: the server is about to end. */
    int (*reload)(void *context);
    /** Begins to boot the worker scripts anew; 0, or PSV_ESTOPPING. */
    int (*restart_workers)(void *context);
    /** Begins the end of the service; 0, or PSV_ESTOPPING: another server has taken over. */
    int (*stop)(void *context);
    void *context; /* of all of these */
};

/** Answers, or refuses, what is one of the paths above; false for every other path.  Refused (403) are
 * clients that are not on this machine, and what a page of another site may have made a browser send. */
bool psv_frankenphp_admin_answer(const struct psv_frankenphp_admin *admin, struct psv_exchange *exchange);
