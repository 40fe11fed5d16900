/* Tests of handler/internal.c with facts that the test makes up.
 *
 * SPDX-License-Identifier: MIT */
#include "fake_exchange.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"
#include "config/config.h"
#include "handler/internal.h"
#include "observe/prometheus.h"
#include "os/clock.h"
#include "phpsrv/executor.h"

static uint64_t now_ns;

static uint64_t fake_monotonic_ns(void)
{
    return now_ns;
}

static void read_facts(void *context, struct psv_internal_facts *ret_facts)
{
    const struct psv_internal_facts *facts = context;
    *ret_facts = *facts;
}

static size_t executor_facts(struct psv_executor_fact *out, size_t max)
{
    assert_true(max >= 1);
    out[0] = (struct psv_executor_fact){.name = "php", .value = "8.4 \"x\""};
    return 1;
}

static void executor_metrics(struct psv_prometheus *out)
{
    psv_prometheus_integer(out, "runtime_memory_bytes", "", NULL, 0, 42);
}

static const struct psv_executor executor = {
    .name = "fake", .facts = executor_facts, .metrics = executor_metrics};

struct fixture {
    struct psv_internal *internal;
    struct psv_internal_facts facts;
    struct psv_config_loaded config;
    struct fake_exchange fake;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    char name[] = "phpsrv";
    char *arguments[] = {name, NULL};
    char *environment[] = {NULL};
    fixture = (struct fixture){.facts = {.connections = 3,
                                         .queue_len = 0,
                                         .queue_capacity = 100,
                                         .workers = 4,
                                         .workers_busy = 1,
                                         .workers_alive = 4}};
    now_ns = 7 * PSV_NS_PER_S;
    assert_int_equal(psv_config_load(1, arguments, environment, &fixture.config, NULL), 0);
    const struct psv_internal_options options = {
        .version = "1.2.3",
        .config = &fixture.config,
        .executor = &executor,
        .read_facts = read_facts,
        .context = &fixture.facts,
        .monotonic_ns = fake_monotonic_ns,
    };
    fixture.internal = psv_internal_new(&options);
    assert_non_null(fixture.internal);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    psv_internal_free(fixture->internal);
    psv_config_loaded_fini(&fixture->config);
    return table_report_row(state);
}

static const struct fake_exchange *ask(struct fixture *fixture, const char *method, const char *target)
{
    fake_exchange_begin(&fixture->fake, method, target, NULL);
    psv_internal_answer(fixture->internal, fixture->fake.exchange);
    assert_int_equal(fixture->fake.answers, 1);
    assert_bytes_equal(fake_field(&fixture->fake, PSV_FIELD_CACHE_CONTROL), "no-store");
    return &fixture->fake;
}

static unsigned health_status(struct fixture *fixture)
{
    unsigned status = ask(fixture, "GET", "/health")->exchange->response.status;
    assert_int_equal(fake_field(&fixture->fake, PSV_FIELD_RETRY_AFTER).data != NULL, status == 503);
    fake_exchange_end(&fixture->fake);
    return status;
}

static bool body_has(const struct fake_exchange *fake, const char *text)
{
    return memmem(fake->body, fake->body_len, text, strlen(text)) != NULL;
}

static void test_pages_and_methods(void **state)
{
    static const struct {
        TABLE_ROW;
        const char *method;
        const char *target;
        unsigned status;
        const char *content_type; /* NULL = not looked at */
    } cases[] = {
        {ROW("health"), "GET", "/health", 200, "application/json"},
        {ROW("health with a query"), "GET", "/health?x", 200, "application/json"},
        {ROW("metrics"), "GET", "/metrics", 200, "text/plain; version=0.0.4; charset=utf-8"},
        {ROW("config"), "GET", "/config", 200, "application/json"},
        {ROW("list"), "GET", "/", 200, "text/plain; charset=utf-8"},
        {ROW("unknown"), "GET", "/nothing", 404, NULL},
        {ROW("below a page"), "GET", "/health/x", 404, NULL},
        {ROW("POST"), "POST", "/health", 405, NULL},
        {ROW("OPTIONS"), "OPTIONS", "/metrics", 405, NULL},
        {ROW("POST to an unknown one"), "POST", "/nothing", 404, NULL},
    };
    struct fixture *fixture = *state;
    TABLE_FOR_EACH(row, cases)
    {
        const struct fake_exchange *fake = ask(fixture, row->method, row->target);
        assert_int_equal(fake->exchange->response.status, row->status);
        assert_int_equal(fake->exchange->response.content_length, fake->body_len);
        if (row->content_type != NULL)
            assert_bytes_equal(fake_field(fake, PSV_FIELD_CONTENT_TYPE), row->content_type);
        assert_bytes_equal(fake_field(fake, PSV_FIELD_ALLOW), row->status == 405 ? "GET, HEAD" : "");
        fake_exchange_end(&fixture->fake);
    }
}

static void test_head_has_length_but_no_body(void **state)
{
    struct fixture *fixture = *state;
    static const char *const targets[] = {"/health", "/config", "/"};
    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        int64_t length = ask(fixture, "GET", targets[i])->exchange->response.content_length;
        fake_exchange_end(&fixture->fake);
        const struct fake_exchange *fake = ask(fixture, "HEAD", targets[i]);
        assert_int_equal(fake->exchange->response.content_length, length);
        assert_int_equal(fake->body_len, 0);
        fake_exchange_end(&fixture->fake);
    }
}

