/* The server's workers: the classic group, and one for each script of worker mode.
 *
 * SPDX-License-Identifier: MIT */
#include "worker_groups.h"

#include "base/memory.h"
#include "exec/worker.h"
#include "observe/log.h"
#include "os/clock.h"
#include "os/limits.h"
#include "os/process.h"
#include "server/server_state.h"
#include "server/worker_files.h"

#define STOP_NS (UINT64_C(5) * PSV_NS_PER_S)

static unsigned count_of(const struct psv_server *server, unsigned group)
{
    uint64_t count = group == 0 ? 0 : server->loaded->workers[group - 1].mode.count;

    return count != 0 ? (unsigned)count : server->workers;
}

static size_t capacity_of(const struct psv_server *server, unsigned group)
{
    uint64_t capacity = server->config->queue.capacity;

    return capacity != 0 ? (size_t)capacity : (size_t)count_of(server, group) * 100;
}

/* All but what is its site's. */
static void fill_script(struct psv_worker_script *script, const struct psv_config_worker *config)
{
    *script = (struct psv_worker_script){
        .name = config->name,
        .path = config->script,
        .environment = config->mode.env.items,
        .environment_len = config->mode.env.len,
        .memory_bytes_max = config->mode.memory_bytes_max,
        .max_requests = config->mode.max_requests,
        .time_max_ms = config->mode.time_max_ms,
        .boot_timeout_ms = config->mode.boot_timeout_ms,
        .is_strict = config->mode.reset == PSV_CONFIG_WORKER_RESET_STRICT,
    };
}

int psv_worker_groups_init(struct psv_server *server, size_t *ret_jobs_max, struct psv_error *reterr)
{
    unsigned len = 1 + (unsigned)server->loaded->workers_len;

    *ret_jobs_max = 0;
    server->groups = psv_calloc_aligned(_Alignof(struct psv_worker_group), len * sizeof(*server->groups));
    server->scripts = psv_calloc(len, sizeof(*server->scripts));
    if (server->groups == NULL || server->scripts == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "no memory for the workers");
    }
    for (unsigned i = 0; i < len; i++) {
        struct psv_worker_group *group = &server->groups[i];
        size_t capacity = capacity_of(server, i);
        if (psv_queue_init(&group->queue, capacity, count_of(server, i),
                           psv_worker_spares(count_of(server, i), i > 0),
                           psv_limits_cores(&psv_limits_system_roots)) != PSV_OK) {
            return psv_error_set(reterr, PSV_ENOMEM, "no memory for a queue of %zu requests", capacity);
        }
        server->groups_len++;
        *ret_jobs_max += capacity + (i > 0 ? 4 : 2) * (size_t)count_of(server, i);
        if (i > 0) {
            fill_script(&server->scripts[i - 1], &server->loaded->workers[i - 1]);
            server->scripts[i - 1].tells_changes = server->config->dev.enabled;
            group->script = &server->scripts[i - 1];
        }
    }
    return PSV_OK;
}

static struct psv_worker_pool_options options_of(struct psv_server *server, unsigned index)
{
    struct psv_worker_group *group = &server->groups[index];
    struct psv_worker_pool_options options = {
        .executor = server->executor,
        .queue = &group->queue,
        .workers = count_of(server, index),
        .stack_bytes = server->config->workers.stack_bytes,
        .script = group->script,
    };

    for (unsigned i = 0; i < index; i++) {
        options.first_id += count_of(server, i) + psv_worker_spares(count_of(server, i), i > 0);
    }
    if (index == 0) {
        options.max_requests = server->config->workers.max_requests;
    } else {
        /* who watches files is about to mend them */
        options.boot_failures_max = psv_worker_files_are_watched(server, index)
                                        ? 0
                                        : (unsigned)server->loaded->workers[index - 1].mode.boot_failures_max;
    }
    return options;
}

int psv_worker_groups_start_classic(struct psv_server *server, struct psv_error *reterr)
{
    const struct psv_worker_pool_options options = options_of(server, 0);

    return psv_worker_pool_start(&options, &server->groups[0].pool, reterr);
}

/* Nobody takes signals yet: one that waits ends the start. */
static bool has_signal(void *context)
{
    (void)context;
    return psv_process_is_asked_to_end();
}

/* Sites are made after the groups. */
static void fill_site(struct psv_server *server, unsigned index)
{
    size_t number = server->loaded->workers[index].home_number;
    const struct psv_dynamic_site *site = &server->pipeline.sites.items[number].dynamic;

    server->scripts[index].document_root = site->document_root.data;
    server->scripts[index].settings = site->settings;
}

int psv_worker_groups_start_scripts(struct psv_server *server, struct psv_error *reterr)
{
    int code = PSV_OK;

    for (unsigned i = 1; i < server->groups_len && code == PSV_OK; i++) {
        fill_site(server, i - 1);
        const struct psv_worker_pool_options options = options_of(server, i);
        code = psv_worker_pool_launch(&options, &server->groups[i].pool, reterr);
    }
    for (unsigned i = 1; i < server->groups_len && code == PSV_OK; i++) {
        code = psv_worker_pool_await(server->groups[i].pool, has_signal, NULL, reterr);
    }
    return code;
}

bool psv_worker_groups_stop(struct psv_server *server)
{
    uint64_t deadline_ns = psv_clock_monotonic_ns() + STOP_NS;
    unsigned stuck = 0;

    for (unsigned i = 0; i < server->groups_len; i++) {
        psv_queue_stop(&server->groups[i].queue);
        if (server->groups[i].pool != NULL) {
            psv_worker_pool_interrupt_all(server->groups[i].pool);
        }
    }
    for (unsigned i = 0; i < server->groups_len; i++) {
        stuck += psv_worker_pool_stop(server->groups[i].pool, deadline_ns);
        server->groups[i].pool = NULL;
    }
    if (stuck > 0) {
        PSV_LOG(PSV_LOG_WARN, "server.workers_stuck", PSV_LOG_U64("count", stuck));
    }
    return stuck == 0;
}

void psv_worker_groups_fini(struct psv_server *server)
{
    for (unsigned i = 0; i < server->groups_len; i++) {
        psv_queue_fini(&server->groups[i].queue);
    }
    server->groups_len = 0;
    server->groups = psv_free(server->groups);
    server->scripts = psv_free(server->scripts);
}
