/* See access_line.h.
 *
 * SPDX-License-Identifier: MIT */
#include "access_line.h"

#include <stdbool.h>

#include "base/text_parse.h"
#include "base/word.h"
#include "os/clock.h"

void psv_access_line_put_u64(struct psv_access_line *line, uint64_t value)
{
    char digits[20];
    if (LIKELY(line->size - line->len >= sizeof(digits))) {
        line->len += psv_format_u64(line->out + line->len, value);
        return;
    }
    psv_access_line_put(line, (struct psv_bytes){digits, psv_format_u64(digits, value)});
}

/* ".045" for 45 and 3 digits. */
static void put_fraction(struct psv_access_line *line, uint64_t value, size_t digits_len)
{
    char digits[7] = {'.'};
    for (size_t i = digits_len; i > 0; i--) {
        digits[i] = (char)('0' + value % 10);
        value /= 10;
    }
    psv_access_line_put(line, (struct psv_bytes){digits, digits_len + 1});
}

void psv_access_line_put_ms(struct psv_access_line *line, uint64_t duration_ns)
{
    uint64_t us = duration_ns / PSV_NS_PER_US;
    unsigned decimals = (unsigned)(us % 1000);
    char *out = line->out + line->len;
    INVARIANT(line->size - line->len >= PSV_ACCESS_MS_BYTES);
    size_t len = psv_format_u64(out, us / 1000);
    out[len] = '.';
    out[len + 1] = (char)('0' + decimals / 100);
    out[len + 2] = (char)('0' + decimals / 10 % 10);
    out[len + 3] = (char)('0' + decimals % 10);
    line->len += len + 4;
}

void psv_access_line_put_seconds(struct psv_access_line *line, uint64_t duration_ns)
{
    psv_access_line_put_u64(line, duration_ns / PSV_NS_PER_S);
    put_fraction(line, duration_ns % PSV_NS_PER_S / PSV_NS_PER_US, 6);
}

/* Length of the UTF-8 sequence at the start of text, or 0: malformed, overlong, a surrogate, or a C1 control
 * (a terminal would obey it). */
static size_t utf8_len(struct psv_bytes text)
{
    const uint8_t *at = (const uint8_t *)text.data;
    size_t len = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4 || text.len < len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    bool is_bad = (at[0] == 0xc2 && at[1] < 0xa0) || (at[0] == 0xe0 && at[1] < 0xa0) ||
                  (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf0 && at[1] < 0x90) ||
                  (at[0] == 0xf4 && at[1] > 0x8f);
    return is_bad ? 0 : len;
}

static size_t put_hex(char out[6], const char *prefix, uint8_t byte, const char *digits)
{
    size_t len = strlen(prefix);
    memcpy(out, prefix, len);
    out[len] = digits[byte >> 4];
    out[len + 1] = digits[byte & 15];
    return len + 2;
}

/* Writes the escaped form of the first character, which is not a plain one, to out; *ret_used says how many
 * bytes it was. */
static size_t escape(struct psv_bytes text, enum psv_access_escaping escaping, char out[6], size_t *ret_used)
{
    uint8_t byte = (uint8_t)text.data[0];
    *ret_used = 1;
    if (escaping == PSV_ACCESS_ESCAPE_NGINX)
        return put_hex(out, "\\x", byte, "0123456789ABCDEF");
    if (byte == '"' || byte == '\\') {
        out[0] = '\\';
        out[1] = (char)byte;
        return 2;
    }
    if (escaping == PSV_ACCESS_ESCAPE_HEX)
        return put_hex(out, "\\x", byte, "0123456789abcdef");
    size_t sequence = byte >= 0x80 ? utf8_len(text) : 0;
    if (sequence != 0) {
        *ret_used = sequence;
        memcpy(out, text.data, sequence);
        return sequence;
    }
    return put_hex(out, "\\u00", byte, "0123456789abcdef");
}

void psv_access_line_put_escaped(struct psv_access_line *line, struct psv_bytes text,
                                 enum psv_access_escaping escaping, size_t max)
{
    size_t left = max - 3;
    /* most texts are short and need no escapes */
    if (LIKELY(text.len <= left)) {
        INVARIANT(text.len <= line->size - line->len);
        if (LIKELY(psv_copy_plain(line->out + line->len, text))) {
            line->len += text.len;
            return;
        }
    }
    while (text.len != 0) {
        size_t plain = psv_plain_len(text);
        size_t taken = MIN(plain, left);
        psv_access_line_put(line, psv_bytes_first(text, taken));
        left -= taken;
        text = psv_bytes_from(text, taken);
        if (text.len == 0)
            return;
        char escaped[6];
        size_t used = 0;
        size_t len = taken < plain ? left + 1 : escape(text, escaping, escaped, &used);
        if (len > left) {
            PSV_ACCESS_PUT(line, "...");
            return;
        }
        psv_access_line_put(line, (struct psv_bytes){escaped, len});
        left -= len;
        text = psv_bytes_from(text, used);
    }
}

void psv_access_line_put_json(struct psv_access_line *line, struct psv_bytes text, size_t max)
{
    if (text.len == 0) {
        PSV_ACCESS_PUT(line, "null");
        return;
    }
    char *out = line->out + line->len;
    INVARIANT(MIN(text.len, max) + 2 <= line->size - line->len);
    if (LIKELY(text.len <= max - 3 && psv_copy_plain(out + 1, text))) {
        out[0] = '"';
        out[text.len + 1] = '"';
        line->len += text.len + 2;
        return;
    }
    PSV_ACCESS_PUT(line, "\"");
    psv_access_line_put_escaped(line, text, PSV_ACCESS_ESCAPE_JSON, max);
    PSV_ACCESS_PUT(line, "\"");
}
