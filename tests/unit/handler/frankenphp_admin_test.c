/* What FrankenPHP's administration answers here, and to whom.
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "fake_exchange.h"
#include "json_check.h"

#include "base/error.h"
#include "config/config.h"
#include "exec/worker.h"
#include "handler/frankenphp_admin.h"

static unsigned reloads;
static unsigned restarts;
static unsigned stops;
static int answer_of_server;

static unsigned read_threads(void *context, unsigned group, struct psv_worker_report *out, unsigned max)
{
    (void)context;
    for (unsigned i = 0; i < MIN(max, group + 1); i++) {
        out[i] = (struct psv_worker_report){.id = 10 * group + i,
                                            .state = i == 0 ? PSV_WORKER_IDLE : PSV_WORKER_BUSY,
                                            .requests = 7,
                                            .running_ns = UINT64_C(5000000)};
    }
    return group + 1;
}

static int reload(void *context)
{
    (void)context;
    reloads++;
    return answer_of_server;
}

static int restart_workers(void *context)
{
    (void)context;
    restarts++;
    return answer_of_server;
}

static int stop(void *context)
{
    (void)context;
    stops++;
    return answer_of_server;
}

static struct psv_config_worker workers[] = {{.name = "a \"b\"", .script = "/app/a.php"},
                                             {.name = "/app/b.php", .script = "/app/b.php"}};
static const struct psv_config_loaded config = {.workers = workers, .workers_len = 2};
static const struct psv_frankenphp_admin admin = {.config = &config,
                                                  .read_threads = read_threads,
                                                  .reload = reload,
                                                  .restart_workers = restart_workers,
                                                  .stop = stop};

static bool ask(struct fake_exchange *fake, const char *method, const char *path, const char *remote,
                const char *fields)
{
    fake_exchange_begin(fake, method, path, fields);
    fake->exchange->request.host = psv_headers_value(&fake->exchange->request.headers, PSV_FIELD_HOST);
    (void)snprintf(fake->exchange->peer.remote_address, sizeof(fake->exchange->peer.remote_address), "%s",
                   remote);
    psv_peer_read_ip(&fake->exchange->peer);
    return psv_frankenphp_admin_answer(&admin, fake->exchange);
}

static void test_paths_methods_and_clients(void **state)
{
    static const struct {
        TABLE_ROW;
        const char *method;
        const char *path;
        const char *remote;
        const char *fields;
        unsigned status; /* 0: not answered */
        unsigned reloads;
        unsigned restarts;
        unsigned stops;
    } cases[] = {
        {ROW("config"), "GET", "/config/apps/frankenphp", "127.0.0.1", "Host: localhost", 200, 0, 0, 0},
        {ROW("patch"), "PATCH", "/config/apps/frankenphp", "127.0.0.1", "Host: localhost", 200, 1, 0, 0},
        {ROW("restart"), "POST", "/frankenphp/workers/restart", "::1", "Host: [::1]", 200, 0, 1, 0},
        {ROW("threads"), "GET", "/frankenphp/threads", "127.1.2.3", "Host: 127.0.0.1", 200, 0, 0, 0},
        {ROW("stop"), "POST", "/stop", "unix:", NULL, 200, 0, 0, 1},
        {ROW("mapped"), "POST", "/stop", "::ffff:127.0.0.1", NULL, 200, 0, 0, 1},
        {ROW("another path"), "POST", "/stop/", "127.0.0.1", NULL, 0, 0, 0, 0},
        {ROW("above"), "GET", "/config/apps", "127.0.0.1", NULL, 0, 0, 0, 0},
        {ROW("below"), "GET", "/config/apps/frankenphp/workers", "127.0.0.1", NULL, 0, 0, 0, 0},
        {ROW("GET ends nothing"), "GET", "/stop", "127.0.0.1", NULL, 405, 0, 0, 0},
        {ROW("GET restarts nothing"), "GET", "/frankenphp/workers/restart", "127.0.0.1", NULL, 405, 0, 0, 0},
        {ROW("DELETE"), "DELETE", "/config/apps/frankenphp", "127.0.0.1", NULL, 405, 0, 0, 0},
        {ROW("POST"), "POST", "/frankenphp/threads", "127.0.0.1", NULL, 405, 0, 0, 0},
        {ROW("another machine"), "POST", "/stop", "10.0.0.1", "Host: localhost", 403, 0, 0, 0},
        {ROW("its reading"), "GET", "/frankenphp/threads", "2001:db8::1", "Host: localhost", 403, 0, 0, 0},
        {ROW("no address"), "POST", "/stop", "", NULL, 403, 0, 0, 0},
        {ROW("a page's form"), "POST", "/stop", "127.0.0.1", "Host: localhost\nOrigin: http://evil.example",
         403, 0, 0, 0},
        {ROW("a page's frame"), "POST", "/stop", "127.0.0.1", "Host: localhost\norigin: null", 403, 0, 0, 0},
        {ROW("DNS rebinding"), "POST", "/stop", "127.0.0.1", "Host: rebound.example.org", 403, 0, 0, 0},
    };
    (void)state;
    answer_of_server = PSV_OK;
    TABLE_FOR_EACH(row, cases)
    {
        struct fake_exchange fake;
        reloads = restarts = stops = 0;
        bool is_answered = ask(&fake, row->method, row->path, row->remote, row->fields);
        assert_int_equal(is_answered, row->status != 0);
        assert_int_equal(fake.answers, row->status != 0);
        assert_int_equal(fake.exchange->response.status, row->status);
        assert_int_equal(reloads, row->reloads);
        assert_int_equal(restarts, row->restarts);
        assert_int_equal(stops, row->stops);
        if (row->status != 0) {
            assert_int_equal(fake.exchange->response.content_length, fake.body_len);
            assert_bytes_equal(fake_field(&fake, PSV_FIELD_CACHE_CONTROL), "no-store");
        }
        assert_int_equal(fake_field(&fake, PSV_FIELD_ALLOW).len > 0, row->status == 405);
        fake_exchange_end(&fake);
    }
}

