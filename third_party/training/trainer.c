/* The requests that PHP is trained with: startup, execute and shutdown of many scripts, one after the other
 * in one thread, on a libphp.so with counters, which writes what it counted when this program ends. Main
 * thread only; knows nothing of phpsrv and takes nothing from src/ and sapi/.
 *
 * usage: trainer FOLDER REQUESTS ROUNDS [NAME=VALUE...]
 *   FOLDER    where the scripts are; REQUESTS a file of lines "WEIGHT STATUS METHOD TARGET [BODY]";
 * NAME=VALUE of php.ini A round asks for each line WEIGHT times. METHOD is GET, POST (BODY is a form) or
 * UPLOAD (BODY is the file). A status other than STATUS ends the training: a profile of scripts that failed
 * is none.
 *
 * SPDX-License-Identifier: MIT */
#define ZEND_ENABLE_STATIC_TSRMLS_CACHE 1
#include <php.h>
#include <SAPI.h>
#include <php_main.h>
#include <php_variables.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define LINES_MAX 256
#define LINE_BYTES_MAX 4096
#define INI_BYTES_MAX 4096
#define PATH_BYTES_MAX 4096
#define BOUNDARY "----------------------training"

ZEND_TSRMLS_CACHE_DEFINE()

/* One line of REQUESTS. */
struct request {
    unsigned weight;
    int status;
    char method[8];
    char target[512];
    char body[LINE_BYTES_MAX * 2];
    size_t body_len;
    char content_type[128];
    char script[PATH_BYTES_MAX];
};

static struct request requests[LINES_MAX];
static unsigned requests_count;
static const struct request *current;
static size_t body_read;
static uint64_t body_bytes;

/* ---- the SAPI */

static size_t write_body(const char *data, size_t len)
{
    (void)data;
    body_bytes += len;
    return len;
}

static void flush_body(void *context)
{
    (void)context;
}

static int send_headers(sapi_headers_struct *headers)
{
    zend_llist_position position;
    sapi_header_struct *header = zend_llist_get_first_ex(&headers->headers, &position);
    for (; header != NULL; header = zend_llist_get_next_ex(&headers->headers, &position))
        body_bytes += header->header_len;
    return SAPI_HEADER_SENT_SUCCESSFULLY;
}

static size_t read_post(char *out, size_t len)
{
    size_t rest = current->body_len - body_read;
    if (len > rest)
        len = rest;
    memcpy(out, current->body + body_read, len);
    body_read += len;
    return len;
}

static char cookies[] = "theme=dark; visits=12; PHPSESSID=trainingtrainingtraining26";

static char *read_cookies(void)
{
    return cookies;
}

