/* See access_format.h.  The values are access_variables.c's.
 *
 * SPDX-License-Identifier: MIT */
#include "access_format.h"

#include <limits.h>

#include "base/assert.h"
#include "base/memory.h"
#include "config/options.h"
#include "exec/exchange.h"
#include "filter/access_variables.h"
#include "observe/log.h"

#define PIECES_MAX 128
#define LINE_BYTES (PSV_LOG_LINE_BYTES - 1)
/* Of a variable that is shown in a message. */
#define SHOWN_BYTES 64

static const struct {
    const char *name;
    size_t least;
    size_t most;
} variables[PSV_ACCESS_VARIABLE_COUNT] = {
#define V(id, name, form, least, most) [PSV_ACCESS_##id] = {(name), (least), (most)},
    PSV_ACCESS_VARIABLE_TABLE(V)
#undef V
};

struct compiler {
    struct psv_access_format *format;
    char *texts_end; /* of format->texts, so far */
    struct psv_error *reterr;
};

static bool is_name_byte(char byte)
{
    char lower = psv_ascii_lower(byte);
    return (lower >= 'a' && lower <= 'z') || psv_ascii_is_digit(byte) || byte == '_';
}

static struct psv_bytes keep(struct compiler *compiler, struct psv_bytes text)
{
    struct psv_bytes kept = {compiler->texts_end, text.len};
    memcpy(compiler->texts_end, text.data, text.len);
    compiler->texts_end += text.len;
    return kept;
}

static int add_piece(struct compiler *compiler, struct psv_access_piece piece)
{
    struct psv_access_format *format = compiler->format;
    if (format->len == PIECES_MAX)
        return psv_error_set(compiler->reterr, PSV_EINVAL,
                             "has more than %d variables and texts between them", PIECES_MAX);
    format->pieces[format->len++] = piece;
    return PSV_OK;
}

/* A text as it stands; joins the one before. */
static int add_literal(struct compiler *compiler, struct psv_bytes text)
{
    struct psv_access_format *format = compiler->format;
    if (text.len == 0)
        return PSV_OK;
    struct psv_bytes kept = keep(compiler, text);
    struct psv_access_piece *last = format->len > 0 ? &format->pieces[format->len - 1] : NULL;
    if (last != NULL && last->variable == PSV_ACCESS_LITERAL &&
        last->text.data + last->text.len == kept.data) {
        last->text.len += kept.len;
        last->most = last->text.len;
        return PSV_OK;
    }
    return add_piece(
        compiler, (struct psv_access_piece){.variable = PSV_ACCESS_LITERAL, .text = kept, .most = kept.len});
}

/* What the codec adds when it writes the head: nobody else knows it. */
static bool is_codecs(enum psv_field_id id)
{
    return id == PSV_FIELD_CONNECTION || id == PSV_FIELD_DATE || id == PSV_FIELD_KEEP_ALIVE ||
           id == PSV_FIELD_SERVER || id == PSV_FIELD_TRANSFER_ENCODING;
}

/* "http_user_agent": name is what follows the prefix. */
static int add_field(struct compiler *compiler, struct psv_bytes name, enum psv_access_variable variable)
{
    struct psv_access_piece piece = {.variable = variable, .most = variables[variable].most};
    char *text = compiler->texts_end;
    piece.text = keep(compiler, name);
    for (size_t i = 0; i < name.len; i++)
        text[i] = text[i] == '_' ? '-' : psv_ascii_lower(text[i]);
    piece.field_id = psv_field_find(piece.text);
    if (variable == PSV_ACCESS_SENT_FIELD && is_codecs(piece.field_id))
        return psv_error_set(compiler->reterr, PSV_EINVAL,
                             "has $sent_http_%.*s: this field is made when the response is written and not "
                             "known to the log",
                             PSV_BYTES_ARG(name));
    return add_piece(compiler, piece);
}

static int refuse_unknown(struct compiler *compiler, struct psv_bytes name)
{
    const char *found = NULL;
    unsigned best = UINT_MAX;
    int shown = (int)MIN(name.len, (size_t)SHOWN_BYTES);
    for (int i = PSV_ACCESS_LITERAL + 1; i < PSV_ACCESS_HTTP_FIELD; i++) {
        if (psv_option_is_near(name, psv_bytes_of(variables[i].name), &best))
            found = variables[i].name;
    }
    if (found == NULL)
        return psv_error_set(compiler->reterr, PSV_EINVAL,
                             "has the unknown variable $%.*s; docs/logs-and-traces.md lists them", shown,
                             name.data);
    return psv_error_set(compiler->reterr, PSV_EINVAL, "has the unknown variable $%.*s; did you mean $%s?",
                         shown, name.data, found);
}

static int add_variable(struct compiler *compiler, struct psv_bytes name)
{
    static const struct psv_bytes request_field = PSV_BYTES_INIT("http_");
    static const struct psv_bytes sent_field = PSV_BYTES_INIT("sent_http_");
    for (int i = PSV_ACCESS_LITERAL + 1; i < PSV_ACCESS_HTTP_FIELD; i++) {
        if (!psv_bytes_equal(name, psv_bytes_of(variables[i].name)))
            continue;
        compiler->format->wants_usage |= i == PSV_ACCESS_MEMORY_PEAK || i == PSV_ACCESS_CPU_TIME;
        return add_piece(compiler, (struct psv_access_piece){.variable = (enum psv_access_variable)i,
                                                             .most = variables[i].most});
    }
    if (psv_bytes_starts_with(name, request_field) && name.len > request_field.len)
        return add_field(compiler, psv_bytes_from(name, request_field.len), PSV_ACCESS_HTTP_FIELD);
    if (psv_bytes_starts_with(name, sent_field) && name.len > sent_field.len)
        return add_field(compiler, psv_bytes_from(name, sent_field.len), PSV_ACCESS_SENT_FIELD);
    return refuse_unknown(compiler, name);
}