static void test_bodies(void **state)
{
    static const struct {
        TABLE_ROW;
        const char *path;
        const char *expected;
    } cases[] = {
        {ROW("config"), "/config/apps/frankenphp",
         "{\"num_threads\":6,\"workers\":[{\"name\":\"a \\\"b\\\"\",\"file_name\":\"/app/a.php\",\"num\":2},"
         "{\"name\":\"/app/b.php\",\"file_name\":\"/app/b.php\",\"num\":3}]}\n"},
        {ROW("threads"), "/frankenphp/threads",
         "{\"ThreadDebugStates\":["
         "{\"Index\":0,\"Name\":\"Regular PHP "
         "Thread\",\"State\":\"ready\",\"IsWaiting\":true,\"IsBusy\":false,"
         "\"Requests\":7,\"BusyForMilliseconds\":0},"
         "{\"Index\":10,\"Name\":\"Worker PHP Thread - /app/a.php\",\"State\":\"ready\",\"IsWaiting\":true,"
         "\"IsBusy\":false,\"Requests\":7,\"BusyForMilliseconds\":0},"
         "{\"Index\":11,\"Name\":\"Worker PHP Thread - /app/a.php\",\"State\":\"ready\",\"IsWaiting\":false,"
         "\"IsBusy\":true,\"Requests\":7,\"BusyForMilliseconds\":5},"
         "{\"Index\":20,\"Name\":\"Worker PHP Thread - /app/b.php\",\"State\":\"ready\",\"IsWaiting\":true,"
         "\"IsBusy\":false,\"Requests\":7,\"BusyForMilliseconds\":0},"
         "{\"Index\":21,\"Name\":\"Worker PHP Thread - /app/b.php\",\"State\":\"ready\",\"IsWaiting\":false,"
         "\"IsBusy\":true,\"Requests\":7,\"BusyForMilliseconds\":5},"
         "{\"Index\":22,\"Name\":\"Worker PHP Thread - /app/b.php\",\"State\":\"ready\",\"IsWaiting\":false,"
         "\"IsBusy\":true,\"Requests\":7,\"BusyForMilliseconds\":5}],\"ReservedThreadCount\":0}\n"},
    };
    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        struct fake_exchange fake;
        assert_true(ask(&fake, "GET", row->path, "127.0.0.1", "Host: localhost"));
        assert_bytes_equal(((struct psv_bytes){fake.body, fake.body_len}), row->expected);
        assert_true(json_is_valid(fake.body, fake.body_len));
        assert_bytes_equal(fake_field(&fake, PSV_FIELD_CONTENT_TYPE), "application/json");
        fake_exchange_end(&fake);
    }
}

static void test_what_the_server_cannot_do(void **state)
{
    static const struct {
        TABLE_ROW;
        int code;
        unsigned status;
    } cases[] = {
        {ROW("about to end"), PSV_ESTOPPING, 503},
        {ROW("no memory"), PSV_ENOMEM, 500},
    };
    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        static const char *const requests[][2] = {
            {"PATCH", "/config/apps/frankenphp"}, {"POST", "/frankenphp/workers/restart"}, {"POST", "/stop"}};
        answer_of_server = row->code;
        for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
            struct fake_exchange fake;
            assert_true(ask(&fake, requests[i][0], requests[i][1], "127.0.0.1", NULL));
            assert_int_equal(fake.exchange->response.status, row->status);
            fake_exchange_end(&fake);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_methods_and_clients),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_what_the_server_cannot_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
