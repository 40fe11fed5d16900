/* See health_command.h.  One request of HTTP/1.1 that asks for the connection's end, so that the end of the
 * answer needs no framing.
 *
 * SPDX-License-Identifier: MIT */
#include "health_command.h"

#include "base/buffer.h"
#include "base/text_parse.h"
#include "config/config.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/socket.h"
#include "os/socket_connect.h"

#define TIME_LIMIT_MS 5000
#define ANSWER_BYTES_MAX (1u << 20)
#define QUESTION_BYTES_MAX 4096
#define SCHEME PSV_BYTES("http://")

struct question {
    struct psv_socket_address address;
    struct psv_bytes path;
};

static int find_listener(const struct psv_config *config, struct psv_socket_address *ret_address,
                         struct psv_error *reterr)
{
    struct psv_bytes rest = psv_bytes_of(config->internal.listen);
    struct psv_bytes text;

    if (!psv_socket_next_address(&rest, &text)) {
        return psv_error_set(reterr, PSV_EINVAL,
                             "there is no internal listener to ask: give the server's --internal, or a URL");
    }
    int code = psv_socket_parse_address(text, ret_address, reterr);
    if (code == PSV_OK && !psv_socket_is_unix(ret_address) && psv_socket_port(ret_address) == 0) {
        return psv_error_set(reterr, PSV_EINVAL,
                             "the port of --internal %.*s is known to the running server only: give a URL",
                             PSV_BYTES_ARG(text));
    }
    return code;
}

static int refuse_target(const char *target, struct psv_error *reterr)
{
    return psv_error_set(reterr, PSV_EINVAL,
                         "\"%s\" is no path with a slash in front, and no http://ADDRESS:PORT/PATH with a "
                         "numeric address",
                         target);
}

/* Whatever would end the request line early. */
static bool is_path(struct psv_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= ' ' || text.data[i] >= 0x7f) {
            return false;
        }
    }
    return text.len > 0 && text.data[0] == '/' && text.len < QUESTION_BYTES_MAX / 2;
}

static int find_question(const struct psv_config *config, const char *target, struct question *ret,
                         struct psv_error *reterr)
{
    struct psv_bytes text = target != NULL ? psv_bytes_of(target) : PSV_BYTES("/health");

    ret->path = text;
    if (!psv_bytes_starts_with_case(text, SCHEME)) {
        return is_path(text) ? find_listener(config, &ret->address, reterr) : refuse_target(target, reterr);
    }
    text = psv_bytes_from(text, SCHEME.len);
    size_t slash = psv_bytes_find(text, '/');
    ret->path = slash < text.len ? psv_bytes_from(text, slash) : PSV_BYTES("/");
    if (psv_socket_parse_address(psv_bytes_first(text, slash), &ret->address, NULL) != PSV_OK ||
        !is_path(ret->path) || psv_socket_port(&ret->address) == 0) {
        return refuse_target(target, reterr);
    }
    return PSV_OK;
}

/* "HTTP/1.1 200 OK": 200; 0 when it is no status line. */
static unsigned status_of(struct psv_bytes answer)
{
    struct psv_bytes version;
    uint64_t status;

    if (!psv_bytes_starts_with(answer, PSV_BYTES("HTTP/1.")) || !psv_bytes_split(&answer, ' ', &version) ||
        answer.len < 4 || answer.data[3] != ' ' ||
        psv_parse_u64(psv_bytes_first(answer, 3), &status) != PSV_OK) {
        return 0;
    }
    return (unsigned)status;
}

static struct psv_bytes body_of(struct psv_bytes answer)
{
    struct psv_bytes line;

    while (psv_bytes_split(&answer, '\n', &line)) {
        if (line.len == 0 || psv_bytes_equal(line, PSV_BYTES("\r"))) {
            return answer;
        }
    }
    return PSV_BYTES_EMPTY;
}

static int judge(struct psv_bytes answer, struct psv_bytes path, struct psv_buffer *out,
                 struct psv_error *reterr)
{
    unsigned status = status_of(answer);
    struct psv_bytes body = body_of(answer);

    if (status == 0) {
        return psv_error_set(reterr, PSV_EUNSUPPORTED, "%.*s: the answer is not HTTP", PSV_BYTES_ARG(path));
    }
    if (status < 200 || status > 299) {
        return psv_error_set(reterr, PSV_EUNSUPPORTED, "%.*s answered %u: %.*s", PSV_BYTES_ARG(path), status,
                             PSV_BYTES_ARG(psv_bytes_trim(body)));
    }
    return psv_buffer_append_bytes(out, body);
}

static int ask(const struct question *question, struct psv_buffer *answer, struct psv_error *reterr)
{
    uint64_t deadline_ns = psv_clock_monotonic_ns() + TIME_LIMIT_MS * PSV_NS_PER_MS;
    CLEANUP(psv_fd_closep) int fd = -1;
    CLEANUP(psv_buffer_fini) struct psv_buffer text = {.max_bytes = QUESTION_BYTES_MAX};
    int code = psv_socket_connect(&question->address, deadline_ns, &fd, reterr);

    if (code != PSV_OK) {
        return code;
    }
    code = psv_buffer_printf(&text, "GET %.*s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                             PSV_BYTES_ARG(question->path));
    if (code == PSV_OK) {
        code = psv_socket_ask(fd, psv_buffer_bytes(&text), deadline_ns, answer);
    }
    return code == PSV_OK ? PSV_OK
                          : psv_error_set(reterr, code, "%.*s: no whole answer: %s",
                                          PSV_BYTES_ARG(question->path), psv_error_text(code));
}

int psv_health_command(const struct psv_config *config, const char *target, struct psv_buffer *out,
                       struct psv_error *reterr)
{
    CLEANUP(psv_buffer_fini) struct psv_buffer answer = {.max_bytes = ANSWER_BYTES_MAX};
    struct question question;
    int code = find_question(config, target, &question, reterr);

    if (code == PSV_OK) {
        psv_socket_to_loopback(&question.address);
        code = ask(&question, &answer, reterr);
    }
    return code == PSV_OK ? judge(psv_buffer_bytes(&answer), question.path, out, reterr) : code;
}
