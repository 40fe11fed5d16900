/* One certificate with its key as a context of the library, and what is read from its files.  [boot], [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

/* How a file looked when it was read: another one takes its place by rename, or is written over. */
struct psv_tls_file {
    const char *path; /* borrowed */
    dev_t device;
    ino_t inode;
    off_t size;
    int64_t modified_ns;
};

struct psv_tls_certificate {
    SSL_CTX *context;
    X509 *certificate;            /* borrowed from the context */
    struct psv_tls_file files[3]; /* certificate, key, OCSP answer (path NULL: none) */
    unsigned char *ocsp;          /* DER, or NULL */
    size_t ocsp_len;
    int64_t expires_unix_s;
};

/** Loads the files into a context that has nothing else set.  Codes and sentences: psv_tls_new. */
MUST_CHECK int psv_tls_certificate_load(struct psv_tls_certificate *certificate, const char *certificate_path,
                                        const char *key_path, const char *ocsp_path,
                                        struct psv_error *reterr);
void psv_tls_certificate_fini(struct psv_tls_certificate *certificate);
/** One of its files is another one now, or gone. */
bool psv_tls_certificate_has_changed(const struct psv_tls_certificate *certificate);
