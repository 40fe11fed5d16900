/* See basic_auth.h.
 *
 * SPDX-License-Identifier: MIT */
#include "basic_auth.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/memory.h"
#include "exec/exchange.h"
#include "http/basic_credentials.h"
#include "http/path_rules.h"
#include "observe/metrics.h"
#include "server/htpasswd_file.h"
#include "server/router.h"

#define CHALLENGE_BYTES_MAX 300
#define DEFAULT_REALM PSV_BYTES("Restricted")

/* ---- rules */

static struct psv_bytes next_word(struct psv_bytes *rest)
{
    size_t len = 0;

    *rest = psv_bytes_trim(*rest);
    while (len < rest->len && rest->data[len] != ' ' && rest->data[len] != '\t') {
        len++;
    }
    struct psv_bytes word = psv_bytes_first(*rest, len);
    *rest = psv_bytes_trim(psv_bytes_from(*rest, len));
    return word;
}

static int wrong(const struct psv_basic_rule *rule, const char *what, struct psv_error *reterr)
{
    return psv_error_set(reterr, PSV_EINVAL, "guard.basic_auth \"%s\": %s", rule->text, what);
}

/* RFC 7617 2.1: the charset says how names and passwords are to be written. */
static int make_challenge(struct psv_basic_rule *rule, struct psv_bytes realm, struct psv_error *reterr)
{
    for (size_t i = 0; i < realm.len; i++) {
        if (realm.data[i] == '"' || realm.data[i] == '\\' || (unsigned char)realm.data[i] < ' ' ||
            realm.data[i] == 0x7f) {
            return wrong(rule, "the realm has a quote, a backslash or a control character", reterr);
        }
    }
    rule->challenge = psv_malloc(CHALLENGE_BYTES_MAX);
    if (rule->challenge == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "no memory for guard.basic_auth");
    }
    int len = snprintf(rule->challenge, CHALLENGE_BYTES_MAX, "Basic realm=\"%.*s\", charset=\"UTF-8\"",
                       PSV_BYTES_ARG(realm));
    return len < CHALLENGE_BYTES_MAX ? PSV_OK : wrong(rule, "the realm is too long", reterr);
}

/* The file of that name; read once although several rules name it. */
static int use_file(struct psv_basic_auth *auth, struct psv_basic_rule *rule, struct psv_bytes name,
                    struct psv_error *reterr)
{
    struct psv_htpasswd_file *file;

    for (size_t i = 0; i < auth->files_len; i++) {
        if (psv_bytes_equal(psv_bytes_of(auth->files[i]->path), name)) {
            rule->file = auth->files[i];
            return PSV_OK;
        }
    }
    char *path = psv_strndup(name.data, name.len);
    if (path == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "no memory for guard.basic_auth");
    }
    int code = psv_htpasswd_file_read(path, &file, reterr);
    if (code != PSV_OK) {
        psv_free(path);
        return code;
    }
    auth->files[auth->files_len++] = file;
    rule->file = file;
    return PSV_OK;
}

static int read_rule(struct psv_basic_auth *auth, const char *text, bool reads_files,
                     struct psv_error *reterr)
{
    struct psv_basic_rule *rule = &auth->rules[auth->len++];
    struct psv_bytes rest = psv_bytes_of(text);
    struct psv_bytes prefix = next_word(&rest);
    struct psv_bytes name = next_word(&rest);

    rule->text = text;
    if (name.len == 0) {
        return wrong(rule, "it is written \"PREFIX FILE [REALM]\" or \"PREFIX off\"", reterr);
    }
    const char *odd = psv_path_prefix_parse(prefix, &rule->prefix);
    if (odd != NULL) {
        return wrong(rule, odd, reterr);
    }
    for (size_t i = 0; i + 1 < auth->len; i++) {
        if (psv_bytes_equal_case(auth->rules[i].prefix, rule->prefix)) {
            return wrong(rule, "there is a rule for this prefix already", reterr);
        }
    }
    rule->is_off = psv_bytes_equal(name, PSV_BYTES("off"));
    if (rule->is_off) {
        return rest.len == 0 ? PSV_OK : wrong(rule, "nothing follows \"off\"", reterr);
    }
    int code = make_challenge(rule, rest.len > 0 ? rest : DEFAULT_REALM, reterr);
    return code == PSV_OK && reads_files ? use_file(auth, rule, name, reterr) : code;
}

int psv_basic_auth_init(struct psv_basic_auth *auth, const struct psv_config *config, bool reads_files,
                        struct psv_error *reterr)
{
    const struct psv_config_list *list = &config->guard.basic_auth;
    int code = PSV_OK;

    *auth = (struct psv_basic_auth){.len = 0};
    if (list->len == 0) {
        return PSV_OK;
    }
    auth->rules = psv_calloc(list->len, sizeof(*auth->rules));
    auth->files = psv_calloc(list->len, sizeof(struct psv_htpasswd_file *));
    if (auth->rules == NULL || auth->files == NULL) {
        code = psv_error_set(reterr, PSV_ENOMEM, "no memory for guard.basic_auth");
    }
    for (size_t i = 0; i < list->len && code == PSV_OK; i++) {
        code = read_rule(auth, list->items[i], reads_files, reterr);
    }
    if (code != PSV_OK) {
        psv_basic_auth_fini(auth);
    }
    return code;
}

