/* Functions for scripts that act on the running request: early end, early hints, deadline, log.  [worker]
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include <ctype.h>

#include "observe/log.h"
#include "php_functions.h"
#include "php_headers.h"
#include "php_output.h"
#include "php_thread.h"
#include "phpsrv/executor.h"
#include "phpsrv/message.h"

#define CONTEXT_MAX 24
#define CONTEXT_KEY_MAX 64
/* A week: as long as the option for it may be. */
#define HEARTBEAT_SECONDS_MAX (7 * 86400)

static struct psv_php_thread *responding_thread(void)
{
    struct psv_php_thread *thread = psv_php_thread_current();
    return thread != NULL && thread->job != NULL && !psv_php_is_forked_child() ? thread : NULL;
}

PHP_FUNCTION(phpsrv_finish_request)
{
    ZEND_PARSE_PARAMETERS_NONE();
    struct psv_php_thread *thread = responding_thread();
    if (thread == NULL || thread->is_finished)
        RETURN_FALSE;
    thread->is_finished = true;
    php_output_end_all();
    (void)sapi_send_headers();
    psv_php_output_finish(thread);
    RETURN_TRUE;
}

PHP_FUNCTION(headers_send)
{
    zend_long status = 200;
    ZEND_PARSE_PARAMETERS_START(0, 1)
    Z_PARAM_OPTIONAL
    Z_PARAM_LONG(status)
    ZEND_PARSE_PARAMETERS_END();
    if (status < 100 || status > 999 || status == 101) {
        zend_argument_value_error(1, "must be between 100 and 999, and not 101");
        RETURN_THROWS();
    }
    struct psv_php_thread *thread = responding_thread();
    if (status < 200) {
        bool is_sent = thread != NULL && psv_php_headers_inform(thread, (unsigned)status) == PSV_OK;
        RETURN_LONG(is_sent ? SAPI_HEADER_SENT_SUCCESSFULLY : SAPI_HEADER_SEND_FAILED);
    }
    SG(sapi_headers).http_response_code = (int)status;
    RETURN_LONG(sapi_send_headers());
}

PHP_FUNCTION(phpsrv_request_heartbeat)
{
    zend_long seconds;
    ZEND_PARSE_PARAMETERS_START(1, 1)
    Z_PARAM_LONG(seconds)
    ZEND_PARSE_PARAMETERS_END();
    if (seconds < 1 || seconds > HEARTBEAT_SECONDS_MAX) {
        zend_argument_value_error(1, "must be between 1 and %d", HEARTBEAT_SECONDS_MAX);
        RETURN_THROWS();
    }
    struct psv_php_thread *thread = responding_thread();
    if (thread == NULL)
        RETURN_FALSE;
    psv_job_extend_deadline(thread->job, (uint64_t)seconds * 1000);
    RETURN_TRUE;
}

/* ---- phpsrv_log */

struct context {
    struct psv_log_field fields[5 + CONTEXT_MAX];
    unsigned len;
    char keys[CONTEXT_MAX][sizeof("context.") + CONTEXT_KEY_MAX];
    zend_string *texts[CONTEXT_MAX];
    unsigned keys_len;
};

/** "context.user_id": bytes that a key of the log cannot have become '_'. */
static const char *make_key(struct context *context, zend_string *name, zend_ulong number)
{
    char *key = context->keys[context->keys_len];
    if (name == NULL) {
        snprintf(key, sizeof(context->keys[0]), "context.%llu", (unsigned long long)number);
        return key;
    }
    snprintf(key, sizeof(context->keys[0]), "context.%.*s", CONTEXT_KEY_MAX, ZSTR_VAL(name));
    for (char *c = key; *c != '\0'; c++) {
        if (!isalnum((unsigned char)*c) && *c != '.' && *c != '-')
            *c = '_';
    }
    return key;
}

