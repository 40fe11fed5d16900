/* Fuzz target of http2/: a whole connection, from its bytes to the answers.  Input: three bytes that say how
 * the host answers and how much the client reads, then what the client sends behind preface and SETTINGS:
 * bytes as they are, or (by the first byte) frames whose lengths are made right.  Oracles: every exchange
 * ends exactly once, requests keep the limits, what is sent is well-formed frames, and nothing is left when
 * the connection is closed.
 *
 * SPDX-License-Identifier: MIT */
#include "http_oracle.h"

#include <stdbool.h>
#include <sys/eventfd.h>

#include "base/memory.h"
#include "exec/exchange.h"
#include "exec/mailbox.h"
#include "http2/codec.h"
#include "http2/config.h"
#include "net/connection.h"
#include "net/connection_send.h"
#include "net/layer.h"
#include "net/loop.h"

#define FRAME_HEAD_BYTES 9
#define FRAME_BYTES_MAX 16384
#define TURNS_MAX 64

enum mode {
    MODE_FRAMED = 1,     /* the input is types, flags, streams and payloads */
    MODE_EARLY = 2,      /* answered at the head */
    MODE_LATE = 4,       /* answered in a later turn */
    MODE_STREAMED = 8,   /* bodies come in parts */
    MODE_ABORTS = 16,    /* some answers break off */
    MODE_DRAINS = 32,    /* the server stops in the middle */
    MODE_SLOW = 64,      /* the socket takes little */
    MODE_TIMEOUTS = 128, /* the clock jumps */
};

static struct {
    struct psv_mailbox mailbox;
    struct psv_loop loop;
    struct psv_timer_queue timers[5];
    struct psv_h2_config config;
    struct psv_service service;
    struct psv_exchange_pool *pool;
    struct psv_list waiting; /* exchanges that are answered later */
    unsigned live;
    uint8_t mode;
    uint8_t body_len;
    size_t room; /* what the socket takes in this turn */
    uint8_t head[FRAME_HEAD_BYTES];
    size_t head_len;
    size_t payload_left;
    bool is_ready;
} fuzz;

/* ---- the socket: takes bytes and looks at the frames */

static void see_frame(void)
{
    size_t len = (size_t)fuzz.head[0] << 16 | (size_t)fuzz.head[1] << 8 | fuzz.head[2];
    unsigned type = fuzz.head[3];
    unsigned stream = ((unsigned)fuzz.head[5] << 24 | (unsigned)fuzz.head[6] << 16 |
                       (unsigned)fuzz.head[7] << 8 | fuzz.head[8]);

    ORACLE(len <= FRAME_BYTES_MAX);
    ORACLE(type <= 9 && type != 2 && type != 5); /* neither PRIORITY nor PUSH_PROMISE comes from us */
    switch (type) {
    case 0: /* DATA, HEADERS, RST_STREAM, CONTINUATION belong to a client's stream */
    case 1:
    case 3:
    case 9:
        ORACLE((stream & 1) == 1 && stream <= INT32_MAX);
        break;
    case 8:
        ORACLE(len == 4);
        break;
    default:
        ORACLE(stream == 0);
    }
    fuzz.payload_left = len;
}

static void see(const uint8_t *data, size_t len)
{
    while (len > 0) {
        if (fuzz.payload_left > 0) {
            size_t part = MIN(len, fuzz.payload_left);
            fuzz.payload_left -= part;
            data += part;
            len -= part;
            continue;
        }
        fuzz.head[fuzz.head_len++] = *data++;
        len--;
        if (fuzz.head_len == FRAME_HEAD_BYTES) {
            fuzz.head_len = 0;
            see_frame();
        }
    }
}

static ssize_t layer_read(struct psv_connection *connection, void *out, size_t len)
{
    (void)connection, (void)out, (void)len;
    return PSV_EAGAIN;
}

static ssize_t layer_write(struct psv_connection *connection, const struct iovec *parts, int parts_len,
                           bool has_more)
{
    size_t taken = 0;

    (void)connection, (void)has_more;
    for (int i = 0; i < parts_len && fuzz.room > 0; i++) {
        size_t part = MIN(parts[i].iov_len, fuzz.room);
        see(parts[i].iov_base, part);
        fuzz.room -= part;
        taken += part;
    }
    return taken > 0 ? (ssize_t)taken : PSV_EAGAIN;
}

