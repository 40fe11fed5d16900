/* Tells whether a text is one valid JSON value (RFC 8259) in valid UTF-8.  For tests of what writes JSON;
 * shares no code with it.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct json_check {
    const unsigned char *at;
    const unsigned char *end;
};

static inline void json_skip_blanks(struct json_check *check)
{
    while (check->at < check->end && strchr(" \t\r\n", *check->at) != NULL && *check->at != '\0') {
        check->at++;
    }
}

static inline bool json_take(struct json_check *check, const char *text)
{
    size_t len = strlen(text);
    if ((size_t)(check->end - check->at) < len || memcmp(check->at, text, len) != 0) {
        return false;
    }
    check->at += len;
    return true;
}

static inline bool json_check_character(struct json_check *check)
{
    unsigned char c = *check->at++;
    if (c < 0x20) {
        return false;
    }
    if (c == '\\') {
        if (check->at >= check->end) {
            return false;
        }
        c = *check->at++;
        if (c != 'u') {
            return c != '\0' && strchr("\"\\/bfnrt", c) != NULL;
        }
        for (int i = 0; i < 4; i++, check->at++) {
            if (check->at >= check->end || *check->at == '\0' ||
                strchr("0123456789abcdefABCDEF", *check->at) == NULL) {
                return false;
            }
        }
        return true;
    }
    int more = c < 0x80 ? 0 : c < 0xc2 ? -1 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : c < 0xf5 ? 3 : -1;
    for (int i = 0; i < more; i++, check->at++) {
        if (check->at >= check->end || (*check->at & 0xc0) != 0x80) {
            return false;
        }
    }
    return more >= 0;
}

static inline bool json_check_string(struct json_check *check)
{
    if (!json_take(check, "\"")) {
        return false;
    }
    while (check->at < check->end && *check->at != '"') {
        if (!json_check_character(check)) {
            return false;
        }
    }
    return json_take(check, "\"");
}

static inline bool json_check_digits(struct json_check *check)
{
    const unsigned char *start = check->at;
    while (check->at < check->end && *check->at >= '0' && *check->at <= '9') {
        check->at++;
    }
    return check->at > start;
}

static inline bool json_check_number(struct json_check *check)
{
    (void)json_take(check, "-");
    if (!json_take(check, "0") && !json_check_digits(check)) {
        return false;
    }
    if (json_take(check, ".") && !json_check_digits(check)) {
        return false;
    }
    if (json_take(check, "e") || json_take(check, "E")) {
        (void)(json_take(check, "+") || json_take(check, "-"));
        return json_check_digits(check);
    }
    return true;
}

static inline bool json_check_value(struct json_check *check);

static inline bool json_check_members(struct json_check *check, bool has_names, const char *close)
{
    json_skip_blanks(check);
    if (json_take(check, close)) {
        return true;
    }
    do {
        json_skip_blanks(check);
        if (has_names) {
            if (!json_check_string(check)) {
                return false;
            }
            json_skip_blanks(check);
            if (!json_take(check, ":")) {
                return false;
            }
        }
        if (!json_check_value(check)) {
            return false;
        }
        json_skip_blanks(check);
    } while (json_take(check, ","));
    return json_take(check, close);
}

static inline bool json_check_value(struct json_check *check)
{
    json_skip_blanks(check);
    if (check->at >= check->end) {
        return false;
    }
    switch (*check->at) {
    case '{':
        check->at++;
        return json_check_members(check, true, "}");
    case '[':
        check->at++;
        return json_check_members(check, false, "]");
    case '"':
        return json_check_string(check);
    default:
        return json_take(check, "true") || json_take(check, "false") || json_take(check, "null") ||
               json_check_number(check);
    }
}

static inline bool json_is_valid(const char *text, size_t len)
{
    struct json_check check = {(const unsigned char *)text, (const unsigned char *)text + len};
    if (!json_check_value(&check)) {
        return false;
    }
    json_skip_blanks(&check);
    return check.at == check.end;
}
