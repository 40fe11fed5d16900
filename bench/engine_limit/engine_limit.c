/* What the engine itself allows: N threads that do nothing but startup, execute and shutdown of one script,
 * without server, socket, queue or log. A server's requests per second of its workers' CPU time are compared
 * with that. Main thread and N worker threads; knows nothing of phpsrv and takes nothing from src/ and sapi/,
 * so that it cannot share a mistake with what it judges.
 *
 * usage: engine_limit SCRIPT THREADS SECONDS PHP_INI [NAME=VALUE ...]      prints one line of JSON
 * NAME=VALUE stands in $_SERVER.
 *
 * SPDX-License-Identifier: MIT */
#include "php_headers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>

#include "limit.h"

#define THREADS_MAX 256
#define WARM_UP_NS 500000000ull

ZEND_TSRMLS_CACHE_DEFINE()

/* One per thread, on cache lines of its own: written for each request. */
struct runner {
    pthread_t pthread;
    const char *script;
    uint64_t requests;
    uint64_t body_bytes;
    uint64_t cpu_ns;
    uint64_t user_us, kernel_us; /* as the kernel has sampled them */
    bool has_failed;
} __attribute__((aligned(128)));

/* 0: warm up, 1: count, 2: end. Relaxed: nothing is published by it, a request more or less does not matter.
 */
static _Atomic int phase;
static struct runner runners[THREADS_MAX];
static _Thread_local struct runner *current;
static char **variables; /* names, each with its value behind its NUL; ends with NULL */

/* ---- the SAPI: the least that PHP accepts */

static size_t write_body(const char *data, size_t len)
{
    (void)data;
    if (current != NULL)
        current->body_bytes += len;
    return len;
}

static void flush_body(void *context)
{
    (void)context;
}

static int send_headers(sapi_headers_struct *headers)
{
    (void)headers;
    return SAPI_HEADER_SENT_SUCCESSFULLY;
}

static size_t read_post(char *out, size_t len)
{
    (void)out;
    (void)len;
    return 0;
}

static char *read_cookies(void)
{
    return NULL;
}

static void register_variables(zval *array)
{
    php_register_variable_safe("REQUEST_METHOD", "GET", sizeof("GET") - 1, array);
    php_register_variable_safe("SCRIPT_FILENAME", current->script, strlen(current->script), array);
    for (char **name = variables; *name != NULL; name++) {
        const char *value = *name + strlen(*name) + 1;
        php_register_variable_safe(*name, value, strlen(value), array);
    }
}

static void log_message(const char *message, int level)
{
    (void)level;
    fprintf(stderr, "%s\n", message);
}

#ifdef ZEND_MAX_EXECUTION_TIMERS
/* The engine makes and deletes a timer of the kernel for each request (six system calls) unless it believes,
 * by its pid field, that there is none to delete. A server can keep the timer, so the limit does. */
static zend_result (*last_request_shutdown)(INIT_FUNC_ARGS);
static _Thread_local pid_t kept_pid;

static zend_result keep_timer(INIT_FUNC_ARGS)
{
    zend_result rc = last_request_shutdown(INIT_FUNC_ARGS_PASSTHRU);
    kept_pid = EG(pid);
    EG(pid) = 0;
    return rc;
}

static void prepare_timer(void)
{
    zend_module_entry *entry;
    ZEND_HASH_MAP_FOREACH_PTR(&module_registry, entry)
    {
        if (entry->request_shutdown_func != NULL) { /* the first in the table is called last */
            last_request_shutdown = entry->request_shutdown_func;
            entry->request_shutdown_func = keep_timer;
            return;
        }
    }
    ZEND_HASH_FOREACH_END();
}

static void restore_timer(void)
{
    EG(pid) = kept_pid;
}
#else
static void prepare_timer(void) {}

static void restore_timer(void) {}
#endif

static int start_modules(sapi_module_struct *module)
{
    int rc = php_module_startup(module, NULL);
    if (rc == SUCCESS)
        prepare_timer();
    return rc;
}

static char no_query[] = "";
static char root_uri[] = "/";
static char sapi_name[] = "cli-server"; /* opcache serves names that it knows only */
static char sapi_title[] = "bare loop";
static char ini_entries[] =
    "zend_extension=opcache\nhtml_errors=0\nmax_execution_time=0\nmax_input_time=-1\n";
static sapi_module_struct module = {
    .name = sapi_name,
    .pretty_name = sapi_title,
    .startup = start_modules,
    .shutdown = php_module_shutdown_wrapper,
    .ub_write = write_body,
    .flush = flush_body,
    .sapi_error = php_error,
    .send_headers = send_headers,
    .read_post = read_post,
    .read_cookies = read_cookies,
    .register_server_variables = register_variables,
    .log_message = log_message,
};

/* ---- the loop */

static void run_once(struct runner *runner)
{
    zend_file_handle script;
    SG(server_context) = runner;
    SG(request_info).request_method = "GET";
    SG(request_info).query_string = no_query;
    SG(request_info).request_uri = root_uri;
    SG(request_info).path_translated = (char *)(uintptr_t)runner->script;
    SG(request_info).proto_num = 1001;
    SG(sapi_headers).http_response_code = 200;
    if (php_request_startup() != SUCCESS) {
        runner->has_failed = true;
        return;
    }
    zend_stream_init_filename(&script, runner->script);
    script.primary_script = true;
    if (!php_execute_script(&script) || SG(sapi_headers).http_response_code != 200)
        runner->has_failed = true;
    zend_destroy_file_handle(&script);
    php_request_shutdown(NULL);
    restore_timer();
    SG(server_context) = NULL;
}