static ssize_t layer_send_file(struct psv_connection *connection, int fd, uint64_t offset, uint64_t len)
{
    (void)connection, (void)fd, (void)offset, (void)len;
    ORACLE(!"there are no files");
    return PSV_EGONE;
}

static void layer_nothing(struct psv_connection *connection)
{
    (void)connection;
}

static const struct psv_layer layer = {
    .name = "fuzz",
    .read = layer_read,
    .write = layer_write,
    .send_file = layer_send_file,
    .shutdown_write = layer_nothing,
    .fini = layer_nothing,
};

/* ---- the host */

static void add_piece(struct psv_exchange *exchange, struct psv_list *pieces)
{
    static const char text[256] = "a body";
    struct psv_body_piece *piece = psv_arena_calloc(&exchange->arena, sizeof(*piece));

    ORACLE(piece != NULL);
    *piece = (struct psv_body_piece){.data = text, .fd = -1, .len = fuzz.body_len};
    if (piece->len > 0) {
        psv_list_append(pieces, &piece->link);
    }
}

static void answer(struct psv_exchange *exchange)
{
    struct psv_list pieces;

    psv_list_init(&pieces);
    if ((fuzz.mode & MODE_ABORTS) != 0 && exchange->request.target.len % 3 == 0) {
        psv_exchange_abort(exchange);
        return;
    }
    bool is_streamed = (fuzz.mode & MODE_STREAMED) != 0 && (fuzz.mode & MODE_LATE) != 0;
    exchange->response.status = 200;
    exchange->response.content_length = is_streamed ? -1 : fuzz.body_len;
    psv_headers_init(&exchange->response.headers, 4);
    ORACLE(psv_headers_add_known(&exchange->response.headers, &exchange->arena, PSV_FIELD_CONTENT_TYPE,
                                 PSV_BYTES("text/plain")) == PSV_OK);
    if (exchange->request.method != PSV_METHOD_HEAD) {
        add_piece(exchange, &pieces);
    }
    if (is_streamed) {
        psv_list_append(&fuzz.waiting, &exchange->link); /* its rest comes later */
    }
    psv_exchange_respond(exchange, &pieces, !is_streamed);
}

static enum psv_body_plan on_head(struct psv_exchange *exchange)
{
    const struct psv_request *request = &exchange->request;
    size_t fields_len = 0;

    ORACLE(exchange->host_state == NULL);
    exchange->host_state = exchange;
    psv_list_init(&exchange->link);
    fuzz.live++;
    ORACLE(request->version == PSV_HTTP_2);
    ORACLE(request->path.len > 0 && request->path.data[0] == '/');
    ORACLE(request->target.len <= fuzz.config.target_bytes_max);
    ORACLE(request->headers.len <= fuzz.config.header_count_max + 1u); /* Host may be added */
    for (unsigned i = 0; i < request->headers.len; i++) {
        const struct psv_field *field = &request->headers.items[i];
        ORACLE(field->name.len > 0 && field->name.data[0] != ':');
        ORACLE(psv_bytes_find(field->value, '\0') == field->value.len);
        ORACLE(psv_bytes_find(field->value, '\r') == field->value.len);
        ORACLE(psv_bytes_find(field->value, '\n') == field->value.len);
        fields_len += field->name.len + field->value.len;
    }
    ORACLE(fields_len <=
           fuzz.config.header_bytes_max + request->authority.len + 4 + 2 * request->headers.len);
    if ((fuzz.mode & MODE_EARLY) != 0) {
        answer(exchange);
        return PSV_BODY_IGNORE;
    }
    return PSV_BODY_KEEP;
}

static void on_request(struct psv_exchange *exchange)
{
    ORACLE(exchange->body.len <= fuzz.config.body_bytes_max);
    ORACLE(exchange->request.content_length < 0 ||
           (uint64_t)exchange->request.content_length == exchange->body.len);
    if ((fuzz.mode & MODE_LATE) != 0) {
        psv_list_append(&fuzz.waiting, &exchange->link);
    } else {
        answer(exchange);
    }
}

