/* One HTTP/2 connection: opening, input, output, timeouts and its end.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#include "codec.h"

#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"
#include "http2/session.h"
#include "net/loop.h"
#include "observe/log.h"
#include "observe/metrics.h"

/* Portions of output that one connection may write in a turn of the loop. */
#define TURN_PORTIONS_MAX 16
/* Per field, RFC 9113 6.5.2 counts so much beside name and value. */
#define FIELD_OVERHEAD_BYTES 32

static const uint8_t drain_ping[8] = "phpsrv-d";

static struct psv_h2 *h2_of(struct psv_connection *connection)
{
    struct psv_h2 *h2 = connection->codec_state;

    CHECK_MAGIC(h2, PSV_H2_MAGIC);
    return h2;
}

void psv_h2_schedule(struct psv_h2 *h2)
{
    psv_loop_defer(h2->connection->service->loop, &h2->task);
}

void psv_h2_terminate(struct psv_h2 *h2, uint32_t error_code)
{
    h2->is_failed = true;
    (void)!nghttp2_session_terminate_session(h2->session, error_code);
    psv_h2_schedule(h2);
}

void psv_h2_punish(struct psv_h2 *h2, unsigned series, const char *kind)
{
    if (h2->is_abused) {
        return;
    }
    h2->is_abused = true;
    psv_metric_inc((enum psv_metric_id)series);
    PSV_LOG(PSV_LOG_INFO, "http2.abuse", PSV_LOG_TEXT("remote", h2->connection->peer.remote_address),
            PSV_LOG_TEXT("kind", kind));
    psv_h2_terminate(h2, NGHTTP2_ENHANCE_YOUR_CALM);
}

void psv_h2_spend(struct psv_h2 *h2, enum psv_h2_guard_kind kind)
{
    static const struct {
        enum psv_metric_id series;
        const char *name;
    } kinds[] = {
#define X(id, burst, rate) {PSV_METRIC_HTTP2_ABUSE_##id, #id},
        PSV_H2_GUARD_TABLE(X)
#undef X
    };
    if (!psv_h2_guard_take(&h2->guard, kind, h2->connection->service->loop->now_ns)) {
        psv_h2_punish(h2, kinds[kind].series, kinds[kind].name);
    }
}

/* ---- opening */

static int submit_settings(struct psv_h2 *h2)
{
    const struct psv_h2_config *config = h2->config;
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, config->streams_max},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, config->stream_window_bytes},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
         (uint32_t)(config->header_bytes_max + config->target_bytes_max +
                    (size_t)config->header_count_max * FIELD_OVERHEAD_BYTES)},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };

    if (nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, settings, ARRAY_SIZE(settings)) != 0 ||
        nghttp2_session_set_local_window_size(h2->session, NGHTTP2_FLAG_NONE, 0,
                                              (int32_t)config->connection_window_bytes) != 0) {
        return PSV_ENOMEM;
    }
    return PSV_OK;
}

static void run_task(struct psv_loop_task *task);

static int on_open(struct psv_connection *connection)
{
    struct psv_h2_config *config = connection->service->preface_codec_config;
    struct psv_h2 *h2 = psv_calloc(1, sizeof(*h2));

    if (h2 == NULL) {
        return PSV_ENOMEM;
    }
    h2->magic = PSV_H2_MAGIC;
    h2->connection = connection;
    h2->config = config;
    psv_list_init(&h2->streams);
    psv_list_init(&h2->waiting);
    psv_list_init(&h2->task.link);
    h2->task.run = run_task;
    psv_timer_init(&h2->drain_timer);
    psv_h2_guard_init(&h2->guard, connection->service->loop->now_ns);
    if (nghttp2_session_server_new2(&h2->session, config->shared->callbacks, h2, config->shared->option) !=
            0 ||
        submit_settings(h2) != PSV_OK) {
        nghttp2_session_del(h2->session);
        psv_free(h2);
        return PSV_ENOMEM;
    }
    connection->codec_state = h2;
    psv_connection_set_timer(connection, config->keepalive_timer);
    if (connection->service->is_counted) {
        psv_metric_inc(PSV_METRIC_HTTP2_CONNECTIONS);
        psv_metric_inc(PSV_METRIC_HTTP2_OPEN);
    }
    psv_h2_schedule(h2);
    return PSV_OK;
}

/* ---- the end */

static void end_streams(struct psv_h2 *h2)
{
    struct psv_list *node;

    while ((node = psv_list_first(&h2->streams)) != NULL) {
        psv_h2_end_stream(PSV_LIST_ENTRY(node, struct psv_h2_stream, link), true);
    }
}

