/* Boot and end of the server, floor by floor: one ordered list, undone in reverse.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#include "phpsrv/server.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "exec/executor_registry.h"
#include "exec/response_memory.h"
#include "exec/worker.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "os/clock.h"
#include "os/crash.h"
#include "os/fd.h"
#include "os/limits.h"
#include "os/privileges.h"
#include "os/process.h"
#include "os/write_fence.h"
#include "server/compression.h"
#include "server/dev.h"
#include "server/exchange_metrics.h"
#include "server/health.h"
#include "server/listeners.h"
#include "server/observation.h"
#include "server/passwords.h"
#include "server/server_state.h"
#include "server/tls.h"
#include "server/worker_files.h"
#include "server/worker_groups.h"

/* Idle exchanges kept with their arena block (8 KiB each). */
#define SPARE_EXCHANGES 256
/* After the drain: what still runs is interrupted and gets this long. */
#define BEAT_NS 1000000000u

_Static_assert((int)PSV_CONFIG_LOG_LEVEL_ERROR == (int)PSV_LOG_ERROR, "config and log name the same levels");
_Static_assert((int)PSV_CONFIG_HTTP_2 == (int)PSV_HTTP_2 && (int)PSV_CONFIG_HTTP_1_0 == (int)PSV_HTTP_1_0,
               "config and http name the same versions");
_Static_assert((int)PSV_CONFIG_LOG_FORMAT_CADDY == (int)PSV_LOG_FORMAT_CADDY,
               "config and log name the same formats");

_Static_assert((int)PSV_CONFIG_LOG_COLOR_NEVER == (int)PSV_LOG_COLOR_NEVER,
               "config and log name the same choices");

/* What scripts start sees the user that it runs as, long before the server becomes it. */
static int boot_environment(const struct psv_config_server *config, struct psv_error *reterr)
{
    struct psv_privileges privileges;
    int code = psv_privileges_find(config->user, config->group, &privileges, reterr);

    return code == PSV_OK ? psv_privileges_set_environment(&privileges, reterr) : code;
}

static int boot_process(struct psv_server *server, struct psv_error *reterr)
{
    psv_process_block_signals(false);
    psv_process_ignore_sigpipe();
    psv_memory_keep_freed();
    psv_crash_init(server->config->log.format != PSV_CONFIG_LOG_FORMAT_TEXT);
    (void)psv_limits_raise_open_files();
    int code = boot_environment(&server->config->server, reterr);
    if (code != PSV_OK) {
        return code;
    }
    server->signal_fd = psv_process_open_signals(false, reterr);
    return server->signal_fd < 0 ? server->signal_fd : PSV_OK;
}

/* The folder that a log file lies in; "" for a descriptor. */
static const char *folder_of(const char *path, char *out, size_t size)
{
    const char *slash = strrchr(path, '/');

    (void)snprintf(out, size, "%.*s", slash == NULL ? 0 : (int)(slash - path) + 1, path);
    return out;
}

/* Before there is a second thread.  What the server itself writes needs no mention. */
static int boot_write_fence(struct psv_server *server, struct psv_error *reterr)
{
    const struct psv_config *config = server->config;
    const struct psv_config_list *paths = &config->server.write_paths;
    char logs[2][PATH_MAX];
    const char *own[] = {folder_of(config->log.error_path, logs[0], PATH_MAX),
                         folder_of(config->log.access_path, logs[1], PATH_MAX),
                         config->response.spill_folder};

    if (paths->len == 0) {
        return PSV_OK;
    }
    const char **all = psv_calloc(paths->len + ARRAY_SIZE(own), sizeof(*all));
    if (all == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "out of memory");
    }
    size_t len = 0;
    for (size_t i = 0; i < paths->len; i++) {
        all[len++] = paths->items[i];
    }
    for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
        if (*own[i] != '\0' && access(own[i], F_OK) == 0) {
            all[len++] = own[i];
        }
    }
    int code = psv_write_fence_raise(all, len, reterr);
    psv_free(all);
    return code;
}