void psv_basic_auth_fini(struct psv_basic_auth *auth)
{
    for (size_t i = 0; i < auth->len; i++) {
        psv_free(auth->rules[i].challenge);
    }
    for (size_t i = 0; i < auth->files_len; i++) {
        char *path = (char *)(uintptr_t)auth->files[i]->path;
        auth->files[i] = psv_htpasswd_file_free(auth->files[i]);
        psv_free(path);
    }
    auth->rules = psv_free(auth->rules);
    auth->files = psv_free(auth->files);
    auth->len = 0;
    auth->files_len = 0;
}

/* ---- which rules apply */

/* The innermost rule that covers the path; NULL: none. */
static const struct psv_basic_rule *find_rule(const struct psv_basic_auth *auth, struct psv_bytes path,
                                              enum psv_path_view view)
{
    const struct psv_basic_rule *found = NULL;

    for (size_t i = 0; i < auth->len; i++) {
        const struct psv_basic_rule *rule = &auth->rules[i];
        if ((found == NULL || rule->prefix.len > found->prefix.len) &&
            psv_path_is_below(path, rule->prefix, view)) {
            found = rule;
        }
    }
    return found;
}

static void add_rule(struct psv_basic_need *need, const struct psv_basic_rule *rule)
{
    for (unsigned i = 0; i < need->len; i++) {
        if (need->rules[i] == rule) {
            return;
        }
    }
    if (rule != NULL) {
        INVARIANT(need->len <
                  PSV_PASSWORD_HASHES_MAX); /* of psv_basic_auth_find's 11 calls each adds one at most */
        need->rules[need->len++] = rule;
    }
}

static bool is_within(const struct psv_basic_rule *inner, const struct psv_basic_rule *outer)
{
    return psv_path_is_below(inner->prefix, outer->prefix, PSV_PATH_PLAIN);
}

/* Of rules within each other the innermost stays; then those that ask for nothing go. */
static void keep_innermost(struct psv_basic_need *need)
{
    struct psv_basic_need kept = {.len = 0};

    for (unsigned i = 0; i < need->len; i++) {
        bool is_innermost = !need->rules[i]->is_off;
        for (unsigned k = 0; k < need->len; k++) {
            is_innermost &= k == i || !is_within(need->rules[k], need->rules[i]);
        }
        if (is_innermost) {
            kept.rules[kept.len++] = need->rules[i];
        }
    }
    *need = kept;
}

/* What an application may take the path for.  It asks for more, never for less. */
static void add_view(const struct psv_basic_auth *auth, struct psv_basic_need *need, struct psv_bytes path,
                     enum psv_path_view view)
{
    const struct psv_basic_rule *rule = path.len > 0 ? find_rule(auth, path, view) : NULL;

    if (rule == NULL || rule->is_off) {
        return;
    }
    for (unsigned i = 0; i < need->len; i++) {
        if (is_within(need->rules[i], rule)) {
            return;
        }
    }
    add_rule(need, rule);
}

static void add_decoded_views(const struct psv_basic_auth *auth, struct psv_basic_need *need,
                              struct psv_bytes path)
{
    if (psv_path_has_encoded_slash(path)) {
        add_view(auth, need, path, PSV_PATH_DECODED);
        add_view(auth, need, path, PSV_PATH_RESOLVED);
    }
}

/* Frameworks take the name of the front controller off the path that was asked for, with what is in front of
 * it, and route by what follows: "/index.php%2Fadmin", which names no file and falls back to /index.php, is
 * "/admin" to some of them. */
static void add_views_behind_script(const struct psv_basic_auth *auth, struct psv_basic_need *need,
                                    struct psv_bytes asked, struct psv_bytes script)
{
    struct psv_bytes name = psv_bytes_from(script, psv_bytes_find_last(script, '/') + 1);

    if (name.len > 0 && psv_path_find_behind(asked, name, &asked)) {
        add_view(auth, need, asked, PSV_PATH_PLAIN);
        add_view(auth, need, asked, PSV_PATH_DECODED);
        add_view(auth, need, asked, PSV_PATH_RESOLVED);
    }
}

void psv_basic_auth_find(const struct psv_basic_auth *auth, struct psv_bytes asked, struct psv_bytes path,
                         const struct psv_route *route, struct psv_basic_need *ret_need)
{
    ret_need->len = 0;
    if (auth->len == 0) {
        return;
    }
    struct psv_bytes path_info = route->kind == PSV_ROUTE_SCRIPT ? route->script.path_info : PSV_BYTES_EMPTY;
    add_rule(ret_need, find_rule(auth, asked, PSV_PATH_PLAIN));
    add_rule(ret_need, find_rule(auth, path, PSV_PATH_PLAIN));
    if (route->kind == PSV_ROUTE_SCRIPT) {
        add_rule(ret_need, find_rule(auth, route->script.name, PSV_PATH_PLAIN));
    } else if (route->kind == PSV_ROUTE_STATIC) {
        add_rule(ret_need, find_rule(auth, route->file.file->path, PSV_PATH_PLAIN));
    }
    keep_innermost(ret_need);
    add_view(auth, ret_need, path_info, PSV_PATH_PLAIN);
    add_decoded_views(auth, ret_need, path_info);
    add_decoded_views(auth, ret_need, asked);
    if (route->kind == PSV_ROUTE_SCRIPT) {
        add_views_behind_script(auth, ret_need, asked, route->script.name);
    }
}

