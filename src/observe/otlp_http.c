/* See otlp_http.h.
 *
 * SPDX-License-Identifier: MIT */
#include "otlp_http.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "observe/otlp_json.h"

/* Of an answer; the rest of a longer one is not wanted. */
#define ANSWER_BYTES_MAX (64 * 1024)
#define GZIP_LEVEL 1
#define GZIP_WINDOW (15 + 16) /* 32 KiB, with gzip's header */
#define GZIP_MEMORY 8

struct psv_otlp_http {
    CURL *curl;
    struct curl_slist *fields;
    struct psv_otlp_http_options options; /* its texts belong to curl or to the configuration */
    struct psv_buffer answer;
    char error[CURL_ERROR_SIZE];
};

const char *psv_otlp_http_library_version(void)
{
    return curl_version_info(CURLVERSION_NOW)->version;
}

static size_t on_answer(char *data, size_t size, size_t len, void *context)
{
    struct psv_otlp_http *http = context;

    /* what does not fit is passed over: the connection shall stay of use */
    (void)!psv_buffer_append(&http->answer, data, MIN(size * len, ANSWER_BYTES_MAX - http->answer.len));
    return size * len;
}

static int on_progress(void *context, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up)
{
    struct psv_otlp_http *http = context;

    (void)down_total;
    (void)down;
    (void)up_total;
    (void)up;
    return http->options.is_cancelled(http->options.context) ? 1 : 0;
}

static bool add_field(struct psv_otlp_http *http, const char *field)
{
    struct curl_slist *longer = curl_slist_append(http->fields, field);

    http->fields = longer != NULL ? longer : http->fields;
    return longer != NULL;
}

static bool has_control_byte(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            return true;
        }
    }
    return false;
}

static int add_fields(struct psv_otlp_http *http, struct psv_error *reterr)
{
    const struct psv_otlp_http_options *options = &http->options;
    /* an Expect would cost a round trip with each large batch */
    bool is_good = add_field(http, "Content-Type: application/json") && add_field(http, "Expect:") &&
                   (!options->gzip || add_field(http, "Content-Encoding: gzip"));

    for (size_t i = 0; i < options->headers_len && is_good; i++) {
        const char *colon = strchr(options->headers[i], ':');
        if (colon == NULL || colon == options->headers[i] || colon[1] == '\0' ||
            has_control_byte(options->headers[i])) {
            /* the text is a secret: its place must do */
            return psv_error_set(reterr, PSV_EINVAL, "otlp.headers: item %zu is not like \"Name: value\"",
                                 i + 1);
        }
        is_good = add_field(http, options->headers[i]);
    }
    return is_good ? PSV_OK : psv_error_set(reterr, PSV_ENOMEM, "out of memory");
}

/* /config shows the endpoint: a password within would not be secret. */
static bool has_credentials(CURLU *parsed)
{
    char *user = NULL;
    char *password = NULL;
    bool has_any = curl_url_get(parsed, CURLUPART_USER, &user, 0) == CURLUE_OK;

    has_any |= curl_url_get(parsed, CURLUPART_PASSWORD, &password, 0) == CURLUE_OK;
    curl_free(user);
    curl_free(password);
    return has_any;
}

static int check_url(const char *url, struct psv_error *reterr)
{
    CURLU *parsed = curl_url();
    char *scheme = NULL;
    bool is_good = parsed != NULL && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
                   curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                   (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    bool is_secret = is_good && has_credentials(parsed);

    curl_free(scheme);
    curl_url_cleanup(parsed);
    if (is_secret) {
        return psv_error_set(reterr, PSV_EINVAL,
                             "otlp.endpoint: it has a name or password, and is shown to who may see the "
                             "configuration; send them by otlp.headers, as \"Authorization: Basic ...\"");
    }
    return is_good ? PSV_OK
                   : psv_error_set(reterr, PSV_EINVAL,
                                   "otlp.endpoint: \"%.200s\" is not like http://HOST:4318/v1/traces", url);
}

static int set_up(struct psv_otlp_http *http, struct psv_error *reterr)
{
    const struct psv_otlp_http_options *options = &http->options;
    CURL *curl = http->curl;
    char agent[64];

    (void)snprintf(agent, sizeof(agent), "phpsrv/%s", options->version);
    bool is_good =
        curl_easy_setopt(curl, CURLOPT_URL, options->url) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
        /* else it would look into the environment, which scripts change in their threads */
        curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_USERAGENT, agent) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, http->fields) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)options->timeout_ms) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, http->error) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_answer) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, http) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_XFERINFODATA, http) == CURLE_OK &&
        (options->ca_file[0] == '\0' || curl_easy_setopt(curl, CURLOPT_CAINFO, options->ca_file) == CURLE_OK);
    return is_good ? PSV_OK : psv_error_set(reterr, PSV_ENOMEM, "libcurl cannot be set up");
}

