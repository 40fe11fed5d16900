/* See basic_credentials.h.
 *
 * SPDX-License-Identifier: MIT */
#include "basic_credentials.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

static int base64_value(char digit)
{
    if (digit >= 'A' && digit <= 'Z') {
        return digit - 'A';
    }
    if (digit >= 'a' && digit <= 'z') {
        return digit - 'a' + 26;
    }
    if (digit >= '0' && digit <= '9') {
        return digit - '0' + 52;
    }
    return digit == '+' ? 62 : digit == '/' ? 63 : -1;
}

/* The base64 digits; data NULL: another scheme (RFC 9110 11.1, its case does not matter). */
static struct psv_bytes digits_of(struct psv_bytes value)
{
    const struct psv_bytes scheme = PSV_BYTES("Basic ");

    return psv_bytes_starts_with_case(value, scheme) ? psv_bytes_trim(psv_bytes_from(value, scheme.len))
                                                     : PSV_BYTES_EMPTY;
}

/* RFC 4648 4.  False: a foreign byte, or a length that no encoder makes. */
static bool strip_padding(struct psv_bytes *digits)
{
    size_t whole_len = digits->len;

    while (digits->len > 0 && whole_len - digits->len < 2 && digits->data[digits->len - 1] == '=') {
        digits->len--;
    }
    return digits->len % 4 != 1 && (whole_len == digits->len || whole_len % 4 == 0);
}

/* Base64 on its way to bytes. */
struct decoder {
    struct psv_bytes digits; /* those that are left */
    uint32_t bits;
    unsigned bits_len;
};

enum { DECODED_ALL = -1, DECODED_FOREIGN = -2 };

/* The next byte, or one of the above. */
static int next_byte(struct decoder *decoder)
{
    while (decoder->digits.len > 0) {
        int digit = base64_value(decoder->digits.data[0]);
        if (digit < 0) {
            return DECODED_FOREIGN;
        }
        decoder->digits = psv_bytes_from(decoder->digits, 1);
        decoder->bits = decoder->bits << 6 | (uint32_t)digit;
        decoder->bits_len += 6;
        if (decoder->bits_len >= 8) {
            decoder->bits_len -= 8;
            return (int)(decoder->bits >> decoder->bits_len & 0xff);
        }
    }
    return DECODED_ALL;
}

int psv_basic_credentials_parse(struct psv_bytes value, char out[PSV_BASIC_BYTES_MAX],
                                struct psv_basic_credentials *ret)
{
    struct decoder decoder = {.digits = digits_of(value)};
    size_t len = 0;
    int byte;

    if (decoder.digits.data == NULL) {
        return PSV_EUNSUPPORTED;
    }
    if (!strip_padding(&decoder.digits)) {
        return PSV_ESYNTAX;
    }
    if (decoder.digits.len / 4 * 3 + decoder.digits.len % 4 > PSV_BASIC_BYTES_MAX + 1) {
        return PSV_ELIMIT;
    }
    while ((byte = next_byte(&decoder)) >= 0) {
        if (byte < 0x20 || byte == 0x7f) {
            return PSV_ESYNTAX;
        }
        if (len == PSV_BASIC_BYTES_MAX) {
            return PSV_ELIMIT;
        }
        out[len++] = (char)byte;
    }
    struct psv_bytes text = {out, len};
    size_t colon = psv_bytes_find(text, ':');
    if (byte == DECODED_FOREIGN || colon == len) {
        return PSV_ESYNTAX;
    }
    if (colon > PSV_BASIC_USER_MAX || len - colon - 1 > PSV_BASIC_PASSWORD_MAX) {
        return PSV_ELIMIT;
    }
    *ret = (struct psv_basic_credentials){psv_bytes_first(text, colon), psv_bytes_from(text, colon + 1)};
    return PSV_OK;
}

size_t psv_basic_user(struct psv_bytes value, char *out, size_t out_max)
{
    struct decoder decoder = {.digits = digits_of(value)};

    for (size_t len = 0; len < out_max; len++) {
        int byte = next_byte(&decoder);
        if (byte < 0 || byte == ':') {
            return byte == ':' ? len : 0;
        }
        out[len] = (char)byte;
    }
    return out_max;
}
