/* The output queue: memory pieces are gathered into one writev, file pieces go by sendfile; framing that has
 * to wait is copied.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#include "connection_send.h"

#include <string.h>
#include <sys/uio.h>

#include "base/error.h"
#include "base/memory.h"
#include "net/layer.h"

/* Pieces gathered for one write. */
#define GATHER_MAX 16
/* One connection's share of a turn; the rest follows when the socket is reported writable again. */
#define TURN_BYTES_MAX (4u << 20)

/* Framing (a head, a chunk size) that did not fit into the socket. */
struct framing_piece {
    struct psv_body_piece piece;
    char bytes[];
};

static void release_framing(struct psv_body_piece *piece)
{
    psv_free(CONTAINER_OF(piece, struct framing_piece, piece));
}

static int append_framing(struct psv_list *out, struct psv_bytes bytes)
{
    if (bytes.len == 0) {
        return PSV_OK;
    }
    struct framing_piece *framing = psv_malloc(sizeof(*framing) + bytes.len);
    if (framing == NULL) {
        return PSV_ENOMEM;
    }
    memset(&framing->piece, 0, sizeof(framing->piece));
    memcpy(framing->bytes, bytes.data, bytes.len);
    framing->piece.data = framing->bytes;
    framing->piece.len = bytes.len;
    framing->piece.fd = -1;
    framing->piece.release = release_framing;
    psv_list_append(out, &framing->piece.link);
    return PSV_OK;
}

static struct psv_body_piece *first_piece(const struct psv_list *pieces)
{
    struct psv_list *node = psv_list_first(pieces);

    return node != NULL ? PSV_LIST_ENTRY(node, struct psv_body_piece, link) : NULL;
}

static void drop_piece(struct psv_body_piece *piece)
{
    psv_list_remove(&piece->link);
    if (piece->release != NULL) {
        piece->release(piece);
    }
}

/* Marks bytes at the front of the list as sent and releases what is complete; adds to *piece_bytes what was
 * not framing. */
static void consume(struct psv_list *pieces, uint64_t bytes, uint64_t *piece_bytes)
{
    struct psv_body_piece *piece;

    while ((piece = first_piece(pieces)) != NULL) {
        uint64_t part = MIN(bytes, piece->len);

        piece->offset += part;
        piece->len -= part;
        bytes -= part;
        if (piece->release != release_framing) {
            *piece_bytes += part;
        }
        if (piece->len > 0) {
            return;
        }
        drop_piece(piece);
    }
}

/* Gathers leading memory pieces; returns how many.  *ret_has_more: pieces follow that did not fit or are
 * files. */
static int gather(const struct psv_list *pieces, struct iovec *parts, int parts_len, int parts_max,
                  bool *ret_has_more)
{
    *ret_has_more = false;
    PSV_LIST_FOR_EACH(node, pieces)
    {
        struct psv_body_piece *piece = PSV_LIST_ENTRY(node, struct psv_body_piece, link);
        if (piece->len == 0) {
            continue;
        }
        if (piece->data == NULL || parts_len == parts_max) {
            *ret_has_more = true;
            break;
        }
        parts[parts_len].iov_base = (char *)(uintptr_t)(piece->data + piece->offset);
        parts[parts_len].iov_len = piece->len;
        parts_len++;
    }
    return parts_len;
}

/* One write or sendfile from the front of the queue: bytes, PSV_EAGAIN, PSV_EGONE. */
static ssize_t send_front(struct psv_connection *connection)
{
    struct psv_body_piece *piece = first_piece(&connection->out);

    if (piece->data == NULL) {
        ssize_t sent = connection->layer->send_file(connection, piece->fd, piece->offset, piece->len);
        return sent == 0 ? PSV_EGONE : sent; /* the file was truncated: the promised length cannot be kept */
    }
    struct iovec parts[GATHER_MAX];
    bool has_more;
    int parts_len = gather(&connection->out, parts, 0, GATHER_MAX, &has_more);
    return connection->layer->write(connection, parts, parts_len, has_more);
}

struct psv_send_result psv_connection_flush(struct psv_connection *connection)
{
    struct psv_send_result result = {0};
    uint64_t total = 0;