static int boot_log(struct psv_server *server, struct psv_error *reterr)
{
    const struct psv_config_log *log = &server->config->log;
    const struct psv_log_options options = {
        .min_level = (enum psv_log_level)log->level,
        .format = (enum psv_log_format)log->format,
        .error_path = log->error_path,
        .access_path = log->access != PSV_CONFIG_ACCESS_OFF ? log->access_path : NULL,
        .ring_lines = log->ring_lines,
        .color = (enum psv_log_color)log->color,
    };
    int code = psv_log_start(&options, reterr);
    server->log_is_started = code == PSV_OK;
    return code;
}

static int boot_executor(struct psv_server *server, struct psv_error *reterr)
{
    server->executor = psv_executor_find(server->config->executor.name);
    if (server->executor == NULL) {
        return psv_error_set(reterr, PSV_EINVAL, "executor \"%s\" is not part of this build",
                             server->config->executor.name);
    }
    int code = server->executor->process_start(server->config, reterr);
    server->executor_is_started = code == PSV_OK;
    return code;
}

static int boot_waist(struct psv_server *server, struct psv_error *reterr)
{
    const struct psv_config *config = server->config;
    size_t jobs_max;

    if (psv_response_memory_init(config->response.held_bytes_max, config->response.spill_folder) != PSV_OK) {
        PSV_LOG(PSV_LOG_WARN, "server.no_spill_folder",
                PSV_LOG_TEXT("folder", config->response.spill_folder));
    }
    int code = psv_worker_groups_init(server, &jobs_max, reterr);
    if (code == PSV_OK && psv_mailbox_init(&server->mailbox, jobs_max) != PSV_OK) {
        code = psv_error_set(reterr, PSV_ENOMEM, "no memory for a mailbox of %zu parts", jobs_max);
    }
    return code == PSV_OK ? psv_worker_groups_start_classic(server, reterr) : code;
}

static void on_part(struct psv_response_part *part, void *context)
{
    struct psv_server *server = context;

    psv_dynamic_on_part(&server->pipeline.dynamic, part);
}

static void on_batch_end(void *context)
{
    struct psv_server *server = context;

    psv_pipeline_end_batch(&server->pipeline);
}

static int boot_loop(struct psv_server *server, struct psv_error *reterr)
{
    const struct psv_config_http *http = &server->config->http;
    /* a request's head in memory, its job and response head, and room for joins */
    size_t arena_max = (size_t)(http->request_line_bytes_max + 2 * http->header_bytes_max) + (1u << 20);
    int code = psv_loop_init(&server->loop, &server->mailbox, on_part, server, reterr);

    if (code != PSV_OK) {
        return code;
    }
    server->loop_is_ready = true;
    server->loop.on_batch_end = on_batch_end;
    server->exchanges = psv_exchange_pool_new(arena_max, SPARE_EXCHANGES);
    if (server->exchanges == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "no memory for the exchange pool");
    }
    return psv_drain_init(server, reterr);
}

/* The supervisor hears that the loop turns. */
static void on_beat(struct psv_timer *timer, void *context)
{
    struct psv_server *server = context;

    psv_supervised_tell_beat(&server->supervised);
    psv_timer_start(&server->beat_queue, timer, server->loop.now_ns);
}

static int boot_supervised(struct psv_server *server, struct psv_error *reterr)
{
    (void)reterr;
    psv_supervised_init(&server->supervised);
    psv_timer_init(&server->beat_timer);
    psv_timer_queue_init(&server->beat_queue, &server->loop.wheel, BEAT_NS, on_beat, server);
    psv_metric_set(PSV_METRIC_SERVER_GENERATION, server->supervised.generation);
    return PSV_OK;
}

