/* See frankenphp_admin.h.
 *
 * SPDX-License-Identifier: MIT */
#include "frankenphp_admin.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"
#include "config/config.h"
#include "exec/exchange.h"
#include "exec/worker.h"
#include "handler/json_text.h"
#include "handler/text_answer.h"
#include "http/authority.h"
#include "os/clock.h"
#include "os/ip_network.h"

#define BODY_MAX_BYTES ((size_t)4 << 20)
#define THREADS_SHOWN_MAX 512u

static const struct psv_bytes type_plain = PSV_BYTES_INIT("text/plain; charset=utf-8");
static const struct psv_bytes type_json = PSV_BYTES_INIT("application/json");

/* What is asked for, and the answer being built; on the exchange's arena. */
struct call {
    const struct psv_frankenphp_admin *admin;
    struct psv_text_answer answer;
    struct psv_bytes content_type;
};

/** Does what was asked for, and fills the answer's text.  0; PSV_ESTOPPING: 503; or an error: 500. */
typedef int action_fn(struct call *call);

static action_fn show_config;
static action_fn patch_config;
static action_fn restart_workers;
static action_fn show_threads;
static action_fn stop;

static const struct {
    struct psv_bytes path;
    enum psv_method method;
    action_fn *act;
} actions[] = {
    {PSV_BYTES_INIT("/config/apps/frankenphp"), PSV_METHOD_GET, show_config},
    {PSV_BYTES_INIT("/config/apps/frankenphp"), PSV_METHOD_PATCH, patch_config},
    {PSV_BYTES_INIT("/frankenphp/workers/restart"), PSV_METHOD_POST, restart_workers},
    {PSV_BYTES_INIT("/frankenphp/threads"), PSV_METHOD_GET, show_threads},
    {PSV_BYTES_INIT("/stop"), PSV_METHOD_POST, stop},
};

/* ---- who may */

static bool is_loopback(const struct psv_peer *peer)
{
    const struct psv_ip *ip = &peer->remote_ip;
    static const uint8_t six[16] = {[15] = 1};

    if (!peer->has_remote_ip) {
        return psv_bytes_starts_with(psv_bytes_of(peer->remote_address), PSV_BYTES("unix:"));
    }
    return psv_ip_is_v4(ip) ? ip->bytes[12] == 127 : memcmp(ip->bytes, six, sizeof(six)) == 0;
}

/* A browser on this machine is a client of this machine, and may be shown a page of anybody's: such a page's
 * requests name where they come from, or a host that is no local one (DNS rebinding). */
static const char *why_not(const struct psv_exchange *exchange)
{
    const struct psv_request *request = &exchange->request;

    if (!is_loopback(&exchange->peer)) {
        return "administration is for clients of this machine";
    }
    if (psv_headers_find_name(&request->headers, PSV_BYTES("Origin")) != NULL ||
        !psv_host_is_local(request->host)) {
        return "administration is not for pages of other sites";
    }
    return NULL;
}

/* ---- answers */

static void act(const struct psv_frankenphp_admin *admin, struct psv_exchange *exchange, action_fn *action)
{
    struct call *call = psv_arena_calloc(&exchange->arena, sizeof(*call));
    int code = PSV_ENOMEM;

    if (call != NULL) {
        *call = (struct call){.admin = admin, .content_type = type_plain};
        code = psv_text_answer_init(&call->answer, exchange, BODY_MAX_BYTES);
        code = code == PSV_OK ? action(call) : code;
        code = code == PSV_OK ? psv_text_answer_add_fields(exchange, call->content_type) : code;
    }
    if (code == PSV_OK) {
        psv_text_answer_send(&call->answer, exchange, 200);
    } else {
        psv_text_answer_refuse(exchange, code == PSV_ESTOPPING ? 503 : 500, "administration failed",
                               PSV_BYTES_EMPTY);
    }
}

bool psv_frankenphp_admin_answer(const struct psv_frankenphp_admin *admin, struct psv_exchange *exchange)
{
    const struct psv_request *request = &exchange->request;
    const char *reason = why_not(exchange);
    action_fn *action = NULL;
    bool is_known = false;

    for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
        if (psv_bytes_equal(request->path, actions[i].path)) {
            is_known = true;
            action = actions[i].method == request->method ? actions[i].act : action;
        }
    }
    if (!is_known) {
        return false;
    }
    if (reason != NULL) {
        psv_text_answer_refuse(exchange, 403, reason, PSV_BYTES_EMPTY);
    } else if (action == NULL) {
        bool has_both = psv_bytes_equal(request->path, actions[0].path);
        bool is_get = psv_bytes_equal(request->path, PSV_BYTES("/frankenphp/threads"));
        psv_text_answer_refuse(exchange, 405, "method not allowed",
                               has_both ? PSV_BYTES("GET, PATCH")
                               : is_get ? PSV_BYTES("GET")
                                        : PSV_BYTES("POST"));
    } else {
        act(admin, exchange, action);
    }
    return true;
}

