/* The HTTP/1 codec: the order of things on one connection.  psv_h1_advance is its heart: it finishes the
 * response that is out, reads the next request, and stops where nothing can go on.  Sending is in
 * codec_respond.c.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#include "codec.h"

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"
#include "http1/codec_state.h"
#include "observe/metrics.h"

/* What is read ahead while a response is on its way (pipelining); then the socket is left alone. */
#define LEFTOVER_BYTES_MAX (2 * PSV_LOOP_READ_BYTES)

static void run_task(struct psv_loop_task *task)
{
    psv_h1_advance(CONTAINER_OF(task, struct psv_h1, task));
}

static struct psv_h1 *h1_of(struct psv_connection *connection)
{
    struct psv_h1 *h1 = connection->codec_state;

    CHECK_MAGIC(h1, PSV_H1_MAGIC);
    return h1;
}

static int on_open(struct psv_connection *connection)
{
    struct psv_h1 *h1 = psv_calloc(1, sizeof(*h1));

    if (h1 == NULL) {
        return PSV_ENOMEM;
    }
    h1->magic = PSV_H1_MAGIC;
    h1->connection = connection;
    h1->config = connection->service->codec_config;
    psv_buffer_init(&h1->leftover, LEFTOVER_BYTES_MAX);
    psv_list_init(&h1->task.link);
    h1->task.run = run_task;
    psv_h1_parser_reset(&h1->parser, h1->config);
    connection->codec_state = h1;
    /* a connection without a request yet costs what an idle one costs, and may wait as long */
    psv_connection_set_timer(connection, &h1->config->keepalive_timer);
    return PSV_OK;
}

static void free_state(struct psv_h1 *h1)
{
    psv_buffer_fini(&h1->leftover);
    psv_loop_task_cancel(&h1->task);
    h1->magic = 0;
    psv_free(h1);
}

/* Parts with the exchange: from here on it is the host's alone. */
static void end_exchange(struct psv_h1 *h1, bool is_aborted)
{
    struct psv_exchange *exchange = h1->exchange;

    h1->exchange = NULL;
    exchange->codec_stream = NULL;
    exchange->host->on_end(exchange, is_aborted);
}

static void on_close(struct psv_connection *connection, enum psv_close_reason reason)
{
    struct psv_h1 *h1 = h1_of(connection);

    (void)reason;
    if (h1->exchange != NULL) {
        end_exchange(h1, true);
    }
    connection->codec_state = NULL;
    if (h1->is_advancing) {
        h1->is_closed = true; /* psv_h1_advance is up the stack and frees it */
    } else {
        free_state(h1);
    }
}

/* The first byte of a request: from here on there is an exchange. */
static bool begin_exchange(struct psv_h1 *h1)
{
    struct psv_loop *loop = h1->connection->service->loop;
    struct psv_exchange *exchange =
        psv_exchange_new(h1->config->pool, &psv_h1_exchange_codec, h1->connection->service->host);

    if (exchange == NULL) {
        psv_connection_close(h1->connection, PSV_CLOSE_INTERNAL);
        return false;
    }
    exchange->codec_stream = h1;
    exchange->peer = h1->connection->peer;
    exchange->request.is_https = exchange->peer.tls_protocol != NULL;
    exchange->received_ns = loop->now_ns;
    exchange->received_unix_us = loop->now_unix_us;
    psv_request_body_init(&exchange->body, h1->config->body_memory_bytes, h1->config->body_bytes_max);
    h1->exchange = exchange;
    h1->state = PSV_H1_READ_HEAD;
    h1->head_is_sent = false;
    h1->is_response_complete = false;
    h1->closes = false;
    psv_h1_parser_begin(&h1->parser, exchange);
    return true;
}

/* The parser refused: say why and close.  When the answer is out already, only close. */
static void refuse(struct psv_h1 *h1, unsigned status, const char *reason)
{
    h1->exchange->must_close = true;
    psv_metric_inc(PSV_METRIC_PARSER_ERRORS);
    if (h1->head_is_sent) {
        h1->closes = true;
        if (!h1->is_response_complete) {
            h1->is_gone = true;
        }
        h1->state = PSV_H1_RESPONDING;
        return;
    }
    h1->state = PSV_H1_READ_BODY; /* whatever follows is not a request any more */
    h1->parser.wants_keep_alive = false;
    psv_exchange_refuse(h1->exchange, status, reason, NULL, 0);
}

