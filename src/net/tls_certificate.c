/* Certificates from files; see tls_certificate.h.
 *
 * SPDX-License-Identifier: MIT */
#include "tls_certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "net/tls_error.h"
#include "os/fd.h"

#define OCSP_BYTES_MAX ((size_t)64 * 1024)

enum { FILE_CERTIFICATE, FILE_KEY, FILE_OCSP };

static int look(const char *path, struct psv_tls_file *ret_file)
{
    struct stat status;

    if (stat(path, &status) != 0) {
        return errno;
    }
    *ret_file = (struct psv_tls_file){
        .path = path,
        .device = status.st_dev,
        .inode = status.st_ino,
        .size = status.st_size,
        .modified_ns = (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec,
    };
    return 0;
}

/* Readable at all?  The library's own sentence about that is a riddle. */
static int check_file(struct psv_tls_file *file, const char *path, const char *what, struct psv_error *reterr)
{
    int error = look(path, file);

    if (error == 0) {
        CLEANUP(psv_fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        error = fd < 0 ? errno : 0;
    }
    if (error != 0) {
        return psv_error_set_errno(reterr, psv_error_of_errno(error), error, "%s \"%s\" cannot be read", what,
                                   path);
    }
    return PSV_OK;
}

/* Keys with a passphrase: there is nobody to ask. */
static int refuse_passphrase(char *out, int len, int is_writing, void *context)
{
    (void)out, (void)len, (void)is_writing;
    *(bool *)context = true;
    return -1;
}

static int load_key(SSL_CTX *context, const char *path, const char *certificate_path,
                    struct psv_error *reterr)
{
    char text[256];
    bool is_encrypted = false;

    SSL_CTX_set_default_passwd_cb(context, refuse_passphrase);
    SSL_CTX_set_default_passwd_cb_userdata(context, &is_encrypted);
    int is_loaded = SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM);
    SSL_CTX_set_default_passwd_cb_userdata(context, NULL);
    if (is_loaded == 1 && SSL_CTX_check_private_key(context) == 1) {
        return PSV_OK;
    }
    if (is_encrypted) {
        return psv_error_set(reterr, PSV_EINVAL,
                             "TLS key \"%s\" is protected by a passphrase; store it without one "
                             "(openssl pkey -in old -out new)",
                             path);
    }
    /* of the same kind but another one, or of another kind than any certificate that was loaded */
    int reason = ERR_GET_REASON(ERR_peek_last_error());
    if (reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH || is_loaded == 1) {
        ERR_clear_error();
        return psv_error_set(reterr, PSV_EINVAL, "TLS key \"%s\" does not belong to certificate \"%s\"", path,
                             certificate_path);
    }
    return psv_error_set(reterr, PSV_EINVAL, "TLS key \"%s\" is not a private key in PEM form (%s)", path,
                         psv_tls_take_error(text, "unknown reason"));
}

static int load_ocsp(struct psv_tls_certificate *certificate, const char *path, struct psv_error *reterr)
{
    struct psv_buffer text;
    int code = check_file(&certificate->files[FILE_OCSP], path, "OCSP answer", reterr);

    if (code != PSV_OK) {
        return code;
    }
    psv_buffer_init(&text, OCSP_BYTES_MAX);
    code = psv_fd_read_file(path, &text);
    const unsigned char *der = (const unsigned char *)text.data;
    OCSP_RESPONSE *response = code == PSV_OK ? d2i_OCSP_RESPONSE(NULL, &der, (long)text.len) : NULL;
    if (response == NULL || OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
        code = psv_error_set(reterr, PSV_EINVAL, "\"%s\" is not a successful OCSP answer in DER form", path);
        ERR_clear_error();
    } else {
        certificate->ocsp = psv_malloc(text.len);
        code = certificate->ocsp != NULL ? PSV_OK : psv_error_set(reterr, PSV_ENOMEM, "out of memory");
        if (code == PSV_OK) {
            memcpy(certificate->ocsp, text.data, text.len);
            certificate->ocsp_len = text.len;
        }
    }
    OCSP_RESPONSE_free(response);
    psv_buffer_fini(&text);
    return code;
}

static int64_t unix_of(const ASN1_TIME *time)
{
    struct tm fields;

    return ASN1_TIME_to_tm(time, &fields) == 1 ? (int64_t)timegm(&fields) : 0;
}

static int load(struct psv_tls_certificate *certificate, const char *certificate_path, const char *key_path,
                const char *ocsp_path, struct psv_error *reterr)
{
    char text[256];
    int code = check_file(&certificate->files[FILE_CERTIFICATE], certificate_path, "TLS certificate", reterr);

    if (code == PSV_OK) {
        code = check_file(&certificate->files[FILE_KEY], key_path, "TLS key", reterr);
    }
    if (code != PSV_OK) {
        return code;
    }
    if (SSL_CTX_use_certificate_chain_file(certificate->context, certificate_path) != 1) {
        return psv_error_set(reterr, PSV_EINVAL,
                             "TLS certificate \"%s\" is not a certificate in PEM form (%s)", certificate_path,
                             psv_tls_take_error(text, "unknown reason"));
    }
    code = load_key(certificate->context, key_path, certificate_path, reterr);
    if (code == PSV_OK && ocsp_path != NULL && ocsp_path[0] != '\0') {
        code = load_ocsp(certificate, ocsp_path, reterr);
    }
    if (code != PSV_OK) {
        return code;
    }
    certificate->certificate = SSL_CTX_get0_certificate(certificate->context);
    certificate->expires_unix_s = unix_of(X509_get0_notAfter(certificate->certificate));
    return PSV_OK;
}

int psv_tls_certificate_load(struct psv_tls_certificate *certificate, const char *certificate_path,
                             const char *key_path, const char *ocsp_path, struct psv_error *reterr)
{
    memset(certificate, 0, sizeof(*certificate));
    ERR_clear_error();
    certificate->context = SSL_CTX_new(TLS_server_method());
    if (certificate->context == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "out of memory");
    }
    int code = load(certificate, certificate_path, key_path, ocsp_path, reterr);
    if (code != PSV_OK) {
        psv_tls_certificate_fini(certificate);
    }
    return code;
}

void psv_tls_certificate_fini(struct psv_tls_certificate *certificate)
{
    SSL_CTX_free(certificate->context);
    psv_free(certificate->ocsp);
    memset(certificate, 0, sizeof(*certificate));
}

bool psv_tls_certificate_has_changed(const struct psv_tls_certificate *certificate)
{
    for (size_t i = 0; i < ARRAY_SIZE(certificate->files); i++) {
        const struct psv_tls_file *file = &certificate->files[i];
        struct psv_tls_file now;
        if (file->path != NULL &&
            (look(file->path, &now) != 0 || now.device != file->device || now.inode != file->inode ||
             now.size != file->size || now.modified_ns != file->modified_ns)) {
            return true;
        }
    }
    return false;
}
