/* Messages of PHP and of error_log() become log lines that name their request.  [worker], [boot]
 *
 * display_errors=stderr: PHP knows it for its command-line SAPIs only; for any other it shows the text to the
 * client, and answers 200.  Here display_errors is switched off inside the engine instead, and the text goes
 * to the log.
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_error.h"

#include <stdio.h>
#include <syslog.h>

#include "observe/log.h"
#include "observe/metrics.h"
#include "php_thread.h"
#include "phpsrv/executor.h"
#include "phpsrv/message.h"

static _Thread_local bool shows_on_stderr;
static ZEND_INI_MH((*next_on_modify));
static void (*next_error_cb)(int type, zend_string *file, const uint32_t line, zend_string *message);

static enum psv_log_level level_of(int syslog_level)
{
    if (syslog_level <= LOG_ERR)
        return PSV_LOG_ERROR;
    if (syslog_level == LOG_WARNING)
        return PSV_LOG_WARN;
    return syslog_level >= LOG_DEBUG ? PSV_LOG_DEBUG : PSV_LOG_INFO;
}

void psv_php_error_log(const char *message, int syslog_level)
{
    if (psv_php_is_forked_child()) { /* there is no log thread in this process */
        fprintf(stderr, "%s\n", message);
        return;
    }
    enum psv_log_level level = level_of(syslog_level);
    struct psv_php_thread *thread = psv_php_thread_current();
    if (thread == NULL) {
        PSV_LOG(level, "php.message", PSV_LOG_TEXT("message", message));
        return;
    }
    /* The text last: it may be so long that the line is cut. */
    PSV_LOG(level, "php.message", PSV_LOG_BYTES("request_id", thread->message->request_id),
            PSV_LOG_BYTES_IF("trace_id", thread->message->trace_id),
            PSV_LOG_BYTES_IF("span_id", thread->message->span_id),
            PSV_LOG_BYTES("script", thread->message->script_filename),
            PSV_LOG_U64("worker", psv_worker_id(thread->worker)), PSV_LOG_TEXT("message", message));
}

static ZEND_INI_MH(on_display_errors)
{
    int rc = next_on_modify(entry, new_value, mh_arg1, mh_arg2, mh_arg3, stage);
    if (rc != SUCCESS)
        return rc;
    ZEND_TSRMLS_CACHE_UPDATE(); /* PHP also calls this while it makes a new thread's state */
    shows_on_stderr = PG(display_errors) == PHP_DISPLAY_ERRORS_STDERR;
    if (shows_on_stderr)
        PG(display_errors) = 0;
    return SUCCESS;
}

/* Those that the script has not silenced. */
static void count_error(int type)
{
    if ((EG(error_reporting) & type & E_ALL) == 0 || psv_php_is_forked_child())
        return;
    if ((type & (E_ERROR | E_CORE_ERROR | E_COMPILE_ERROR | E_PARSE | E_USER_ERROR | E_RECOVERABLE_ERROR)) !=
        0)
        psv_metric_inc(PSV_METRIC_PHP_ERRORS_FATAL);
    else if ((type & (E_WARNING | E_CORE_WARNING | E_COMPILE_WARNING | E_USER_WARNING)) != 0)
        psv_metric_inc(PSV_METRIC_PHP_ERRORS_WARNING);
    else if ((type & (E_DEPRECATED | E_USER_DEPRECATED)) != 0)
        psv_metric_inc(PSV_METRIC_PHP_ERRORS_DEPRECATED);
    else
        psv_metric_inc(PSV_METRIC_PHP_ERRORS_NOTICE);
}

/* Of a script of worker mode: what its end is explained with. */
static void note_fatal(int type, zend_string *file, uint32_t line, zend_string *message)
{
    const struct psv_php_thread *thread = psv_php_thread_current();
    if ((type & E_FATAL_ERRORS) == 0 || thread == NULL || thread->mode == NULL || psv_php_is_forked_child())
        return;
    char text[256];
    int first_line = (int)strcspn(ZSTR_VAL(message), "\n");
    if (strncmp(ZSTR_VAL(message), "Uncaught ", 9) == 0) /* its place is in its text */
        snprintf(text, sizeof(text), "%.*s", MIN(first_line, 250), ZSTR_VAL(message));
    else
        snprintf(text, sizeof(text), "%.*s in %s on line %u", MIN(first_line, 160), ZSTR_VAL(message),
                 file != NULL ? ZSTR_VAL(file) : "Unknown", line);
    psv_worker_script_note_error(thread->worker, psv_bytes_of(text));
}

static void on_error(int type, zend_string *file, const uint32_t line, zend_string *message)
{
    /* With log_errors the line is written anyway. */
    if (UNEXPECTED(shows_on_stderr) && !PG(log_errors) && (EG(error_reporting) & type & E_ALL) != 0) {
        char *text = NULL;
        spprintf(&text, 0, "PHP message: %s in %s on line %u", ZSTR_VAL(message),
                 file != NULL ? ZSTR_VAL(file) : "Unknown", line);
        psv_php_error_log(text, LOG_WARNING);
        efree(text);
    }
    count_error(type);
    note_fatal(type, file, line, message);
    next_error_cb(type, file, line, message);
}

void psv_php_error_on_module_init(void)
{
    zend_ini_entry *entry = zend_hash_str_find_ptr(EG(ini_directives), ZEND_STRL("display_errors"));
    if (entry != NULL && entry->on_modify != NULL) {
        next_on_modify = entry->on_modify;
        entry->on_modify = on_display_errors; /* worker threads copy the entry, and apply its value */
    }
    next_error_cb = zend_error_cb;
    zend_error_cb = on_error;
}
