/* See php_dev_capture.h.
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_dev_capture.h"

#include <stdio.h>

#include "base/arena.h"
#include "os/clock.h"
#include "php_dev_report.h"
#include "php_thread.h"
#include "phpsrv/executor.h"
#include "phpsrv/message.h"

#define TEXT_BYTES_MAX ((size_t)8192)
#define ARGUMENTS_BYTES_MAX 200
#define ARGUMENT_TEXT_MAX 40

static struct psv_bytes copy(struct psv_dev_report *report, const char *data, size_t len)
{
    return psv_arena_copy(&report->arena, (struct psv_bytes){data, MIN(len, TEXT_BYTES_MAX)});
}

static struct psv_bytes copy_string(struct psv_dev_report *report, const zend_string *string)
{
    return string != NULL ? copy(report, ZSTR_VAL(string), ZSTR_LEN(string)) : PSV_BYTES_EMPTY;
}

static const char *kind_of(int type)
{
    switch (type & E_ALL) {
    case E_PARSE:
        return "Parse error";
    case E_COMPILE_ERROR:
    case E_CORE_ERROR:
    case E_ERROR:
        return "Fatal error";
    case E_USER_ERROR:
        return "User error";
    case E_RECOVERABLE_ERROR:
        return "Recoverable error";
    case E_WARNING:
    case E_CORE_WARNING:
    case E_COMPILE_WARNING:
    case E_USER_WARNING:
        return "Warning";
    case E_DEPRECATED:
    case E_USER_DEPRECATED:
        return "Deprecated";
    default:
        return "Notice";
    }
}

/* ---- traces */

struct arguments {
    char text[ARGUMENTS_BYTES_MAX + 1];
    size_t len;
};

static void put(struct arguments *arguments, const char *data, size_t len)
{
    len = MIN(len, ARGUMENTS_BYTES_MAX - arguments->len);
    memcpy(arguments->text + arguments->len, data, len);
    arguments->len += len;
}

static void put_text(struct arguments *arguments, const char *text)
{
    put(arguments, text, strlen(text));
}

static void put_argument(struct arguments *arguments, const zval *value)
{
    char text[64];
    ZVAL_DEREF(value);
    switch (Z_TYPE_P(value)) {
    case IS_NULL:
        put_text(arguments, "null");
        break;
    case IS_TRUE:
    case IS_FALSE:
        put_text(arguments, Z_TYPE_P(value) == IS_TRUE ? "true" : "false");
        break;
    case IS_LONG:
        (void)snprintf(text, sizeof(text), ZEND_LONG_FMT, Z_LVAL_P(value));
        put_text(arguments, text);
        break;
    case IS_DOUBLE:
        (void)zend_gcvt(Z_DVAL_P(value), 10, '.', 'E', text);
        put_text(arguments, text);
        break;
    case IS_STRING:
        put_text(arguments, "'");
        put(arguments, Z_STRVAL_P(value), MIN(Z_STRLEN_P(value), (size_t)ARGUMENT_TEXT_MAX));
        put_text(arguments, Z_STRLEN_P(value) > ARGUMENT_TEXT_MAX ? "...'" : "'");
        break;
    case IS_ARRAY:
        (void)snprintf(text, sizeof(text), "array(%u)", zend_hash_num_elements(Z_ARRVAL_P(value)));
        put_text(arguments, text);
        break;
    case IS_OBJECT:
        put(arguments, ZSTR_VAL(Z_OBJCE_P(value)->name), ZSTR_LEN(Z_OBJCE_P(value)->name));
        break;
    default:
        put_text(arguments, "resource");
    }
}

static void put_arguments(struct arguments *arguments, const zval *list)
{
    zend_string *name;
    zval *value;
    bool is_first = true;
    put_text(arguments, "(");
    if (list != NULL && Z_TYPE_P(list) == IS_ARRAY) {
        ZEND_HASH_FOREACH_STR_KEY_VAL (Z_ARRVAL_P(list), name, value) {
            if (!is_first)
                put_text(arguments, ", ");
            is_first = false;
            if (name != NULL) {
                put(arguments, ZSTR_VAL(name), ZSTR_LEN(name));
                put_text(arguments, ": ");
            }
            put_argument(arguments, value);
        }
        ZEND_HASH_FOREACH_END();
    }
    put_text(arguments, arguments->len < ARGUMENTS_BYTES_MAX ? ")" : "");
}

static const zval *find(const HashTable *array, enum _zend_known_string_id id)
{
    const zval *value = zend_hash_find(array, ZSTR_KNOWN(id));
    return value;
}

static void put_string_of(struct arguments *arguments, const HashTable *frame, enum _zend_known_string_id id)
{
    const zval *value = find(frame, id);
    if (value != NULL && Z_TYPE_P(value) == IS_STRING)
        put(arguments, Z_STRVAL_P(value), Z_STRLEN_P(value));
}

