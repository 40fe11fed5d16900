/* The only C++ file: toml++ parses, this flattens the tree and hands it to C.  No exception leaves it. [boot]
 * SPDX-License-Identifier: MIT */
#include <algorithm>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/* The build defines these for the whole folder; a lone compile of this file needs them as well. */
#ifndef TOML_HEADER_ONLY
#define TOML_HEADER_ONLY 1
#endif
#ifndef TOML_EXCEPTIONS
#define TOML_EXCEPTIONS 0
#endif

/* toml++ 3.3 asserts that a key begins properly before it looks, so that "[" alone on a line aborts, and with
 * NDEBUG the assertion becomes an assumption of the optimiser. Here it stays a check in every build: that one
 * is left to the parser's own sentence, which comes right after; any other ends the reading. */
#undef NDEBUG
static void on_failed_assertion(std::string_view what)
{
    if (what != "is_bare_key_character(*cp) || is_string_delimiter(*cp)") {
        throw std::logic_error("toml++");
    }
}
#define TOML_ASSERT(expression) ((expression) ? static_cast<void>(0) : on_failed_assertion(#expression))
#include <toml++/toml.h>

#include "toml_reader.h"

namespace
{

/* Sections and names are two levels; more is a mistake that is worth a sentence, but not a deep recursion.
 * toml++ itself limits nested values, but not dotted keys: a line that is long enough to nest dangerously is
 * refused before it is parsed. */
constexpr unsigned depth_max = 8;
constexpr size_t line_bytes_max = 8192;

struct item {
    std::string path;
    const toml::key *key;
    const toml::node *node;
};

bool is_bare(std::string_view key)
{
    return !key.empty() && std::all_of(key.begin(), key.end(), [](unsigned char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
               c == '-';
    });
}

/* False when it is nested too deeply. */
bool collect(const toml::table &table, const std::string &prefix, unsigned depth, std::vector<item> &items)
{
    if (depth > depth_max) {
        return false;
    }
    for (const auto &[key, node] : table) {
        std::string path = prefix;
        path += is_bare(key.str()) ? std::string(key.str()) : "'" + std::string(key.str()) + "'";
        items.push_back({path, &key, &node});
        const toml::table *inner = node.as_table();
        if (inner != nullptr && !collect(*inner, path + ".", depth + 1, items)) {
            return false;
        }
    }
    return true;
}

psv_toml_kind kind_of(const toml::node &node)
{
    switch (node.type()) {
    case toml::node_type::table:
        return PSV_TOML_TABLE;
    case toml::node_type::array:
        return PSV_TOML_LIST;
    case toml::node_type::string:
        return PSV_TOML_TEXT;
    case toml::node_type::integer:
        return PSV_TOML_INTEGER;
    case toml::node_type::floating_point:
        return PSV_TOML_FLOAT;
    case toml::node_type::boolean:
        return PSV_TOML_BOOL;
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time:
    case toml::node_type::none:
        break;
    }
    return PSV_TOML_TIME;
}

psv_toml_value convert(const toml::node &node)
{
    psv_toml_value value = {};
    value.kind = kind_of(node);
    value.line = node.source().begin.line;
    value.column = node.source().begin.column;
    if (const auto *text = node.as_string()) {
        value.text = {text->get().data(), text->get().size()};
    } else if (const auto *integer = node.as_integer()) {
        value.integer = integer->get();
    } else if (const auto *flag = node.as_boolean()) {
        value.flag = flag->get();
    } else if (const auto *table = node.as_table()) {
        value.len = table->size();
    }
    return value;
}

int show(const std::vector<item> &items, psv_toml_visit_fn *visit, void *context)
{
    for (const item &item : items) {
        psv_toml_value value = convert(*item.node);
        value.key_line = item.key->source().begin.line;
        value.key_column = item.key->source().begin.column;
        std::vector<psv_toml_value> list;
        if (const toml::array *array = item.node->as_array()) {
            for (const toml::node &element : *array) {
                list.push_back(convert(element));
            }
            value.items = list.data();
            value.len = list.size();
        }
        int result = visit({item.path.data(), item.path.size()}, &value, context);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

bool comes_before(const item &a, const item &b)
{
    const toml::source_position &left = a.node->source().begin;
    const toml::source_position &right = b.node->source().begin;
    return left < right;
}

/* Looks for what toml++ 3.3 does not take well, before it sees it: overlong lines, control characters, and
 * characters beyond ASCII outside of texts and comments (there it leaves the defined behaviour).  TOML allows
 * none of the last two. */
class scanner
{
  public:
    scanner(std::string_view whole, const char *file, struct psv_error *error)
        : text(whole), name(file), reterr(error)
    {
        if (text.substr(0, 3) == "\xef\xbb\xbf") {
            at = 3; /* byte order mark */
        }
    }

    int scan()
    {
        int result = 0;
        while (at < text.size() && result == 0) {
            result = check_byte();
            at += quote == 0 ? outside() : inside();
        }
        return result;
    }

  private:
    std::string_view text;
    const char *name;
    struct psv_error *reterr;
    size_t at = 0;
    size_t line_begin = 0;
    unsigned line = 1;
    char quote =
        0; /* what ends the text or comment that we are in: ", ' or the newline of a comment; 0 = in none */
    bool is_multi_line = false;

    bool has_triple(char c) const
    {
        return text.substr(at, 3) == std::string(3, c);
    }

    int check_byte()
    {
        unsigned char c = static_cast<unsigned char>(text[at]);
        if (c == '\n') {
            line++;
            line_begin = at + 1;
            return 0;
        }
        if (at - line_begin >= line_bytes_max) {
            return psv_error_set(reterr, PSV_ELIMIT, "%s:%u: the line is longer than %zu bytes", name, line,
                                 line_bytes_max);
        }
        bool is_line_end = c == '\r' && at + 1 < text.size() && text[at + 1] == '\n';
        if ((c < 0x20 && c != '\t' && !is_line_end) || c == 0x7f) {
            return refuse("control character", c);
        }
        if (quote == 0 && c >= 0x80) {
            return refuse("byte outside of a text", c);
        }
        return quote == 0 && (c == '"' || c == '\'') && !may_begin_text() ? refuse("quote within a word", c)
                                                                          : 0;
    }

    /* toml++ reads on through a word such as 1'2' without taking it for a text. */
    bool may_begin_text() const
    {
        return at == 0 || std::string_view(" \t\r\n=,[{.\xbf").find(text[at - 1]) != std::string_view::npos;
    }

    int refuse(const char *what, unsigned char c)
    {
        return psv_error_set(reterr, PSV_ESYNTAX, "%s:%u:%zu: malformed TOML: %s \\x%02x", name, line,
                             at - line_begin + 1, what, c);
    }

    /* Both return how many bytes are done with. */
    size_t outside()
    {
        char c = text[at];
        if (c != '"' && c != '\'' && c != '#') {
            return 1;
        }
        quote = c == '#' ? '\n' : c;
        is_multi_line = c != '#' && has_triple(c);
        return is_multi_line ? 3 : 1;
    }

    size_t inside()
    {
        char c = text[at];
        if (c == '\\' && quote == '"' && at + 1 < text.size() &&
            (text[at + 1] == '"' || text[at + 1] == '\\')) {
            return 2;
        }
        if (!is_multi_line) {
            quote = c == quote || c == '\n' ? 0 : quote;
            return 1;
        }
        if (!has_triple(quote)) {
            return 1;
        }
        /* Up to two quotes may stand before the closing three. */
        size_t len = 3;
        while (len < 5 && at + len < text.size() && text[at + len] == quote) {
            len++;
        }
        quote = 0;
        return len;
    }
};

/* toml++ quotes what it saw, newlines included. */
std::string one_line(std::string_view description)
{
    std::string result(description.substr(0, 300));
    std::replace_if(
        result.begin(), result.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
    return result;
}

int read(struct psv_bytes text, const char *name, psv_toml_visit_fn *visit, void *context,
         struct psv_error *reterr)
{
    std::string_view view(text.data != nullptr ? text.data : "", text.len);
    int result = scanner(view, name, reterr).scan();
    if (result != 0) {
        return result;
    }
    toml::parse_result parsed = toml::parse(view);
    if (parsed.failed()) {
        const toml::parse_error &error = parsed.error();
        return psv_error_set(reterr, PSV_ESYNTAX, "%s:%u:%u: malformed TOML: %s", name,
                             unsigned(error.source().begin.line), unsigned(error.source().begin.column),
                             one_line(error.description()).c_str());
    }
    std::vector<item> items;
    if (!collect(parsed.table(), "", 1, items)) {
        return psv_error_set(reterr, PSV_ELIMIT, "%s: keys are nested more than %u levels deep", name,
                             depth_max);
    }
    std::stable_sort(items.begin(), items.end(), comes_before);
    return show(items, visit, context);
}

} // namespace

extern "C" int psv_toml_read(struct psv_bytes text, const char *name, psv_toml_visit_fn *visit, void *context,
                             struct psv_error *reterr)
{
    try {
        return read(text, name, visit, context, reterr);
    } catch (const std::bad_alloc &) {
        return psv_error_set(reterr, PSV_ENOMEM, "%s: out of memory", name);
    } catch (...) {
        return psv_error_set(reterr, PSV_ESYNTAX, "%s: cannot be read", name);
    }
}

#define VERSION_TEXT_(a, b, c) #a "." #b "." #c
#define VERSION_TEXT(a, b, c) VERSION_TEXT_(a, b, c)

const char *psv_toml_library_version(void)
{
    return VERSION_TEXT(TOML_LIB_MAJOR, TOML_LIB_MINOR, TOML_LIB_PATCH);
}
