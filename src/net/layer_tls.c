/* TLS between the socket and the codec: handshake, records, and an end that the peer can tell from a cut.
 * [loop]
 *
 * The library drives the handshake from within reads.  Retries keep its rules: what could not be written is
 * offered again, the same bytes and at least as many, because the connection's queue keeps their order.
 *
 * SPDX-License-Identifier: MIT */
#include "layer.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"
#include "net/connection.h"
#include "net/tls_context.h"
#include "observe/metrics.h"
#include "os/fd.h"

/* A record's payload (RFC 8446 5.1). */
#define RECORD_BYTES 16384

static SSL *ssl_of(const struct psv_connection *connection)
{
    return connection->layer_state;
}

static int tls_open(struct psv_connection *connection)
{
    connection->layer_state = psv_tls_session_new(connection->service->tls, connection->fd);
    return connection->layer_state != NULL ? PSV_OK : PSV_ENOMEM;
}

/* ---- handshake */

static void note_ready(struct psv_connection *connection)
{
    SSL *ssl = ssl_of(connection);
    const unsigned char *protocol;
    unsigned len;

    connection->is_secured = true;
    connection->layer_wants_write = false;
    connection->peer.tls_protocol = SSL_get_version(ssl);
    connection->peer.tls_cipher = SSL_get_cipher_name(ssl);
    connection->peer.tls_server_name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    SSL_get0_alpn_selected(ssl, &protocol, &len);
    connection->alpn = len == 2 ? PSV_ALPN_HTTP2 : len > 0 ? PSV_ALPN_HTTP1 : PSV_ALPN_NONE;
    psv_metric_inc(SSL_version(ssl) == TLS1_3_VERSION ? PSV_METRIC_TLS_HANDSHAKES_13
                                                      : PSV_METRIC_TLS_HANDSHAKES_12);
    if (SSL_session_reused(ssl)) {
        psv_metric_inc(PSV_METRIC_TLS_RESUMED);
    }
    /* from here on it is an idle connection like any other */
    psv_connection_await_first(connection);
}