static void take_head(struct psv_h1 *h1)
{
    static const struct psv_bytes go_on = PSV_BYTES_INIT("HTTP/1.1 100 Continue\r\n\r\n");
    struct psv_exchange *exchange = h1->exchange;
    struct psv_list none;

    h1->state = PSV_H1_READ_BODY;
    enum psv_body_plan plan = exchange->host->on_head(exchange);
    h1->parser.keeps_body = plan == PSV_BODY_KEEP;
    if (!h1->is_closed && h1->parser.keeps_body && h1->parser.expects_continue &&
        exchange->request.has_body) {
        psv_list_init(&none);
        h1->parser.expects_continue = false;
        h1->is_gone |= psv_connection_send(h1->connection, go_on, &none, PSV_BYTES_EMPTY).is_gone;
    }
}

static void take_request(struct psv_h1 *h1)
{
    h1->state = PSV_H1_RESPONDING;
    if (h1->parser.keeps_body) {
        h1->exchange->host->on_request(h1->exchange);
    }
}

/* Feeds the parser once; *data and *len advance past what it took.  False when there is nothing to do before
 * more bytes come. */
static bool read_request(struct psv_h1 *h1, char **data, size_t *len)
{
    size_t used = 0;

    if (h1->state == PSV_H1_IDLE) {
        unsigned status;
        used = psv_h1_parser_skip_empty_lines(&h1->parser, *data, *len, &status);
        *data += used;
        *len -= used;
        if (status != 0) {
            psv_connection_close(h1->connection, PSV_CLOSE_PROTOCOL);
            return false;
        }
        if (*len == 0 || !begin_exchange(h1)) {
            return false;
        }
    }
    size_t before = *len;
    enum psv_h1_parse_event event = psv_h1_parser_feed(&h1->parser, *data, *len, &used);
    *data += used;
    *len -= used;
    h1->input_left = *len;
    h1->exchange->bytes_received += used;
    h1->has_progress |= used > 0;
    switch (event) {
    case PSV_H1_NEEDS_MORE:
        return used < before;
    case PSV_H1_HEAD:
        take_head(h1);
        return true;
    case PSV_H1_REQUEST:
        take_request(h1);
        return true;
    case PSV_H1_ERROR:
        *len = 0;
        refuse(h1, h1->parser.refusal_status, h1->parser.refusal_reason);
        return true;
    }
    UNREACHABLE("parse event");
}

/* The response is out and this is the connection's last: leave in a way that does not cost the client its
 * last bytes (RFC 9112 9.6): an orderly end first, then wait for the client's. */
static void close_after_response(struct psv_h1 *h1, bool peer_is_done)
{
    struct psv_connection *connection = h1->connection;

    if (connection->has_eof || peer_is_done) {
        psv_connection_close(connection, PSV_CLOSE_DONE);
        return;
    }
    h1->state = PSV_H1_LINGER;
    psv_buffer_fini(&h1->leftover);
    psv_connection_shutdown_write(connection);
    psv_connection_pause_read(connection, false);
}

/* Ends the exchange when its response has left.  True when the connection can go on with another request. */
static bool finish_response(struct psv_h1 *h1)
{
    if (h1->closes) {
        /* a client that asked for the close itself, and sent nothing more, need not be waited for */
        bool peer_is_done = h1->state == PSV_H1_RESPONDING && !h1->exchange->must_close &&
                            !h1->config->is_draining && h1->input_left == 0;
        end_exchange(h1, false);
        close_after_response(h1, peer_is_done);
        return false;
    }
    if (h1->state != PSV_H1_RESPONDING) {
        return true; /* answered early: the rest of the request is read and dropped first */
    }
    end_exchange(h1, false);
    h1->state = PSV_H1_IDLE;
    psv_h1_parser_reset(&h1->parser, h1->config);
    return true; /* during a drain too, when the head went out before it, without "close" */
}

static bool is_reading(const struct psv_h1 *h1)
{
    return h1->state == PSV_H1_IDLE || h1->state == PSV_H1_READ_HEAD || h1->state == PSV_H1_READ_BODY;
}

/* The request's rest is not awaited once the connection closes after an early answer. */
static bool is_response_out(const struct psv_h1 *h1)
{
    return h1->exchange != NULL && h1->is_response_complete && psv_connection_is_drained(h1->connection) &&
           (h1->state == PSV_H1_RESPONDING || h1->closes);
}

