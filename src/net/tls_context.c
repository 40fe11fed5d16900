/* A TLS listener's certificates and settings; see tls_context.h.
 *
 * SPDX-License-Identifier: MIT */
#include "tls_context.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/memory.h"
#include "net/tls_certificate.h"
#include "net/tls_error.h"
#include "net/tls_tickets.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "os/clock.h"

/* The curves that browsers have, the fastest first. */
#define GROUPS "X25519:P-256:P-384"
/* TLS 1.3: all of them are sound, the fastest first. */
#define SUITES "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

/* TLS 1.2: forward secrecy and authenticated encryption only. */
#define CIPHERS                                                                                              \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"               \
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

/* Read from the socket at once; held only while there is something in it. */
#define READ_BUFFER_BYTES ((size_t)32 * 1024)

struct psv_tls {
    struct psv_tls_options options;
    struct psv_tls_tickets tickets;
    struct psv_tls_certificate *certificates; /* options.len */
    int64_t told_expiry_s;                    /* what the metric stands at */
    bool is_failing;                          /* changed files could not be loaded: said once */
};

/* ---- callbacks of the library */

static int on_alpn(SSL *ssl, const unsigned char **ret_protocol, unsigned char *ret_len,
                   const unsigned char *offered, unsigned offered_len, void *context)
{
    static const unsigned char both[] = "\x02h2\x08http/1.1\x08http/1.0";
    static const unsigned char http1[] = "\x08http/1.1\x08http/1.0";
    const struct psv_tls *tls = context;
    const unsigned char *ours = tls->options.offers_h2 ? both : http1;
    unsigned ours_len = tls->options.offers_h2 ? sizeof(both) - 1 : sizeof(http1) - 1;
    unsigned char *chosen;

    (void)ssl;
    if (SSL_select_next_proto(&chosen, ret_len, ours, ours_len, offered, offered_len) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL; /* RFC 7301 3.2: no_application_protocol */
    }
    *ret_protocol = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static bool is_for(const struct psv_tls_certificate *certificate, struct psv_bytes name)
{
    return name.len > 0 && X509_check_host(certificate->certificate, name.data, name.len, 0, NULL) == 1;
}

/* The first certificate for name; options.len: there is none. */
static size_t find_certificate(const struct psv_tls *tls, struct psv_bytes name)
{
    size_t i = 0;

    while (i < tls->options.len && !is_for(&tls->certificates[i], name)) {
        i++;
    }
    return i;
}

bool psv_tls_is_misdirected(const struct psv_tls *tls, const char *server_name, struct psv_bytes host)
{
    if (server_name == NULL || tls->options.len < 2 ||
        psv_bytes_equal_case(psv_bytes_of(server_name), host)) {
        return false;
    }
    size_t used = find_certificate(tls, psv_bytes_of(server_name));
    if (used == tls->options.len) {
        used = 0; /* the default */
    }
    return !is_for(&tls->certificates[used], host) && find_certificate(tls, host) < tls->options.len;
}

static int on_server_name(SSL *ssl, int *ret_alert, void *context)
{
    struct psv_tls *tls = context;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    (void)ret_alert;
    size_t found = name != NULL ? find_certificate(tls, psv_bytes_of(name)) : tls->options.len;
    if (found < tls->options.len) {
        (void)SSL_set_SSL_CTX(ssl, tls->certificates[found].context);
    }
    return name != NULL ? SSL_TLSEXT_ERR_OK
                        : SSL_TLSEXT_ERR_NOACK; /* nobody's name: the default certificate */
}

static int on_status_request(SSL *ssl, void *context)
{
    const struct psv_tls *tls = context;
    const SSL_CTX *used = SSL_get_SSL_CTX(ssl);

    for (size_t i = 0; i < tls->options.len; i++) {
        const struct psv_tls_certificate *certificate = &tls->certificates[i];
        if (certificate->context != used || certificate->ocsp == NULL) {
            continue;
        }
        unsigned char *copy =
            OPENSSL_memdup(certificate->ocsp, certificate->ocsp_len); /* the library frees it */
        if (copy == NULL) {
            return SSL_TLSEXT_ERR_NOACK;
        }
        (void)SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)certificate->ocsp_len);
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_NOACK;
}

/* ---- contexts */

static int set_up(struct psv_tls *tls, SSL_CTX *context, struct psv_error *reterr)
{
    static const unsigned char session_context[] = "phpsrv";
    const struct psv_tls_options *options = &tls->options;
    const char *ciphers = options->ciphers[0] != '\0' ? options->ciphers : CIPHERS;
    char text[256];

    (void)SSL_CTX_set_min_proto_version(context, options->is_tls13_only ? TLS1_3_VERSION : TLS1_2_VERSION);
    (void)SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                           SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                           (options->uses_kernel_tls ? SSL_OP_ENABLE_KTLS : 0));
    (void)SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                        SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, READ_BUFFER_BYTES);
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* tickets carry the sessions */
    (void)SSL_CTX_set_session_id_context(context, session_context, sizeof(session_context) - 1);
    (void)SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_alpn_select_cb(context, on_alpn, tls);
    (void)SSL_CTX_set_tlsext_servername_callback(context, on_server_name);
    (void)SSL_CTX_set_tlsext_servername_arg(context, tls);
    (void)SSL_CTX_set_tlsext_status_cb(context, on_status_request);
    (void)SSL_CTX_set_tlsext_status_arg(context, tls);
    psv_tls_tickets_use(&tls->tickets, context);
    if (SSL_CTX_set1_groups_list(context, (char *)(uintptr_t)GROUPS) != 1 ||
        SSL_CTX_set_ciphersuites(context, SUITES) != 1) {
        return psv_error_set(reterr, PSV_EUNSUPPORTED, "the TLS library lacks " GROUPS " or " SUITES " (%s)",
                             psv_tls_take_error(text, "unknown reason"));
    }
    if (SSL_CTX_set_cipher_list(context, ciphers) != 1) {
        return psv_error_set(reterr, PSV_EINVAL,
                             "tls.ciphers \"%s\" names no cipher that the TLS library has (%s)", ciphers,
                             psv_tls_take_error(text, "unknown reason"));
    }
    return PSV_OK;
}