static void on_sent(struct psv_exchange *exchange, uint64_t bytes)
{
    (void)exchange;
    ORACLE(bytes > 0);
}

static void on_end(struct psv_exchange *exchange, bool aborted)
{
    (void)aborted;
    ORACLE(!exchange->is_ended);
    exchange->is_ended = true;
    if (exchange->host_state != NULL) { /* else refused by the codec before on_head */
        psv_list_remove(&exchange->link);
        fuzz.live--;
    }
    psv_exchange_free(fuzz.pool, exchange);
}

static void answer_waiting(void)
{
    struct psv_list batch;
    struct psv_list *node;

    psv_list_init(&batch);
    while ((node = psv_list_first(&fuzz.waiting)) != NULL) {
        psv_list_remove(node);
        psv_list_append(&batch, node);
    }
    while ((node = psv_list_first(&batch)) != NULL) {
        struct psv_exchange *exchange = PSV_LIST_ENTRY(node, struct psv_exchange, link);
        struct psv_list pieces;
        psv_list_remove(node);
        psv_list_init(&pieces);
        if (!exchange->is_answered) {
            answer(exchange);
        } else if (exchange->request.method == PSV_METHOD_HEAD) {
            psv_exchange_send_body(exchange, &pieces, true);
        } else {
            add_piece(exchange, &pieces);
            psv_exchange_send_body(exchange, &pieces, true);
        }
    }
}

/* ---- the loop, turn by turn */

static void run_list(struct psv_list *list)
{
    struct psv_list batch;
    struct psv_list *node;

    psv_list_init(&batch);
    while ((node = psv_list_first(list)) != NULL) {
        psv_list_remove(node);
        psv_list_append(&batch, node);
    }
    while ((node = psv_list_first(&batch)) != NULL) {
        struct psv_loop_task *task = PSV_LIST_ENTRY(node, struct psv_loop_task, link);
        psv_list_remove(node);
        task->run(task);
    }
}

static struct psv_connection *the_connection(void)
{
    struct psv_list *node = psv_list_first(&fuzz.service.connections);

    return node != NULL ? PSV_LIST_ENTRY(node, struct psv_connection, link) : NULL;
}

static void turn(void)
{
    struct psv_connection *connection = the_connection();

    fuzz.room = (fuzz.mode & MODE_SLOW) != 0 ? (size_t)fuzz.body_len + 1 : SIZE_MAX;
    if (connection != NULL && connection->wants_write) {
        struct psv_send_result result = psv_connection_flush(connection);
        ORACLE(!result.is_gone);
        if (result.is_drained) {
            psv_connection_want_write(connection, false);
        }
        if (result.bytes > 0 || result.is_drained) {
            connection->codec->on_sent(connection, result.bytes, result.is_drained);
        }
    }
    if ((fuzz.mode & MODE_TIMEOUTS) != 0) {
        fuzz.loop.now_ns += UINT64_C(3000000000);
        psv_timer_wheel_run(&fuzz.loop.wheel, fuzz.loop.now_ns);
    }
    answer_waiting();
    run_list(&fuzz.loop.tasks);
    run_list(&fuzz.loop.dead);
}

static void give(const char *data, size_t len)
{
    struct psv_connection *connection = the_connection();

    if (connection == NULL || connection->is_read_paused) {
        return;
    }
    char *copy = malloc(len + (len == 0)); /* of its own: nothing is read past its end */
    memcpy(copy, data, len);
    connection->codec->on_data(connection, copy, len);
    free(copy);
}

/* type, flags, stream, length, payload: a frame whose length is right. */
static void give_frame(struct psv_bytes *input)
{
    uint8_t frame[FRAME_HEAD_BYTES + 255] = {0};
    uint8_t type = take_byte(input);
    uint8_t flags = take_byte(input);
    uint8_t stream = take_byte(input);
    size_t wanted = take_byte(input);
    size_t len = MIN(wanted, input->len);

    frame[2] = (uint8_t)len;
    frame[3] = type % 11;
    frame[4] = flags;
    frame[8] = stream;
    memcpy(frame + FRAME_HEAD_BYTES, input->data, len);
    *input = psv_bytes_from(*input, len);
    give((const char *)frame, FRAME_HEAD_BYTES + len);
}

