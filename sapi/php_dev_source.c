/* See php_dev_source.h.  The colours come from a small scanner of its own: PHP's highlighter prints through
 * the engine's output, which may be what has failed.
 *
 * SPDX-License-Identifier: MIT */
#include "php_dev_source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/utf8.h"
#include "os/fd.h"

#define SOURCE_BYTES_MAX (2u * 1024u * 1024u)
/* Of one line: minified files have one. */
#define LINE_BYTES_MAX 400u

/* ---- escaping */

static const char *entity_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

static bool put(struct psv_buffer *out, const char *text, size_t len)
{
    return psv_buffer_append(out, text, len) == PSV_OK;
}

/* Marks that turn text around could make source look like other source. */
static bool is_invisible(uint32_t code)
{
    return (code >= 0x7f && code <= 0x9f) || code == 0x200e || code == 0x200f ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

static bool put_character(struct psv_buffer *out, struct psv_bytes text, size_t *ret_len)
{
    static const char replacement[] = "\xef\xbf\xbd";
    uint32_t code = 0;
    size_t len = psv_utf8_decode(text, &code);
    const char *entity = entity_of(text.data[0]);

    *ret_len = MAX(len, (size_t)1);
    if (entity != NULL)
        return put(out, entity, strlen(entity));
    if (len == 0 || is_invisible(code))
        return put(out, replacement, sizeof(replacement) - 1);
    if (code < 0x20 && code != '\n' && code != '\t') {
        const char picture[] = {'\xe2', '\x90', (char)(0x80 + code)}; /* U+2400 ... */
        return put(out, picture, sizeof(picture));
    }
    return put(out, text.data, len);
}

bool psv_dev_put_escaped(struct psv_buffer *out, struct psv_bytes text)
{
    for (size_t i = 0; i < text.len;) {
        size_t len;
        if (!put_character(out, psv_bytes_from(text, i), &len))
            return false;
        i += len;
    }
    return true;
}

/* ---- the scanner */

enum token {
    TOKEN_PLAIN,
    TOKEN_KEYWORD,
    TOKEN_VARIABLE,
    TOKEN_STRING,
    TOKEN_COMMENT,
    TOKEN_NUMBER,
    TOKEN_TAG,
    TOKEN_HTML,
};

static const char *const token_classes[] = {NULL, "k", "v", "s", "c", "n", "t", "h"};

struct writer {
    struct psv_buffer *out;
    unsigned line; /* the one that is being written */
    unsigned first;
    unsigned last;
    unsigned marked;
    size_t line_bytes;
    bool is_open;     /* a line's <span> */
    enum token token; /* its inner <span>, but for PLAIN */
    bool is_full;
};

static void say(struct writer *writer, const char *text)
{
    if (!writer->is_full)
        writer->is_full = !put(writer->out, text, strlen(text));
}

static void close_token(struct writer *writer)
{
    if (writer->token != TOKEN_PLAIN)
        say(writer, "</span>");
    writer->token = TOKEN_PLAIN;
}

static void open_line(struct writer *writer)
{
    if (!writer->is_full)
        writer->is_full =
            psv_buffer_printf(writer->out, "<span class=\"l%s\" data-n=\"%u\">",
                              writer->line == writer->marked ? " m" : "", writer->line) != PSV_OK;
    writer->is_open = true;
    writer->line_bytes = 0;
}

static void end_line(struct writer *writer)
{
    if (writer->line >= writer->first && writer->line <= writer->last) {
        if (!writer->is_open)
            open_line(writer);
        close_token(writer);
        say(writer, "\n</span>");
        writer->is_open = false;
    }
    writer->line++;
}

static void write_piece(struct writer *writer, struct psv_bytes text, enum token token)
{
    if (text.len == 0 || writer->line < writer->first || writer->line > writer->last || writer->is_full)
        return;
    if (!writer->is_open)
        open_line(writer);
    if (writer->line_bytes >= LINE_BYTES_MAX)
        return;
    bool is_cut = writer->line_bytes + text.len > LINE_BYTES_MAX;
    if (token != writer->token) {
        close_token(writer);
        if (token != TOKEN_PLAIN) {
            say(writer, "<span class=\"");
            say(writer, token_classes[token]);
            say(writer, "\">");
        }
        writer->token = token;
    }
    text = psv_bytes_first(text, LINE_BYTES_MAX - writer->line_bytes);
    writer->line_bytes += text.len;
    if (!writer->is_full)
        writer->is_full = !psv_dev_put_escaped(writer->out, text);
    if (is_cut)
        say(writer, " \xe2\x80\xa6");
}

static void write_token(struct writer *writer, struct psv_bytes text, enum token token)
{
    size_t end;
    while ((end = psv_bytes_find(text, '\n')) < text.len) {
        write_piece(writer, psv_bytes_first(text, end), token);
        end_line(writer);
        text = psv_bytes_from(text, end + 1);
    }
    write_piece(writer, text, token);
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (unsigned char)c >= 0x80;
}

static size_t word_len(struct psv_bytes text)
{
    size_t len = 0;
    while (len < text.len && is_word(text.data[len]))
        len++;
    return len;
}

static bool is_keyword(struct psv_bytes word)
{
    static const char words[] =
        " abstract and array as break callable case catch class clone const continue declare default do echo "
        "else elseif empty enddeclare endfor endforeach endif endswitch endwhile enum exit extends false "
        "final finally fn for foreach function global goto if implements include include_once instanceof "
        "insteadof interface isset list match namespace new null or print private protected public readonly "
        "require require_once return static switch throw trait true try unset use var while xor yield ";
    char padded[24] = " ";
    if (word.len == 0 || word.len > 12)
        return false;
    for (size_t i = 0; i < word.len; i++)
        padded[i + 1] = psv_ascii_lower(word.data[i]);
    padded[word.len + 1] = ' ';
    return strstr(words, padded) != NULL;
}

static size_t find_text(struct psv_bytes text, const char *what)
{
    const char *found = text.len > 0 ? memmem(text.data, text.len, what, strlen(what)) : NULL;
    return found != NULL ? (size_t)(found - text.data) : text.len;
}

static size_t comment_len(struct psv_bytes text)
{
    if (text.data[0] == '/' && text.data[1] == '*')
        return MIN(find_text(psv_bytes_from(text, 2), "*/") + 4, text.len);
    return MIN(psv_bytes_find(text, '\n'), find_text(text, "?>"));
}

static size_t string_len(struct psv_bytes text)
{
    size_t i = 1;
    while (i < text.len && text.data[i] != text.data[0])
        i += text.data[i] == '\\' ? 2 : 1;
    return MIN(i + 1, text.len);
}

/* "<<<X", "<<<'X'": up to a line that begins with X.  0: it is none. */
static size_t heredoc_len(struct psv_bytes text)
{
    size_t at = 3;
    while (at < text.len && (text.data[at] == ' ' || text.data[at] == '\'' || text.data[at] == '"'))
        at++;
    struct psv_bytes name = psv_bytes_from(text, at);
    name = psv_bytes_first(name, word_len(name));
    if (name.len == 0)
        return 0;
    for (;;) {
        at += psv_bytes_find(psv_bytes_from(text, at), '\n') + 1;
        while (at < text.len && (text.data[at] == ' ' || text.data[at] == '\t'))
            at++;
        if (at >= text.len)
            return text.len;
        struct psv_bytes rest = psv_bytes_from(text, at);
        if (psv_bytes_starts_with(rest, name) && word_len(rest) == name.len)
            return at + name.len;
    }
}

/* Length and kind of the token that code begins with. */
static size_t scan(struct psv_bytes code, enum token *ret)
{
    char c = code.data[0];
    char next = code.len > 1 ? code.data[1] : '\0';
    size_t len;

    if ((c == '/' && (next == '/' || next == '*')) || (c == '#' && next != '[')) {
        *ret = TOKEN_COMMENT;
        return comment_len(code);
    }
    if (c == '\'' || c == '"' || c == '`') {
        *ret = TOKEN_STRING;
        return string_len(code);
    }
    if (psv_bytes_starts_with(code, PSV_BYTES("<<<")) && (len = heredoc_len(code)) > 0) {
        *ret = TOKEN_STRING;
        return len;
    }
    if (c == '$' && is_word(next)) {
        *ret = TOKEN_VARIABLE;
        return 1 + word_len(psv_bytes_from(code, 1));
    }
    len = word_len(code);
    if (len > 0) {
        *ret = psv_ascii_is_digit(c)                    ? TOKEN_NUMBER
               : is_keyword(psv_bytes_first(code, len)) ? TOKEN_KEYWORD
                                                        : TOKEN_PLAIN;
        return len;
    }
    *ret = TOKEN_PLAIN;
    return 1;
}

/* Code up to and with "?>"; returns its length. */
static size_t write_code(struct writer *writer, struct psv_bytes code)
{
    size_t at = 0;
    while (at < code.len && writer->line <= writer->last) {
        struct psv_bytes rest = psv_bytes_from(code, at);
        if (psv_bytes_starts_with(rest, PSV_BYTES("?>"))) {
            write_token(writer, psv_bytes_first(rest, 2), TOKEN_TAG);
            return at + 2;
        }
        enum token token;
        size_t len = scan(rest, &token);
        write_token(writer, psv_bytes_first(rest, len), token);
        at += len;
    }
    return code.len;
}

bool psv_dev_highlight(struct psv_buffer *out, struct psv_bytes source, unsigned first, unsigned last,
                       unsigned marked)
{
    struct writer writer = {.out = out, .line = 1, .first = first, .last = last, .marked = marked};
    while (source.len > 0 && writer.line <= last) {
        size_t tag = find_text(source, "<?");
        write_token(&writer, psv_bytes_first(source, tag), TOKEN_HTML);
        source = psv_bytes_from(source, tag);
        if (source.len == 0)
            break;
        size_t len = psv_bytes_starts_with_case(source, PSV_BYTES("<?php")) ? 5
                     : psv_bytes_starts_with(source, PSV_BYTES("<?="))      ? 3
                                                                            : 2;
        write_token(&writer, psv_bytes_first(source, len), TOKEN_TAG);
        source = psv_bytes_from(source, len);
        source = psv_bytes_from(source, write_code(&writer, source));
    }
    if (writer.is_open)
        end_line(&writer);
    return !writer.is_full;
}

/* ---- files */

bool psv_dev_read_source(struct psv_bytes path, struct psv_buffer *source)
{
    char name[PATH_MAX];
    struct stat status;
    size_t filled = 0;

    psv_buffer_init(source, SOURCE_BYTES_MAX);
    if (path.len == 0 || path.len >= sizeof(name) || path.data[0] != '/')
        return false;
    memcpy(name, path.data, path.len);
    name[path.len] = '\0';
    CLEANUP(psv_fd_closep) int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size <= 0 ||
        (uint64_t)status.st_size > SOURCE_BYTES_MAX)
        return false;
    if (psv_buffer_reserve(source, (size_t)status.st_size) != PSV_OK ||
        psv_fd_pread_all(fd, source->data, (size_t)status.st_size, 0, &filled) != PSV_OK)
        return false;
    source->len = filled;
    return filled > 0;
}

bool psv_dev_put_lines(struct psv_buffer *out, struct psv_bytes source, unsigned first, unsigned last,
                       unsigned marked)
{
    struct psv_bytes line;
    bool has_room = true;
    for (unsigned number = 1; number <= last && has_room && psv_bytes_split(&source, '\n', &line); number++) {
        if (number < first)
            continue;
        line = psv_bytes_first(line, LINE_BYTES_MAX);
        if (line.len > 0 && line.data[line.len - 1] == '\r')
            line.len--;
        has_room = psv_buffer_printf(out, "%s %5u | ", number == marked ? " >" : "  ", number) == PSV_OK;
        for (size_t i = 0; i < line.len && has_room; i++) {
            char c = line.data[i];
            has_room = psv_buffer_append_byte(
                           out, ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f ? '?' : c) == PSV_OK;
        }
        has_room = has_room && psv_buffer_append_byte(out, '\n') == PSV_OK;
    }
    return has_room;
}
