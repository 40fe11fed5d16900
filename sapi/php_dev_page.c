/* The page for browsers; see php_dev_page.h.  No script, no outside resource.
 *
 * SPDX-License-Identifier: MIT */
#include "php_dev_page.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/macros.h"
#include "php_dev_report.h"
#include "php_dev_source.h"
#include "phpsrv/message.h"

/* Lines around the marked one. */
#define LINES_AROUND 8u
#define FRAME_LINES_AROUND 4u

static const char style[] =
    ":root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--text:#1c2330;--dim:#5d6778;--line:#dfe3ea;"
    "--accent:#c62828;--mark:#fde8e6;--code:#fbfbfd;--k:#7b2fb5;--v:#0b5cad;--s:#1d7a3c;--c:#6b7482;"
    "--n:#a8430a;--t:#a0174d;--h:#1c2330}"
    "@media(prefers-color-scheme:dark){:root{--bg:#14171c;--card:#1b2027;--text:#e4e8ee;--dim:#97a2b2;"
    "--line:#2e353f;--accent:#ff7b72;--mark:#47232a;--code:#161a20;--k:#d2a8ff;--v:#79c0ff;--s:#7ee787;"
    "--c:#8b96a5;--n:#ffab70;--t:#ff8fab;--h:#c9d1d9}}"
    "*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--text);"
    "font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}"
    "main{max-width:1100px;margin:0 auto;padding:24px 20px 48px}"
    "header{border-top:4px solid var(--accent);background:var(--card);border-radius:6px;"
    "padding:20px 24px;box-shadow:0 1px 3px #0002}"
    "h1{font-size:22px;line-height:1.35;margin:2px 0 12px;white-space:pre-wrap}"
    "h2{font-size:13px;text-transform:uppercase;letter-spacing:.07em;color:var(--dim);margin:32px 0 10px}"
    ".kind{color:var(--accent);font-weight:600}.where{font-family:ui-monospace,monospace;font-size:14px;"
    "color:var(--dim)}.where b{color:var(--text)}"
    "pre{margin:0;font:13px/1.6 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}"
    ".src{background:var(--code);border:1px solid var(--line);border-radius:6px;overflow-x:auto;"
    "padding:8px 0;margin-top:16px}.src pre{display:inline-block;min-width:100%;tab-size:4}"
    ".l{display:block;padding-right:16px}.l:before{content:attr(data-n);display:inline-block;width:56px;"
    "padding-right:14px;text-align:right;color:var(--dim);user-select:none}"
    ".m{background:var(--mark);box-shadow:inset 4px 0 "
    "var(--accent)}.m:before{color:var(--accent);font-weight:700}"
    ".k{color:var(--k)}.v{color:var(--v)}.s{color:var(--s)}.c{color:var(--c);font-style:italic}"
    ".n{color:var(--n)}.t{color:var(--t)}.h{color:var(--h)}"
    "details,.box{background:var(--card);border:1px solid var(--line);border-radius:6px;margin:6px 0}"
    "summary{padding:9px 14px;cursor:pointer}summary .fn{font-family:ui-monospace,monospace;font-size:14px}"
    "summary .where{display:block;padding-left:17px}.far{opacity:.82}"
    "details .src{margin:0 12px 12px}details p{margin:0 14px 12px;color:var(--dim)}"
    "summary:focus-visible{outline:2px solid var(--accent);outline-offset:-2px;border-radius:6px}"
    "table{width:100%;border-collapse:collapse;font-size:14px}td,th{text-align:left;vertical-align:top;"
    "padding:7px 14px;border-top:1px solid var(--line)}tr:first-child>*{border-top:0}"
    "th{width:210px;font-weight:500;color:var(--dim)}td{font-family:ui-monospace,monospace;font-size:13px}"
    ".mask{color:var(--dim);font-style:italic}footer{margin-top:32px;font-size:13px;color:var(--dim)}"
    "@media(max-width:600px){main{padding:12px 10px 32px}header{padding:16px}h1{font-size:19px}"
    ".l:before{width:40px;padding-right:10px}tr,td,th{display:block;width:auto}"
    "td{border-top:0;padding-top:0}th{padding-bottom:0}}";

struct page {
    struct psv_buffer *out;
    bool is_full;
};

static void put(struct page *page, const char *html)
{
    if (!page->is_full)
        page->is_full = psv_buffer_append(page->out, html, strlen(html)) != PSV_OK;
}

static void put_text(struct page *page, struct psv_bytes text)
{
    if (!page->is_full)
        page->is_full = !psv_dev_put_escaped(page->out, text);
}

static void put_cell(struct page *page, const char *name, struct psv_bytes value)
{
    put(page, "<tr><th>");
    put(page, name);
    put(page, "</th><td>");
    put_text(page, value);
    put(page, "</td></tr>");
}

PRINTF_LIKE(3, 4)
static void put_cell_format(struct page *page, const char *name, const char *format, ...)
{
    char text[200];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    put_cell(page, name, psv_bytes_of(text));
}

/* ---- places in files */

