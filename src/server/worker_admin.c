/* See worker_admin.h.
 *
 * SPDX-License-Identifier: MIT */
#include "worker_admin.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "exec/exchange.h"
#include "handler/json_text.h"
#include "handler/text_answer.h"
#include "observe/log.h"
#include "os/clock.h"
#include "os/fd.h"
#include "phpsrv/executor.h"
#include "server/server_state.h"

#define TOKEN_BYTES_MIN 16
#define TOKEN_BYTES_MAX 4096
#define ANSWER_BYTES_MAX ((size_t)256 << 10)
#define GROUP_ALL 0 /* the classic one has no script to restart */
#define GROUP_NONE UINT32_MAX

/* A call whose restart runs; on its exchange's arena, as host_state. */
struct waiter {
    struct psv_list link;
    struct psv_exchange *exchange;
    unsigned group; /* or GROUP_ALL */
};

/* ---- the token */

static int read_token(const char *path, struct psv_buffer *text, struct psv_error *reterr)
{
    struct stat status;
    int code = psv_fd_read_file(path, text);

    if (code != PSV_OK) {
        return psv_error_set(reterr, code, "internal.token_file: %s cannot be read: %s", path,
                             psv_error_text(code));
    }
    if (stat(path, &status) == 0 && (status.st_mode & (S_IROTH | S_IWOTH)) != 0) {
        return psv_error_set(
            reterr, PSV_EACCESS,
            "internal.token_file: everybody may read or write %s (mode %03o); chmod 600, or 640", path,
            (unsigned)status.st_mode & 0777);
    }
    return PSV_OK;
}

int psv_worker_admin_boot(struct psv_server *server, struct psv_error *reterr)
{
    const char *path = server->config->internal.token_file;
    struct psv_worker_admin *admin = &server->worker_admin;
    struct psv_buffer text;

    admin->server = server;
    psv_list_init(&admin->waiting);
    if (*path == '\0') {
        return PSV_OK;
    }
    psv_buffer_init(&text, TOKEN_BYTES_MAX);
    int code = read_token(path, &text, reterr);
    struct psv_bytes rest = psv_buffer_bytes(&text);
    struct psv_bytes token = PSV_BYTES_EMPTY;
    (void)psv_bytes_split(&rest, '\n', &token); /* its first line */
    token = psv_bytes_trim(token);
    if (token.len > 0 && token.data[token.len - 1] == '\r') {
        token.len--;
    }
    if (code == PSV_OK && token.len < TOKEN_BYTES_MIN) {
        code = psv_error_set(reterr, PSV_EINVAL,
                             "internal.token_file: the token in %s has %zu bytes; %d is the least", path,
                             token.len, TOKEN_BYTES_MIN);
    }
    if (code == PSV_OK) {
        admin->token = psv_calloc(1, token.len + 1);
        code = admin->token != NULL ? PSV_OK : psv_error_set(reterr, PSV_ENOMEM, "out of memory");
    }
    if (code == PSV_OK) {
        memcpy(admin->token, token.data, token.len);
    }
    psv_buffer_fini(&text);
    return code;
}

void psv_worker_admin_fini(struct psv_server *server)
{
    server->worker_admin.token = psv_free(server->worker_admin.token);
}

/* In a time that does not tell where the first difference is. */
static bool is_token(const char *token, struct psv_bytes given)
{
    size_t len = strlen(token);
    unsigned difference = given.len != len;

    for (size_t i = 0; i < given.len; i++) {
        difference |= (unsigned char)given.data[i] ^ (unsigned char)token[i % len];
    }
    return difference == 0;
}

/* ---- answers */

static int put_quoted(struct psv_buffer *out, const char *text)
{
    return psv_json_text_put(out, psv_bytes_of(text));
}

static int put_group(struct psv_buffer *out, const struct psv_server *server, unsigned group, bool is_first)
{
    const struct psv_worker_restart *restart = &server->restarts.items[group];
    int code = psv_buffer_printf(out, "%s\n  {\"name\": ", is_first ? "" : ",");

    if (code == 0) {
        code = put_quoted(out, server->groups[group].script->name);
    }
    if (code == 0) {
        code =
            psv_buffer_printf(out, ", \"restarted\": %s, \"milliseconds\": %" PRIu64,
                              restart->has_failed ? "false" : "true", restart->duration_ns / PSV_NS_PER_MS);
    }
    if (code == 0 && restart->has_failed) {
        code = psv_buffer_printf(out, ", \"reason\": ");
        if (code == 0) {
            code = put_quoted(out, restart->error.message);
        }
    }
    return code == 0 ? psv_buffer_append_byte(out, '}') : code;
}

