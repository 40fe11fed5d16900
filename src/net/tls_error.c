/* Errors and version of the TLS library; see tls_error.h.
 *
 * SPDX-License-Identifier: MIT */
#include "tls_error.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <string.h>

#include "base/macros.h"

const char *psv_tls_take_error(char out[static 256], const char *otherwise)
{
    unsigned long error = ERR_get_error();
    const char *reason = error != 0 ? ERR_reason_error_string(error) : NULL;

    ERR_clear_error();
    if (reason == NULL) {
        return otherwise;
    }
    size_t len = MIN(strlen(reason), (size_t)255);
    memcpy(out, reason, len);
    out[len] = '\0';
    return out;
}

const char *psv_tls_library_version(void)
{
    return OpenSSL_version(OPENSSL_VERSION_STRING);
}
