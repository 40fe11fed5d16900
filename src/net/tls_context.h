/* Certificates, ticket keys and settings of a TLS listener, as the library wants them; renewed when the files
 * change. Nothing here knows connections; layer_tls.c does.  [loop] unless marked.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/macros.h"

struct ssl_st;
struct psv_tls;

/** Borrowed texts: they live as long as the server. */
struct psv_tls_options {
    const char *const *certificates; /* PEM files: certificate, then its chain; the first is the default */
    const char *const *keys;         /* PEM files, one each */
    const char *const *ocsp;         /* DER files of OCSP answers to staple; ocsp_len <= len, "" = none */
    size_t len;
    size_t ocsp_len;
    bool is_tls13_only;
    const char *ciphers;       /* of TLS 1.2, in the library's notation; "" = ours */
    uint64_t ticket_period_ns; /* a ticket key encrypts for this long, and is believed twice as long */
    bool offers_h2;            /* in ALPN, before http/1.1 */
    bool uses_kernel_tls;      /* where there is such a thing */
};

/** Loads everything.  PSV_ENOENT, PSV_EACCESS, PSV_EINVAL (not PEM, encrypted key, key of another
 * certificate, unknown cipher ...) with one sentence in reterr; PSV_ENOMEM.  [boot] */
MUST_CHECK int psv_tls_new(const struct psv_tls_options *options, uint64_t now_ns, struct psv_tls **ret_tls,
                           struct psv_error *reterr);
/** Connections keep what they use.  Accepts NULL; returns NULL. */
struct psv_tls *psv_tls_free(struct psv_tls *tls);

/** Was a request for host sent to the certificate of server_name (NULL: nobody said), although another one is
 * for that host?  (RFC 9110 7.4, 15.5.20.) */
bool psv_tls_is_misdirected(const struct psv_tls *tls, const char *server_name, struct psv_bytes host);

/** Sets the metric of the certificate that runs out first, and warns of those that have. */
void psv_tls_tell_expiry(struct psv_tls *tls);

/** Now and then: new ticket keys when it is time, new certificates when a file has changed.  What cannot be
 * loaded is logged once, and the old ones stay.  Reads small local files. */
void psv_tls_tick(struct psv_tls *tls, uint64_t now_ns);

/** A server's side of a new connection over fd (borrowed); NULL when out of memory. */
MUST_CHECK struct ssl_st *psv_tls_session_new(struct psv_tls *tls, int fd);