static int put_groups(struct psv_buffer *out, const struct psv_server *server, unsigned group,
                      bool *ret_has_failed)
{
    int code = psv_buffer_printf(out, "{\"workers\": [");
    bool is_first = true;

    *ret_has_failed = false;
    for (unsigned i = 1; i < server->groups_len && code == 0; i++) {
        if (group == GROUP_ALL || group == i) {
            code = put_group(out, server, i, is_first);
            is_first = false;
            *ret_has_failed |= server->restarts.items[i].has_failed;
        }
    }
    return code == 0 ? psv_buffer_printf(out, "%s]}\n", is_first ? "" : "\n") : code;
}

/* NULL when there is no memory. */
static struct psv_text_answer *new_answer(struct psv_exchange *exchange)
{
    struct psv_text_answer *made = psv_arena_calloc(&exchange->arena, sizeof(*made));

    return made != NULL && psv_text_answer_init(made, exchange, ANSWER_BYTES_MAX) == PSV_OK ? made : NULL;
}

static int add_fields(struct psv_exchange *exchange, const char *name, struct psv_bytes value)
{
    int code = psv_text_answer_add_fields(exchange, PSV_BYTES("application/json"));

    return code == PSV_OK && name != NULL
               ? psv_headers_add(&exchange->response.headers, &exchange->arena, psv_bytes_of(name), value)
               : code;
}

/* code: whether all went well until here. */
static void send_answer(struct psv_exchange *exchange, unsigned status, struct psv_text_answer *made,
                        int code)
{
    if (code == PSV_OK) {
        psv_text_answer_send(made, exchange, status);
    } else {
        psv_exchange_refuse(exchange, 500, "out of memory", NULL, 0);
    }
}

static void answer(struct psv_server *server, struct psv_exchange *exchange, unsigned group)
{
    struct psv_text_answer *made = new_answer(exchange);
    bool has_failed = false;
    int code = made != NULL ? put_groups(&made->text, server, group, &has_failed) : PSV_ENOMEM;

    if (code == PSV_OK) {
        code = add_fields(exchange, NULL, PSV_BYTES_EMPTY);
    }
    send_answer(exchange, has_failed ? 500 : 200, made, code);
}

/* Says why, and what would be right: whoever asks is the operator. */
static void refuse(struct psv_exchange *exchange, unsigned status, const char *reason, const char *name,
                   const char *value)
{
    struct psv_text_answer *made = new_answer(exchange);
    int code = made != NULL ? psv_buffer_printf(&made->text, "{\"error\": ") : PSV_ENOMEM;

    if (code == PSV_OK) {
        code = put_quoted(&made->text, reason);
    }
    if (code == PSV_OK) {
        code = psv_buffer_printf(&made->text, "}\n");
    }
    if (code == PSV_OK) {
        code = add_fields(exchange, name, psv_bytes_of(value));
    }
    send_answer(exchange, status, made, code);
}

/* ---- calls */

static bool refuse_stranger(const struct psv_worker_admin *admin, struct psv_exchange *exchange)
{
    struct psv_bytes given = psv_headers_value(&exchange->request.headers, PSV_FIELD_AUTHORIZATION);
    struct psv_bytes scheme = PSV_BYTES("Bearer ");

    if (admin->token == NULL) {
        refuse(exchange, 403,
               "calls that change something need a token: put one into a file, name it with "
               "--internal-token-file, and send \"Authorization: Bearer TOKEN\"",
               NULL, "");
        return true;
    }
    if (!psv_bytes_starts_with_case(given, scheme) ||
        !is_token(admin->token, psv_bytes_trim(psv_bytes_from(given, scheme.len)))) {
        PSV_LOG(PSV_LOG_WARN, "internal.call_refused", PSV_LOG_BYTES("path", exchange->request.path),
                PSV_LOG_TEXT("client", exchange->peer.remote_address));
        refuse(exchange, 401,
               given.len == 0 ? "send the token of --internal-token-file: \"Authorization: Bearer TOKEN\""
                              : "this is not the token of --internal-token-file",
               "WWW-Authenticate", "Bearer realm=\"phpsrv\"");
        return true;
    }
    return false;
}

static bool is_quiet(const struct psv_server *server, unsigned group)
{
    bool is_pending = false;

    for (unsigned i = 1; i < server->groups_len; i++) {
        is_pending |= (group == GROUP_ALL || group == i) && psv_worker_restart_is_pending(server, i);
    }
    return !is_pending;
}

