/* See cors.h.
 *
 * Caches ("CORS protocol and HTTP caches" of the standard): with a list of origins every response depends on
 * the request's, also one without the field and one that allows nothing, so all of them have "Vary: Origin".
 *
 * SPDX-License-Identifier: MIT */
#include "cors.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "exec/exchange.h"
#include "http/field_list.h"
#include "http/origin.h"
#include "observe/metrics.h"

#define ALLOW_ORIGIN PSV_BYTES("Access-Control-Allow-Origin")
#define ADDED_MAX 4
#define PREFLIGHT_FIELDS_MAX 8
/* Of a list of names that is sent back as it came. */
#define REFLECTED_BYTES_MAX 2048

/* ---- options */

/* Names with commas between, or "*". */
static int read_names(const char *text, const char *option, bool may_be_empty, struct psv_bytes *ret,
                      struct psv_error *reterr)
{
    struct psv_bytes rest = psv_bytes_of(text);
    struct psv_bytes name;
    bool is_right = may_be_empty || rest.len > 0;

    *ret = psv_bytes_trim(rest);
    if (psv_bytes_equal(*ret, PSV_BYTES("*"))) {
        return PSV_OK;
    }
    while (is_right && psv_bytes_split(&rest, ',', &name)) {
        is_right = psv_field_name_is_valid(psv_bytes_trim(name)) &&
                   !psv_bytes_equal(psv_bytes_trim(name), PSV_BYTES("*"));
    }
    return is_right
               ? PSV_OK
               : psv_error_set(reterr, PSV_EINVAL,
                               "%s \"%s\" is not a list of names with commas between, or *", option, text);
}

static int read_origins(struct psv_cors *cors, const struct psv_config_cors *config, struct psv_error *reterr)
{
    const struct psv_config_list *list = &config->origins;

    cors->patterns = psv_calloc(list->len, sizeof(*cors->patterns));
    if (cors->patterns == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "no memory for cors.origins");
    }
    for (size_t i = 0; i < list->len; i++) {
        struct psv_bytes text = psv_bytes_of(list->items[i]);
        if (psv_bytes_equal(text, PSV_BYTES("*"))) {
            cors->allows_any = true;
            continue;
        }
        const char *wrong = psv_origin_pattern_parse(text, &cors->patterns[cors->patterns_len++]);
        if (wrong != NULL) {
            return psv_error_set(reterr, PSV_EINVAL, "cors.origins: \"%s\" %s", list->items[i], wrong);
        }
    }
    return !cors->allows_any || list->len == 1
               ? PSV_OK
               : psv_error_set(reterr, PSV_EINVAL, "cors.origins: \"*\" allows all, and stands alone");
}

static int check_credentials(const struct psv_cors *cors, struct psv_error *reterr)
{
    if (cors->has_credentials && cors->allows_any) {
        return psv_error_set(
            reterr, PSV_EINVAL,
            "cors.credentials and the origin \"*\": every page of the world could act in its "
            "visitor's name; name the origins");
    }
    if (cors->has_credentials && psv_bytes_equal(cors->expose, PSV_BYTES("*"))) {
        return psv_error_set(
            reterr, PSV_EINVAL,
            "cors.expose \"*\" means nothing to browsers together with cors.credentials; name "
            "the fields");
    }
    return PSV_OK;
}

int psv_cors_init(struct psv_cors *cors, const struct psv_config_cors *config, struct psv_error *reterr)
{
    *cors = (struct psv_cors){.is_used = config->origins.len > 0, .has_credentials = config->credentials};
    int code = read_names(config->methods, "cors.methods", false, &cors->methods, reterr);

    if (code == PSV_OK) {
        code = read_names(config->headers, "cors.headers", true, &cors->headers, reterr);
    }
    if (code == PSV_OK) {
        code = read_names(config->expose, "cors.expose", true, &cors->expose, reterr);
    }
    if (code == PSV_OK && cors->is_used) {
        code = read_origins(cors, config, reterr);
    }
    if (code == PSV_OK) {
        code = check_credentials(cors, reterr);
    }
    (void)snprintf(cors->max_age_text, sizeof(cors->max_age_text), "%llu",
                   (unsigned long long)(config->max_age_ms / 1000));
    if (code != PSV_OK) {
        psv_cors_fini(cors);
    }
    return code;
}