/* rest begins behind a dollar; it is moved behind the variable. */
static int take_variable(struct compiler *compiler, struct psv_bytes *rest)
{
    bool has_braces = rest->len > 0 && rest->data[0] == '{';
    size_t len = 0;
    if (rest->len > 0 && rest->data[0] == '$') {
        struct psv_bytes dollar = psv_bytes_first(*rest, 1);
        *rest = psv_bytes_from(*rest, 1);
        return add_literal(compiler, dollar);
    }
    if (has_braces)
        *rest = psv_bytes_from(*rest, 1);
    while (len < rest->len && is_name_byte(rest->data[len]))
        len++;
    bool is_closed = !has_braces || (len < rest->len && rest->data[len] == '}');
    if (len == 0 || !is_closed)
        return psv_error_set(compiler->reterr, PSV_EINVAL,
                             "has a $ without a variable's name%s; $$ stands for the sign itself",
                             has_braces ? " and } behind it" : "");
    struct psv_bytes name = psv_bytes_first(*rest, len);
    *rest = psv_bytes_from(*rest, len + (has_braces ? 1 : 0));
    return add_variable(compiler, name);
}

/* What each piece must leave to those behind it.  PSV_EINVAL: the least of all is more than a line. */
static int share_room(struct compiler *compiler)
{
    struct psv_access_format *format = compiler->format;
    size_t rest = 0;
    for (size_t i = format->len; i > 0; i--) {
        struct psv_access_piece *piece = &format->pieces[i - 1];
        piece->rest = rest;
        rest += piece->variable == PSV_ACCESS_LITERAL ? piece->text.len : variables[piece->variable].least;
    }
    if (rest > LINE_BYTES)
        return psv_error_set(compiler->reterr, PSV_EINVAL,
                             "needs %zu bytes in each line, which has %d at most", rest, LINE_BYTES);
    return PSV_OK;
}

static struct psv_bytes take_escaping(struct psv_access_format *format, struct psv_bytes text)
{
    static const struct psv_bytes json = PSV_BYTES_INIT("escape=json ");
    static const struct psv_bytes plain = PSV_BYTES_INIT("escape=default ");
    format->escaping = PSV_ACCESS_ESCAPE_NGINX;
    if (psv_bytes_starts_with(text, json)) {
        format->escaping = PSV_ACCESS_ESCAPE_JSON;
        return psv_bytes_from(text, json.len);
    }
    return psv_bytes_starts_with(text, plain) ? psv_bytes_from(text, plain.len) : text;
}

static int compile(struct compiler *compiler, struct psv_bytes rest)
{
    int code = PSV_OK;
    while (rest.len > 0 && code == PSV_OK) {
        size_t dollar = psv_bytes_find(rest, '$');
        code = add_literal(compiler, psv_bytes_first(rest, dollar));
        if (code == PSV_OK && dollar < rest.len) {
            rest = psv_bytes_from(rest, dollar + 1);
            code = take_variable(compiler, &rest);
        } else {
            rest = PSV_BYTES_EMPTY;
        }
    }
    if (code == PSV_OK && compiler->format->len == 0)
        code = psv_error_set(compiler->reterr, PSV_EINVAL, "is empty");
    return code == PSV_OK ? share_room(compiler) : code;
}

int psv_access_format_compile(struct psv_access_format *format, const char *text, struct psv_error *reterr)
{
    struct psv_bytes rest = psv_bytes_of(text);
    *format = (struct psv_access_format){
        .pieces = psv_calloc(PIECES_MAX, sizeof(*format->pieces)),
        .texts = psv_malloc(rest.len + 1),
    };
    struct compiler compiler = {.format = format, .texts_end = format->texts, .reterr = reterr};
    int code = PSV_ENOMEM;
    if (format->pieces == NULL || format->texts == NULL)
        (void)psv_error_set(reterr, code, "out of memory");
    else
        code = compile(&compiler, take_escaping(format, rest));
    if (code != PSV_OK)
        psv_access_format_fini(format);
    return code;
}

void psv_access_format_fini(struct psv_access_format *format)
{
    psv_free(format->pieces);
    psv_free(format->texts);
    *format = (struct psv_access_format){.len = 0};
}

void psv_access_format_render(const struct psv_access_format *format, struct psv_access_line *line,
                              const struct psv_exchange *exchange, const struct psv_access_facts *facts)
{
    const struct psv_access_values values = {
        .exchange = exchange, .facts = facts, .escaping = format->escaping};
    for (size_t i = 0; i < format->len; i++) {
        const struct psv_access_piece *piece = &format->pieces[i];
        /* share_room left its least to every piece: this one has it, too */
        size_t room = line->size - line->len - piece->rest;
        psv_access_variable_put(line, &values, piece, MIN(piece->most, room));
    }
}