static void test_health_text(void **state)
{
    struct fixture *fixture = *state;
    now_ns += 12345 * PSV_NS_PER_MS;
    assert_bytes_equal(fake_body(ask(fixture, "GET", "/health")),
                       "{\"status\":\"ok\",\"reason\":null,\"uptime_s\":12.345,\"version\":\"1.2.3\","
                       "\"connections\":3,\"queue\":{\"depth\":0,\"capacity\":100},"
                       "\"workers\":{\"total\":4,\"busy\":1,\"idle\":3,\"alive\":4}}\n");
    fake_exchange_end(&fixture->fake);
    fixture->facts.workers_alive = 0;
    const struct fake_exchange *fake = ask(fixture, "GET", "/health");
    assert_true(body_has(fake, "\"status\":\"unavailable\",\"reason\":\"no worker is alive\","));
    assert_true(body_has(fake, "\"workers\":{\"total\":4,\"busy\":0,\"idle\":0,\"alive\":0}}"));
    fake_exchange_end(&fixture->fake);
}

static void test_health_of_workers(void **state)
{
    static const struct {
        TABLE_ROW;
        unsigned alive;
        unsigned busy;
        bool is_draining;
        unsigned status;
    } cases[] = {
        {ROW("idle"), 4, 0, false, 200},      {ROW("busy"), 4, 4, false, 200},
        {ROW("some lost"), 1, 1, false, 200}, {ROW("none alive"), 0, 0, false, 503},
        {ROW("draining"), 4, 0, true, 503},
    };
    struct fixture *fixture = *state;
    TABLE_FOR_EACH(row, cases)
    {
        fixture->facts.workers_alive = row->alive;
        fixture->facts.workers_busy = row->busy;
        fixture->facts.is_draining = row->is_draining;
        assert_int_equal(health_status(fixture), row->status);
    }
}

static void jam(struct fixture *fixture)
{
    fixture->facts.workers_busy = fixture->facts.workers_alive;
    fixture->facts.queue_len = fixture->facts.queue_capacity;
}

static void test_stuck_workers_need_time_and_no_progress(void **state)
{
    struct fixture *fixture = *state;
    jam(fixture);
    assert_int_equal(health_status(fixture), 200); /* seen for the first time */
    now_ns += PSV_INTERNAL_STUCK_AFTER_MS * PSV_NS_PER_MS - 1;
    assert_int_equal(health_status(fixture), 200);
    now_ns += 1;
    assert_int_equal(health_status(fixture), 503);
    fixture->facts.jobs_taken++; /* somebody moved: overloaded, not stuck */
    assert_int_equal(health_status(fixture), 200);
    now_ns += PSV_INTERNAL_STUCK_AFTER_MS * PSV_NS_PER_MS;
    assert_int_equal(health_status(fixture), 503);
}

static void test_jam_that_dissolves_in_between(void **state)
{
    struct fixture *fixture = *state;
    jam(fixture);
    assert_int_equal(health_status(fixture), 200);
    now_ns += PSV_INTERNAL_STUCK_AFTER_MS * PSV_NS_PER_MS / 2;
    fixture->facts.queue_len = 1;
    assert_int_equal(health_status(fixture), 200);
    now_ns += PSV_INTERNAL_STUCK_AFTER_MS * PSV_NS_PER_MS / 2;
    jam(fixture);
    assert_int_equal(health_status(fixture), 200);
}

static void test_metrics_text(void **state)
{
    struct fixture *fixture = *state;
    fixture->facts.queue_len = 17;
    const struct fake_exchange *fake = ask(fixture, "GET", "/metrics");
    assert_true(body_has(fake, "\nphpsrv_queue_depth 17\n"));
    assert_true(body_has(fake, "\nphpsrv_queue_capacity 100\n"));
    assert_true(body_has(fake, "\nphpsrv_workers{state=\"busy\"} 1\n"));
    assert_true(body_has(fake, "\nphpsrv_workers{state=\"idle\"} 3\n"));
    assert_true(
        body_has(fake, "\nphpsrv_build_info{version=\"1.2.3\",executor=\"fake\",php=\"8.4 \\\"x\\\"\"} 1\n"));
    assert_true(body_has(fake, "\nruntime_memory_bytes 42\n"));
    fake_exchange_end(&fixture->fake);
}

static void test_list_names_every_page(void **state)
{
    struct fixture *fixture = *state;
    assert_bytes_equal(fake_body(ask(fixture, "GET", "/")),
                       "/health\n/ready\n/metrics\n/config\n/status\n/\n");
    fake_exchange_end(&fixture->fake);
}

static void test_no_memory(void **state)
{
    struct fixture *fixture = *state;
    unsigned refused = 0;
    for (unsigned number = 1; number < 10; number++) {
        fake_exchange_begin(&fixture->fake, "GET", "/metrics", NULL);
        psv_memory_fail_after(number);
        psv_internal_answer(fixture->internal, fixture->fake.exchange);
        psv_memory_fail_after(0);
        unsigned status = fixture->fake.exchange->response.status;
        assert_int_equal(fixture->fake.answers, 1);
        assert_true(status == 200 || status == 500);
        refused += status == 500;
        fake_exchange_end(&fixture->fake);
    }
    assert_true(refused > 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_pages_and_methods),
        TEST(test_head_has_length_but_no_body),
        TEST(test_health_text),
        TEST(test_health_of_workers),
        TEST(test_stuck_workers_need_time_and_no_progress),
        TEST(test_jam_that_dissolves_in_between),
        TEST(test_metrics_text),
        TEST(test_list_names_every_page),
        TEST(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
