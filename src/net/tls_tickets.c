/* Ticket keys; see tls_tickets.h.
 *
 * SPDX-License-Identifier: MIT */
#include "tls_tickets.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#include "base/error.h"

#define NS_PER_S UINT64_C(1000000000)

static int make_key(struct psv_tls_ticket_key *key)
{
    return RAND_bytes((unsigned char *)key, sizeof(*key)) == 1 ? PSV_OK : PSV_EIO;
}

int psv_tls_tickets_init(struct psv_tls_tickets *tickets, uint64_t period_ns, uint64_t now_ns)
{
    tickets->period_ns = period_ns;
    tickets->made_ns = now_ns;
    int code = make_key(&tickets->keys[0]);
    return code == PSV_OK ? make_key(&tickets->keys[1]) : code;
}

void psv_tls_tickets_rotate(struct psv_tls_tickets *tickets, uint64_t now_ns)
{
    struct psv_tls_ticket_key fresh;

    if (now_ns - tickets->made_ns < tickets->period_ns || make_key(&fresh) != PSV_OK) {
        return;
    }
    tickets->keys[1] = tickets->keys[0];
    tickets->keys[0] = fresh;
    tickets->made_ns = now_ns;
    OPENSSL_cleanse(&fresh, sizeof(fresh));
}

static int use_mac(EVP_MAC_CTX *mac, struct psv_tls_ticket_key *key)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof(key->mac)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };

    return EVP_MAC_CTX_set_params(mac, params);
}

/* The library's answers: -1 failure, 0 no ticket or an unknown key, 1 use it, 2 use it and send a new one. */
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac, int is_new)
{
    struct psv_tls_tickets *tickets = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    struct psv_tls_ticket_key *key = &tickets->keys[0];

    if (is_new) {
        if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) {
            return -1;
        }
        memcpy(name, key->name, sizeof(key->name));
        return EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv) == 1 &&
                       use_mac(mac, key) == 1
                   ? 1
                   : -1;
    }
    if (memcmp(name, key->name, sizeof(key->name)) != 0) {
        key = &tickets->keys[1];
        if (memcmp(name, key->name, sizeof(key->name)) != 0) {
            return 0;
        }
    }
    if (EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv) != 1 || use_mac(mac, key) != 1) {
        return -1;
    }
    /* RFC 8446 C.4: in 1.3 a ticket is used once, so that sessions cannot be linked */
    return key == &tickets->keys[0] && SSL_version(ssl) != TLS1_3_VERSION ? 1 : 2;
}

void psv_tls_tickets_use(struct psv_tls_tickets *tickets, SSL_CTX *context)
{
    SSL_CTX_set_app_data(context, tickets);
    (void)SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
    (void)SSL_CTX_set_timeout(context, (long)(2 * tickets->period_ns / NS_PER_S));
}