/* The document root's parent is left out of what is shown: paths are long and the rest says it all. */
static struct psv_bytes short_path(const struct psv_dev_report *report, struct psv_bytes path)
{
    struct psv_bytes root = report->message->document_root;
    struct psv_bytes parent = psv_bytes_first(root, psv_bytes_find_last(root, '/') + 1);
    if (parent.len > 1 && psv_bytes_starts_with(path, parent))
        return psv_bytes_from(path, parent.len);
    return path;
}

static void put_where(struct page *page, const struct psv_dev_report *report, struct psv_bytes file,
                      unsigned line)
{
    char number[16];
    struct psv_bytes path = short_path(report, file);
    size_t slash = psv_bytes_find_last(path, '/');
    size_t name_at = slash < path.len ? slash + 1 : 0;
    put(page, "<span class=\"where\" title=\"");
    put_text(page, file);
    put(page, "\">");
    put_text(page, psv_bytes_first(path, name_at));
    put(page, "<b>");
    put_text(page, psv_bytes_from(path, name_at));
    (void)snprintf(number, sizeof(number), ":%u", line);
    put(page, number);
    put(page, "</b></span>");
}

static bool put_source(struct page *page, struct psv_bytes file, unsigned line, unsigned around)
{
    struct psv_buffer source;
    bool is_there = line > 0 && psv_dev_read_source(file, &source);
    if (!is_there) {
        if (line > 0)
            psv_buffer_fini(&source);
        return false;
    }
    put(page, "<div class=\"src\" tabindex=\"0\"><pre>");
    if (!page->is_full)
        page->is_full = !psv_dev_highlight(page->out, psv_buffer_bytes(&source),
                                           line > around ? line - around : 1, line + around, line);
    put(page, "</pre></div>");
    psv_buffer_fini(&source);
    return true;
}

static bool is_foreign(struct psv_bytes file)
{
    static const char vendor[] = "/vendor/";
    return file.len == 0 || memmem(file.data, file.len, vendor, sizeof(vendor) - 1) != NULL;
}

static void put_frame(struct page *page, const struct psv_dev_report *report,
                      const struct psv_dev_frame *frame, bool is_open)
{
    put(page, is_foreign(frame->file) ? "<details class=\"far\"" : "<details");
    put(page, is_open ? " open><summary><span class=\"fn\">" : "><summary><span class=\"fn\">");
    put_text(page, frame->function);
    put(page, "</span>");
    if (frame->file.len > 0)
        put_where(page, report, frame->file, frame->line);
    else
        put(page, "<span class=\"where\">inside PHP</span>");
    put(page, "</summary>");
    if (!put_source(page, frame->file, frame->line, FRAME_LINES_AROUND))
        put(page, "<p>no source</p>");
    put(page, "</details>\n");
}

static void put_trace(struct page *page, const struct psv_dev_report *report,
                      const struct psv_dev_failure *failure, bool opens_first)
{
    char text[64];
    bool is_open = opens_first;
    for (unsigned i = 0; i < failure->frames_len; i++) {
        bool is_near = !is_foreign(failure->frames[i].file);
        put_frame(page, report, &failure->frames[i], is_open && is_near);
        is_open = is_open && !is_near;
    }
    if (failure->frames_left_out > 0) {
        (void)snprintf(text, sizeof(text), "<p>%u more calls are not shown.</p>", failure->frames_left_out);
        put(page, text);
    }
}

/* ---- parts of the page */

static void put_head(struct page *page, const struct psv_dev_failure *failure)
{
    put(page, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
              "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
              "<meta name=\"robots\" content=\"noindex\"><title>");
    put_text(page, failure->kind);
    put(page, ": ");
    put_text(page, psv_bytes_first(failure->text, 120));
    put(page, "</title><style>");
    put(page, style);
    put(page, "</style></head><body><main>\n");
}

static void put_failure(struct page *page, const struct psv_dev_report *report,
                        const struct psv_dev_failure *failure)
{
    char code[40];
    put(page, "<div class=\"kind\">");
    put_text(page, failure->kind);
    if (failure->code != 0) {
        (void)snprintf(code, sizeof(code), " (code %lld)", (long long)failure->code);
        put(page, code);
    }
    put(page, "</div><h1>");
    put_text(page, failure->text.len > 0 ? failure->text : PSV_BYTES("(no message)"));
    put(page, "</h1>");
    put_where(page, report, failure->file, failure->line);
}

static void put_previous(struct page *page, const struct psv_dev_report *report)
{
    for (unsigned i = 1; i < report->failures_len; i++) {
        const struct psv_dev_failure *failure = report->failures[i];
        put(page, i == 1 ? "<h2>Previous exceptions</h2>" : "");
        put(page, "<details><summary><span class=\"fn\"><span class=\"kind\">");
        put_text(page, failure->kind);
        put(page, "</span> ");
        put_text(page, failure->text);
        put(page, "</span>");
        put_where(page, report, failure->file, failure->line);
        put(page, "</summary>");
        (void)put_source(page, failure->file, failure->line, FRAME_LINES_AROUND);
        put(page, "<div style=\"padding:0 12px 6px\">");
        put_trace(page, report, failure, false);
        put(page, "</div></details>\n");
    }
}

