/* Fuzz target of filter/access_format.c.  Input: a format, a zero byte, then a request's texts.  Oracles:
 * what is refused has a sentence; a line fits; what is not the format's own holds neither control bytes nor
 * quotes (nothing that a client sends begins a line or ends a quoted text), and in JSON stays the inside of a
 * string.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "http_oracle.h"
#include "json_check.h"

#include "exec/exchange.h"
#include "filter/access_log.h"

static void fill(struct psv_exchange *exchange, struct psv_bytes text)
{
    exchange->received_unix_us = 1;
    exchange->request.method_text = psv_bytes_first(text, 40);
    exchange->request.target = text;
    exchange->request.path = text;
    exchange->request.query = text;
    exchange->request.host = text;
    psv_headers_init(&exchange->request.headers, 4);
    ORACLE(psv_headers_add(&exchange->request.headers, &exchange->arena, PSV_BYTES("User-Agent"), text) == 0);
    ORACLE(psv_headers_add(&exchange->request.headers, &exchange->arena, PSV_BYTES("X-A"), text) == 0);
    ORACLE(psv_headers_add(&exchange->request.headers, &exchange->arena, PSV_BYTES("Authorization"), text) ==
           0);
    exchange->is_answered = true;
    exchange->response.status = 200;
}

static void check_line(const char *format, const struct psv_exchange *exchange)
{
    static char line[PSV_ACCESS_LOG_LINE_BYTES + 2];
    struct psv_access_log log;
    struct psv_error error = {.message = ""};

    if (psv_access_log_init_custom(&log, format, PSV_BYTES_EMPTY, &error) != PSV_OK) {
        ORACLE(error.message[0] != '\0');
        return;
    }
    size_t len = psv_access_log_line(&log, exchange, 1, false, line);
    ORACLE(len <= PSV_ACCESS_LOG_LINE_BYTES);
    psv_access_log_fini(&log);
}

/* A format of ours around the stranger's texts: then all that is special is known. */
static void check_forging(const struct psv_exchange *exchange)
{
    static const char texts[] = "$request$request_uri$uri$args$host$remote_user$http_user_agent$http_x_a";
    static char line[PSV_ACCESS_LOG_LINE_BYTES + 2];
    char format[128] = "escape=json \"";
    struct psv_access_log log;

    ORACLE(psv_access_log_init_custom(&log, texts, PSV_BYTES_EMPTY, NULL) == PSV_OK);
    size_t len = psv_access_log_line(&log, exchange, 1, false, line);
    for (size_t i = 0; i < len; i++)
        ORACLE(line[i] >= 0x20 && line[i] < 0x7f && line[i] != '"');
    psv_access_log_fini(&log);
    memcpy(format + strlen(format), texts, sizeof(texts));
    memcpy(format + strlen(format), "\"", 2);
    ORACLE(psv_access_log_init_custom(&log, format, PSV_BYTES_EMPTY, NULL) == PSV_OK);
    len = psv_access_log_line(&log, exchange, 1, false, line);
    ORACLE(json_is_valid(line, len));
    psv_access_log_fini(&log);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct psv_exchange_pool *pool;
    static const struct psv_exchange_codec codec;
    static const struct psv_exchange_host host;
    struct psv_bytes input = {(const char *)data, size};
    struct psv_bytes format = psv_bytes_first(input, psv_bytes_find(input, '\0'));
    char *terminated = malloc(format.len + 1);

    if (pool == NULL)
        pool = psv_exchange_pool_new(1 << 20, 1);
    struct psv_exchange *exchange = psv_exchange_new(pool, &codec, &host);
    if (format.len > 0)
        memcpy(terminated, format.data, format.len);
    terminated[format.len] = '\0';
    fill(exchange, psv_bytes_from(input, format.len + 1));
    check_line(terminated, exchange);
    check_forging(exchange);
    psv_exchange_free(pool, exchange);
    free(terminated);
    return 0;
}
