/* Tests of net/connection_send.c over a layer of the test's own, which takes as many bytes as it is told: the
 * order of bytes, what counts as sent, and that every piece is released once.
 *
 * SPDX-License-Identifier: MIT */
#include "table.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "net/connection_send.h"
#include "net/layer.h"

/* Stands in for connection.c. */
void psv_connection_want_write(struct psv_connection *connection, bool wants_write)
{
    connection->wants_write = wants_write;
}

struct wire {
    struct psv_connection connection; /* first */
    size_t room;                      /* bytes that go out before the socket is full */
    size_t step;                      /* at most that many at once; 0 = no matter */
    bool is_gone;
    unsigned calls;
    char sent[4096];
    size_t sent_len;
};

static struct wire *wire_of(struct psv_connection *connection)
{
    return (struct wire *)connection;
}

static ssize_t share_of(struct wire *wire, size_t len)
{
    wire->calls++;
    if (wire->is_gone) {
        return PSV_EGONE;
    }
    len = MIN(len, wire->room);
    len = wire->step != 0 ? MIN(len, wire->step) : len;
    wire->room -= len;
    return len > 0 ? (ssize_t)len : PSV_EAGAIN;
}

static ssize_t write_parts(struct psv_connection *connection, const struct iovec *parts, int parts_len,
                           bool has_more)
{
    struct wire *wire = wire_of(connection);
    size_t total = 0;

    (void)has_more;
    for (int i = 0; i < parts_len; i++) {
        total += parts[i].iov_len;
    }
    assert_true(total > 0);
    ssize_t share = share_of(wire, total);
    size_t left = share > 0 ? (size_t)share : 0;
    for (int i = 0; i < parts_len && left > 0; i++) {
        size_t len = MIN(left, parts[i].iov_len);
        memcpy(wire->sent + wire->sent_len, parts[i].iov_base, len);
        wire->sent_len += len;
        left -= len;
    }
    return share;
}

static ssize_t send_file(struct psv_connection *connection, int fd, uint64_t offset, uint64_t len)
{
    struct wire *wire = wire_of(connection);
    ssize_t share = share_of(wire, len);

    if (share > 0) {
        share = pread(fd, wire->sent + wire->sent_len, (size_t)share, (off_t)offset);
        wire->sent_len += share > 0 ? (size_t)share : 0;
    }
    return share;
}

static const struct psv_layer test_layer = {.name = "test", .write = write_parts, .send_file = send_file};

static unsigned releases;

static void count_release(struct psv_body_piece *piece)
{
    (void)piece;
    releases++;
}

static void wire_init(struct wire *wire, size_t room, size_t step)
{
    memset(wire, 0, sizeof(*wire));
    wire->connection.layer = &test_layer;
    psv_list_init(&wire->connection.out);
    wire->room = room;
    wire->step = step;
    releases = 0;
}

static void add_piece(struct psv_list *pieces, struct psv_body_piece *piece, const char *text)
{
    *piece = (struct psv_body_piece){.data = text, .fd = -1, .len = strlen(text), .release = count_release};
    psv_list_append(pieces, &piece->link);
}

