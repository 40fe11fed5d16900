/* See otlp_json.h.
 *
 * SPDX-License-Identifier: MIT */
#include "otlp_json.h"

#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/random.h"
#include "base/text_parse.h"
#include "base/utf8.h"
#include "base/word.h"

#define HOST_BYTES 256
#define KIND_INTERNAL 1
#define KIND_SERVER 2
#define STATUS_ERROR 2
/* Span.flags: whether the parent is on another machine is known; it is. */
#define FLAG_HAS_IS_REMOTE 0x100u
#define FLAG_IS_REMOTE 0x200u
/* Longest value of a resource attribute. */
#define VALUE_BYTES 1024

/* The most that the resource, and a span with its children, can take: every text in its longest form. */
#define RESOURCE_BYTES_MAX (64u << 10)
#define TEXT_FACTOR 6 /* of "\u0000" */
#define SPAN_BYTES_MAX (TEXT_FACTOR * (PSV_OTLP_TEXT_BYTES + 2 * 512) + 6144)

/* Room that was reserved is written to directly; more than it is the first failure, after which nothing is
 * written. */
struct writer {
    struct psv_buffer *out;
    char *at;
    char *end;
    int code;
    bool has_item; /* in the list that is being written */
};

static struct writer begin(struct psv_buffer *out, size_t room)
{
    struct writer writer = {.out = out, .code = psv_buffer_reserve(out, room)};
    writer.at = writer.code == PSV_OK ? out->data + out->len : NULL;
    writer.end = writer.code == PSV_OK ? writer.at + room : NULL;
    return writer;
}

static int end(struct writer *writer)
{
    if (writer->code == PSV_OK)
        writer->out->len = (size_t)(writer->at - writer->out->data);
    return writer->code;
}

static inline void put(struct writer *writer, struct psv_bytes text)
{
    if ((size_t)(writer->end - writer->at) < text.len) {
        writer->code = writer->code != PSV_OK ? writer->code : PSV_ELIMIT;
        writer->at = writer->end;
        return;
    }
    if (text.len > 0)
        memcpy(writer->at, text.data, text.len);
    writer->at += text.len;
}

#define PUT(writer, literal) put((writer), PSV_BYTES(literal))

static void put_u64(struct writer *writer, uint64_t value)
{
    char digits[20];
    put(writer, (struct psv_bytes){digits, psv_format_u64(digits, value)});
}

/* A JSON string.  Texts of OTLP are UTF-8: other bytes become U+FFFD. */
static void put_string(struct writer *writer, struct psv_bytes text)
{
    static const char digits[] = "0123456789abcdef";
    PUT(writer, "\"");
    while (text.len > 0) {
        size_t plain = psv_plain_len(text);
        put(writer, psv_bytes_first(text, plain));
        text = psv_bytes_from(text, plain);
        if (text.len == 0)
            break;
        uint8_t byte = (uint8_t)text.data[0];
        uint32_t code_point;
        size_t sequence = byte >= 0x80 ? psv_utf8_decode(text, &code_point) : 1;
        if (byte < 0x80) {
            const char escaped[] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
            put(writer, (struct psv_bytes){escaped, sizeof(escaped)});
        } else if (sequence > 0) {
            put(writer, psv_bytes_first(text, sequence));
        } else {
            PUT(writer, "\\ufffd");
            sequence = 1;
        }
        text = psv_bytes_from(text, sequence);
    }
    PUT(writer, "\"");
}

/* ---- attributes */

/* before: the attribute's beginning, up to the value. */
static void put_attribute(struct writer *writer, struct psv_bytes before, struct psv_bytes value)
{
    if (value.len == 0)
        return;
    if (writer->has_item)
        PUT(writer, ",");
    writer->has_item = true;
    put(writer, before);
    put_string(writer, value);
    PUT(writer, "}}");
}

/* Integers of 64 bits are strings in JSON. */
static void put_number(struct writer *writer, struct psv_bytes before, uint64_t value)
{
    char digits[20];
    put_attribute(writer, before, (struct psv_bytes){digits, psv_format_u64(digits, value)});
}

#define PUT_TEXT(writer, key, value)                                                                         \
    put_attribute((writer), PSV_BYTES("{\"key\":\"" key "\",\"value\":{\"stringValue\":"), (value))