static void put_notices(struct page *page, const struct psv_dev_report *report)
{
    char text[64];
    if (report->notices_len == 0)
        return;
    put(page, "<h2>Warnings and notices of this request</h2><div class=\"box\"><table>");
    for (unsigned i = 0; i < report->notices_len; i++) {
        const struct psv_dev_notice *notice = &report->notices[i];
        put(page, "<tr><th>");
        put_text(page, notice->kind);
        (void)snprintf(text, sizeof(text), " (%u times)", notice->count);
        put(page, notice->count > 1 ? text : "");
        put(page, "</th><td>");
        put_text(page, notice->text);
        put(page, "<br>");
        put_where(page, report, notice->file, notice->line);
        put(page, "</td></tr>");
    }
    put(page, "</table></div>\n");
}

static void put_names(struct page *page, const char *title, const struct psv_dev_names *names)
{
    if (names->len == 0)
        return;
    put(page, "<tr><th>");
    put(page, title);
    put(page, "</th><td>");
    for (unsigned i = 0; i < names->len; i++) {
        put(page, i > 0 ? ", " : "");
        put_text(page, names->items[i]);
    }
    put(page, names->left_out > 0 ? ", &hellip;</td></tr>" : "</td></tr>");
}

/* With its port, as the client has named it. */
static struct psv_bytes host_of(const struct psv_message *message)
{
    for (unsigned i = 0; i < message->fields_len; i++) {
        if (message->fields[i].id == PSV_FIELD_HOST)
            return message->fields[i].value;
    }
    return message->server_name;
}

static void put_request(struct page *page, const struct psv_dev_report *report)
{
    const struct psv_message *message = report->message;
    put(page, "<h2>Request</h2><div class=\"box\"><table><tr><th>");
    put_text(page, message->method);
    put(page, "</th><td>");
    put_text(page, message->scheme);
    put(page, "://");
    put_text(page, host_of(message));
    put_text(page, message->target);
    put(page, "</td></tr>");
    put_names(page, "$_GET", &report->get);
    put_names(page, "$_POST", &report->post);
    for (unsigned i = 0; i < message->fields_len; i++) {
        const struct psv_field *field = &message->fields[i];
        put(page, "<tr><th>");
        put_text(page, field->name);
        put(page, "</th><td>");
        if (psv_dev_is_secret_field(field->name))
            put(page, "<span class=\"mask\">not shown</span>");
        else
            put_text(page, field->value);
        put(page, "</td></tr>");
    }
    put(page, "</table></div>\n");
}

static void put_environment(struct page *page, const struct psv_dev_report *report)
{
    put(page, "<h2>Environment</h2><div class=\"box\"><table>");
    put_cell_format(page, "PHP", "%s", report->php_version);
    put_cell(page, "Script", report->message->script_filename);
    put_cell(page, "Request id", report->message->request_id);
    put_cell_format(page, "Worker", "%u", report->worker);
    put_cell_format(page, "Time until the error", "%.1f ms", (double)report->duration_us / 1000.0);
    put_cell_format(page, "Memory", "%.1f MiB (at most %.1f MiB)", (double)report->memory_bytes / 1048576.0,
                    (double)report->memory_peak_bytes / 1048576.0);
    put(page, "</table></div>\n");
}

void psv_dev_page_html(const struct psv_dev_report *report, struct psv_buffer *out)
{
    struct page page = {.out = out};
    const struct psv_dev_failure *failure = report->failures[0];
    put_head(&page, failure);
    put(&page, "<header>");
    put_failure(&page, report, failure);
    (void)put_source(&page, failure->file, failure->line, LINES_AROUND);
    put(&page, "</header>\n");
    if (failure->frames_len > 0) {
        put(&page, "<h2>Stack trace</h2>");
        put_trace(&page, report, failure, true);
    }
    put_previous(&page, report);
    put_notices(&page, report);
    put_request(&page, report);
    put_environment(&page, report);
    put(&page, "<footer>This page is shown because the server runs in development mode "
               "(<code>--dev</code>), which is not for production.</footer></main></body></html>\n");
}

void psv_dev_page_fragment(const struct psv_dev_report *report, struct psv_buffer *out)
{
    struct page page = {.out = out};
    struct psv_buffer text;
    /* out of whatever element the page has stopped in */
    put(&page,
        "\n</script></style></textarea></title></select></table><!-- --><div "
        "style=\"all:initial;display:block;"
        "margin:16px;padding:14px 16px;background:#fff;color:#1c2330;border:1px solid #c62828;"
        "border-left-width:6px;border-radius:6px;overflow-x:auto\"><pre style=\"font:13px/1.6 monospace;"
        "margin:0;white-space:pre-wrap;color:#1c2330\">");
    psv_buffer_init(&text, 256 * 1024);
    psv_dev_page_text(report, &text);
    put_text(&page, psv_buffer_bytes(&text));
    psv_buffer_fini(&text);
    put(&page, "</pre></div>\n");
}