static void on_close(struct psv_connection *connection, enum psv_close_reason reason)
{
    struct psv_h2 *h2 = h2_of(connection);

    (void)reason;
    INVARIANT(!h2->in_library);
    psv_timer_stop(&h2->drain_timer);
    psv_loop_task_cancel(&h2->task);
    end_streams(h2);
    nghttp2_session_del(h2->session);
    psv_metric_add(PSV_METRIC_HTTP2_OPEN, connection->service->is_counted ? -1 : 0);
    connection->codec_state = NULL;
    h2->magic = 0;
    psv_free(h2);
}

static enum psv_close_reason final_reason(const struct psv_h2 *h2)
{
    return h2->is_abused ? PSV_CLOSE_PROTOCOL : h2->is_drain_announced ? PSV_CLOSE_DRAIN : PSV_CLOSE_DONE;
}

/* All frames are out, GOAWAY among them: an orderly end that does not cost the client its last bytes (RFC
 * 9112 9.6). True when the connection is closed now. */
static bool leave(struct psv_h2 *h2)
{
    struct psv_connection *connection = h2->connection;

    end_streams(h2);
    if (connection->has_eof) {
        psv_connection_close(connection, final_reason(h2));
        return true;
    }
    h2->is_lingering = true;
    psv_connection_shutdown_write(connection);
    psv_connection_pause_read(connection, false);
    return false;
}

static void drain(struct psv_connection *connection)
{
    struct psv_h2 *h2 = h2_of(connection);

    if (h2->is_lingering || h2->is_drain_announced) {
        return;
    }
    h2->is_drain_announced = true;
    if (h2->streams_len == 0) {
        psv_h2_finish_drain(h2);
        return;
    }
    /* RFC 9113 6.8: a round trip lies between the announcement and the last stream's number */
    (void)!nghttp2_submit_shutdown_notice(h2->session);
    (void)!nghttp2_submit_ping(h2->session, NGHTTP2_FLAG_NONE, drain_ping);
    psv_timer_start(&h2->config->drain_timer, &h2->drain_timer, connection->service->loop->now_ns);
    psv_h2_schedule(h2);
}

void psv_h2_finish_drain(struct psv_h2 *h2)
{
    if (h2->is_drain_finished) {
        return;
    }
    h2->is_drain_finished = true;
    psv_timer_stop(&h2->drain_timer);
    (void)!nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE,
                                 nghttp2_session_get_last_proc_stream_id(h2->session), NGHTTP2_NO_ERROR, NULL,
                                 0);
    psv_h2_schedule(h2);
}

void psv_h2_on_ping_ack(struct psv_h2 *h2, const uint8_t *opaque)
{
    if (h2->is_drain_announced && memcmp(opaque, drain_ping, sizeof(drain_ping)) == 0) {
        psv_h2_finish_drain(h2);
    }
}

/* ---- output */

/* Writes what there is.  False when the connection is closed. */
static bool write_frames(struct psv_h2 *h2)
{
    struct psv_h2_shared *shared = h2->config->shared;
    struct psv_connection *connection = h2->connection;
    struct psv_list none;

    for (unsigned portions = 0; psv_connection_is_drained(connection); portions++) {
        if (portions == TURN_PORTIONS_MAX) {
            psv_h2_schedule(h2);
            break;
        }
        shared->output_len = 0;
        h2->in_library = true;
        int code = nghttp2_session_send(h2->session);
        h2->in_library = false;
        if (code != 0) {
            psv_connection_reset(connection, PSV_CLOSE_INTERNAL);
            return false;
        }
        if (shared->output_len == 0) {
            break;
        }
        h2->has_progress = true;
        psv_list_init(&none);
        const struct psv_bytes frames = {shared->output, shared->output_len};
        if (psv_connection_send(connection, frames, &none, PSV_BYTES_EMPTY).is_gone) {
            psv_connection_reset(connection, PSV_CLOSE_PEER);
            return false;
        }
    }
    return true;
}

/* Which timeout runs while the connection is as it is now. */
static struct psv_timer_queue *wanted_timer(const struct psv_h2 *h2)
{
    const struct psv_h2_config *config = h2->config;

    if (!psv_connection_is_drained(h2->connection)) {
        return config->write_timer;
    }
    if (h2->is_lingering) {
        return config->linger_timer;
    }
    if (h2->in_header_block) {
        return config->header_timer;
    }
    return h2->streams_len == 0 ? config->keepalive_timer : NULL; /* streams have timers of their own */
}

static void update_timer(struct psv_h2 *h2)
{
    struct psv_timer_queue *wanted = wanted_timer(h2);
    bool restarts = wanted == h2->config->write_timer || wanted == h2->config->keepalive_timer;

    if (h2->connection->timer_queue != wanted || (restarts && h2->has_progress)) {
        psv_connection_set_timer(h2->connection, wanted);
    }
    h2->has_progress = false;
}