#define PUT_INTEGER(writer, key, value)                                                                      \
    put_number((writer), PSV_BYTES("{\"key\":\"" key "\",\"value\":{\"intValue\":"), (value))

/* ---- resource */

/* "%2C" -> ","; false for a "%" that is followed by something else, or for more than there is room for. */
static bool decode(struct psv_bytes text, char *out, struct psv_bytes *ret)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.data[i];
        if (byte == '%') {
            struct psv_bytes digits = psv_bytes_first(psv_bytes_from(text, i + 1), 2);
            uint64_t value;
            if (digits.len != 2 || psv_parse_hex(digits, &value) != PSV_OK)
                return false;
            byte = (char)value;
            i += 2;
        }
        if (len == VALUE_BYTES)
            return false;
        out[len++] = byte;
    }
    *ret = (struct psv_bytes){out, len};
    return true;
}

static void put_own_attribute(struct writer *writer, struct psv_bytes key, struct psv_bytes value)
{
    if (value.len == 0)
        return;
    if (writer->has_item)
        PUT(writer, ",");
    writer->has_item = true;
    PUT(writer, "{\"key\":");
    put_string(writer, key);
    PUT(writer, ",\"value\":{\"stringValue\":");
    put_string(writer, value);
    PUT(writer, "}}");
}

static int put_attributes(struct writer *writer, struct psv_bytes rest, const char *service_name,
                          bool *ret_has_name, struct psv_error *reterr)
{
    struct psv_bytes item;
    while (psv_bytes_split(&rest, ',', &item)) {
        struct psv_bytes pair = psv_bytes_trim(item);
        size_t equals = psv_bytes_find(pair, '=');
        struct psv_bytes key = psv_bytes_trim(psv_bytes_first(pair, equals));
        char decoded[VALUE_BYTES];
        struct psv_bytes value;
        if (pair.len == 0)
            continue;
        if (equals == pair.len || key.len == 0 ||
            !decode(psv_bytes_trim(psv_bytes_from(pair, equals + 1)), decoded, &value))
            return psv_error_set(
                reterr, PSV_EINVAL,
                "otlp.resource_attributes: \"%.*s\" is not like key=value, with %%XX for what "
                "is special",
                (int)MIN(pair.len, (size_t)80), pair.data);
        if (psv_bytes_equal(key, PSV_BYTES("service.name"))) {
            if (service_name[0] != '\0' || value.len == 0)
                continue;
            *ret_has_name = true;
        }
        put_own_attribute(writer, key, value);
    }
    return PSV_OK;
}

int psv_otlp_json_resource(struct psv_buffer *out, const char *service_name, const char *attributes,
                           struct psv_error *reterr)
{
    struct writer writer = begin(out, RESOURCE_BYTES_MAX);
    char host[HOST_BYTES] = "";
    bool has_name = false;
    PUT(&writer, "{\"attributes\":[");
    if (gethostname(host, sizeof(host) - 1) == 0)
        PUT_TEXT(&writer, "host.name", psv_bytes_of(host));
    PUT_INTEGER(&writer, "process.pid", (uint64_t)getpid());
    int code = put_attributes(&writer, psv_bytes_of(attributes), service_name, &has_name, reterr);
    if (code != PSV_OK)
        return code;
    if (!has_name)
        PUT_TEXT(&writer, "service.name", psv_bytes_of(service_name[0] != '\0' ? service_name : "phpsrv"));
    PUT(&writer, "]}");
    code = end(&writer);
    return code == PSV_OK ? PSV_OK
                          : psv_error_set(reterr, code, "otlp.resource_attributes: no room for them");
}

/* ---- batches */

int psv_otlp_json_begin(struct psv_buffer *out, struct psv_bytes resource, const char *version)
{
    struct writer writer = begin(out, resource.len + 256);
    PUT(&writer, "{\"resourceSpans\":[{\"resource\":");
    put(&writer, resource);
    PUT(&writer, ",\"scopeSpans\":[{\"scope\":{\"name\":\"phpsrv\",\"version\":");
    put_string(&writer, psv_bytes_of(version));
    PUT(&writer, "},\"spans\":[");
    return end(&writer);
}

