/* Facts about the running server; see health.h.
 *
 * SPDX-License-Identifier: MIT */
#include "health.h"

#include <stdatomic.h>

#include "exec/body_memory.h"
#include "exec/worker.h"
#include "exec/worker_group.h"
#include "filter/compress.h"
#include "handler/history.h"
#include "handler/internal.h"
#include "os/clock.h"
#include "psv_version.h"
#include "server/frankenphp_link.h"
#include "server/server_state.h"

#define PROBE_EVERY_NS (UINT64_C(2) * PSV_NS_PER_S)

static bool has_dead_script(const struct psv_server *server)
{
    bool is_any = false;

    for (unsigned i = 1; i < server->groups_len; i++) {
        uint64_t unserved_ns;
        (void)psv_worker_pool_serving(server->groups[i].pool, &unserved_ns);
        is_any |= unserved_ns > PSV_INTERNAL_UNSERVED_MAX_MS * PSV_NS_PER_MS ||
                  psv_worker_pool_is_failing(server->groups[i].pool);
    }
    return is_any;
}

/* [loop]; everything read here is either the loop's own or atomic */
static void read_facts(void *context, struct psv_internal_facts *ret_facts)
{
    struct psv_server *server = context;
    uint64_t probed_ns;
    bool probe_was_right = psv_worker_pool_probed(server->groups[0].pool, &probed_ns);
    unsigned lost;
    uint64_t busy_ns = psv_worker_pool_busy_ns(server->groups[0].pool, &lost);
    struct psv_shared_facts shared = psv_supervised_read_facts(&server->supervised);
    uint64_t now_ns = psv_clock_monotonic_ns();

    *ret_facts = (struct psv_internal_facts){
        .connections = server->site.service.connections_len + server->secure.service.connections_len,
        .queue_len = psv_queue_len(&server->groups[0].queue),
        .queue_capacity = server->groups[0].queue.ring.capacity,
        .jobs_taken = psv_queue_taken(&server->groups[0].queue),
        .workers = psv_worker_pool_size(server->groups[0].pool),
        .workers_busy = psv_worker_pool_busy(server->groups[0].pool),
        .workers_alive = psv_worker_pool_alive(server->groups[0].pool),
        .workers_lost = lost,
        .workers_busy_ns = busy_ns,
        .crashes = server->supervised.crashes,
        .reloads_done = shared.reloads_done,
        .reloads_failed = shared.reloads_failed,
        .last_reload_failed = shared.last_reload_failed,
        .last_reload_unix_s = shared.last_reload_unix_s,
        .is_draining = server->is_draining && !server->has_successor,
        .has_dead_script = has_dead_script(server),
        .probe_was_right = probe_was_right,
        .probe_age_ns = now_ns > probed_ns ? now_ns - probed_ns : 0,
    };
}

static unsigned read_workers(void *context, struct psv_worker_report *out, unsigned max)
{
    const struct psv_server *server = context;

    unsigned filled = 0;
    unsigned len = 0;

    for (unsigned group = 0; group < server->groups_len; group++) {
        unsigned found = psv_worker_pool_report(server->groups[group].pool, out + filled, max - filled);
        for (unsigned i = 0; i < MIN(found, max - filled); i++) {
            out[filled + i].group = group;
        }
        filled += MIN(found, max - filled);
        len += found;
    }
    return len;
}

static size_t read_scripts(void *context, struct psv_worker_script_facts *out, size_t max)
{
    const struct psv_server *server = context;
    size_t len = MIN((size_t)server->groups_len - 1, max);

    for (size_t i = 0; i < len; i++) {
        psv_worker_pool_read_script(server->groups[i + 1].pool, &out[i]);
    }
    return len;
}

/* Where the queue is full there is no answer either, and its age grows. */
static void on_probe(struct psv_timer *timer, void *context)
{
    struct psv_server *server = context;

    (void)!psv_worker_pool_probe(server->groups[0].pool);
    psv_timer_start(&server->probe_queue, timer, server->loop.now_ns);
}

static void on_history(struct psv_timer *timer, void *context)
{
    struct psv_server *server = context;

    psv_internal_tick(server->internal);
    psv_body_memory_trim();
    psv_timer_start(&server->history_queue, timer, server->loop.now_ns);
}

/* Scrapes are compressed whatever the site's responses are. */
static const struct psv_body_filter *choose_coding(void *context, const struct psv_headers *headers)
{
    const struct psv_server *server = context;

    return psv_compress_choose(server->scrape_compress, headers);
}

int psv_health_init(struct psv_server *server, struct psv_error *reterr)
{
    psv_frankenphp_link(server);
    const struct psv_internal_options options = {
        .version = PSV_VERSION,
        .config = server->loaded,
        .executor = server->executor,
        .read_facts = read_facts,
        .read_workers = read_workers,
        .read_scripts = read_scripts,
        .choose_coding = choose_coding,
        .context = server,
        .frankenphp = server->config->internal.frankenphp ? &server->frankenphp : NULL,
    };

    const struct psv_compress_options coding = {.codings = PSV_BYTES("gzip"), .levels[PSV_COMPRESS_GZIP] = 1};
    int code = psv_compress_new(&coding, &server->scrape_compress, reterr);

    if (code != PSV_OK) {
        return code;
    }
    server->internal = psv_internal_new(&options);
    if (server->internal == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "no memory for the internal listener");
    }
    server->internal_host.internal = server->internal;
    psv_timer_init(&server->probe_timer);
    psv_timer_queue_init(&server->probe_queue, &server->loop.wheel, PROBE_EVERY_NS, on_probe, server);
    psv_timer_start(&server->probe_queue, &server->probe_timer, server->loop.now_ns);
    psv_timer_init(&server->history_timer);
    psv_timer_queue_init(&server->history_queue, &server->loop.wheel, PSV_HISTORY_TICK_NS, on_history,
                         server);
    psv_timer_start(&server->history_queue, &server->history_timer, server->loop.now_ns);
    return PSV_OK;
}

void psv_health_fini(struct psv_server *server)
{
    server->internal = psv_internal_free(server->internal);
    server->scrape_compress = psv_compress_free(server->scrape_compress);
}
