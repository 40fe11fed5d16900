/* See option_secrets.h.
 *
 * SPDX-License-Identifier: MIT */
#include "option_secrets.h"

#include "base/macros.h"

static bool contains_case(struct psv_bytes text, struct psv_bytes wanted)
{
    for (size_t i = 0; i + wanted.len <= text.len; i++) {
        if (psv_bytes_equal_case((struct psv_bytes){text.data + i, wanted.len}, wanted)) {
            return true;
        }
    }
    return false;
}

static bool contains_any(struct psv_bytes text, const char *const *words, size_t words_len)
{
    for (size_t i = 0; i < words_len; i++) {
        if (contains_case(text, psv_bytes_of(words[i]))) {
            return true;
        }
    }
    return false;
}

/* "scheme://user:password@host" */
static bool has_user_info(struct psv_bytes value)
{
    for (size_t i = 0; i + 3 <= value.len; i++) {
        if (psv_bytes_starts_with(psv_bytes_from(value, i), PSV_BYTES("://"))) {
            struct psv_bytes rest = psv_bytes_from(value, i + 3);
            struct psv_bytes authority = psv_bytes_first(rest, psv_bytes_find(rest, '/'));
            size_t at = psv_bytes_find_last(authority, '@');
            if (at < authority.len && psv_bytes_find(authority, ':') < at) {
                return true;
            }
        }
    }
    return false;
}

size_t psv_option_shown_len(struct psv_bytes item)
{
    static const char *const keys[] = {"password",   "passwd",  "default_pw", "secret", "token", "credential",
                                       "passphrase", "license", "apikey",     "_key",   "_pass", "_pwd"};
    static const char *const values[] = {
        "auth=", "auth[", "password=", "passwd=", "pass=", "secret=", "token="};
    size_t equals = psv_bytes_find(item, '=');

    if (equals == item.len) {
        return item.len;
    }
    struct psv_bytes value = psv_bytes_from(item, equals + 1);
    bool is_secret = contains_any(psv_bytes_first(item, equals), keys, ARRAY_SIZE(keys)) ||
                     contains_any(value, values, ARRAY_SIZE(values)) || has_user_info(value);
    return is_secret && value.len > 0 ? equals + 1 : item.len;
}