int psv_otlp_json_end(struct psv_buffer *out)
{
    struct writer writer = begin(out, 16);
    PUT(&writer, "]}]}]}");
    return end(&writer);
}

/* ---- spans */

struct times {
    uint64_t begin_ns;
    uint64_t end_ns;
    int64_t offset_ns; /* to wall-clock time */
};

static void put_times(struct writer *writer, struct times times)
{
    PUT(writer, ",\"startTimeUnixNano\":\"");
    put_u64(writer, times.begin_ns + (uint64_t)times.offset_ns);
    PUT(writer, "\",\"endTimeUnixNano\":\"");
    put_u64(writer, MAX(times.begin_ns, times.end_ns) + (uint64_t)times.offset_ns);
    PUT(writer, "\"");
}

static void put_ids(struct writer *writer, const struct psv_otlp_span *span, const char *id,
                    const char *parent_id)
{
    PUT(writer, "{\"traceId\":\"");
    put(writer, (struct psv_bytes){span->trace_id, PSV_OTLP_TRACE_ID_LEN});
    PUT(writer, "\",\"spanId\":\"");
    put(writer, (struct psv_bytes){id, PSV_OTLP_SPAN_ID_LEN});
    if (parent_id != NULL) {
        PUT(writer, "\",\"parentSpanId\":\"");
        put(writer, (struct psv_bytes){parent_id, PSV_OTLP_SPAN_ID_LEN});
    }
    struct psv_bytes state = psv_otlp_span_text(span, PSV_OTLP_TEXT_TRACE_STATE);
    PUT(writer, "\"");
    if (state.len > 0) {
        PUT(writer, ",\"traceState\":");
        put_string(writer, state);
    }
}

static void put_request_attributes(struct writer *writer, const struct psv_otlp_span *span)
{
    struct psv_bytes method = psv_otlp_span_text(span, PSV_OTLP_TEXT_METHOD);
    PUT_TEXT(writer, "http.request.method", span->is_known_method ? method : PSV_BYTES("_OTHER"));
    if (!span->is_known_method)
        PUT_TEXT(writer, "http.request.method_original", method);
    PUT_TEXT(writer, "url.path", psv_otlp_span_text(span, PSV_OTLP_TEXT_PATH));
    PUT_TEXT(writer, "url.scheme", span->is_https ? PSV_BYTES("https") : PSV_BYTES("http"));
    PUT_TEXT(writer, "network.protocol.version", psv_bytes_of(span->protocol));
    PUT_TEXT(writer, "server.address", psv_otlp_span_text(span, PSV_OTLP_TEXT_SERVER_ADDRESS));
    if (span->server_port != 0)
        PUT_INTEGER(writer, "server.port", span->server_port);
    PUT_TEXT(writer, "client.address", psv_otlp_span_text(span, PSV_OTLP_TEXT_CLIENT_ADDRESS));
    if (span->client_port != 0)
        PUT_INTEGER(writer, "client.port", span->client_port);
    PUT_TEXT(writer, "user_agent.original", psv_otlp_span_text(span, PSV_OTLP_TEXT_USER_AGENT));
}

static void put_response_attributes(struct writer *writer, const struct psv_otlp_span *span)
{
    char digits[20];
    struct psv_bytes status = {digits, psv_format_u64(digits, span->status)};
    if (span->status != 0)
        PUT_INTEGER(writer, "http.response.status_code", span->status);
    PUT_INTEGER(writer, "http.response.body.size", span->body_bytes);
    if (span->error_type != NULL)
        PUT_TEXT(writer, "error.type", psv_bytes_of(span->error_type));
    else if (span->status >= 500)
        PUT_TEXT(writer, "error.type", status);
    PUT_TEXT(writer, "phpsrv.request_id", psv_otlp_span_text(span, PSV_OTLP_TEXT_REQUEST_ID));
    PUT_TEXT(writer, "phpsrv.script", psv_otlp_span_text(span, PSV_OTLP_TEXT_SCRIPT));
    PUT_TEXT(writer, "phpsrv.site", psv_otlp_span_text(span, PSV_OTLP_TEXT_SITE));
    PUT_TEXT(writer, "phpsrv.refusal", psv_bytes_of(span->refusal));
    if (span->worker_plus_1 != 0)
        PUT_INTEGER(writer, "phpsrv.worker", span->worker_plus_1 - 1);
}

