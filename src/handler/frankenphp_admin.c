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
#include "http/authority.h"
#include "os/clock.h"
#include "os/ip_network.h"

#define BODY_MAX_BYTES ((size_t)4 << 20)
#define THREADS_SHOWN_MAX 512u
#define FIELDS_MAX 4

static const struct psv_bytes type_plain = PSV_BYTES_INIT("text/plain; charset=utf-8");
static const struct psv_bytes type_json = PSV_BYTES_INIT("application/json");

/* An answer being built; on the exchange's arena. */
struct answer {
    const struct psv_frankenphp_admin *admin;
    struct psv_buffer text;
    struct psv_body_piece piece;
    struct psv_bytes content_type;
};

/** Does what was asked for, and fills text.  0; PSV_ESTOPPING: 503; or an error: 500. */
typedef int action_fn(struct answer *answer);

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

static bool is_loopback(const struct psv_exchange *exchange)
{
    struct psv_bytes text = psv_bytes_of(exchange->peer.remote_address);
    static const uint8_t six[16] = {[15] = 1};
    struct psv_ip ip;

    if (psv_bytes_starts_with(text, PSV_BYTES("unix:"))) {
        return true;
    }
    if (psv_ip_parse(text, &ip) != PSV_OK) {
        return false;
    }
    return psv_ip_is_v4(&ip) ? ip.bytes[12] == 127 : memcmp(ip.bytes, six, sizeof(six)) == 0;
}

/* A browser on this machine is a client of this machine, and may be shown a page of anybody's: such a page's
 * requests name where they come from, or a host that is no local one (DNS rebinding). */
static const char *why_not(const struct psv_exchange *exchange)
{
    const struct psv_request *request = &exchange->request;

    if (!is_loopback(exchange)) {
        return "administration is for clients of this machine";
    }
    if (psv_headers_find_name(&request->headers, PSV_BYTES("Origin")) != NULL ||
        !psv_host_is_local(request->host)) {
        return "administration is not for pages of other sites";
    }
    return NULL;
}

/* ---- answers */

static void refuse(struct psv_exchange *exchange, unsigned status, const char *reason,
                   struct psv_bytes allowed)
{
    const struct psv_field fields[] = {
        {.name = psv_field_name(PSV_FIELD_CACHE_CONTROL),
         .value = PSV_BYTES("no-store"),
         .id = PSV_FIELD_CACHE_CONTROL},
        {.name = psv_field_name(PSV_FIELD_ALLOW), .value = allowed, .id = PSV_FIELD_ALLOW},
    };

    psv_exchange_refuse(exchange, status, reason, fields, allowed.len > 0 ? 2 : 1);
}

static void free_text(void *context)
{
    psv_buffer_fini(context);
}

static int add_fields(struct psv_exchange *exchange, const struct answer *answer)
{
    struct psv_headers *headers = &exchange->response.headers;
    struct psv_arena *arena = &exchange->arena;

    psv_headers_init(headers, FIELDS_MAX);
    int code = psv_headers_add_known(headers, arena, PSV_FIELD_CONTENT_TYPE, answer->content_type);
    return code == 0 ? psv_headers_add_known(headers, arena, PSV_FIELD_CACHE_CONTROL, PSV_BYTES("no-store"))
                     : code;
}

static void act(const struct psv_frankenphp_admin *admin, struct psv_exchange *exchange, action_fn *action)
{
    struct answer *answer = psv_arena_calloc(&exchange->arena, sizeof(*answer));
    struct psv_list pieces;
    int code = PSV_ENOMEM;

    if (answer != NULL) {
        *answer = (struct answer){.admin = admin, .content_type = type_plain};
        psv_buffer_init(&answer->text, BODY_MAX_BYTES);
        code = psv_arena_on_fini(&exchange->arena, free_text, &answer->text);
        code = code == PSV_OK ? action(answer) : code;
        code = code == PSV_OK ? add_fields(exchange, answer) : code;
    }
    if (code != PSV_OK) {
        refuse(exchange, code == PSV_ESTOPPING ? 503 : 500, "administration failed", PSV_BYTES(""));
        return;
    }
    psv_list_init(&pieces);
    if (answer->text.len > 0) {
        answer->piece = (struct psv_body_piece){.data = answer->text.data, .fd = -1, .len = answer->text.len};
        psv_list_append(&pieces, &answer->piece.link);
    }
    exchange->response.status = 200;
    exchange->response.content_length = (int64_t)answer->text.len;
    psv_exchange_respond(exchange, &pieces, true);
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
        refuse(exchange, 403, reason, PSV_BYTES(""));
    } else if (action == NULL) {
        bool has_both = psv_bytes_equal(request->path, actions[0].path);
        bool is_get = psv_bytes_equal(request->path, PSV_BYTES("/frankenphp/threads"));
        refuse(exchange, 405, "method not allowed",
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

static int show_config(struct answer *answer)
{
    const struct psv_frankenphp_admin *admin = answer->admin;
    const struct psv_config_loaded *config = admin->config;
    unsigned threads = count_threads(admin, 0);

    for (unsigned i = 0; i < config->workers_len; i++) {
        threads += count_threads(admin, i + 1);
    }
    answer->content_type = type_json;
    int code = psv_buffer_printf(&answer->text, "{\"num_threads\":%u,\"workers\":[", threads);
    for (unsigned i = 0; i < config->workers_len && code == PSV_OK; i++) {
        code = psv_buffer_printf(&answer->text, "%s{\"name\":", i > 0 ? "," : "");
        code =
            code == PSV_OK ? psv_json_text_put(&answer->text, psv_bytes_of(config->workers[i].name)) : code;
        code = code == PSV_OK ? psv_buffer_printf(&answer->text, ",\"file_name\":") : code;
        code =
            code == PSV_OK ? psv_json_text_put(&answer->text, psv_bytes_of(config->workers[i].script)) : code;
        code = code == PSV_OK ? psv_buffer_printf(&answer->text, ",\"num\":%u}", count_threads(admin, i + 1))
                              : code;
    }
    return code == PSV_OK ? psv_buffer_printf(&answer->text, "]}\n") : code;
}

static int patch_config(struct answer *answer)
{
    return answer->admin->reload(answer->admin->context);
}

static int restart_workers(struct answer *answer)
{
    int code = answer->admin->restart_workers(answer->admin->context);

    return code == PSV_OK ? psv_buffer_printf(&answer->text, "workers restarted successfully\n") : code;
}

static int stop(struct answer *answer)
{
    return answer->admin->stop(answer->admin->context);
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

static int show_threads(struct answer *answer)
{
    const struct psv_frankenphp_admin *admin = answer->admin;
    struct psv_worker_report *reports = psv_calloc(THREADS_SHOWN_MAX, sizeof(*reports));
    bool is_first = true;

    if (reports == NULL) {
        return PSV_ENOMEM;
    }
    answer->content_type = type_json;
    int code = psv_buffer_printf(&answer->text, "{\"ThreadDebugStates\":[");
    for (unsigned group = 0; group <= admin->config->workers_len && code == PSV_OK; group++) {
        unsigned len = admin->read_threads(admin->context, group, reports, THREADS_SHOWN_MAX);
        for (unsigned i = 0; i < MIN(len, THREADS_SHOWN_MAX) && code == PSV_OK; i++) {
            code = put_thread(&answer->text, &reports[i],
                              group == 0 ? NULL : admin->config->workers[group - 1].script, is_first);
            is_first = false;
        }
    }
    psv_free(reports);
    return code == PSV_OK ? psv_buffer_printf(&answer->text, "],\"ReservedThreadCount\":0}\n") : code;
}