static void add_frame(struct psv_dev_report *report, struct psv_dev_failure *failure, const HashTable *frame)
{
    struct psv_dev_frame *out = &failure->frames[failure->frames_len];
    struct arguments text = {.len = 0};
    const zval *file = find(frame, ZEND_STR_FILE);
    const zval *line = find(frame, ZEND_STR_LINE);
    put_string_of(&text, frame, ZEND_STR_CLASS);
    put_string_of(&text, frame, ZEND_STR_TYPE);
    put_string_of(&text, frame, ZEND_STR_FUNCTION);
    put_arguments(&text, find(frame, ZEND_STR_ARGS));
    *out = (struct psv_dev_frame){.function = copy(report, text.text, text.len)};
    if (file != NULL && Z_TYPE_P(file) == IS_STRING)
        out->file = copy_string(report, Z_STR_P(file));
    if (line != NULL && Z_TYPE_P(line) == IS_LONG)
        out->line = (unsigned)Z_LVAL_P(line);
    failure->frames_len++;
}

static void add_frames(struct psv_dev_report *report, struct psv_dev_failure *failure, const zval *trace)
{
    zval *frame;
    if (trace == NULL || Z_TYPE_P(trace) != IS_ARRAY)
        return;
    ZEND_HASH_FOREACH_VAL (Z_ARRVAL_P(trace), frame) {
        ZVAL_DEREF(frame);
        if (Z_TYPE_P(frame) != IS_ARRAY)
            continue;
        if (failure->frames_len == PSV_DEV_FRAMES_MAX)
            failure->frames_left_out++;
        else
            add_frame(report, failure, Z_ARRVAL_P(frame));
    }
    ZEND_HASH_FOREACH_END();
}

/* ---- exceptions */

static const zval *property(zend_object *exception, enum _zend_known_string_id id, zval *storage)
{
    zend_class_entry *base =
        instanceof_function(exception->ce, zend_ce_exception) ? zend_ce_exception : zend_ce_error;
    const zval *value = zend_read_property_ex(base, exception, ZSTR_KNOWN(id), true, storage);
    ZVAL_DEREF(value);
    return value;
}

static struct psv_dev_failure *new_failure(struct psv_dev_report *report)
{
    struct psv_dev_failure *failure = psv_arena_calloc(&report->arena, sizeof(*failure));
    if (failure != NULL && report->failures_len < ARRAY_SIZE(report->failures))
        report->failures[report->failures_len++] = failure;
    return failure;
}

static void add_exception(struct psv_dev_report *report, zend_object *exception)
{
    zval storage;
    const zval *value;
    struct psv_dev_failure *failure = new_failure(report);
    if (failure == NULL)
        return;
    failure->kind = copy_string(report, exception->ce->name);
    value = property(exception, ZEND_STR_MESSAGE, &storage);
    if (Z_TYPE_P(value) == IS_STRING)
        failure->text = copy_string(report, Z_STR_P(value));
    value = property(exception, ZEND_STR_FILE, &storage);
    if (Z_TYPE_P(value) == IS_STRING)
        failure->file = copy_string(report, Z_STR_P(value));
    value = property(exception, ZEND_STR_LINE, &storage);
    if (Z_TYPE_P(value) == IS_LONG)
        failure->line = (unsigned)Z_LVAL_P(value);
    value = property(exception, ZEND_STR_CODE, &storage);
    if (Z_TYPE_P(value) == IS_LONG)
        failure->code = Z_LVAL_P(value);
    add_frames(report, failure, property(exception, ZEND_STR_TRACE, &storage));
}

/** "Uncaught " + what __toString() said + "\n  thrown": the engine keeps that text in the exception itself.
 * Of a parse or compile error it gives the bare message. */
static bool is_thrown(zend_object *exception, const zend_string *file, uint32_t line, const zend_string *text)
{
    static const char prefix[] = "Uncaught ";
    static const char suffix[] = "\n  thrown";
    zval storage;
    const zval *said = property(exception, ZEND_STR_STRING, &storage);
    if (ZSTR_LEN(text) > sizeof(prefix) + sizeof(suffix) && Z_TYPE_P(said) == IS_STRING &&
        Z_STRLEN_P(said) + sizeof(prefix) - 1 + sizeof(suffix) - 1 == ZSTR_LEN(text) &&
        memcmp(ZSTR_VAL(text) + sizeof(prefix) - 1, Z_STRVAL_P(said), Z_STRLEN_P(said)) == 0)
        return true;
    if (!instanceof_function(exception->ce, zend_ce_compile_error))
        return false;
    const zval *message = property(exception, ZEND_STR_MESSAGE, &storage);
    const zval *where = property(exception, ZEND_STR_LINE, &storage);
    return Z_TYPE_P(message) == IS_STRING && zend_string_equals(Z_STR_P(message), text) && file != NULL &&
           Z_TYPE_P(where) == IS_LONG && (uint32_t)Z_LVAL_P(where) == line;
}