static void set_up(void)
{
    static const struct psv_exchange_host host = {
        .on_head = on_head, .on_request = on_request, .on_sent = on_sent, .on_end = on_end};

    if (fuzz.is_ready) {
        return;
    }
    fuzz.is_ready = true;
    ORACLE(psv_mailbox_init(&fuzz.mailbox, 8) == PSV_OK);
    ORACLE(psv_loop_init(&fuzz.loop, &fuzz.mailbox, NULL, NULL, NULL) == PSV_OK);
    fuzz.pool = psv_exchange_pool_new(1 << 20, 16);
    ORACLE(fuzz.pool != NULL);
    for (size_t i = 0; i < ARRAY_SIZE(fuzz.timers); i++) {
        psv_timer_queue_init(&fuzz.timers[i], &fuzz.loop.wheel, UINT64_C(5000000000) + i,
                             psv_connection_on_timer, NULL);
    }
    fuzz.config = (struct psv_h2_config){
        .target_bytes_max = 64,
        .header_bytes_max = 512,
        .header_count_max = 12,
        .body_bytes_max = 300,
        .body_memory_bytes = 64,
        .streams_max = 6,
        .stream_window_bytes = 65535,
        .connection_window_bytes = 65535,
        .unanswered_max = 3,
        .held_bytes_max = 200,
        .sends_server_field = true,
        .pool = fuzz.pool,
        .header_timer = &fuzz.timers[0],
        .keepalive_timer = &fuzz.timers[1],
        .write_timer = &fuzz.timers[2],
        .linger_timer = &fuzz.timers[3],
    };
    ORACLE(psv_h2_config_init(&fuzz.config, &fuzz.loop.wheel, 5000000000, 5000000000) == PSV_OK);
    fuzz.service = (struct psv_service){
        .loop = &fuzz.loop,
        .codec = &psv_h2_codec,
        .preface_codec = &psv_h2_codec,
        .preface_codec_config = &fuzz.config,
        .idle_timer = &fuzz.timers[1],
        .header_timer = &fuzz.timers[0],
        .drain_timer = &fuzz.timers[4],
        .layer = &layer,
        .host = &host,
    };
    psv_list_init(&fuzz.service.connections);
    psv_list_init(&fuzz.waiting);
}

static void open_connection(void)
{
    static const char hello[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
    struct psv_peer peer = {.remote_address = "192.0.2.1"};
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    ORACLE(fd >= 0 && psv_connection_open(&fuzz.service, fd, &peer, NULL) == PSV_OK);
    struct psv_connection *connection = the_connection();
    ORACLE(connection != NULL);
    connection->alpn = PSV_ALPN_HTTP2;
    give(hello, sizeof(hello) - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct psv_bytes input = {(const char *)data, size};

    set_up();
    fuzz.mode = take_byte(&input);
    fuzz.body_len = take_byte(&input);
    size_t piece_len = (size_t)take_byte(&input) + 1;
    fuzz.head_len = 0;
    fuzz.payload_left = 0;
    fuzz.service.is_draining = false;
    open_connection();
    for (unsigned i = 0; input.len > 0 && the_connection() != NULL; i++) {
        if ((fuzz.mode & MODE_FRAMED) != 0) {
            give_frame(&input);
        } else {
            size_t part = MIN(piece_len, input.len);
            give(input.data, part);
            input = psv_bytes_from(input, part);
        }
        turn();
        if ((fuzz.mode & MODE_DRAINS) != 0 && i == 3) {
            psv_service_drain(&fuzz.service);
        }
    }
    for (unsigned i = 0; i < TURNS_MAX && the_connection() != NULL && !psv_list_is_empty(&fuzz.loop.tasks);
         i++) {
        turn();
    }
    struct psv_connection *connection = the_connection();
    if (connection != NULL && (size & 1) != 0) {
        connection->has_eof = true;
        connection->codec->on_eof(connection);
        turn();
        connection = the_connection();
    }
    if (connection != NULL) {
        psv_connection_close(connection, PSV_CLOSE_PEER);
    }
    turn();
    ORACLE(fuzz.live == 0 && psv_list_is_empty(&fuzz.waiting));
    ORACLE(fuzz.service.connections_len == 0);
    return 0;
}