/* HTTP on the port of HTTPS: say so, in the only language that the client understands. */
static void answer_plain_http(struct psv_connection *connection)
{
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
                                 "Content-Length: 51\r\nConnection: close\r\n\r\n"
                                 "plain HTTP was sent to a port that speaks TLS only\n";

    (void)!send(connection->fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Why a handshake failed, as far as the library says.  error 0: the client has gone. */
static enum psv_metric_id failure_of(unsigned long error)
{
    if (error == 0) {
        return PSV_METRIC_TLS_FAILURES_CLOSED;
    }
    if (ERR_GET_LIB(error) != ERR_LIB_SSL) {
        return PSV_METRIC_TLS_FAILURES_OTHER;
    }
    switch (ERR_GET_REASON(error)) {
    case SSL_R_HTTP_REQUEST:
        return PSV_METRIC_TLS_FAILURES_HTTP;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_INAPPROPRIATE_FALLBACK:
        return PSV_METRIC_TLS_FAILURES_PROTOCOL;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
        return PSV_METRIC_TLS_FAILURES_CIPHER;
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
        return PSV_METRIC_TLS_FAILURES_CLOSED;
    default:
        /* RFC 8446 6: alerts of the client are reported as 1000 + their number */
        return ERR_GET_REASON(error) > SSL_AD_REASON_OFFSET ? PSV_METRIC_TLS_FAILURES_ALERT
                                                            : PSV_METRIC_TLS_FAILURES_OTHER;
    }
}

static ssize_t fail(struct psv_connection *connection)
{
    unsigned long error = ERR_peek_error();

    if (!connection->is_secured) {
        psv_metric_inc(PSV_METRIC_TLS_HANDSHAKES_FAILED);
        psv_metric_inc(failure_of(error));
        if (ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == SSL_R_HTTP_REQUEST) {
            answer_plain_http(connection);
        }
    }
    ERR_clear_error();
    connection->is_broken = true; /* the library forbids a close_notify now */
    return PSV_EGONE;
}

/* What a call of the library that moved nothing means. */
static ssize_t result_of(struct psv_connection *connection, int result)
{
    switch (SSL_get_error(ssl_of(connection), result)) {
    case SSL_ERROR_WANT_READ:
        return PSV_EAGAIN;
    case SSL_ERROR_WANT_WRITE:
        return PSV_EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        return fail(connection);
    }
}

/* ---- layer */

static ssize_t tls_read(struct psv_connection *connection, void *out, size_t len)
{
    SSL *ssl = ssl_of(connection);
    size_t total = 0;

    ERR_clear_error();
    connection->has_pending_input = false;
    do {
        int got = SSL_read(ssl, (char *)out + total, (int)(len - total));
        if (!connection->is_secured && SSL_is_init_finished(ssl)) {
            note_ready(connection);
        }
        if (got <= 0) {
            bool is_waiting = SSL_get_error(ssl, got) == SSL_ERROR_WANT_READ;
            psv_connection_want_layer_write(connection, SSL_get_error(ssl, got) == SSL_ERROR_WANT_WRITE);
            /* an end that was seen behind data is told by the next read */
            connection->has_pending_input = total > 0 && !is_waiting;
            return total > 0 ? (ssize_t)total : result_of(connection, got);
        }
        total += (size_t)got;
    } while (total < len && SSL_has_pending(ssl)); /* what is still in the socket has an event of its own */
    connection->has_pending_input = SSL_has_pending(ssl) == 1;
    return (ssize_t)total;
}

/* Joins the front of the parts, as much as fits into a record. */
static size_t join(const struct iovec *parts, int parts_len, size_t skip, char out[static RECORD_BYTES])
{
    size_t total = 0;

    for (int i = 0; i < parts_len && total < RECORD_BYTES; i++) {
        size_t skipped = MIN(skip, parts[i].iov_len);
        size_t part = MIN(parts[i].iov_len - skipped, RECORD_BYTES - total);
        memcpy(out + total, (const char *)parts[i].iov_base + skipped, part);
        skip -= skipped;
        total += part;
    }
    return total;
}

static ssize_t tls_write(struct psv_connection *connection, const struct iovec *parts, int parts_len,
                         bool has_more)
{
    char record[RECORD_BYTES];
    size_t total = 0;

    (void)has_more;
    ERR_clear_error();
    for (;;) {
        size_t len = join(parts, parts_len, total, record);
        if (len == 0) {
            return (ssize_t)total;
        }
        int sent = SSL_write(ssl_of(connection), record, (int)len);
        if (sent <= 0) {
            ssize_t result = result_of(connection, sent);
            return total > 0 && result == PSV_EAGAIN ? (ssize_t)total : result == 0 ? PSV_EGONE : result;
        }
        total += (size_t)sent;
    }
}

static ssize_t tls_send_file(struct psv_connection *connection, int fd, uint64_t offset, uint64_t len)
{
    SSL *ssl = ssl_of(connection);
    char record[RECORD_BYTES];
    size_t filled;

    ERR_clear_error();
    if (BIO_get_ktls_send(SSL_get_wbio(ssl))) {
        ossl_ssize_t sent = SSL_sendfile(ssl, fd, (off_t)offset, (size_t)MIN(len, (uint64_t)1 << 20), 0);
        return sent > 0 ? sent : sent == 0 ? 0 : result_of(connection, (int)sent);
    }
    if (psv_fd_pread_all(fd, record, (size_t)MIN(len, (uint64_t)RECORD_BYTES), offset, &filled) != PSV_OK ||
        filled == 0) {
        return 0;
    }
    int sent = SSL_write(ssl, record, (int)filled);
    if (sent > 0) {
        return sent;
    }
    ssize_t result = result_of(connection, sent);
    return result == 0 ? PSV_EGONE : result;
}

static void say_goodbye(struct psv_connection *connection)
{
    if (connection->is_secured && !connection->is_broken) {
        ERR_clear_error();
        (void)SSL_shutdown(ssl_of(connection)); /* sends close_notify, once; waits for nothing */
        ERR_clear_error();
    }
}

static void tls_shutdown_write(struct psv_connection *connection)
{
    say_goodbye(connection);
    (void)shutdown(connection->fd, SHUT_WR);
}

static void tls_fini(struct psv_connection *connection)
{
    if (connection->layer_state != NULL) {
        say_goodbye(connection);
        SSL_free(ssl_of(connection));
        connection->layer_state = NULL;
    }
}

const struct psv_layer psv_layer_tls = {
    .name = "tls",
    .open = tls_open,
    .read = tls_read,
    .write = tls_write,
    .send_file = tls_send_file,
    .shutdown_write = tls_shutdown_write,
    .fini = tls_fini,
};