static zend_object *find_thrown(const zend_string *file, uint32_t line, const zend_string *text)
{
    for (uint32_t i = EG(objects_store).top; i > 1; i--) {
        zend_object *object = EG(objects_store).object_buckets[i - 1];
        if (IS_OBJ_VALID(object) && instanceof_function(object->ce, zend_ce_throwable) &&
            is_thrown(object, file, line, text))
            return object;
    }
    return NULL;
}

void psv_dev_capture_failure(struct psv_dev_report *report, int type, const zend_string *file, uint32_t line,
                             const zend_string *text)
{
    zval storage;
    zend_object *exception = (type & E_DONT_BAIL) != 0 ? find_thrown(file, line, text) : NULL;
    if (exception != NULL) {
        for (unsigned i = 0; i <= PSV_DEV_PREVIOUS_MAX && exception != NULL; i++) {
            add_exception(report, exception);
            const zval *previous = property(exception, ZEND_STR_PREVIOUS, &storage);
            exception = Z_TYPE_P(previous) == IS_OBJECT ? Z_OBJ_P(previous) : NULL;
        }
        return;
    }
    struct psv_dev_failure *failure = new_failure(report);
    if (failure == NULL)
        return;
    failure->kind = psv_bytes_of(kind_of(type));
    failure->text = copy_string(report, text);
    failure->file = copy_string(report, file);
    failure->line = line;
    zval trace;
    ZVAL_UNDEF(&trace);
    zend_fetch_debug_backtrace(&trace, 0, 0, PSV_DEV_FRAMES_MAX + 1);
    add_frames(report, failure, &trace);
    zval_ptr_dtor(&trace);
}

/* ---- the rest */

void psv_dev_capture_notice(struct psv_dev_report *report, int type, const zend_string *file, uint32_t line,
                            const zend_string *text)
{
    struct psv_bytes name =
        file != NULL ? (struct psv_bytes){ZSTR_VAL(file), ZSTR_LEN(file)} : PSV_BYTES_EMPTY;
    struct psv_bytes what =
        psv_bytes_first((struct psv_bytes){ZSTR_VAL(text), ZSTR_LEN(text)}, TEXT_BYTES_MAX);
    for (unsigned i = 0; i < report->notices_len; i++) {
        struct psv_dev_notice *known = &report->notices[i];
        if (known->line == line && psv_bytes_equal(known->file, name) && psv_bytes_equal(known->text, what)) {
            known->count++;
            return;
        }
    }
    if (report->notices_len == PSV_DEV_NOTICES_MAX) {
        report->notices_left_out++;
        return;
    }
    report->notices[report->notices_len++] = (struct psv_dev_notice){
        .kind = psv_bytes_of(kind_of(type)),
        .text = copy_string(report, text),
        .file = copy_string(report, file),
        .line = line,
        .count = 1,
    };
}

static void take_names(struct psv_dev_report *report, struct psv_dev_names *names, const zval *array)
{
    zend_string *name;
    zend_ulong number;
    char digits[24];
    if (Z_TYPE_P(array) != IS_ARRAY)
        return;
    ZEND_HASH_FOREACH_KEY(Z_ARRVAL_P(array), number, name)
    {
        if (names->len == PSV_DEV_NAMES_MAX) {
            names->left_out++;
            continue;
        }
        (void)snprintf(digits, sizeof(digits), ZEND_LONG_FMT, (zend_long)number);
        names->items[names->len++] = name != NULL
                                         ? copy(report, ZSTR_VAL(name), MIN(ZSTR_LEN(name), (size_t)100))
                                         : copy(report, digits, strlen(digits));
    }
    ZEND_HASH_FOREACH_END();
}

void psv_dev_capture_circumstances(struct psv_dev_report *report, const struct psv_php_thread *thread)
{
    uint64_t now_us = psv_clock_unix_us();
    report->message = thread->message;
    report->php_version = PHP_VERSION;
    report->worker = psv_worker_id(thread->worker);
    report->memory_bytes = zend_memory_usage(true);
    report->memory_peak_bytes = zend_memory_peak_usage(true);
    report->duration_us =
        now_us > thread->message->received_unix_us ? now_us - thread->message->received_unix_us : 0;
    report->sapi_name = psv_bytes_of(sapi_module.name);
    take_names(report, &report->get, &PG(http_globals)[TRACK_VARS_GET]);
    take_names(report, &report->post, &PG(http_globals)[TRACK_VARS_POST]);
}