/* ---- the question */

static void refuse_with(struct psv_exchange *exchange, unsigned status, const char *reason,
                        struct psv_bytes name, const char *value)
{
    const struct psv_field field = {.name = name, .value = psv_bytes_of(value), .id = psv_field_find(name)};

    psv_exchange_refuse(exchange, status, reason, &field, 1);
}

static void ask_for_password(struct psv_exchange *exchange, const struct psv_basic_rule *rule)
{
    psv_metric_inc(PSV_METRIC_BASIC_AUTH_ASKED);
    refuse_with(exchange, 401, "password needed", PSV_BYTES("WWW-Authenticate"), rule->challenge);
}

void psv_basic_auth_refuse(struct psv_exchange *exchange, const struct psv_basic_rule *rule)
{
    psv_metric_inc(PSV_METRIC_BASIC_AUTH_WRONG);
    refuse_with(exchange, 401, "wrong name or password", PSV_BYTES("WWW-Authenticate"), rule->challenge);
}

/* Rules may share a file. */
static void add_hash(struct psv_password_question *question, const struct psv_basic_rule *rule)
{
    bool is_known;
    const char *hash = psv_htpasswd_file_find(rule->file, question->user, &is_known);

    question->is_known &= is_known;
    for (unsigned i = 0; i < question->hashes_len; i++) {
        if (question->hashes[i] == hash) {
            return;
        }
    }
    question->hashes[question->hashes_len++] = hash;
}

/* RFC 9110 11.6.2: one field.  With two of them a script might read the other one. */
static int read_credentials(const struct psv_exchange *exchange, char out[PSV_BASIC_BYTES_MAX],
                            struct psv_basic_credentials *ret)
{
    const struct psv_headers *headers = &exchange->request.headers;

    if (psv_headers_count(headers, PSV_FIELD_AUTHORIZATION) != 1) {
        return PSV_ESYNTAX;
    }
    return psv_basic_credentials_parse(psv_headers_value(headers, PSV_FIELD_AUTHORIZATION), out, ret);
}

static enum psv_basic_verdict ask_checker(const struct psv_basic_auth *auth, struct psv_exchange *exchange,
                                          const struct psv_password_question *question, uint64_t now_ns,
                                          struct psv_password_waiter *waiter)
{
    switch (psv_password_checker_ask(auth->checker, question, now_ns, waiter)) {
    case PSV_PASSWORD_RIGHT:
        psv_metric_inc(PSV_METRIC_BASIC_AUTH_REMEMBERED);
        exchange->is_user_checked = true;
        return PSV_BASIC_PASSED;
    case PSV_PASSWORD_WAIT:
        return PSV_BASIC_WAITS;
    case PSV_PASSWORD_CLIENT_BUSY:
        psv_metric_inc(PSV_METRIC_BASIC_AUTH_BUSY);
        refuse_with(exchange, 429, "too many passwords of this client", psv_field_name(PSV_FIELD_RETRY_AFTER),
                    "1");
        return PSV_BASIC_REFUSED;
    case PSV_PASSWORD_BUSY:
        break;
    }
    psv_metric_inc(PSV_METRIC_BASIC_AUTH_BUSY);
    refuse_with(exchange, 503, "too many passwords to check", psv_field_name(PSV_FIELD_RETRY_AFTER), "2");
    return PSV_BASIC_REFUSED;
}

enum psv_basic_verdict psv_basic_auth_check(const struct psv_basic_auth *auth, struct psv_exchange *exchange,
                                            const struct psv_basic_need *need, uint64_t now_ns,
                                            struct psv_password_waiter *waiter)
{
    char text[PSV_BASIC_BYTES_MAX];
    struct psv_basic_credentials credentials;
    struct psv_password_question question = {.is_known = true};

    if (read_credentials(exchange, text, &credentials) != PSV_OK) {
        ask_for_password(exchange, need->rules[0]);
        return PSV_BASIC_REFUSED;
    }
    question.user = credentials.user;
    question.password = credentials.password;
    if (exchange->peer.has_remote_ip) {
        question.client = exchange->peer.remote_ip; /* else zeros: unix */
    }
    for (unsigned i = 0; i < need->len; i++) {
        add_hash(&question, need->rules[i]);
    }
    enum psv_basic_verdict verdict = ask_checker(auth, exchange, &question, now_ns, waiter);
    explicit_bzero(text, sizeof(text));
    return verdict;
}
