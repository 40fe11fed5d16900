/* See html_scan.h.  As much of the standard's tokenizer (WHATWG HTML 13.2.5) as is needed to tell a tag from
 * what only looks like one.
 *
 * SPDX-License-Identifier: MIT */
#include "html_scan.h"

enum state {
    TEXT,
    TAG_OPEN, /* after "<" */
    TAG_NAME,
    TAG,         /* after the name, up to ">" */
    DECLARATION, /* after "<!" */
    BOGUS,       /* what the standard takes for a comment, up to ">" */
    COMMENT,
    RAW, /* in a script and the like */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static struct psv_bytes name_of(const struct psv_html_scan *scan)
{
    return (struct psv_bytes){scan->name, scan->name_len};
}

static bool has_raw_text(const struct psv_html_scan *scan)
{
    static const struct psv_bytes names[] = {PSV_BYTES_INIT("script"),   PSV_BYTES_INIT("style"),
                                             PSV_BYTES_INIT("textarea"), PSV_BYTES_INIT("title"),
                                             PSV_BYTES_INIT("xmp"),      PSV_BYTES_INIT("iframe")};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !scan->is_end_tag; i++) {
        if (psv_bytes_equal(name_of(scan), names[i])) {
            return true;
        }
    }
    return false;
}

static void begin_tag(struct psv_html_scan *scan)
{
    scan->state = TAG_OPEN;
    scan->is_end_tag = false;
    scan->name_len = 0;
    scan->quote = '\0';
    scan->previous = '\0';
}

static void end_tag(struct psv_html_scan *scan)
{
    scan->matched = 0;
    scan->state = has_raw_text(scan) ? RAW : TEXT;
}

static void on_tag_open(struct psv_html_scan *scan, char c)
{
    if (is_letter(c)) {
        scan->name[scan->name_len++] = psv_ascii_lower(c);
        scan->state = TAG_NAME;
    } else if (c == '/' && !scan->is_end_tag) {
        scan->is_end_tag = true;
    } else if (c == '!' && !scan->is_end_tag) {
        scan->state = DECLARATION;
        scan->matched = 0;
    } else if (scan->is_end_tag || c == '?') {
        scan->state = c == '>' ? TEXT : BOGUS;
    } else if (c == '<') {
        begin_tag(scan);
    } else {
        scan->state = TEXT;
    }
}

static void on_tag(struct psv_html_scan *scan, char c)
{
    if (scan->quote != '\0') {
        scan->quote = c == scan->quote ? '\0' : scan->quote;
    } else if ((c == '"' || c == '\'') && scan->previous == '=') {
        scan->quote = c;
    } else if (c == '>') {
        end_tag(scan);
    }
    scan->previous = is_blank(c) ? scan->previous : c;
}

static void on_tag_name(struct psv_html_scan *scan, char c)
{
    if (is_blank(c) || c == '/' || c == '>') {
        scan->state = TAG;
        on_tag(scan, c);
    } else if (scan->name_len < sizeof(scan->name)) {
        scan->name[scan->name_len++] = psv_ascii_lower(c);
    }
}

static void on_declaration(struct psv_html_scan *scan, char c)
{
    if (c == '-') {
        if (++scan->matched == 2) {
            scan->state = COMMENT; /* and "<!-->" is a whole one */
        }
    } else {
        scan->state = c == '>' ? TEXT : BOGUS;
    }
}

static void on_comment(struct psv_html_scan *scan, char c)
{
    if (c == '>' && scan->matched >= 2) {
        scan->state = TEXT;
    } else {
        scan->matched = c == '-' ? scan->matched + 1 : 0;
    }
}

/* Up to "</" and the same name. */
static void on_raw(struct psv_html_scan *scan, char c)
{
    char expected = scan->matched == 0 ? '<' : scan->matched == 1 ? '/' : scan->name[scan->matched - 2];
    if (psv_ascii_lower(c) != expected) {
        scan->matched = c == '<' ? 1 : 0;
    } else if (++scan->matched == scan->name_len + 2) {
        scan->state = TAG;
        scan->is_end_tag = true;
        scan->quote = '\0';
    }
}

static void step(struct psv_html_scan *scan, char c)
{
    switch ((enum state)scan->state) {
    case TEXT:
        if (c == '<') {
            begin_tag(scan);
        }
        break;
    case TAG_OPEN:
        on_tag_open(scan, c);
        break;
    case TAG_NAME:
        on_tag_name(scan, c);
        break;
    case TAG:
        on_tag(scan, c);
        break;
    case DECLARATION:
        on_declaration(scan, c);
        break;
    case BOGUS:
        scan->state = c == '>' ? TEXT : BOGUS;
        break;
    case COMMENT:
        on_comment(scan, c);
        break;
    case RAW:
        on_raw(scan, c);
        break;
    }
}

/* How many of the last bytes may belong to the tag that is looked for. */
static size_t pending_of(const struct psv_html_scan *scan)
{
    if (scan->state == TAG_OPEN) {
        return scan->is_end_tag ? 2 : 1;
    }
    bool may_be = scan->state == TAG_NAME && scan->is_end_tag && scan->name_len <= 4 &&
                  psv_bytes_starts_with(PSV_BYTES("body"), name_of(scan));
    return may_be ? 2 + scan->name_len : 0;
}

int64_t psv_html_scan(struct psv_html_scan *scan, struct psv_bytes portion)
{
    for (size_t i = 0; i < portion.len; i++) {
        bool was_body = scan->pending == PSV_HTML_SCAN_PENDING_MAX;
        step(scan, portion.data[i]);
        if (was_body && scan->state != TAG_NAME) {
            return (int64_t)i - PSV_HTML_SCAN_PENDING_MAX;
        }
        scan->pending = pending_of(scan);
    }
    return PSV_HTML_SCAN_NONE;
}
