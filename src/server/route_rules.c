/* See route_rules.h.
 *
 * SPDX-License-Identifier: MIT */
#include "route_rules.h"

#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/assert.h"
#include "base/memory.h"
#include "base/text_parse.h"
#include "http/escape.h"

/* Steps of the matcher: what a sane expression needs for a path is far below, what makes it hang is far
 * above. */
#define MATCH_LIMIT 20000
#define CAPTURES_MAX 10
#define STATUS_DEFAULT 302

enum rule_kind { EXACT, PREFIX, EXPRESSION };

struct rule {
    const char *text; /* the configuration's */
    enum rule_kind kind;
    struct psv_bytes from; /* of PREFIX: without the star */
    struct psv_bytes to;   /* with its query */
    bool appends_rest;     /* TO had a star at its end, which is taken off */
    unsigned status;
    pcre2_code *code;
};

struct psv_route_rules {
    struct rule *rules;
    size_t len;
    bool is_redirect;
    pcre2_match_data *match_data;
    pcre2_match_context *match_context;
};

/* ---- reading */

static int refuse(const struct rule *rule, const char *option, const char *what, struct psv_error *reterr)
{
    return psv_error_set(reterr, PSV_EINVAL, "%s \"%s\": %s", option, rule->text, what);
}

static int compile(struct rule *rule, const char *option, struct psv_error *reterr)
{
    struct psv_bytes pattern = psv_bytes_from(rule->from, 1);
    char message[160];
    int error;
    PCRE2_SIZE at;

    rule->code =
        pcre2_compile((PCRE2_SPTR)pattern.data, pattern.len, PCRE2_NEVER_BACKSLASH_C, &error, &at, NULL);
    if (rule->code == NULL) {
        (void)pcre2_get_error_message(error, (PCRE2_UCHAR *)message, sizeof(message));
        return psv_error_set(reterr, PSV_EINVAL, "%s \"%s\": the expression is wrong at character %zu: %s",
                             option, rule->text, (size_t)at + 1, message);
    }
    (void)pcre2_jit_compile(rule->code, PCRE2_JIT_COMPLETE); /* without it the interpreter does it */
    return PSV_OK;
}

static int read_target(struct rule *rule, bool is_redirect, const char *option, struct psv_error *reterr)
{
    bool is_url = psv_bytes_starts_with(rule->to, PSV_BYTES("http://")) ||
                  psv_bytes_starts_with(rule->to, PSV_BYTES("https://"));

    if (!(is_redirect && is_url) && (rule->to.len == 0 || rule->to.data[0] != '/')) {
        return refuse(rule, option,
                      is_redirect ? "the second word is to begin with a slash, http:// or https://"
                                  : "the second word is to begin with a slash",
                      reterr);
    }
    for (size_t i = 0; i < rule->to.len; i++) {
        if (rule->to.data[i] <= ' ' || rule->to.data[i] >= 0x7f) {
            return refuse(rule, option, "the second word may hold printable ASCII only (%C3%A4 and the like)",
                          reterr);
        }
    }
    rule->appends_rest = rule->kind == PREFIX && rule->to.data[rule->to.len - 1] == '*';
    rule->to.len -= rule->appends_rest;
    return PSV_OK;
}

static int read_source(struct rule *rule, const char *option, struct psv_error *reterr)
{
    if (rule->from.len > 1 && rule->from.data[0] == '~') {
        rule->kind = EXPRESSION;
        return compile(rule, option, reterr);
    }
    if (rule->from.len == 0 || rule->from.data[0] != '/') {
        return refuse(rule, option, "the first word is a path with a slash in front, or ~ and an expression",
                      reterr);
    }
    if (rule->from.data[rule->from.len - 1] == '*') {
        rule->kind = PREFIX;
        rule->from.len--;
    }
    return PSV_OK;
}

static bool next_word(struct psv_bytes *rest, struct psv_bytes *ret)
{
    *rest = psv_bytes_trim(*rest);
    size_t end = psv_bytes_find(*rest, ' ');
    *ret = psv_bytes_first(*rest, end);
    *rest = psv_bytes_from(*rest, end);
    return ret->len > 0;
}