void psv_cors_fini(struct psv_cors *cors)
{
    cors->patterns = psv_free(cors->patterns);
    cors->is_used = false;
}

/* ---- requests */

/* The only field of that name; data NULL when there is none, or several. */
static struct psv_bytes only_value(const struct psv_headers *headers, struct psv_bytes name)
{
    const struct psv_field *found = NULL;

    for (unsigned i = 0; i < headers->len; i++) {
        const struct psv_field *field = &headers->items[i];
        if (field->id == PSV_FIELD_UNKNOWN && field->name.len == name.len &&
            psv_bytes_equal_case(field->name, name)) {
            if (found != NULL) {
                return PSV_BYTES_EMPTY;
            }
            found = field;
        }
    }
    return found != NULL ? found->value : PSV_BYTES_EMPTY;
}

/* What Access-Control-Allow-Origin says to this request; data NULL: nothing. */
static struct psv_bytes allowed_origin(const struct psv_cors *cors, const struct psv_exchange *exchange)
{
    if (cors->allows_any) {
        return PSV_BYTES("*");
    }
    struct psv_bytes origin = only_value(&exchange->request.headers, PSV_BYTES("Origin"));
    for (size_t i = 0; origin.len > 0 && i < cors->patterns_len; i++) {
        if (psv_origin_matches(&cors->patterns[i], origin)) {
            return origin;
        }
    }
    return PSV_BYTES_EMPTY;
}

static bool is_name_list(struct psv_bytes text)
{
    struct psv_bytes name;

    if (text.len > REFLECTED_BYTES_MAX) {
        return false;
    }
    while (psv_bytes_split(&text, ',', &name)) {
        if (!psv_field_name_is_valid(psv_bytes_trim(name))) {
            return false;
        }
    }
    return true;
}

/* "*" allows what is asked for by its name: the star itself means nothing beside credentials, and never
 * Authorization. */
static struct psv_bytes allowed_names(struct psv_bytes configured, struct psv_bytes asked)
{
    if (!psv_bytes_equal(configured, PSV_BYTES("*"))) {
        return configured;
    }
    return is_name_list(asked) ? asked : PSV_BYTES_EMPTY;
}

/* ---- responses */

/* Whatever happens: a response without these fields is one that other sites may not read. */
static void add(struct psv_exchange *exchange, struct psv_bytes name, struct psv_bytes value)
{
    if (value.len > 0) {
        (void)!psv_headers_add(&exchange->response.headers, psv_exchange_arena(exchange), name, value);
    }
}

