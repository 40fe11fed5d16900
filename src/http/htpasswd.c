/* See htpasswd.h.
 *
 * SPDX-License-Identifier: MIT */
#include "htpasswd.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/text_parse.h"
#include "http/basic_credentials.h"

#define TAKEN "; take bcrypt (htpasswd -B) or SHA-crypt (mkpasswd -m sha-512)"
#define BCRYPT_LEN 60
#define BCRYPT_COST_AT 4
#define BCRYPT_COST_MIN 4
/* About 2 s of a processor for each attempt. */
#define BCRYPT_COST_MAX 15
#define SHA_SALT_MAX 16
#define SHA_ROUNDS_MIN 1000
#define SHA_ROUNDS_MAX 5000000
#define DES_LEN 13

/* The alphabet of crypt(3)'s salts and hashes. */
static bool is_crypt_text(struct psv_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        char lower = psv_ascii_lower(text.data[i]);
        if (!(lower >= 'a' && lower <= 'z') && !(text.data[i] >= '.' && text.data[i] <= '9')) {
            return false;
        }
    }
    return true;
}

static const char *check_bcrypt(struct psv_bytes hash)
{
    uint64_t cost;
    struct psv_bytes digits = psv_bytes_first(psv_bytes_from(hash, BCRYPT_COST_AT), 2);

    if (hash.len != BCRYPT_LEN || hash.data[BCRYPT_COST_AT + 2] != '$' ||
        !is_crypt_text(psv_bytes_from(hash, BCRYPT_COST_AT + 3)) || psv_parse_u64(digits, &cost) != PSV_OK ||
        cost < BCRYPT_COST_MIN) {
        return "has a bcrypt hash that is cut or malformed";
    }
    return cost <= BCRYPT_COST_MAX ? NULL
                                   : "has a bcrypt hash of a cost above 15, which takes seconds to check";
}

/* "$5$[rounds=N$]salt$hash". */
static const char *check_sha(struct psv_bytes hash, size_t hash_len)
{
    const struct psv_bytes rounds = PSV_BYTES("rounds=");
    struct psv_bytes rest = psv_bytes_from(hash, 3);
    struct psv_bytes salt;
    uint64_t count = SHA_ROUNDS_MIN;

    if (psv_bytes_starts_with(rest, rounds)) {
        struct psv_bytes digits = psv_bytes_from(rest, rounds.len);
        digits = psv_bytes_first(digits, psv_bytes_find(digits, '$'));
        /* crypt(3) takes no zeros in front, and the length of a hash is bounded */
        if (psv_parse_u64(digits, &count) != PSV_OK || count < SHA_ROUNDS_MIN || digits.data[0] == '0') {
            return "has a SHA-crypt hash with fewer than 1000 rounds, or no plain number of them";
        }
        rest = psv_bytes_from(rest, rounds.len + digits.len + 1);
    }
    if (count > SHA_ROUNDS_MAX) {
        return "has a SHA-crypt hash of more than 5000000 rounds, which takes seconds to check";
    }
    salt = psv_bytes_first(rest, psv_bytes_find(rest, '$'));
    rest = psv_bytes_from(rest, salt.len + 1);
    return salt.len > SHA_SALT_MAX || !is_crypt_text(salt) || rest.len != hash_len || !is_crypt_text(rest)
               ? "has a SHA-crypt hash that is cut or malformed"
               : NULL;
}

static const char *why_refused(struct psv_bytes hash)
{
    static const struct {
        struct psv_bytes prefix;
        const char *why;
    } kinds[] = {
        {PSV_BYTES_INIT("$apr1$"), "has an MD5 hash" TAKEN},
        {PSV_BYTES_INIT("$1$"), "has an MD5 hash" TAKEN},
        {PSV_BYTES_INIT("{SHA}"), "has a SHA-1 hash without salt" TAKEN},
        {PSV_BYTES_INIT("{SSHA}"), "has a SHA-1 hash" TAKEN},
        {PSV_BYTES_INIT("{PLAIN}"), "has a password in plain text" TAKEN},
        {PSV_BYTES_INIT("$2x$"), "has a hash of a faulty bcrypt" TAKEN},
        {PSV_BYTES_INIT("$"), "has a hash of another kind" TAKEN},
    };

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (psv_bytes_starts_with(hash, kinds[i].prefix)) {
            return kinds[i].why;
        }
    }
    return hash.len == DES_LEN && is_crypt_text(hash) ? "has a DES hash, or a password in plain text" TAKEN
                                                      : "has a password in plain text" TAKEN;
}

static int check_hash(struct psv_bytes hash, const char **ret_why)
{
    if (hash.len == 0) {
        *ret_why = "has no hash";
        return PSV_ESYNTAX;
    }
    if (psv_bytes_starts_with(hash, PSV_BYTES("$2y$")) || psv_bytes_starts_with(hash, PSV_BYTES("$2a$")) ||
        psv_bytes_starts_with(hash, PSV_BYTES("$2b$"))) {
        *ret_why = check_bcrypt(hash);
    } else if (psv_bytes_starts_with(hash, PSV_BYTES("$5$"))) {
        *ret_why = check_sha(hash, 43);
    } else if (psv_bytes_starts_with(hash, PSV_BYTES("$6$"))) {
        *ret_why = check_sha(hash, 86);
    } else {
        *ret_why = why_refused(hash);
        return PSV_EUNSUPPORTED;
    }
    return *ret_why == NULL ? PSV_OK : PSV_ESYNTAX;
}

int psv_htpasswd_parse_line(struct psv_bytes line, struct psv_htpasswd_line *ret, const char **ret_why)
{
    if (line.len > 0 && line.data[line.len - 1] == '\r') {
        line.len--;
    }
    struct psv_bytes text = psv_bytes_trim(line);
    if (text.len == 0 || text.data[0] == '#') {
        return PSV_EEMPTY;
    }
    size_t colon = psv_bytes_find(text, ':');
    struct psv_bytes user = psv_bytes_first(text, colon);
    struct psv_bytes hash = psv_bytes_from(text, colon + 1);
    hash = psv_bytes_first(hash, psv_bytes_find(hash, ':')); /* what follows is a comment */
    if (colon == text.len || user.len == 0 || user.len > PSV_BASIC_USER_MAX) {
        *ret_why = "is not like user:hash";
        return PSV_ESYNTAX;
    }
    int code = check_hash(hash, ret_why);
    if (code == PSV_OK) {
        *ret = (struct psv_htpasswd_line){user, hash};
    }
    return code;
}