static int read_rule(struct rule *rule, const char *text, bool is_redirect, const char *option,
                     struct psv_error *reterr)
{
    struct psv_bytes rest = psv_bytes_of(text);
    struct psv_bytes status;
    uint64_t number = STATUS_DEFAULT;

    rule->text = text;
    if (!next_word(&rest, &rule->from) || !next_word(&rest, &rule->to)) {
        return refuse(rule, option,
                      is_redirect ? "two or three words are needed: FROM TO [STATUS]"
                                  : "two words are needed: FROM TO",
                      reterr);
    }
    if (next_word(&rest, &status)) {
        bool is_known = psv_parse_u64(status, &number) == 0 &&
                        (number == 301 || number == 302 || number == 303 || number == 307 || number == 308);
        if (!is_redirect || !is_known || psv_bytes_trim(rest).len > 0) {
            return refuse(rule, option,
                          is_redirect ? "the third word is a status: 301, 302, 303, 307 or 308"
                                      : "there are more than two words",
                          reterr);
        }
    }
    rule->status = (unsigned)number;
    int code = read_source(rule, option, reterr);
    return code == PSV_OK ? read_target(rule, is_redirect, option, reterr) : code;
}

int psv_route_rules_new(const struct psv_config_list *list, bool is_redirect, const char *option,
                        struct psv_route_rules **ret_rules, struct psv_error *reterr)
{
    *ret_rules = NULL;
    if (list->len == 0) {
        return PSV_OK;
    }
    struct psv_route_rules *rules = psv_calloc(1, sizeof(*rules));
    if (rules == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "out of memory");
    }
    rules->is_redirect = is_redirect;
    rules->rules = psv_calloc(list->len, sizeof(*rules->rules));
    rules->match_data = pcre2_match_data_create(CAPTURES_MAX, NULL);
    rules->match_context = pcre2_match_context_create(NULL);
    int code = rules->rules != NULL && rules->match_data != NULL && rules->match_context != NULL
                   ? PSV_OK
                   : psv_error_set(reterr, PSV_ENOMEM, "out of memory");
    for (; code == PSV_OK && rules->len < list->len; rules->len++) {
        code = read_rule(&rules->rules[rules->len], list->items[rules->len], is_redirect, option, reterr);
    }
    if (code != PSV_OK) {
        psv_route_rules_free(rules);
        return code;
    }
    (void)pcre2_set_match_limit(rules->match_context, MATCH_LIMIT);
    *ret_rules = rules;
    return PSV_OK;
}

struct psv_route_rules *psv_route_rules_free(struct psv_route_rules *rules)
{
    for (size_t i = 0; rules != NULL && rules->rules != NULL && i < rules->len; i++) {
        pcre2_code_free(rules->rules[i].code);
    }
    if (rules != NULL) {
        psv_free(rules->rules);
        pcre2_match_data_free(rules->match_data);
        pcre2_match_context_free(rules->match_context);
    }
    return psv_free(rules);
}

/* ---- using */

/* What TO's $1 or * stands for. */
struct match {
    struct psv_bytes captures[CAPTURES_MAX];
    size_t captures_len;
    struct psv_bytes rest;
};

static bool matches_expression(const struct psv_route_rules *rules, const struct rule *rule,
                               struct psv_bytes path, struct match *ret)
{
    int count = pcre2_match(rule->code, (PCRE2_SPTR)path.data, path.len, 0, 0, rules->match_data,
                            rules->match_context);

    if (count < 0) {
        return false; /* no match, or one that takes too long */
    }
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(rules->match_data);
    ret->captures_len = count == 0 ? CAPTURES_MAX : (size_t)count;
    for (size_t i = 0; i < ret->captures_len; i++) {
        bool is_set = ends[2 * i] != PCRE2_UNSET && ends[2 * i] <= ends[2 * i + 1];
        ret->captures[i] = is_set ? (struct psv_bytes){path.data + ends[2 * i], ends[2 * i + 1] - ends[2 * i]}
                                  : PSV_BYTES_EMPTY;
    }
    return true;
}

