/* Finds the end of an HTTP/1.1 response.  One thread; trusts the server no further than its buffers reach.
 *
 * SPDX-License-Identifier: MIT */
#include "response.h"

#include <string.h>
#include <strings.h>

void response_begin(struct response *response)
{
    response->state = RESPONSE_HEAD;
    response->status = 0;
    response->closes = false;
    response->left = 0;
    response->line_len = 0;
    response->head_len = 0;
}

/** The value of a field in head (between its first line and the empty one), or NULL. */
static const char *find_field(const char *head, size_t head_len, const char *name, size_t *ret_len)
{
    size_t name_len = strlen(name);
    const char *end = head + head_len;
    for (const char *line = head; line < end;) {
        const char *line_end = memchr(line, '\n', (size_t)(end - line));
        if (line_end == NULL)
            return NULL;
        if ((size_t)(line_end - line) > name_len && strncasecmp(line, name, name_len) == 0 &&
            line[name_len] == ':') {
            const char *value = line + name_len + 1;
            while (value < line_end && (*value == ' ' || *value == '\t'))
                value++;
            const char *stop = line_end;
            while (stop > value && (stop[-1] == '\r' || stop[-1] == ' '))
                stop--;
            *ret_len = (size_t)(stop - value);
            return value;
        }
        line = line_end + 1;
    }
    return NULL;
}

static bool is_value(const char *value, size_t len, const char *wanted)
{
    return value != NULL && len == strlen(wanted) && strncasecmp(value, wanted, len) == 0;
}

static void on_head(struct response *response)
{
    const char *head = response->head;
    if (response->head_len < 15 || memcmp(head, "HTTP/1.", 7) != 0) {
        response->state = RESPONSE_BROKEN;
        return;
    }
    for (size_t i = 9; i < 12; i++)
        response->status = response->status * 10 + (unsigned)(head[i] - '0') % 10u;
    size_t len = 0;
    const char *value = find_field(head, response->head_len, "connection", &len);
    response->closes = is_value(value, len, "close");
    value = find_field(head, response->head_len, "transfer-encoding", &len);
    if (is_value(value, len, "chunked")) {
        response->left = 0;
        response->state = RESPONSE_CHUNK_SIZE;
        return;
    }
    value = find_field(head, response->head_len, "content-length", &len);
    if (value == NULL) {
        const bool is_empty = response->status == 204 || response->status == 304;
        response->closes = response->closes || !is_empty;
        response->state = is_empty ? RESPONSE_DONE : RESPONSE_UNTIL_CLOSE;
        return;
    }
    response->left = 0;
    for (size_t i = 0; i < len; i++)
        response->left = response->left * 10 + (uint64_t)(value[i] - '0') % 10u;
    response->state = response->left > 0 ? RESPONSE_BODY : RESPONSE_DONE;
}

/** Returns how many bytes of data belong to the head. */
static size_t feed_head(struct response *response, const char *data, size_t len)
{
    size_t taken =
        len < sizeof(response->head) - response->head_len ? len : sizeof(response->head) - response->head_len;
    memcpy(response->head + response->head_len, data, taken);
    size_t before = response->head_len;
    response->head_len += taken;
    size_t from = before > 3 ? before - 3 : 0;
    const char *end = memmem(response->head + from, response->head_len - from, "\r\n\r\n", 4);
    if (end == NULL) {
        if (response->head_len == sizeof(response->head))
            response->state = RESPONSE_BROKEN;
        return taken;
    }
    response->head_len = (size_t)(end - response->head) + 4;
    on_head(response);
    return response->head_len - before;
}

static void feed_size(struct response *response, char letter)
{
    const char *digits = "0123456789abcdef";
    const char *digit = letter != '\0' ? strchr(digits, letter | 0x20) : NULL;
    if (letter == '\n' || letter == '\r' || letter == ';') {
        response->state = RESPONSE_CHUNK_EXTENSION;
    } else if (digit != NULL && response->left < (1ull << 40)) {
        response->left = response->left * 16 + (uint64_t)(digit - digits);
        return;
    } else {
        response->state = RESPONSE_BROKEN;
    }
    if (letter != '\n')
        return;
    response->state = response->left > 0 ? RESPONSE_CHUNK_DATA : RESPONSE_TRAILER;
    response->left += 2;
}

static void feed_line(struct response *response, char letter)
{
    if (response->state == RESPONSE_CHUNK_EXTENSION) {
        if (letter == '\n') {
            response->state = response->left > 0 ? RESPONSE_CHUNK_DATA : RESPONSE_TRAILER;
            response->left += 2;
        }
        return;
    }
    if (letter == '\n') { /* a trailer: an empty line ends it */
        response->state = response->line_len == 0 ? RESPONSE_DONE : RESPONSE_TRAILER;
        response->line_len = 0;
    } else if (letter != '\r') {
        response->line_len++;
    }
}

static size_t feed_counted(struct response *response, size_t len)
{
    size_t taken = response->left < len ? (size_t)response->left : len;
    response->left -= taken;
    if (response->left == 0)
        response->state = response->state == RESPONSE_BODY ? RESPONSE_DONE : RESPONSE_CHUNK_SIZE;
    return taken;
}

void response_feed(struct response *response, const char *data, size_t len)
{
    while (len > 0) {
        size_t taken = 1;
        switch (response->state) {
        case RESPONSE_HEAD:
            taken = feed_head(response, data, len);
            break;
        case RESPONSE_BODY:
        case RESPONSE_CHUNK_DATA:
            taken = feed_counted(response, len);
            break;
        case RESPONSE_CHUNK_SIZE:
            feed_size(response, *data);
            break;
        case RESPONSE_CHUNK_EXTENSION:
        case RESPONSE_TRAILER:
            feed_line(response, *data);
            break;
        case RESPONSE_UNTIL_CLOSE:
            return;
        case RESPONSE_DONE: /* nobody has asked for more */
            response->state = RESPONSE_BROKEN;
            return;
        case RESPONSE_BROKEN:
            return;
        }
        data += taken;
        len -= taken;
    }
}

void response_end(struct response *response)
{
    response->state = response->state == RESPONSE_UNTIL_CLOSE ? RESPONSE_DONE : RESPONSE_BROKEN;
}