static struct waiter *find_done(const struct psv_worker_admin *admin)
{
    PSV_LIST_FOR_EACH(node, &admin->waiting)
    {
        struct waiter *waiter = PSV_LIST_ENTRY(node, struct waiter, link);
        if (is_quiet(admin->server, waiter->group)) {
            return waiter;
        }
    }
    return NULL;
}

static void on_end(void *context)
{
    struct psv_worker_admin *admin = context;
    struct waiter *waiter;

    /* an answer may end a connection, and with it other calls: looked for from the beginning each time */
    while ((waiter = find_done(admin)) != NULL) {
        psv_list_remove(&waiter->link);
        answer(admin->server, waiter->exchange, waiter->group);
    }
}

void psv_worker_admin_forget(struct psv_exchange *exchange)
{
    struct waiter *waiter = exchange->host_state;

    if (waiter != NULL) {
        psv_list_remove(&waiter->link);
    }
}

/* By its name, with or without the slash that a path begins with, or by the name of its file when no other
 * script has that. */
static unsigned find_group(const struct psv_server *server, struct psv_bytes name)
{
    unsigned found = GROUP_NONE;
    unsigned files = 0;

    for (unsigned i = 1; i < server->groups_len; i++) {
        struct psv_bytes own = psv_bytes_of(server->groups[i].script->name);
        struct psv_bytes path = psv_bytes_of(server->groups[i].script->path);
        struct psv_bytes file = psv_bytes_from(path, psv_bytes_find_last(path, '/') + 1);
        if (psv_bytes_equal(own, name) ||
            (own.len > 0 && own.data[0] == '/' && psv_bytes_equal(psv_bytes_from(own, 1), name))) {
            return i;
        }
        if (psv_bytes_equal(file, name)) {
            found = i;
            files++;
        }
    }
    return files == 1 ? found : GROUP_NONE;
}

/* "/workers/restart", "/workers/NAME/restart"; *ret_name is empty for all.  False: another path. */
static bool parse_path(const struct psv_server *server, struct psv_bytes path, struct psv_bytes *ret_name)
{
    struct psv_bytes begin = PSV_BYTES("/workers/");
    struct psv_bytes end = PSV_BYTES("/restart");

    *ret_name = PSV_BYTES_EMPTY;
    if (psv_bytes_equal(path, PSV_BYTES("/workers/restart"))) {
        return true;
    }
    /* with internal.frankenphp that one is answered without a token, to clients of this machine */
    if (psv_bytes_equal(path, PSV_BYTES("/frankenphp/workers/restart"))) {
        return !server->config->internal.frankenphp;
    }
    if (!psv_bytes_starts_with(path, begin) || path.len <= begin.len + end.len ||
        !psv_bytes_ends_with(path, end)) {
        return false;
    }
    *ret_name = psv_bytes_first(psv_bytes_from(path, begin.len), path.len - begin.len - end.len);
    return true;
}

static void begin(struct psv_worker_admin *admin, struct psv_exchange *exchange, unsigned group)
{
    struct psv_server *server = admin->server;
    struct waiter *waiter = psv_arena_calloc(&exchange->arena, sizeof(*waiter));

    if (waiter == NULL) {
        psv_exchange_refuse(exchange, 500, "out of memory", NULL, 0);
        return;
    }
    *waiter = (struct waiter){.exchange = exchange, .group = group};
    psv_list_init(&waiter->link);
    exchange->host_state = waiter;
    server->restarts.on_end = on_end;
    server->restarts.context = admin;
    if (group == GROUP_ALL) {
        psv_worker_restart_all(server, "internal listener");
    } else {
        psv_worker_restart(server, group, "internal listener");
    }
    if (is_quiet(server, group)) { /* there is nothing to restart, or it has failed at once */
        answer(server, exchange, group);
    } else {
        psv_list_append(&admin->waiting, &waiter->link);
    }
}

bool psv_worker_admin_answer(struct psv_worker_admin *admin, struct psv_exchange *exchange)
{
    struct psv_bytes name;

    if (!parse_path(admin->server, exchange->request.path, &name)) {
        return false;
    }
    if (exchange->request.method != PSV_METHOD_POST) {
        refuse(exchange, 405, "restarts are asked for with POST", "Allow", "POST");
        return true;
    }
    if (refuse_stranger(admin, exchange)) {
        return true;
    }
    unsigned group = name.len == 0 ? GROUP_ALL : find_group(admin->server, name);
    if (group == GROUP_NONE) {
        refuse(exchange, 404, "no script of worker mode has this name: see /status", NULL, "");
        return true;
    }
    begin(admin, exchange, group);
    return true;
}
