/* Response heads as text; see write.h.
 *
 * SPDX-License-Identifier: MIT */
#include "write.h"

#include <string.h>

#include "base/text_parse.h"
#include "http/extra_fields.h"
#include "http/status.h"

/* Status line of an unknown code, Content-Length, Connection, Transfer-Encoding, the name of Server-Timing,
 * the empty line.
 */
#define FIXED_BYTES_MAX 256

static char *put(char *out, struct psv_bytes text)
{
    if (text.len > 0) {
        memcpy(out, text.data, text.len);
    }
    return out + text.len;
}

#define PUT(out, literal) put((out), PSV_BYTES(literal))

static char *put_u64(char *out, uint64_t value)
{
    return out + psv_format_u64(out, value);
}

size_t psv_h1_head_size(const struct psv_h1_head *head)
{
    size_t size = FIXED_BYTES_MAX + head->date.len + head->server.len;

    size += head->response->server_timing.len;
    size += head->extra != NULL ? head->extra->text_bytes : 0;

    for (unsigned i = 0; i < head->response->headers.len; i++) {
        const struct psv_field *field = &head->response->headers.items[i];
        size += field->name.len + field->value.len + 4;
    }
    return size;
}

static char *put_field(char *out, const struct psv_field *field)
{
    out = put(out, field->name);
    out = PUT(out, ": ");
    out = put(out, field->value);
    return PUT(out, "\r\n");
}

static char *put_extra(char *out, const struct psv_h1_head *head)
{
    uint32_t missing = psv_extra_fields_missing(head->extra, &head->response->headers);

    if (missing == 0) {
        return out;
    }
    struct psv_bytes text = psv_extra_fields_text(head->extra);
    if (text.len > 0 && missing == psv_extra_fields_all(head->extra)) {
        return put(out, text);
    }
    for (unsigned i = 0; missing != 0; i++, missing >>= 1) {
        out = (missing & 1) != 0 ? put_field(out, &head->extra->items[i]) : out;
    }
    return out;
}

static char *put_status_line(char *out, unsigned status)
{
    struct psv_bytes line = psv_status_line(status);

    if (line.len > 0) {
        return put(out, line);
    }
    out = PUT(out, "HTTP/1.1 ");
    out = put_u64(out, status);
    return PUT(out, " Unknown\r\n");
}

static char *put_framing(char *out, const struct psv_h1_head *head)
{
    switch (head->framing) {
    case PSV_H1_FRAMING_LENGTH:
        out = PUT(out, "Content-Length: ");
        out = put_u64(out, (uint64_t)head->response->content_length);
        return PUT(out, "\r\n");
    case PSV_H1_FRAMING_CHUNKED:
        return PUT(out, "Transfer-Encoding: chunked\r\n");
    case PSV_H1_FRAMING_NONE:
    case PSV_H1_FRAMING_CLOSE:
        break;
    }
    return out;
}

size_t psv_h1_head_format(const struct psv_h1_head *head, char *out)
{
    char *start = out;
    bool has_date = false;
    bool has_server = false;
    bool has_upgrade = false;

    out = put_status_line(out, head->response->status);
    for (unsigned i = 0; i < head->response->headers.len; i++) {
        const struct psv_field *field = &head->response->headers.items[i];
        has_date |= field->id == PSV_FIELD_DATE;
        has_upgrade |= field->id == PSV_FIELD_UPGRADE;
        has_server |= field->id == PSV_FIELD_SERVER;
        out = put_field(out, field);
    }
    if (!has_date) {
        out = put(out, head->date);
    }
    if (!has_server) {
        out = put(out, head->server);
    }
    out = put_extra(out, head);
    if (head->response->server_timing.len > 0) {
        out = PUT(out, "Server-Timing: ");
        out = put(out, head->response->server_timing);
        out = PUT(out, "\r\n");
    }
    out = put_framing(out, head);
    if (has_upgrade) {
        out = PUT(out, "Connection: upgrade\r\n"); /* RFC 9110 7.8 */
    }
    if (head->closes) {
        out = PUT(out, "Connection: close\r\n");
    } else if (head->version == PSV_HTTP_1_0) {
        out = PUT(out, "Connection: keep-alive\r\n");
    }
    out = PUT(out, "\r\n");
    return (size_t)(out - start);
}

size_t psv_h1_chunk_format(uint64_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    char text[16];
    size_t n = 0;

    while (len > 0) {
        text[n++] = digits[len & 15];
        len >>= 4;
    }
    for (size_t i = 0; i < n; i++) {
        out[i] = text[n - 1 - i];
    }
    out[n] = '\r';
    out[n + 1] = '\n';
    return n + 2;
}