/* What requests are judged and answered by, before there are any. */
static int boot_rules(struct psv_server *server, struct psv_error *reterr)
{
    const struct psv_config *config = server->config;
    struct psv_pipeline *pipeline = &server->pipeline;
    int code = psv_client_rules_init(&pipeline->clients, &config->proxy, reterr);

    if (code == PSV_OK) {
        code = psv_sites_init(&pipeline->sites, server->loaded, server->executor, reterr);
    }
    if (code == PSV_OK) {
        code = psv_exchange_metrics_name_sites(&pipeline->sites, reterr);
    }
    if (code == PSV_OK) {
        code = psv_observation_init(server, pipeline, config, reterr);
    }
    if (code == PSV_OK) {
        code = psv_guards_init_clients(&server->client_limit, &config->guard, &pipeline->clients.trusted,
                                       reterr);
    }
    if (code == PSV_OK) {
        code = psv_passwords_boot(server, reterr);
    }
    return code;
}

static int boot_pipeline(struct psv_server *server, struct psv_error *reterr)
{
    const struct psv_config *config = server->config;
    struct psv_pipeline *pipeline = &server->pipeline;

    pipeline->loop = &server->loop;
    pipeline->pool = server->exchanges;
    pipeline->dynamic = (struct psv_dynamic){
        .groups = server->groups,
        .groups_len = server->groups_len,
        .mailbox = &server->mailbox,
        .response_memory_bytes = (size_t)config->response.memory_bytes,
        .response_window_bytes = config->response.window_bytes,
        .give_up_ns = config->workers.give_up_ms * PSV_NS_PER_MS,
        .wants_usage = pipeline->access_log.custom.wants_usage,
    };
    psv_pipeline_init(pipeline);
    server->internal_host.pool = server->exchanges;
    psv_internal_host_init(&server->internal_host);
    server->internal_host.admin = &server->worker_admin;
    int code = psv_health_init(server, reterr);
    if (code == PSV_OK) {
        code = psv_worker_restarts_boot(server, reterr);
    }
    return code == PSV_OK ? psv_worker_admin_boot(server, reterr) : code;
}

/* Last: ports are bound, keys are read, logs are open. */
static int boot_privileges(struct psv_server *server, struct psv_error *reterr)
{
    const struct psv_config_server *config = &server->config->server;
    struct psv_privileges privileges;
    int code = psv_privileges_find(config->user, config->group, &privileges, reterr);

    if (code == PSV_OK) {
        code = psv_privileges_drop(&privileges, reterr);
    }
    return code == PSV_OK && config->no_new_privileges ? psv_privileges_forbid_new(reterr) : code;
}

static int boot(struct psv_server *server, struct psv_error *reterr)
{
    /* from the outside in: what later steps need comes first; the sockets last, so that a connection finds a
     * whole server */
    static int (*const steps[])(struct psv_server * server, struct psv_error * reterr) = {
        boot_process,       boot_write_fence,
        boot_log,           boot_executor,
        boot_waist,         boot_loop,
        boot_supervised,    boot_rules,
        boot_pipeline,      psv_compression_init,
        psv_dev_boot,       psv_server_tls_init,
        psv_listeners_boot, psv_worker_files_boot,
        boot_privileges,    psv_worker_groups_start_scripts,
    };

    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        int code = steps[i](server, reterr);
        if (code != PSV_OK) {
            return code;
        }
    }
    return PSV_OK;
}

int psv_server_start(const struct psv_config_loaded *config, struct psv_server **ret_server,
                     struct psv_error *reterr)
{
    struct psv_server *server =
        psv_calloc_aligned(CACHE_LINE_BYTES, sizeof(*server)); /* its rings ask for it */

    if (server == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "out of memory");
    }
    server->loaded = config;
    server->config = &config->config;
    server->signal_fd = -1;
    server->started_unix_us = psv_clock_unix_us();
    server->workers = config->config.workers.count != 0 ? (unsigned)config->config.workers.count
                                                        : psv_limits_cores(&psv_limits_system_roots);
    int code = boot(server, reterr);
    if (code != PSV_OK) {
        server->exit_code = 1; /* when threads do not end, the process does */
        psv_server_free(server);
        return code;
    }
    *ret_server = server;
    return PSV_OK;
}

