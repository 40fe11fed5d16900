/* The only C++ file: toml++ parses, this flattens the tree and hands it to C.  No exception leaves it. [boot]
 * SPDX-License-Identifier: MIT */
#include <algorithm>
#include <new>
#include <string>
#include <vector>

/* The build defines these for the whole folder; a lone compile of this file needs them as well. */
#ifndef TOML_HEADER_ONLY
#define TOML_HEADER_ONLY 1
#endif
#ifndef TOML_EXCEPTIONS
#define TOML_EXCEPTIONS 0
#endif
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

bool has_long_line(std::string_view text, unsigned *ret_line)
{
    unsigned line = 1;
    while (!text.empty()) {
        size_t len = std::min(text.find('\n'), text.size());
        if (len > line_bytes_max) {
            *ret_line = line;
            return true;
        }
        text.remove_prefix(std::min(len + 1, text.size()));
        line++;
    }
    return false;
}

int read(struct psv_bytes text, const char *name, psv_toml_visit_fn *visit, void *context,
         struct psv_error *reterr)
{
    std::string_view view(text.data != nullptr ? text.data : "", text.len);
    unsigned line = 0;
    if (has_long_line(view, &line)) {
        return psv_error_set(reterr, PSV_ELIMIT, "%s:%u: the line is longer than %zu bytes", name, line,
                             line_bytes_max);
    }
    toml::parse_result parsed = toml::parse(view);
    if (parsed.failed()) {
        const toml::parse_error &error = parsed.error();
        std::string_view description = error.description();
        return psv_error_set(reterr, PSV_ESYNTAX, "%s:%u:%u: malformed TOML: %.*s", name,
                             unsigned(error.source().begin.line), unsigned(error.source().begin.column),
                             int(std::min<size_t>(description.size(), 300)), description.data());
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