/* About what a web server hands over. */
static const char *const variables[][2] = {
    {"SERVER_SOFTWARE", "trainer"},
    {"SERVER_NAME", "www.example.org"},
    {"SERVER_ADDR", "192.0.2.1"},
    {"SERVER_PORT", "443"},
    {"SERVER_PROTOCOL", "HTTP/1.1"},
    {"GATEWAY_INTERFACE", "CGI/1.1"},
    {"REMOTE_ADDR", "192.0.2.77"},
    {"REMOTE_PORT", "51234"},
    {"REQUEST_SCHEME", "https"},
    {"HTTPS", "on"},
    {"HTTP_HOST", "www.example.org"},
    {"HTTP_USER_AGENT", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"},
    {"HTTP_ACCEPT", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
    {"HTTP_ACCEPT_LANGUAGE", "en-GB,en;q=0.7,de;q=0.3"},
    {"HTTP_ACCEPT_ENCODING", "gzip, deflate, br"},
    {"HTTP_CACHE_CONTROL", "max-age=0"},
    {"HTTP_CONNECTION", "keep-alive"},
    {"HTTP_COOKIE", cookies},
};

static void register_variable(const char *name, const char *value, zval *array)
{
    php_register_variable_safe(name, value, strlen(value), array);
}

static void register_variables(zval *array)
{
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        register_variable(variables[i][0], variables[i][1], array);
    register_variable("REQUEST_METHOD", SG(request_info).request_method, array);
    register_variable("REQUEST_URI", current->target, array);
    register_variable("QUERY_STRING", SG(request_info).query_string, array);
    register_variable("SCRIPT_FILENAME", current->script, array);
    register_variable("CONTENT_TYPE", current->content_type, array);
}

static void log_message(const char *message, int level)
{
    (void)level;
    body_bytes += strlen(message); /* the errors of errors.php are meant */
}

static char sapi_name[] = "cli-server"; /* opcache serves names that it knows only */
static char sapi_title[] = "trainer";
static char ini_entries[INI_BYTES_MAX];

static int start_modules(sapi_module_struct *module)
{
    return php_module_startup(module, NULL);
}

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

/* ---- a request */

static bool run_request(const struct request *request)
{
    zend_file_handle script;
    const char *question = strchr(request->target, '?');
    volatile int status = 500;
    current = request;
    body_read = 0;
    SG(server_context) = (void *)(uintptr_t)request;
    SG(request_info).request_method = strcmp(request->method, "GET") == 0 ? "GET" : "POST";
    SG(request_info).query_string = (char *)(uintptr_t)(question != NULL ? question + 1 : "");
    SG(request_info).request_uri = (char *)(uintptr_t)request->target;
    SG(request_info).path_translated = (char *)(uintptr_t)request->script;
    SG(request_info).content_type = request->body_len != 0 ? request->content_type : NULL;
    SG(request_info).content_length = (zend_long)request->body_len;
    SG(request_info).proto_num = 1001;
    SG(sapi_headers).http_response_code = 200;
    zend_first_try
    {
        if (php_request_startup() == SUCCESS) {
            zend_stream_init_filename(&script, request->script);
            script.primary_script = true;
            (void)php_execute_script(&script);
            zend_destroy_file_handle(&script);
            status = SG(sapi_headers).http_response_code;
        }
        php_request_shutdown(NULL);
    }
    zend_end_try();
    SG(server_context) = NULL;
    if (status != request->status)
        fprintf(stderr, "trainer: %s %s was answered with %d, not %d\n", request->method, request->target,
                status, request->status);
    return status == request->status;
}

static bool run_rounds(unsigned rounds)
{
    for (unsigned round = 0; round < rounds; round++)
        for (unsigned i = 0; i < requests_count; i++)
            for (unsigned n = 0; n < requests[i].weight; n++)
                if (!run_request(&requests[i]))
                    return false;
    return true;
}

/* ---- the command line and the list of requests */

static void make_body(struct request *request, const char *text)
{
    int len;
    if (strcmp(request->method, "UPLOAD") == 0) {
        snprintf(request->content_type, sizeof(request->content_type), "multipart/form-data; boundary=%s",
                 BOUNDARY);
        len = snprintf(request->body, sizeof(request->body),
                       "--%s\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nA file\r\n--%s\r\n"
                       "Content-Disposition: form-data; name=\"file\"; filename=\"notes.txt\"\r\n"
                       "Content-Type: text/plain\r\n\r\n%s\r\n--%s--\r\n",
                       BOUNDARY, BOUNDARY, text, BOUNDARY);
    } else {
        snprintf(request->content_type, sizeof(request->content_type), "application/x-www-form-urlencoded");
        len = snprintf(request->body, sizeof(request->body), "%s", text);
    }
    request->body_len = len > 0 && (size_t)len < sizeof(request->body) ? (size_t)len : 0;
}

static bool read_line(const char *folder, const char *line)
{
    char body[LINE_BYTES_MAX] = "";
    struct request *request = &requests[requests_count];
    if (line[0] == '#' || line[0] == '\n')
        return true;
    if (requests_count == LINES_MAX || sscanf(line, "%u %d %7s %511s %4095[^\n]", &request->weight,
                                              &request->status, request->method, request->target, body) < 4) {
        fprintf(stderr, "trainer: not a request, or one too many: %s", line);
        return false;
    }
    snprintf(request->script, sizeof(request->script), "%s%.*s", folder, (int)strcspn(request->target, "?"),
             request->target);
    if (body[0] != '\0')
        make_body(request, body);
    requests_count++;
    return true;
}

static bool read_requests(const char *folder, const char *path)
{
    char line[LINE_BYTES_MAX];
    bool is_good = true;
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fprintf(stderr, "trainer: %s cannot be read\n", path);
        return false;
    }
    while (is_good && fgets(line, sizeof(line), file) != NULL)
        is_good = read_line(folder, line);
    fclose(file);
    return is_good && requests_count > 0;
}

/* The settings of the command line, a line each. */
static bool join_settings(int count, char **settings)
{
    size_t used = 0;
    for (int i = 0; i < count; i++) {
        int len = snprintf(ini_entries + used, sizeof(ini_entries) - used, "%s\n", settings[i]);
        if (len < 0 || (size_t)len >= sizeof(ini_entries) - used)
            return false;
        used += (size_t)len;
    }
    return true;
}

int main(int argc, char **argv)
{
    unsigned rounds = 0;
    if (argc < 4 || sscanf(argv[3], "%u", &rounds) != 1 || !join_settings(argc - 4, argv + 4)) {
        fprintf(stderr, "usage: trainer FOLDER REQUESTS ROUNDS [NAME=VALUE...]\n");
        return 2;
    }
    if (!read_requests(argv[1], argv[2]) || !php_tsrm_startup_ex(1))
        return 1;
    ZEND_TSRMLS_CACHE_UPDATE();
    sapi_startup(&module);
    module.ini_entries = ini_entries;
    module.php_ini_ignore = 1;
    if (module.startup(&module) != SUCCESS) {
        fprintf(stderr, "trainer: PHP could not be started\n");
        return 1;
    }
    SG(options) |= SAPI_OPTION_NO_CHDIR;
    bool is_good = run_rounds(rounds);
    php_module_shutdown();
    sapi_shutdown();
    tsrm_shutdown();
    printf("%u rounds of %u requests, %llu bytes\n", rounds, requests_count, (unsigned long long)body_bytes);
    return is_good ? 0 : 1;
}