    consume(&connection->out, 0, &result.bytes); /* drops empty pieces at the front */
    while (!psv_list_is_empty(&connection->out) && total < TURN_BYTES_MAX) {
        ssize_t sent = send_front(connection);
        if (sent == PSV_EAGAIN) {
            break;
        }
        if (sent < 0) {
            result.is_gone = true;
            break;
        }
        total += (uint64_t)sent;
        consume(&connection->out, (uint64_t)sent, &result.bytes);
    }
    result.is_drained = psv_list_is_empty(&connection->out);
    return result;
}

static void move_all(struct psv_list *to, struct psv_list *from)
{
    struct psv_list *node;

    while ((node = psv_list_first(from)) != NULL) {
        psv_list_remove(node);
        psv_list_append(to, node);
    }
}

/* First write straight from the caller's head, pieces and tail: no copy, one system call in the usual case.
 * Advances *head, *pieces and *tail past what was sent. */
static int send_directly(struct psv_connection *connection, struct psv_bytes *head, struct psv_list *pieces,
                         struct psv_bytes *tail, uint64_t *piece_bytes)
{
    struct iovec parts[GATHER_MAX];
    bool has_more;
    int parts_len = 0;

    if (head->len > 0) {
        parts[parts_len++] = (struct iovec){.iov_base = (char *)(uintptr_t)head->data, .iov_len = head->len};
    }
    parts_len = gather(pieces, parts, parts_len, GATHER_MAX - 1, &has_more);
    bool has_tail = !has_more && tail->len > 0;
    if (has_tail) {
        parts[parts_len++] = (struct iovec){.iov_base = (char *)(uintptr_t)tail->data, .iov_len = tail->len};
    }
    if (parts_len == 0) {
        return PSV_OK; /* begins with a file: sendfile does it */
    }
    ssize_t sent = connection->layer->write(connection, parts, parts_len, has_more);
    if (sent == PSV_EAGAIN) {
        return PSV_OK;
    }
    if (sent < 0) {
        return PSV_EGONE;
    }
    size_t left = (size_t)sent;
    size_t total = psv_layer_parts_bytes(parts, parts_len);
    size_t body = total - head->len - (has_tail ? tail->len : 0);
    if (LIKELY(left == total && !has_more)) {
        *head = *tail = PSV_BYTES_EMPTY;
        *piece_bytes += body;
        psv_body_pieces_release(pieces);
        return PSV_OK;
    }
    size_t of_head = MIN(left, head->len);
    size_t of_body = MIN(left - of_head, body);
    *head = psv_bytes_from(*head, of_head);
    *tail = psv_bytes_from(*tail, left - of_head - of_body);
    consume(pieces, of_body, piece_bytes);
    return PSV_OK;
}

struct psv_send_result psv_connection_send(struct psv_connection *connection, struct psv_bytes head,
                                           struct psv_list *pieces, struct psv_bytes tail)
{
    struct psv_send_result result = {0};

    if (connection->is_closed) {
        result.is_gone = true;
    } else if (psv_list_is_empty(&connection->out)) {
        result.is_gone = send_directly(connection, &head, pieces, &tail, &result.bytes) != PSV_OK;
        result.is_drained = head.len == 0 && tail.len == 0 && psv_list_is_empty(pieces) && !result.is_gone;
        if (LIKELY(result.is_drained)) {
            psv_connection_want_write(connection, false);
            return result;
        }
    }
    if (!result.is_gone && append_framing(&connection->out, head) != PSV_OK) {
        result.is_gone = true;
    }
    if (!result.is_gone) {
        move_all(&connection->out, pieces);
        result.is_gone = append_framing(&connection->out, tail) != PSV_OK;
    }
    if (result.is_gone) {
        psv_body_pieces_release(pieces);
        return result;
    }
    struct psv_send_result rest = psv_connection_flush(connection);
    result.bytes += rest.bytes;
    result.is_gone = rest.is_gone;
    result.is_drained = rest.is_drained;
    psv_connection_want_write(connection, !rest.is_drained && !rest.is_gone);
    return result;
}
