/* See worker_restart.h.
 *
 * SPDX-License-Identifier: MIT */
#include "worker_restart.h"

#include "base/memory.h"
#include "exec/worker.h"
#include "observe/log.h"
#include "os/clock.h"
#include "server/server_state.h"

#define SLOW_NS (UINT64_C(200) * PSV_NS_PER_MS)
#define QUICK_NS (UINT64_C(10) * PSV_NS_PER_MS)

static void end(struct psv_server *server, unsigned group, const struct psv_error *error)
{
    struct psv_worker_restart *restart = &server->restarts.items[group];
    const char *name = server->groups[group].script->name;

    restart->is_running = false;
    restart->has_failed = error != NULL;
    if (error != NULL) {
        restart->error = *error;
        PSV_LOG(PSV_LOG_ERROR, "worker.restart_failed", PSV_LOG_TEXT("name", name),
                PSV_LOG_TEXT("asked_by", restart->why), PSV_LOG_TEXT("reason", error->message),
                PSV_LOG_TEXT("effect", "the workers that were there go on"));
    } else {
        PSV_LOG(PSV_LOG_INFO, "worker.restarted", PSV_LOG_TEXT("name", name),
                PSV_LOG_TEXT("asked_by", restart->why),
                PSV_LOG_U64("duration_ms", restart->duration_ns / PSV_NS_PER_MS));
    }
}

static void begin(struct psv_server *server, unsigned group)
{
    struct psv_worker_restarts *restarts = &server->restarts;
    struct psv_error error = {.code = PSV_OK};

    restarts->items[group].is_wanted = false;
    restarts->items[group].is_running = true;
    if (psv_worker_pool_renew(server->groups[group].pool, &error) != PSV_OK) {
        end(server, group, &error);
    }
    /* also when it has failed: who asked gets its answer from there */
    psv_timer_start(&restarts->quick_queue, &restarts->quick_timer, server->loop.now_ns);
}

void psv_worker_restart(struct psv_server *server, unsigned group, const char *why)
{
    struct psv_worker_restart *restart = &server->restarts.items[group];

    restart->why = why;
    restart->is_wanted = true;
    if (!restart->is_running) {
        begin(server, group);
    }
}

void psv_worker_restart_all(struct psv_server *server, const char *why)
{
    for (unsigned i = 1; i < server->groups_len; i++) {
        psv_worker_restart(server, i, why);
    }
}

bool psv_worker_restart_is_pending(const struct psv_server *server, unsigned group)
{
    const struct psv_worker_restart *restart = &server->restarts.items[group];

    return restart->is_running || restart->is_wanted;
}

/* Whether it has ended. */
static bool look_at(struct psv_server *server, unsigned group)
{
    struct psv_worker_restart *restart = &server->restarts.items[group];
    struct psv_error error;
    uint64_t began_ns;

    switch (psv_worker_pool_renewal(server->groups[group].pool, &began_ns, &error)) {
    case PSV_RENEWAL_NONE:
    case PSV_RENEWAL_BOOTING:
        return false;
    case PSV_RENEWAL_DONE:
        restart->duration_ns = psv_clock_monotonic_ns() - began_ns;
        end(server, group, NULL);
        return true;
    case PSV_RENEWAL_FAILED:
        restart->duration_ns = psv_clock_monotonic_ns() - began_ns;
        end(server, group, &error);
        return true;
    }
    return false;
}

static void on_quick(struct psv_timer *timer, void *context)
{
    struct psv_server *server = context;
    bool is_any_left = false;

    for (unsigned i = 1; i < server->groups_len; i++) {
        struct psv_worker_restart *restart = &server->restarts.items[i];
        if (restart->is_running) {
            (void)look_at(server, i);
        }
        if (!restart->is_running && restart->is_wanted) {
            begin(server, i);
        }
        is_any_left |= restart->is_running;
    }
    if (is_any_left) {
        psv_timer_start(&server->restarts.quick_queue, timer, server->loop.now_ns);
    }
    if (server->restarts.on_end != NULL) {
        server->restarts.on_end(server->restarts.context);
    }
}

static void on_slow(struct psv_timer *timer, void *context)
{
    struct psv_server *server = context;

    for (unsigned i = 1; i < server->groups_len; i++) {
        psv_worker_pool_check_boots(server->groups[i].pool);
    }
    psv_timer_start(&server->restarts.slow_queue, timer, server->loop.now_ns);
}

int psv_worker_restarts_boot(struct psv_server *server, struct psv_error *reterr)
{
    struct psv_worker_restarts *restarts = &server->restarts;

    restarts->server = server;
    psv_timer_init(&restarts->slow_timer);
    psv_timer_queue_init(&restarts->slow_queue, &server->loop.wheel, SLOW_NS, on_slow, server);
    psv_timer_init(&restarts->quick_timer);
    psv_timer_queue_init(&restarts->quick_queue, &server->loop.wheel, QUICK_NS, on_quick, server);
    if (server->groups_len < 2) {
        return PSV_OK;
    }
    restarts->items = psv_calloc(server->groups_len, sizeof(*restarts->items));
    if (restarts->items == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "no memory for the restarts of workers");
    }
    psv_timer_start(&restarts->slow_queue, &restarts->slow_timer, server->loop.now_ns);
    return PSV_OK;
}

void psv_worker_restarts_fini(struct psv_server *server)
{
    server->restarts.items = psv_free(server->restarts.items);
}