int psv_server_wait(struct psv_server *server)
{
    PSV_LOG(PSV_LOG_INFO, "server.ready", PSV_LOG_TEXT("address", server->site.address),
            PSV_LOG_TEXT("tls", server->secure.address), PSV_LOG_TEXT("internal", server->admin.address),
            PSV_LOG_U64("workers", server->workers), PSV_LOG_TEXT("executor", server->executor->name),
            PSV_LOG_TEXT("docroot", server->pipeline.sites.items[0].docroot),
            PSV_LOG_U64("sites", server->pipeline.sites.len), PSV_LOG_U64("pid", (uint64_t)getpid()));
    psv_dev_say_hello(server);
    if (psv_supervised_is(&server->supervised)) {
        psv_supervised_tell_ready(&server->supervised);
        psv_timer_start(&server->beat_queue, &server->beat_timer, server->loop.now_ns);
    }
    psv_loop_run(&server->loop);
    return server->exit_code;
}

static void close_connections(struct psv_server_site *site)
{
    psv_listeners_close(site);
    if (site->service.loop != NULL) {
        PSV_LIST_FOR_EACH(node, &site->service.connections)
        {
            psv_connection_close(PSV_LIST_ENTRY(node, struct psv_connection, link), PSV_CLOSE_DRAIN);
        }
    }
}

/* What the workers posted after the loop had ended still holds exchanges. */
static void drain_late_parts(struct psv_server *server)
{
    struct psv_response_part *part;

    while (server->loop_is_ready && (part = psv_mailbox_take(&server->mailbox)) != NULL) {
        psv_dynamic_on_part(&server->pipeline.dynamic, part);
    }
}

static void end_log(struct psv_server *server)
{
    PSV_LOG(PSV_LOG_INFO, "server.stopped", PSV_LOG_U64("exit_code", (uint64_t)server->exit_code));
    if (server->log_is_started) {
        psv_log_stop();
    }
}

void psv_server_free(struct psv_server *server)
{
    if (server == NULL) {
        return;
    }
    close_connections(&server->site);
    close_connections(&server->secure);
    close_connections(&server->admin);
    bool are_stopped = psv_passwords_stop(server);
    if (!psv_worker_groups_stop(server) || !psv_compression_stop(server) || !are_stopped) {
        (void)!psv_observation_fini(server, &server->pipeline);
        end_log(server);
        _exit(server->exit_code);
    }
    drain_late_parts(server);
    bool may_return = psv_observation_fini(server, &server->pipeline);
    psv_h2_config_fini(&server->site.h2);
    psv_h2_config_fini(&server->secure.h2);
    psv_h2_config_fini(&server->admin.h2);
    psv_server_tls_fini(server);
    psv_client_rules_fini(&server->pipeline.clients);
    psv_health_fini(server);
    psv_passwords_fini(server);
    psv_client_limit_fini(&server->client_limit);
    psv_sites_fini(&server->pipeline.sites);
    psv_compression_fini(server);
    if (server->loop_is_ready) {
        server->signal_watch = psv_loop_watch_free(server->signal_watch);
        server->dev = psv_dev_free(server->dev);
        server->worker_files = psv_worker_files_free(server->worker_files);
        psv_loop_fini(&server->loop);
    }
    psv_exchange_pool_free(server->exchanges);
    psv_mailbox_fini(&server->mailbox);
    psv_worker_restarts_fini(server);
    psv_worker_admin_fini(server);
    psv_worker_groups_fini(server);
    if (server->executor_is_started) {
        server->executor->process_stop();
    }
    server->signal_fd = psv_fd_close(server->signal_fd);
    end_log(server);
    if (!may_return) {
        _exit(server->exit_code);
    }
    psv_free(server);
}
