/* Fuzz target of http/basic_credentials.c and htpasswd.c.  Input: a value of Authorization, then a line.
 * Oracles: what is taken is within its bounds, without control bytes, and inside the buffer; the name for the
 * log is the same; a hash that is taken is one that crypt(3) may be given.
 *
 * SPDX-License-Identifier: MIT */
#include "http_oracle.h"

#include <string.h>

#include "http/basic_credentials.h"
#include "http/htpasswd.h"

static void check_line(struct psv_bytes text)
{
    struct psv_htpasswd_line line;
    const char *why = NULL;
    int code = psv_htpasswd_parse_line(text, &line, &why);

    ORACLE(code == PSV_OK || code == PSV_EEMPTY || why != NULL);
    if (code == PSV_OK) {
        ORACLE(line.user.len > 0 && is_inside(line.user, text) && is_inside(line.hash, text));
        ORACLE(line.hash.len >= 43 && line.hash.data[0] == '$' && line.hash.len < 140);
        ORACLE(memchr(line.hash.data, ':', line.hash.len) == NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct psv_bytes input = {(const char *)data, size};
    struct psv_bytes value = psv_bytes_first(input, psv_bytes_find(input, '\n'));
    struct psv_basic_credentials found;
    char out[PSV_BASIC_BYTES_MAX];
    char user[PSV_BASIC_USER_MAX + 1];

    size_t user_len = psv_basic_user(value, user, sizeof(user));
    ORACLE(user_len <= sizeof(user));
    if (psv_basic_credentials_parse(value, out, &found) == PSV_OK) {
        struct psv_bytes buffer = {out, sizeof(out)};
        ORACLE(is_inside(found.user, buffer) && is_inside(found.password, buffer));
        ORACLE(found.user.len <= PSV_BASIC_USER_MAX && found.password.len <= PSV_BASIC_PASSWORD_MAX);
        ORACLE(psv_bytes_equal(found.user, (struct psv_bytes){user, user_len}));
        for (size_t i = 0; i < found.user.len + 1 + found.password.len; i++) {
            ORACLE((unsigned char)out[i] >= ' ' && out[i] != 0x7f);
        }
    }
    check_line(psv_bytes_from(input, value.len + 1));
    return 0;
}