static void add_value(struct context *context, const char *key, zval *value)
{
    struct psv_log_field *field = &context->fields[context->len++];
    zend_string **text = &context->texts[context->keys_len++];
    *text = NULL;
    switch (Z_TYPE_P(value)) {
    case IS_LONG:
        *field = PSV_LOG_I64(key, Z_LVAL_P(value));
        return;
    case IS_TRUE:
    case IS_FALSE:
        *field = PSV_LOG_BOOL(key, Z_TYPE_P(value) == IS_TRUE);
        return;
    case IS_NULL:
        *field = PSV_LOG_TEXT(key, "null");
        return;
    case IS_STRING:
        *text = zend_string_copy(Z_STR_P(value));
        break;
    case IS_DOUBLE:
        *text = zend_double_to_str(Z_DVAL_P(value));
        break;
    default: {
        smart_str json = {0};
        (void)php_json_encode(&json, value, PHP_JSON_PARTIAL_OUTPUT_ON_ERROR | PHP_JSON_UNESCAPED_SLASHES);
        *text = smart_str_extract(&json);
    }
    }
    *field = PSV_LOG_BYTES(key, ((struct psv_bytes){ZSTR_VAL(*text), ZSTR_LEN(*text)}));
}

static bool parse_level(zend_string *text, enum psv_log_level *ret_level)
{
    static const struct {
        const char *name;
        enum psv_log_level level;
    } levels[] = {
        {"debug", PSV_LOG_DEBUG}, {"info", PSV_LOG_INFO},      {"notice", PSV_LOG_INFO},
        {"warn", PSV_LOG_WARN},   {"warning", PSV_LOG_WARN},   {"error", PSV_LOG_ERROR},
        {"alert", PSV_LOG_ERROR}, {"critical", PSV_LOG_ERROR}, {"emergency", PSV_LOG_ERROR},
    };
    for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
        if (zend_string_equals_cstr(text, levels[i].name, strlen(levels[i].name))) {
            *ret_level = levels[i].level;
            return true;
        }
    }
    return false;
}

void psv_php_functions_log(enum psv_log_level level, zend_string *message, HashTable *values)
{
    if (level < psv_log_min_level())
        return;
    struct context context = {.len = 0};
    struct psv_php_thread *thread = responding_thread();
    if (thread != NULL) {
        context.fields[context.len++] = PSV_LOG_BYTES("request_id", thread->message->request_id);
        context.fields[context.len++] = PSV_LOG_BYTES_IF("trace_id", thread->message->trace_id);
        context.fields[context.len++] = PSV_LOG_BYTES_IF("span_id", thread->message->span_id);
    }
    /* the message before what may be cut */
    context.fields[context.len++] =
        PSV_LOG_BYTES("message", ((struct psv_bytes){ZSTR_VAL(message), ZSTR_LEN(message)}));
    if (values != NULL) {
        zend_ulong number;
        zend_string *name;
        zval *value;
        ZEND_HASH_FOREACH_KEY_VAL(values, number, name, value)
        {
            if (context.keys_len == CONTEXT_MAX || EG(exception) != NULL)
                break;
            ZVAL_DEREF(value);
            add_value(&context, make_key(&context, name, number), value);
        }
        ZEND_HASH_FOREACH_END();
    }
    psv_log_write(level, "php.log", context.fields, context.len);
    for (unsigned i = 0; i < context.keys_len; i++) {
        if (context.texts[i] != NULL)
            zend_string_release(context.texts[i]);
    }
}

PHP_FUNCTION(phpsrv_log)
{
    zend_string *message;
    zend_string *level_text = NULL;
    HashTable *values = NULL;
    ZEND_PARSE_PARAMETERS_START(1, 3)
    Z_PARAM_STR(message)
    Z_PARAM_OPTIONAL
    Z_PARAM_STR(level_text)
    Z_PARAM_ARRAY_HT(values)
    ZEND_PARSE_PARAMETERS_END();
    enum psv_log_level level = PSV_LOG_INFO;
    if (level_text != NULL && !parse_level(level_text, &level)) {
        zend_argument_value_error(2, "must be a level of PSR-3, such as \"info\" or \"error\"");
        RETURN_THROWS();
    }
    psv_php_functions_log(level, message, values);
}