/* ---- what is asked for */

/* The number of threads as it is; 0 in the configuration means that the server decides. */
static unsigned count_threads(const struct psv_frankenphp_admin *admin, unsigned group)
{
    return admin->read_threads(admin->context, group, NULL, 0);
}

static int show_config(struct call *call)
{
    const struct psv_frankenphp_admin *admin = call->admin;
    const struct psv_config_loaded *config = admin->config;
    unsigned threads = count_threads(admin, 0);

    for (unsigned i = 0; i < config->workers_len; i++) {
        threads += count_threads(admin, i + 1);
    }
    call->content_type = type_json;
    int code = psv_buffer_printf(&call->answer.text, "{\"num_threads\":%u,\"workers\":[", threads);
    for (unsigned i = 0; i < config->workers_len && code == PSV_OK; i++) {
        code = psv_buffer_printf(&call->answer.text, "%s{\"name\":", i > 0 ? "," : "");
        code = code == PSV_OK ? psv_json_text_put(&call->answer.text, psv_bytes_of(config->workers[i].name))
                              : code;
        code = code == PSV_OK ? psv_buffer_printf(&call->answer.text, ",\"file_name\":") : code;
        code = code == PSV_OK ? psv_json_text_put(&call->answer.text, psv_bytes_of(config->workers[i].script))
                              : code;
        code = code == PSV_OK
                   ? psv_buffer_printf(&call->answer.text, ",\"num\":%u}", count_threads(admin, i + 1))
                   : code;
    }
    return code == PSV_OK ? psv_buffer_printf(&call->answer.text, "]}\n") : code;
}

static int patch_config(struct call *call)
{
    return call->admin->reload(call->admin->context);
}

static int restart_workers(struct call *call)
{
    int code = call->admin->restart_workers(call->admin->context);

    return code == PSV_OK ? psv_buffer_printf(&call->answer.text, "workers restarted successfully\n") : code;
}

static int stop(struct call *call)
{
    return call->admin->stop(call->admin->context);
}

static int put_thread(struct psv_buffer *out, const struct psv_worker_report *report, const char *script,
                      bool is_first)
{
    bool is_waiting = report->state == PSV_WORKER_IDLE;
    struct psv_bytes kind =
        script != NULL ? PSV_BYTES("Worker PHP Thread - ") : PSV_BYTES("Regular PHP Thread");
    char name[512];
    int len = snprintf(name, sizeof(name), "%.*s%s", PSV_BYTES_ARG(kind), script != NULL ? script : "");
    int code = psv_buffer_printf(out, "%s{\"Index\":%u,\"Name\":", is_first ? "" : ",", report->id);

    if (code == PSV_OK) {
        code = psv_json_text_put(out, (struct psv_bytes){name, MIN((size_t)len, sizeof(name) - 1)});
    }
    return code == PSV_OK
               ? psv_buffer_printf(out,
                                   ",\"State\":\"%s\",\"IsWaiting\":%s,\"IsBusy\":%s,\"Requests\":%" PRIu64
                                   ",\"BusyForMilliseconds\":%" PRIu64 "}",
                                   report->state == PSV_WORKER_LOST ? "lost" : "ready",
                                   is_waiting ? "true" : "false", is_waiting ? "false" : "true",
                                   report->requests, is_waiting ? 0 : report->running_ns / PSV_NS_PER_MS)
               : code;
}

static int show_threads(struct call *call)
{
    const struct psv_frankenphp_admin *admin = call->admin;
    struct psv_worker_report *reports = psv_calloc(THREADS_SHOWN_MAX, sizeof(*reports));
    bool is_first = true;

    if (reports == NULL) {
        return PSV_ENOMEM;
    }
    call->content_type = type_json;
    int code = psv_buffer_printf(&call->answer.text, "{\"ThreadDebugStates\":[");
    for (unsigned group = 0; group <= admin->config->workers_len && code == PSV_OK; group++) {
        unsigned len = admin->read_threads(admin->context, group, reports, THREADS_SHOWN_MAX);
        for (unsigned i = 0; i < MIN(len, THREADS_SHOWN_MAX) && code == PSV_OK; i++) {
            code = put_thread(&call->answer.text, &reports[i],
                              group == 0 ? NULL : admin->config->workers[group - 1].script, is_first);
            is_first = false;
        }
    }
    psv_free(reports);
    return code == PSV_OK ? psv_buffer_printf(&call->answer.text, "],\"ReservedThreadCount\":0}\n") : code;
}
