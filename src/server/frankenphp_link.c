/* See frankenphp_link.h.  The functions are called on the loop.
 *
 * SPDX-License-Identifier: MIT */
#include "frankenphp_link.h"

#include <signal.h>
#include <unistd.h>

#include "base/error.h"
#include "exec/worker.h"
#include "server/server_state.h"
#include "server/worker_restart.h"

#define WHY "FrankenPHP's administration"

static unsigned read_threads(void *context, unsigned group, struct psv_worker_report *out, unsigned max)
{
    const struct psv_server *server = context;

    return group < server->groups_len ? psv_worker_pool_report(server->groups[group].pool, out, max) : 0;
}

/* New threads boot the scripts beside the old ones, in this process. */
static int restart_workers(void *context)
{
    struct psv_server *server = context;

    if (server->is_draining) {
        return PSV_ESTOPPING;
    }
    psv_worker_restart_all(server, WHY);
    return PSV_OK;
}

/* A new generation boots everything, and takes over when all is ready: until then this one serves.  Without a
 * supervisor there is none: the scripts at least. */
static int reload(void *context)
{
    const struct psv_server *server = context;

    if (server->is_draining || !psv_supervised_is(&server->supervised)) {
        return restart_workers(context);
    }
    psv_supervised_tell_reload(&server->supervised);
    return PSV_OK;
}

/* The supervisor ends all that it has started; without one the signal is our own. */
static int stop(void *context)
{
    const struct psv_server *server = context;

    if (server->has_successor) {
        return PSV_ESTOPPING;
    }
    if (psv_supervised_is(&server->supervised)) {
        psv_supervised_tell_end(&server->supervised);
    } else {
        (void)kill(getpid(), SIGTERM);
    }
    return PSV_OK;
}

void psv_frankenphp_link(struct psv_server *server)
{
    server->frankenphp = (struct psv_frankenphp_admin){
        .config = server->loaded,
        .read_threads = read_threads,
        .reload = reload,
        .restart_workers = restart_workers,
        .stop = stop,
        .context = server,
    };
}