bool psv_cors_answer_preflight(const struct psv_cors *cors, struct psv_exchange *exchange)
{
    const struct psv_headers *asked = &exchange->request.headers;

    if (!cors->is_used || exchange->request.method != PSV_METHOD_OPTIONS) {
        return false;
    }
    struct psv_bytes method = only_value(asked, PSV_BYTES("Access-Control-Request-Method"));
    if (only_value(asked, PSV_BYTES("Origin")).data == NULL || method.data == NULL) {
        return false;
    }
    struct psv_bytes origin = allowed_origin(cors, exchange);
    struct psv_bytes headers =
        allowed_names(cors->headers, only_value(asked, PSV_BYTES("Access-Control-Request-Headers")));
    struct psv_list none;

    psv_list_init(&none);
    psv_headers_init(&exchange->response.headers, PREFLIGHT_FIELDS_MAX);
    exchange->response.status = 204;
    exchange->response.content_length = -1;
    if (origin.data != NULL) {
        add(exchange, ALLOW_ORIGIN, origin);
        add(exchange, PSV_BYTES("Access-Control-Allow-Methods"), allowed_names(cors->methods, method));
        add(exchange, PSV_BYTES("Access-Control-Allow-Headers"), headers);
        add(exchange, PSV_BYTES("Access-Control-Allow-Credentials"),
            cors->has_credentials ? PSV_BYTES("true") : PSV_BYTES_EMPTY);
        add(exchange, PSV_BYTES("Access-Control-Max-Age"), psv_bytes_of(cors->max_age_text));
    }
    add(exchange, psv_field_name(PSV_FIELD_VARY),
        PSV_BYTES("Origin, Access-Control-Request-Method, Access-Control-Request-Headers"));
    psv_metric_inc(origin.data != NULL ? PSV_METRIC_CORS_PREFLIGHTS_ALLOWED
                                       : PSV_METRIC_CORS_PREFLIGHTS_REFUSED);
    psv_exchange_respond(exchange, &none, true);
    return true;
}

static bool varies_by_origin(const struct psv_headers *headers)
{
    for (unsigned i = 0; i < headers->len; i++) {
        struct psv_bytes value = headers->items[i].value;
        struct psv_bytes member;
        while (headers->items[i].id == PSV_FIELD_VARY && psv_field_list_next(&value, &member)) {
            if (psv_bytes_equal_case(member, PSV_BYTES("Origin")) ||
                psv_bytes_equal(member, PSV_BYTES("*"))) {
                return true;
            }
        }
    }
    return false;
}

/* The response's own fields may be a script's, which are not ours to change: the list is copied, not the
 * texts. */
static void append(struct psv_exchange *exchange, const struct psv_field *added, unsigned added_len)
{
    struct psv_headers *headers = &exchange->response.headers;
    unsigned len = headers->len + added_len;
    struct psv_field *items =
        added_len > 0 ? psv_arena_alloc(psv_exchange_arena(exchange), len * sizeof(*items)) : NULL;

    if (items == NULL) {
        return;
    }
    if (headers->len > 0) {
        memcpy(items, headers->items, headers->len * sizeof(*items));
    }
    memcpy(items + headers->len, added, added_len * sizeof(*items));
    *headers = (struct psv_headers){.items = items, .len = len, .capacity = len, .max_len = len};
}

/* Unless the response says something of it already. */
static unsigned put(struct psv_field *added, unsigned len, const struct psv_exchange *exchange,
                    struct psv_bytes name, struct psv_bytes value)
{
    if (value.len == 0 || psv_headers_find_name(&exchange->response.headers, name) != NULL) {
        return len;
    }
    added[len] = (struct psv_field){.name = name, .value = value};
    return len + 1;
}

void psv_cors_decorate(const struct psv_cors *cors, struct psv_exchange *exchange)
{
    struct psv_field added[ADDED_MAX];
    unsigned len = 0;

    if (!cors->is_used || psv_headers_find_name(&exchange->response.headers, ALLOW_ORIGIN) != NULL) {
        return;
    }
    struct psv_bytes origin = allowed_origin(cors, exchange);
    if (origin.data != NULL) {
        len = put(added, len, exchange, ALLOW_ORIGIN, origin);
        len = put(added, len, exchange, PSV_BYTES("Access-Control-Allow-Credentials"),
                  cors->has_credentials ? PSV_BYTES("true") : PSV_BYTES_EMPTY);
        len = put(added, len, exchange, PSV_BYTES("Access-Control-Expose-Headers"), cors->expose);
    }
    if (!cors->allows_any && !varies_by_origin(&exchange->response.headers)) {
        added[len++] = (struct psv_field){
            .name = psv_field_name(PSV_FIELD_VARY), .value = PSV_BYTES("Origin"), .id = PSV_FIELD_VARY};
    }
    append(exchange, added, len);
}
