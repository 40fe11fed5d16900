/* Texts of the error codes, and details of a failure in plain storage.  No locale, no allocation, any thread.
 *
 * SPDX-License-Identifier: MIT */
#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *psv_error_text(int code)
{
    static const char *const texts[PSV_ERROR_COUNT] = {
#define X(name, text) [PSV_ERROR_INDEX_##name] = text,
        PSV_ERROR_TABLE(X)
#undef X
    };
    if (code == 0)
        return "success";
    if (code > 0 || code < -(int)PSV_ERROR_COUNT)
        return "unknown error";
    return texts[-code - 1];
}

int psv_error_of_errno(int errno_value)
{
    static const struct {
        int errno_value;
        int code;
    } table[] = {
        {0, PSV_OK},
        {ENOMEM, PSV_ENOMEM},
        {ENOBUFS, PSV_ENOMEM},
        {EINVAL, PSV_EINVAL},
        {ENAMETOOLONG, PSV_EINVAL},
        {ERANGE, PSV_ERANGE},
        {EOVERFLOW, PSV_ERANGE},
        {EMFILE, PSV_ELIMIT},
        {ENFILE, PSV_ELIMIT},
        {ENOSPC, PSV_ELIMIT},
        {EDQUOT, PSV_ELIMIT},
        {EFBIG, PSV_ELIMIT},
        {EAGAIN, PSV_EAGAIN},
        {EINTR, PSV_EAGAIN},
        {EINPROGRESS, PSV_EAGAIN},
        {EPIPE, PSV_EGONE},
        {ECONNRESET, PSV_EGONE},
        {ECONNABORTED, PSV_EGONE},
        {ENOTCONN, PSV_EGONE},
        {ENOENT, PSV_ENOENT},
        {ENOTDIR, PSV_ENOENT},
        {EADDRNOTAVAIL, PSV_ENOENT},
        {EACCES, PSV_EACCESS},
        {EPERM, PSV_EACCESS},
        {EROFS, PSV_EACCESS},
        {ELOOP, PSV_EACCESS},
        {EEXIST, PSV_EEXIST},
        {EADDRINUSE, PSV_EEXIST},
        {ENOSYS, PSV_EUNSUPPORTED},
        {EOPNOTSUPP, PSV_EUNSUPPORTED},
        {EAFNOSUPPORT, PSV_EUNSUPPORTED},
        {EPROTONOSUPPORT, PSV_EUNSUPPORTED},
        {ETIMEDOUT, PSV_ETIMEOUT},
    };
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (table[i].errno_value == errno_value)
            return table[i].code;
    }
    return PSV_EIO;
}

static void format_message(struct psv_error *error, int code, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

static void format_message(struct psv_error *error, int code, const char *format, va_list args)
{
    error->code = code;
    if (vsnprintf(error->message, sizeof(error->message), format, args) < 0)
        error->message[0] = '\0';
}

int psv_error_set(struct psv_error *reterr, int code, const char *format, ...)
{
    if (reterr != NULL) {
        va_list args;
        va_start(args, format);
        format_message(reterr, code, format, args);
        va_end(args);
    }
    return code;
}

int psv_error_set_errno(struct psv_error *reterr, int code, int errno_value, const char *format, ...)
{
    if (reterr == NULL)
        return code;
    va_list args;
    va_start(args, format);
    format_message(reterr, code, format, args);
    va_end(args);

    size_t len = strlen(reterr->message);
    size_t room = sizeof(reterr->message) - len;
    const char *text = strerrordesc_np(errno_value); /* static and untranslated, unlike strerror */
    int written = text != NULL ? snprintf(reterr->message + len, room, ": %s", text)
                               : snprintf(reterr->message + len, room, ": error %d", errno_value);
    if (written < 0)
        reterr->message[len] = '\0';
    return code;
}