static void put_flags(struct writer *writer, const struct psv_otlp_span *span, bool is_child)
{
    bool is_remote = span->has_parent && !is_child;
    PUT(writer, ",\"flags\":");
    put_u64(writer, span->flags | FLAG_HAS_IS_REMOTE | (is_remote ? FLAG_IS_REMOTE : 0));
}

static void put_server_span(struct writer *writer, const struct psv_otlp_span *span, int64_t offset_ns)
{
    put_ids(writer, span, span->span_id, span->has_parent ? span->parent_id : NULL);
    put_flags(writer, span, false);
    PUT(writer, ",\"name\":");
    put_string(writer,
               span->is_known_method ? psv_otlp_span_text(span, PSV_OTLP_TEXT_METHOD) : PSV_BYTES("HTTP"));
    PUT(writer, ",\"kind\":");
    put_u64(writer, KIND_SERVER);
    put_times(writer, (struct times){span->begin_ns, span->end_ns, offset_ns});
    PUT(writer, ",\"attributes\":[");
    writer->has_item = false;
    put_request_attributes(writer, span);
    put_response_attributes(writer, span);
    PUT(writer, "],\"status\":{");
    if (span->status >= 500) {
        PUT(writer, "\"code\":");
        put_u64(writer, STATUS_ERROR);
    }
    PUT(writer, "}}");
}

static void put_child(struct writer *writer, const struct psv_otlp_span *span, struct psv_bytes name,
                      struct times times)
{
    uint8_t random[PSV_OTLP_SPAN_ID_LEN / 2];
    char id[PSV_OTLP_SPAN_ID_LEN];
    if (times.end_ns == 0)
        return;
    psv_random_fill(random, sizeof(random));
    random[0] |= 1; /* never all zeros, which would be no id */
    psv_hex_encode(id, random, sizeof(random));
    PUT(writer, ",");
    put_ids(writer, span, id, span->span_id);
    put_flags(writer, span, true);
    PUT(writer, ",\"name\":");
    put_string(writer, name);
    PUT(writer, ",\"kind\":");
    put_u64(writer, KIND_INTERNAL);
    put_times(writer, times);
    PUT(writer, ",\"status\":{}}");
}

int psv_otlp_json_span(struct psv_buffer *out, const struct psv_otlp_span *span,
                       int64_t unix_minus_monotonic_ns, bool is_first)
{
    struct writer writer = begin(out, SPAN_BYTES_MAX);
    int64_t offset_ns = unix_minus_monotonic_ns;
    if (!is_first)
        PUT(&writer, ",");
    put_server_span(&writer, span, offset_ns);
    put_child(&writer, span, PSV_BYTES("queue"),
              (struct times){span->queue_begin_ns, span->queue_end_ns, offset_ns});
    put_child(&writer, span, PSV_BYTES("php"),
              (struct times){span->run_begin_ns, span->run_end_ns, offset_ns});
    return end(&writer);
}

uint64_t psv_otlp_json_rejected(struct psv_bytes answer)
{
    const struct psv_bytes name = PSV_BYTES("\"rejectedSpans\"");
    const char *found = answer.len > 0 ? memmem(answer.data, answer.len, name.data, name.len) : NULL;
    if (found == NULL)
        return 0;
    struct psv_bytes rest = psv_bytes_from(answer, (size_t)(found - answer.data) + name.len);
    rest = psv_bytes_trim(rest);
    if (rest.len == 0 || rest.data[0] != ':')
        return 0;
    rest = psv_bytes_trim(psv_bytes_from(rest, 1));
    if (rest.len > 0 && rest.data[0] == '"') /* numbers of 64 bits are strings, but not with everybody */
        rest = psv_bytes_from(rest, 1);
    size_t len = 0;
    while (len < rest.len && psv_ascii_is_digit(rest.data[len]))
        len++;
    uint64_t value = 0;
    return psv_parse_u64(psv_bytes_first(rest, len), &value) == PSV_OK ? value : 0;
}