int psv_otlp_http_open(const struct psv_otlp_http_options *options, struct psv_otlp_http **ret,
                       struct psv_error *reterr)
{
    /* counted by the library: PHP's extension does the same */
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return psv_error_set(reterr, PSV_ENOMEM, "libcurl cannot be set up");
    }
    struct psv_otlp_http *http = psv_calloc(1, sizeof(*http));
    if (http == NULL) {
        curl_global_cleanup();
        return psv_error_set(reterr, PSV_ENOMEM, "out of memory");
    }
    http->options = *options;
    psv_buffer_init(&http->answer, ANSWER_BYTES_MAX);
    http->curl = curl_easy_init();
    int code = http->curl != NULL ? check_url(options->url, reterr)
                                  : psv_error_set(reterr, PSV_ENOMEM, "out of memory");
    if (code == PSV_OK) {
        code = add_fields(http, reterr);
    }
    if (code == PSV_OK) {
        code = set_up(http, reterr);
    }
    if (code != PSV_OK) {
        (void)psv_otlp_http_close(http);
        return code;
    }
    *ret = http;
    return PSV_OK;
}

struct psv_otlp_http *psv_otlp_http_close(struct psv_otlp_http *http)
{
    if (http == NULL) {
        return NULL;
    }
    curl_easy_cleanup(http->curl);
    curl_slist_free_all(http->fields);
    psv_buffer_fini(&http->answer);
    psv_free(http);
    curl_global_cleanup();
    return NULL;
}

/* A new block, to be freed; empty when there is no memory for it. */
static struct psv_bytes gzip(struct psv_bytes body)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)body.data, .avail_in = (uInt)body.len};

    if (deflateInit2(&stream, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK) {
        return PSV_BYTES_EMPTY;
    }
    size_t room = deflateBound(&stream, (uLong)body.len);
    char *out = psv_malloc(room);
    stream.next_out = (Bytef *)out;
    stream.avail_out = (uInt)room;
    bool is_good = out != NULL && deflate(&stream, Z_FINISH) == Z_STREAM_END;
    (void)deflateEnd(&stream);
    if (!is_good) {
        psv_free(out);
        return PSV_BYTES_EMPTY;
    }
    return (struct psv_bytes){out, stream.total_out};
}

static bool is_worth_a_retry(unsigned status)
{
    return status == 429 || status == 502 || status == 503 || status == 504;
}

static void judge(struct psv_otlp_http *http, CURLcode code, struct psv_otlp_answer *ret)
{
    long status = 0;
    curl_off_t retry_after_s = 0;

    if (code != CURLE_OK) {
        ret->outcome = PSV_OTLP_TRY_AGAIN;
        (void)snprintf(ret->reason, sizeof(ret->reason), "%.150s",
                       http->error[0] != '\0' ? http->error : curl_easy_strerror(code));
        return;
    }
    (void)curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(http->curl, CURLINFO_RETRY_AFTER, &retry_after_s);
    ret->status = (unsigned)status;
    ret->retry_after_ms = retry_after_s > 0 ? (uint64_t)MIN(retry_after_s, (curl_off_t)86400) * 1000 : 0;
    if (status >= 200 && status < 300) {
        ret->outcome = PSV_OTLP_ACCEPTED;
        ret->rejected = psv_otlp_json_rejected(psv_buffer_bytes(&http->answer));
        return;
    }
    ret->outcome = is_worth_a_retry(ret->status) ? PSV_OTLP_TRY_AGAIN : PSV_OTLP_REFUSED;
    struct psv_bytes answer = psv_bytes_first(psv_buffer_bytes(&http->answer), 100);
    (void)snprintf(ret->reason, sizeof(ret->reason), "the collector answers %ld%s%.*s", status,
                   answer.len > 0 ? ": " : "", PSV_BYTES_ARG(answer));
}

void psv_otlp_http_post(struct psv_otlp_http *http, struct psv_bytes body, struct psv_otlp_answer *ret)
{
    struct psv_bytes packed = http->options.gzip ? gzip(body) : PSV_BYTES_EMPTY;

    *ret = (struct psv_otlp_answer){.outcome = PSV_OTLP_TRY_AGAIN};
    if (http->options.gzip && packed.len == 0) {
        (void)snprintf(ret->reason, sizeof(ret->reason), "out of memory");
        return;
    }
    struct psv_bytes sent = http->options.gzip ? packed : body;
    psv_buffer_clear(&http->answer);
    http->error[0] = '\0';
    (void)curl_easy_setopt(http->curl, CURLOPT_POSTFIELDS, sent.data);
    (void)curl_easy_setopt(http->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)sent.len);
    judge(http, curl_easy_perform(http->curl), ret);
    (void)curl_easy_setopt(http->curl, CURLOPT_POSTFIELDS, NULL);
    psv_free((void *)(uintptr_t)packed.data);
}