/* One turn over the given input.  Returns false when the turn's share is used up and more could be done. */
static bool advance_over(struct psv_h1 *h1, char **data, size_t *len)
{
    unsigned served = 0;

    while (!h1->is_closed) {
        if (h1->is_gone) {
            psv_connection_reset(h1->connection, h1->head_is_sent ? PSV_CLOSE_ABORTED : PSV_CLOSE_PEER);
            break;
        }
        if (is_response_out(h1)) {
            if (!finish_response(h1)) {
                break;
            }
            served++;
        } else if (is_reading(h1) && (*len > 0 || h1->state == PSV_H1_READ_BODY)) {
            if (served >= h1->config->pipeline_requests_max) {
                return false;
            }
            if (!read_request(h1, data, len)) {
                break;
            }
        } else {
            break;
        }
    }
    return true;
}

/* Which timeout runs while the connection is as it is now. */
static struct psv_timer_queue *wanted_timer(struct psv_h1 *h1)
{
    if (!psv_connection_is_drained(h1->connection)) {
        return &h1->config->write_timer;
    }
    switch (h1->state) {
    case PSV_H1_IDLE:
        return h1->config->is_draining ? &h1->config->drain_timer : &h1->config->keepalive_timer;
    case PSV_H1_READ_HEAD:
        return &h1->config->header_timer;
    case PSV_H1_READ_BODY:
        return &h1->config->body_timer;
    case PSV_H1_RESPONDING:
        return NULL; /* the request's deadline is the host's */
    case PSV_H1_LINGER:
        return &h1->config->linger_timer;
    }
    UNREACHABLE("h1 state");
}

static void update_timer(struct psv_h1 *h1)
{
    struct psv_timer_queue *wanted = wanted_timer(h1);
    struct psv_connection *connection = h1->connection;
    /* the head and the lingering have a limit as a whole; the others are limits on silence */
    bool restarts = wanted != &h1->config->header_timer && wanted != &h1->config->linger_timer;

    if (connection->timer_queue != wanted || (restarts && h1->has_progress)) {
        psv_connection_set_timer(connection, wanted);
    }
    h1->has_progress = false;
}

/* Keeps input that must wait for its turn. */
static void keep_leftover(struct psv_h1 *h1, const char *data, size_t len)
{
    if (len > 0 && psv_buffer_append(&h1->leftover, data, len) != PSV_OK) {
        psv_connection_close(h1->connection, PSV_CLOSE_INTERNAL);
        return;
    }
    psv_connection_pause_read(h1->connection, h1->leftover.len + PSV_LOOP_READ_BYTES > LEFTOVER_BYTES_MAX);
}

static void advance_with(struct psv_h1 *h1, char *data, size_t len)
{
    if (h1->is_advancing) {
        return; /* a handler answered at once: the loop further up goes on */
    }
    h1->is_advancing = true;
    bool from_leftover = h1->leftover.len > 0;
    if (from_leftover) {
        if (len > 0 && psv_buffer_append(&h1->leftover, data, len) != PSV_OK) {
            psv_connection_close(h1->connection, PSV_CLOSE_INTERNAL);
        }
        data = h1->leftover.data;
        len = h1->leftover.len;
    }
    bool is_turn_over = !advance_over(h1, &data, &len);
    h1->is_advancing = false;
    if (h1->is_closed) {
        free_state(h1);
        return;
    }
    if (h1->state == PSV_H1_LINGER) {
        len = 0;
    } else if (from_leftover) {
        psv_buffer_consume(&h1->leftover, h1->leftover.len - len);
        if (h1->leftover.len == 0) {
            psv_buffer_fini(&h1->leftover); /* idle connections hold no memory */
        }
        keep_leftover(h1, NULL, 0);
    } else {
        keep_leftover(h1, data, len);
    }
    if (h1->connection->is_closed) {
        return;
    }
    h1->input_left = h1->leftover.len;
    if (is_turn_over) {
        psv_loop_defer(h1->connection->service->loop, &h1->task);
    } else if (h1->connection->has_eof && is_reading(h1) && h1->leftover.len == 0) {
        psv_connection_close(h1->connection,
                             PSV_CLOSE_PEER); /* no more can come: an unfinished request stays so */
        return;
    }
    update_timer(h1);
}

void psv_h1_advance(struct psv_h1 *h1)
{
    advance_with(h1, NULL, 0);
}