/* Something waits for the socket, or for its turn; what waits for windows does not count. */
static bool has_output(const struct psv_h2 *h2)
{
    return !psv_connection_is_drained(h2->connection) || nghttp2_session_want_write(h2->session);
}

/* The connection has nothing left to say, or nobody to say it to. */
static bool is_over(const struct psv_h2 *h2)
{
    if (h2->is_lingering || has_output(h2)) {
        return false;
    }
    return !nghttp2_session_want_read(h2->session) || (h2->connection->has_eof && h2->streams_len == 0);
}

static void run_task(struct psv_loop_task *task)
{
    struct psv_h2 *h2 = CONTAINER_OF(task, struct psv_h2, task);

    CHECK_MAGIC(h2, PSV_H2_MAGIC);
    if (!h2->is_lingering && !write_frames(h2)) {
        return;
    }
    if (h2->connection->has_eof && !has_output(h2)) {
        psv_h2_give_up_unreadable(h2);
    }
    if (is_over(h2) && leave(h2)) {
        return;
    }
    psv_h2_dispatch_waiting(h2);
    update_timer(h2);
}

/* ---- input */

static void fail(struct psv_h2 *h2, int code)
{
    psv_metric_inc(PSV_METRIC_PARSER_ERRORS);
    switch (code) {
    case NGHTTP2_ERR_FLOODED:
        psv_h2_punish(h2, PSV_METRIC_HTTP2_ABUSE_UNREAD, "UNREAD");
        break;
    case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS:
        psv_h2_punish(h2, PSV_METRIC_HTTP2_ABUSE_CONTINUATION, "CONTINUATION");
        break;
    case NGHTTP2_ERR_TOO_MANY_SETTINGS:
        psv_h2_punish(h2, PSV_METRIC_HTTP2_ABUSE_SETTINGS, "SETTINGS");
        break;
    case NGHTTP2_ERR_BAD_CLIENT_MAGIC:
        psv_h2_terminate(h2, NGHTTP2_PROTOCOL_ERROR);
        break;
    default:
        psv_h2_terminate(h2, NGHTTP2_INTERNAL_ERROR);
    }
}

static void on_data(struct psv_connection *connection, char *data, size_t len)
{
    struct psv_h2 *h2 = h2_of(connection);

    if (h2->is_lingering || h2->is_failed) {
        return;
    }
    h2->in_library = true;
    ssize_t used = nghttp2_session_mem_recv(h2->session, (const uint8_t *)data, len);
    h2->in_library = false;
    if (used < 0) {
        fail(h2, (int)used);
    }
    psv_h2_schedule(h2);
}

static void on_eof(struct psv_connection *connection)
{
    struct psv_h2 *h2 = h2_of(connection);

    if (h2->is_lingering) {
        psv_connection_close(connection, final_reason(h2));
    } else {
        psv_h2_give_up_bodies(h2);
        psv_h2_schedule(h2); /* closes once nothing is owed any more */
    }
}

static void on_sent(struct psv_connection *connection, uint64_t bytes, bool is_drained)
{
    struct psv_h2 *h2 = h2_of(connection);

    (void)bytes, (void)is_drained;
    h2->has_progress = true;
    psv_h2_schedule(h2);
}

static void on_timeout(struct psv_connection *connection, struct psv_timer_queue *queue)
{
    struct psv_h2 *h2 = h2_of(connection);
    const struct psv_h2_config *config = h2->config;

    connection->timer_queue = NULL;
    if (queue == config->write_timer) {
        psv_metric_inc(PSV_METRIC_TIMEOUTS_WRITE);
        psv_connection_reset(connection, PSV_CLOSE_WRITE_TIMEOUT);
    } else if (queue == config->linger_timer) {
        psv_connection_close(connection, PSV_CLOSE_LINGER_TIMEOUT);
    } else if (queue == config->header_timer) {
        psv_metric_inc(PSV_METRIC_TIMEOUTS_HEADER);
        psv_connection_close(connection, PSV_CLOSE_HEADER_TIMEOUT);
    } else {
        psv_metric_inc(PSV_METRIC_TIMEOUTS_KEEPALIVE);
        psv_h2_finish_drain(h2); /* GOAWAY tells the client that nothing of its was lost */
    }
}

const struct psv_codec psv_h2_codec = {
    .name = "http/2",
    .preface = PSV_BYTES_INIT(NGHTTP2_CLIENT_MAGIC),
    .on_open = on_open,
    .on_data = on_data,
    .on_eof = on_eof,
    .on_sent = on_sent,
    .on_timeout = on_timeout,
    .on_close = on_close,
    .drain = drain,
};