static void free_certificates(struct psv_tls_certificate *certificates, size_t len)
{
    for (size_t i = 0; certificates != NULL && i < len; i++) {
        psv_tls_certificate_fini(&certificates[i]);
    }
    psv_free(certificates);
}

static int load_all(struct psv_tls *tls, struct psv_tls_certificate **ret, struct psv_error *reterr)
{
    const struct psv_tls_options *options = &tls->options;
    struct psv_tls_certificate *certificates = psv_calloc(options->len, sizeof(*certificates));
    int code = certificates != NULL ? PSV_OK : psv_error_set(reterr, PSV_ENOMEM, "out of memory");

    for (size_t i = 0; i < options->len && code == PSV_OK; i++) {
        code = psv_tls_certificate_load(&certificates[i], options->certificates[i], options->keys[i],
                                        i < options->ocsp_len ? options->ocsp[i] : NULL, reterr);
        if (code == PSV_OK) {
            code = set_up(tls, certificates[i].context, reterr);
        }
    }
    if (code != PSV_OK) {
        free_certificates(certificates, options->len);
        return code;
    }
    *ret = certificates;
    return PSV_OK;
}

void psv_tls_tell_expiry(struct psv_tls *tls)
{
    int64_t now = (int64_t)(psv_clock_unix_us() / 1000000);
    int64_t soonest = INT64_MAX;

    for (size_t i = 0; i < tls->options.len; i++) {
        int64_t expires = tls->certificates[i].expires_unix_s;
        soonest = MIN(soonest, expires);
        if (expires <= now) {
            PSV_LOG(PSV_LOG_WARN, "tls.certificate_expired",
                    PSV_LOG_TEXT("file", tls->options.certificates[i]));
        }
    }
    psv_metric_add(PSV_METRIC_TLS_CERTIFICATE_EXPIRY, soonest - tls->told_expiry_s);
    tls->told_expiry_s = soonest;
}

int psv_tls_new(const struct psv_tls_options *options, uint64_t now_ns, struct psv_tls **ret_tls,
                struct psv_error *reterr)
{
    struct psv_tls *tls = psv_calloc(1, sizeof(*tls));

    if (tls == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "out of memory");
    }
    tls->options = *options;
    int code = psv_tls_tickets_init(&tls->tickets, options->ticket_period_ns, now_ns);
    if (code != PSV_OK) {
        (void)psv_error_set(reterr, code, "no randomness for TLS ticket keys");
    } else {
        code = load_all(tls, &tls->certificates, reterr);
    }
    if (code != PSV_OK) {
        (void)psv_tls_free(tls);
        return code;
    }
    *ret_tls = tls;
    return PSV_OK;
}

struct psv_tls *psv_tls_free(struct psv_tls *tls)
{
    if (tls != NULL) {
        free_certificates(tls->certificates, tls->options.len);
        OPENSSL_cleanse(&tls->tickets, sizeof(tls->tickets));
        psv_free(tls);
    }
    return NULL;
}

static void reload(struct psv_tls *tls)
{
    struct psv_tls_certificate *fresh;
    struct psv_error error;

    if (load_all(tls, &fresh, &error) != PSV_OK) {
        if (!tls->is_failing) {
            PSV_LOG(PSV_LOG_WARN, "tls.reload_failed", PSV_LOG_TEXT("reason", error.message));
            psv_metric_inc(PSV_METRIC_TLS_RELOADS_FAILED);
        }
        tls->is_failing = true; /* often seen between the writing of the certificate and that of its key */
        return;
    }
    free_certificates(tls->certificates, tls->options.len); /* connections hold references of their own */
    tls->certificates = fresh;
    tls->is_failing = false;
    psv_tls_tell_expiry(tls);
    psv_metric_inc(PSV_METRIC_TLS_RELOADS_DONE);
    PSV_LOG(PSV_LOG_INFO, "tls.reloaded", PSV_LOG_U64("certificates", tls->options.len));
}

void psv_tls_tick(struct psv_tls *tls, uint64_t now_ns)
{
    psv_tls_tickets_rotate(&tls->tickets, now_ns);
    for (size_t i = 0; i < tls->options.len; i++) {
        if (psv_tls_certificate_has_changed(&tls->certificates[i])) {
            reload(tls);
            break;
        }
    }
}

struct ssl_st *psv_tls_session_new(struct psv_tls *tls, int fd)
{
    SSL *ssl = SSL_new(tls->certificates[0].context);

    if (ssl != NULL && SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        ssl = NULL;
    }
    if (ssl != NULL) {
        SSL_set_accept_state(ssl);
    }
    ERR_clear_error();
    return ssl;
}