static bool matches(const struct psv_route_rules *rules, const struct rule *rule, struct psv_bytes path,
                    struct match *ret)
{
    *ret = (struct match){.captures_len = 0};
    switch (rule->kind) {
    case EXACT:
        return psv_bytes_equal(path, rule->from);
    case PREFIX:
        ret->rest = psv_bytes_from(path, rule->from.len);
        return psv_bytes_starts_with(path, rule->from);
    case EXPRESSION:
        return matches_expression(rules, rule, path, ret);
    }
    UNREACHABLE("kind of a rule");
}

struct writer {
    char *at;
    bool encodes; /* a location: what a path or query cannot hold as it is becomes %XX */
};

/* Holds in a path and in a query alike: what separates a query's fields, or is a blank there, does not. */
static bool is_plain(char byte)
{
    return psv_is_plain_in_path(byte) && byte != '&' && byte != '+' && byte != '=';
}

static void put(struct writer *writer, struct psv_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!writer->encodes || is_plain(text.data[i])) {
            *writer->at++ = text.data[i];
        } else {
            writer->at = psv_escape_encode(writer->at, text.data[i]);
        }
    }
}

/* TO with what it stands for filled in; what is TO's own is taken as it is. */
static void write_target(struct writer *writer, const struct rule *rule, const struct match *match)
{
    const struct psv_bytes to = rule->to;

    for (size_t i = 0; i < to.len; i++) {
        writer->encodes |= to.data[i] == '?'; /* no "&x=y" out of a path */
        if (rule->kind == EXPRESSION && to.data[i] == '$' && i + 1 < to.len &&
            psv_ascii_is_digit(to.data[i + 1])) {
            size_t number = (size_t)(to.data[++i] - '0');
            put(writer, number < match->captures_len ? match->captures[number] : PSV_BYTES_EMPTY);
        } else {
            *writer->at++ = to.data[i];
        }
    }
    if (rule->appends_rest) {
        put(writer, match->rest);
    }
}

static size_t size_of(const struct rule *rule, const struct match *match, struct psv_bytes query)
{
    size_t size = rule->to.len + match->rest.len * 3 + query.len * 3 + 2;
    size_t longest = 0;

    for (size_t i = 0; i < match->captures_len; i++) {
        longest = MAX(longest, match->captures[i].len);
    }
    for (size_t i = 0; i < rule->to.len; i++) {
        size += rule->to.data[i] == '$' ? longest * 3 : 0;
    }
    return size;
}

static void add_query(struct writer *writer, struct psv_bytes written, struct psv_bytes query)
{
    if (query.data == NULL) {
        return;
    }
    *writer->at++ = psv_bytes_find(written, '?') < written.len ? '&' : '?';
    writer->at = psv_escape_query(writer->at, query);
}

static bool change(const struct psv_route_rules *rules, const struct rule *rule, const struct match *match,
                   struct psv_arena *arena, struct psv_bytes query, struct psv_route_change *ret)
{
    char *text = psv_arena_alloc_text(arena, size_of(rule, match, query));
    struct writer writer = {.at = text, .encodes = rules->is_redirect};

    if (text == NULL) {
        return false;
    }
    write_target(&writer, rule, match);
    struct psv_bytes written = {text, (size_t)(writer.at - text)};
    add_query(&writer, written, query);
    written.len = (size_t)(writer.at - text);
    *ret = (struct psv_route_change){.rule = rule->text, .status = rule->status};
    /* "//host" would be another host's */
    while (written.len > 1 && written.data[0] == '/' && written.data[1] == '/') {
        written = psv_bytes_from(written, 1);
    }
    if (rules->is_redirect) {
        ret->location = written;
        return true;
    }
    size_t mark = psv_bytes_find(written, '?');
    ret->path = psv_bytes_first(written, mark);
    ret->query = mark < written.len ? psv_bytes_from(written, mark + 1) : PSV_BYTES_EMPTY;
    return true;
}

bool psv_route_rules_apply(const struct psv_route_rules *rules, struct psv_arena *arena,
                           struct psv_bytes path, struct psv_bytes query, struct psv_route_change *ret)
{
    struct match match;

    for (size_t i = 0; rules != NULL && i < rules->len; i++) {
        if (matches(rules, &rules->rules[i], path, &match)) {
            return change(rules, &rules->rules[i], &match, arena, query, ret);
        }
    }
    return false;
}