static void on_data(struct psv_connection *connection, char *data, size_t len)
{
    struct psv_h1 *h1 = h1_of(connection);

    if (h1->state != PSV_H1_LINGER) {
        advance_with(h1, data, len);
    }
}

/* A large body is read to where it stays.  No further than to its end: what follows outlives it. */
static char *lend_room(struct psv_connection *connection, size_t *len)
{
    struct psv_h1 *h1 = h1_of(connection);

    if (h1->state != PSV_H1_READ_BODY || !h1->parser.keeps_body || h1->exchange == NULL ||
        h1->exchange->request.content_length < 0 || h1->leftover.len > 0) {
        return NULL;
    }
    uint64_t left = (uint64_t)h1->exchange->request.content_length - h1->parser.body_bytes;
    size_t room_len = (size_t)MIN((uint64_t)*len, left);
    char *room = room_len > 0 ? psv_request_body_room(&h1->exchange->body, room_len) : NULL;
    if (room != NULL) {
        *len = room_len;
    }
    return room;
}

static void on_eof(struct psv_connection *connection)
{
    struct psv_h1 *h1 = h1_of(connection);

    if (h1->state == PSV_H1_LINGER) {
        psv_connection_close(connection, PSV_CLOSE_DONE);
        return;
    }
    psv_h1_advance(h1); /* closes unless a response is still owed (a client may half-close) */
}

static void on_sent(struct psv_connection *connection, uint64_t bytes, bool is_drained)
{
    struct psv_h1 *h1 = h1_of(connection);

    (void)is_drained;
    h1->has_progress = true;
    if (h1->exchange != NULL && bytes > 0) {
        h1->exchange->bytes_sent += bytes;
        h1->exchange->host->on_sent(h1->exchange, bytes);
    }
    psv_h1_advance(h1);
}

static void on_timeout(struct psv_connection *connection, struct psv_timer_queue *queue)
{
    struct psv_h1 *h1 = h1_of(connection);
    struct psv_h1_config *config = h1->config;

    connection->timer_queue = NULL;
    if (queue == &config->header_timer || queue == &config->body_timer) {
        bool is_header = queue == &config->header_timer;
        psv_metric_inc(is_header ? PSV_METRIC_TIMEOUTS_HEADER : PSV_METRIC_TIMEOUTS_BODY);
        if (h1->exchange != NULL && !h1->head_is_sent) {
            refuse(h1, 408, is_header ? "request head too slow" : "request body too slow");
            return;
        }
        psv_connection_close(connection, is_header ? PSV_CLOSE_HEADER_TIMEOUT : PSV_CLOSE_BODY_TIMEOUT);
    } else if (queue == &config->write_timer) {
        psv_metric_inc(PSV_METRIC_TIMEOUTS_WRITE);
        psv_connection_reset(connection, PSV_CLOSE_WRITE_TIMEOUT);
    } else if (queue == &config->keepalive_timer) {
        psv_metric_inc(PSV_METRIC_TIMEOUTS_KEEPALIVE);
        psv_connection_close(connection, PSV_CLOSE_KEEPALIVE_TIMEOUT);
    } else {
        psv_connection_close(connection,
                             queue == &config->drain_timer ? PSV_CLOSE_DRAIN : PSV_CLOSE_LINGER_TIMEOUT);
    }
}

/* The others close after their response: config->is_draining is set. */
static void drain(struct psv_connection *connection)
{
    if (h1_of(connection)->state == PSV_H1_IDLE) {
        psv_connection_end_idle(connection, &h1_of(connection)->config->drain_timer);
    }
}

/* The keep-alive queue is in order of idleness. */
static bool close_idle_one(struct psv_service *service)
{
    const struct psv_h1_config *config = service->codec_config;
    struct psv_list *first = psv_list_first(&config->keepalive_timer.timers);

    if (first == NULL) {
        return false;
    }
    struct psv_timer *timer = PSV_LIST_ENTRY(first, struct psv_timer, link);
    psv_connection_close(CONTAINER_OF(timer, struct psv_connection, timer), PSV_CLOSE_LIMIT);
    return true;
}

const struct psv_codec psv_h1_codec = {
    .name = "http/1",
    .on_open = on_open,
    .on_data = on_data,
    .lend_room = lend_room,
    .on_eof = on_eof,
    .on_sent = on_sent,
    .on_timeout = on_timeout,
    .on_close = on_close,
    .drain = drain,
    .close_idle_one = close_idle_one,
    .format_overload = psv_h1_format_overload,
};