static int file_of(const char *text)
{
    int fd = memfd_create("test", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    return fd;
}

static void add_file(struct psv_list *pieces, struct psv_body_piece *piece, int fd, uint64_t offset,
                     uint64_t len)
{
    *piece = (struct psv_body_piece){.fd = fd, .offset = offset, .len = len, .release = count_release};
    psv_list_append(pieces, &piece->link);
}

/* head, two memory pieces around a file, an empty piece, tail. */
static void test_any_cut_gives_the_same_bytes(void **state)
{
    static const char expected[] = "HEAD:one-FILE-two:TAIL";
    int fd = file_of("xxFILEyy");

    (void)state;
    for (size_t first = 0; first <= strlen(expected); first++) {
        for (size_t step = 0; step <= 5; step++) {
            struct wire wire;
            struct psv_list pieces;
            struct psv_body_piece piece[4];
            char head[] = "HEAD:";
            char tail[] = ":TAIL";

            wire_init(&wire, first, step);
            psv_list_init(&pieces);
            add_piece(&pieces, &piece[0], "one-");
            add_file(&pieces, &piece[1], fd, 2, 4);
            add_piece(&pieces, &piece[2], "");
            add_piece(&pieces, &piece[3], "-two");
            struct psv_send_result result =
                psv_connection_send(&wire.connection, psv_bytes_of(head), &pieces, psv_bytes_of(tail));
            uint64_t bytes = result.bytes;
            memset(head, '!', sizeof(head) - 1); /* what waits was copied */
            memset(tail, '!', sizeof(tail) - 1);
            assert_true(psv_list_is_empty(&pieces));
            assert_false(result.is_gone);
            assert_int_equal(result.is_drained, first == strlen(expected));
            assert_int_equal(wire.connection.wants_write, first != strlen(expected));
            wire.room = 1000;
            if (!result.is_drained) {
                result = psv_connection_flush(&wire.connection);
                bytes += result.bytes;
            }
            assert_true(result.is_drained);
            assert_int_equal(bytes, 12); /* pieces only */
            assert_int_equal(releases, 4);
            assert_bytes_equal(((struct psv_bytes){wire.sent, wire.sent_len}), expected);
        }
    }
    close(fd);
}

static void test_a_response_in_memory_is_one_call(void **state)
{
    struct wire wire;
    struct psv_list pieces;
    struct psv_body_piece piece;

    (void)state;
    wire_init(&wire, 1000, 0);
    psv_list_init(&pieces);
    add_piece(&pieces, &piece, "body");
    (void)psv_connection_send(&wire.connection, PSV_BYTES("head"), &pieces, PSV_BYTES("tail"));
    assert_int_equal(wire.calls, 1);
    assert_bytes_equal(((struct psv_bytes){wire.sent, wire.sent_len}), "headbodytail");
}

static void test_order_is_kept_behind_a_full_socket(void **state)
{
    struct wire wire;
    struct psv_list pieces;
    struct psv_body_piece piece[2];

    (void)state;
    wire_init(&wire, 2, 0);
    psv_list_init(&pieces);
    add_piece(&pieces, &piece[0], "first");
    (void)psv_connection_send(&wire.connection, PSV_BYTES_EMPTY, &pieces, PSV_BYTES_EMPTY);
    add_piece(&pieces, &piece[1], "second");
    (void)psv_connection_send(&wire.connection, PSV_BYTES("|"), &pieces, PSV_BYTES("."));
    wire.room = 100;
    assert_true(psv_connection_flush(&wire.connection).is_drained);
    assert_bytes_equal(((struct psv_bytes){wire.sent, wire.sent_len}), "first|second.");
    assert_int_equal(releases, 2);
}

static void test_a_peer_that_is_gone_leaves_nothing_behind(void **state)
{
    struct wire wire;
    struct psv_list pieces;
    struct psv_body_piece piece[2];

    (void)state;
    wire_init(&wire, 100, 0);
    wire.is_gone = true;
    psv_list_init(&pieces);
    add_piece(&pieces, &piece[0], "one");
    add_piece(&pieces, &piece[1], "two");
    struct psv_send_result result =
        psv_connection_send(&wire.connection, PSV_BYTES("head"), &pieces, PSV_BYTES("tail"));
    assert_true(result.is_gone);
    assert_int_equal(result.bytes, 0);
    assert_int_equal(releases, 2);
    assert_true(psv_list_is_empty(&pieces) && psv_list_is_empty(&wire.connection.out));
}

static void test_a_closed_connection_takes_and_releases(void **state)
{
    struct wire wire;
    struct psv_list pieces;
    struct psv_body_piece piece;

    (void)state;
    wire_init(&wire, 100, 0);
    wire.connection.is_closed = true;
    psv_list_init(&pieces);
    add_piece(&pieces, &piece, "late");
    assert_true(psv_connection_send(&wire.connection, PSV_BYTES("head"), &pieces, PSV_BYTES_EMPTY).is_gone);
    assert_int_equal(releases, 1);
    assert_int_equal(wire.calls, 0);
}

/* The length was promised: the client has to notice. */
static void test_a_file_that_became_shorter(void **state)
{
    struct wire wire;
    struct psv_list pieces;
    struct psv_body_piece piece;
    int fd = file_of("short");

    (void)state;
    wire_init(&wire, 100, 0);
    psv_list_init(&pieces);
    add_file(&pieces, &piece, fd, 0, 50);
    struct psv_send_result result =
        psv_connection_send(&wire.connection, PSV_BYTES("head"), &pieces, PSV_BYTES_EMPTY);
    assert_true(result.is_gone);
    assert_int_equal(result.bytes, 5);
    psv_body_pieces_release(&wire.connection.out);
    assert_int_equal(releases, 1);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_cut_gives_the_same_bytes),
        cmocka_unit_test(test_a_response_in_memory_is_one_call),
        cmocka_unit_test(test_order_is_kept_behind_a_full_socket),
        cmocka_unit_test(test_a_peer_that_is_gone_leaves_nothing_behind),
        cmocka_unit_test(test_a_closed_connection_takes_and_releases),
        cmocka_unit_test(test_a_file_that_became_shorter),
    };
    return cmocka_run_group_tests_name("connection_send", tests, NULL, NULL);
}