/* Called at the start and at the end of what is counted: leaves the thread's user and kernel time between. */
static void add_modes(struct runner *runner, bool is_end)
{
    struct rusage usage;
    uint64_t user_us, kernel_us;
    if (getrusage(RUSAGE_THREAD, &usage) != 0)
        return;
    user_us = (uint64_t)usage.ru_utime.tv_sec * 1000000u + (uint64_t)usage.ru_utime.tv_usec;
    kernel_us = (uint64_t)usage.ru_stime.tv_sec * 1000000u + (uint64_t)usage.ru_stime.tv_usec;
    runner->user_us = is_end ? user_us - runner->user_us : user_us;
    runner->kernel_us = is_end ? kernel_us - runner->kernel_us : kernel_us;
}

static void loop(struct runner *runner)
{
    uint64_t cpu_start_ns = 0;
    int seen = 0;
    while (!runner->has_failed) {
        int now = atomic_load_explicit(&phase, memory_order_relaxed);
        if (now != seen) {
            if (now == 1) {
                runner->requests = runner->body_bytes = 0;
                cpu_start_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
                add_modes(runner, false);
            } else {
                break;
            }
            seen = now;
        }
        run_once(runner);
        runner->requests++;
    }
    runner->cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_start_ns;
    add_modes(runner, true);
}

static void *thread_main(void *argument)
{
    struct runner *runner = argument;
    (void)ts_resource(0);
    ZEND_TSRMLS_CACHE_UPDATE();
    SG(options) |= SAPI_OPTION_NO_CHDIR;
    current = runner;
    volatile bool is_clean = false;
    zend_first_try
    {
        loop(runner);
        is_clean = true;
    }
    zend_end_try();
    runner->has_failed = runner->has_failed || !is_clean;
    current = NULL;
    ts_free_thread();
    return NULL;
}

static int report(unsigned threads, uint64_t elapsed_ns)
{
    uint64_t requests = 0, cpu_ns = 0, body_bytes = 0, user_us = 0, kernel_us = 0;
    for (unsigned i = 0; i < threads; i++) {
        requests += runners[i].requests;
        cpu_ns += runners[i].cpu_ns;
        body_bytes += runners[i].body_bytes;
        user_us += runners[i].user_us;
        kernel_us += runners[i].kernel_us;
        if (runners[i].has_failed) {
            fprintf(stderr, "engine_limit: the script failed\n");
            return 1;
        }
    }
    if (requests == 0) {
        fprintf(stderr, "engine_limit: no request was done in that time\n");
        return 1;
    }
    printf("{\"requests\": %llu, \"duration_us\": %llu, \"cpu_us_per_request\": %.4f, "
           "\"body_bytes_per_request\": %llu, "
           "\"kernel_share\": %.4f, \"threads\": %u}\n",
           (unsigned long long)requests, (unsigned long long)(elapsed_ns / 1000),
           (double)cpu_ns / 1000.0 / (double)requests, (unsigned long long)(body_bytes / requests),
           (double)kernel_us / (double)(user_us + kernel_us > 0 ? user_us + kernel_us : 1), threads);
    return 0;
}

static int measure(const char *script, unsigned threads, unsigned seconds)
{
    for (unsigned i = 0; i < threads; i++) {
        runners[i].script = script;
        if (pthread_create(&runners[i].pthread, NULL, thread_main, &runners[i]) != 0) {
            fprintf(stderr, "engine_limit: a thread could not be started\n");
            return 1;
        }
    }
    sleep_ns(WARM_UP_NS);
    uint64_t start_ns = clock_ns(CLOCK_MONOTONIC);
    atomic_store_explicit(&phase, 1, memory_order_relaxed);
    sleep_ns(seconds * 1000000000ull);
    atomic_store_explicit(&phase, 2, memory_order_relaxed);
    uint64_t elapsed_ns = clock_ns(CLOCK_MONOTONIC) - start_ns;
    for (unsigned i = 0; i < threads; i++)
        (void)pthread_join(runners[i].pthread, NULL);
    return report(threads, elapsed_ns);
}

static bool take_variables(char **arguments)
{
    for (char **argument = arguments; *argument != NULL; argument++) {
        char *equals = strchr(*argument, '=');
        if (equals == NULL)
            return false;
        *equals = '\0';
    }
    variables = arguments;
    return true;
}

int main(int argc, char **argv)
{
    unsigned threads = argc >= 5 ? number(argv[2], THREADS_MAX) : 0;
    unsigned seconds = argc >= 5 ? number(argv[3], 3600) : 0;
    if (threads == 0 || seconds == 0 || !take_variables(argv + 5)) {
        fprintf(stderr, "usage: engine_limit SCRIPT THREADS SECONDS PHP_INI [NAME=VALUE ...]\n");
        return 2;
    }
    if (!php_tsrm_startup_ex((int)threads + 1))
        return 1;
    ZEND_TSRMLS_CACHE_UPDATE();
    sapi_startup(&module);
    module.ini_entries = ini_entries;
    module.php_ini_path_override = argv[4];
    module.php_ini_ignore_cwd = 1;
    if (module.startup(&module) != SUCCESS) {
        fprintf(stderr, "engine_limit: PHP could not be started\n");
        return 1;
    }
    int rc = measure(argv[1], threads, seconds);
    php_module_shutdown();
    sapi_shutdown();
    tsrm_shutdown();
    return rc;
}
