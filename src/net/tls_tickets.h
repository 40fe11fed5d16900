/* Keys of session tickets (RFC 5077, RFC 8446 4.6.1): made here, kept in memory only, renewed by the clock.
 * One set for all certificates of a listener, so that a session resumes whatever name it asks for.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <openssl/ssl.h>
#include <stdint.h>

#include "base/macros.h"

struct psv_tls_ticket_key {
    unsigned char name[16];
    unsigned char cipher[32];
    unsigned char mac[32];
};

struct psv_tls_tickets {
    struct psv_tls_ticket_key keys[2]; /* current, previous */
    uint64_t period_ns;
    uint64_t made_ns; /* the current one */
};

/** PSV_OK, or PSV_EIO without randomness. */
MUST_CHECK int psv_tls_tickets_init(struct psv_tls_tickets *tickets, uint64_t period_ns, uint64_t now_ns);
/** Makes a new current key when the old one's period is over. */
void psv_tls_tickets_rotate(struct psv_tls_tickets *tickets, uint64_t now_ns);
/** tickets must outlive the context. */
void psv_tls_tickets_use(struct psv_tls_tickets *tickets, SSL_CTX *context);
