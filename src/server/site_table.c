/* See site_table.h.
 *
 * SPDX-License-Identifier: MIT */
#include "site_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "config/config.h"

/* The longest name that DNS knows (RFC 1035 2.3.4). */
#define HOST_BYTES_MAX 253

struct psv_site_row {
    struct psv_bytes prefix; /* empty: a whole site */
    size_t site;             /* number of the whole site: its own, or of the one around */
    size_t prefixes_at;      /* in the table's prefixes */
    size_t prefixes_len;
};

static const struct psv_config_list *hosts_of(const struct psv_config_loaded *loaded, size_t number)
{
    return number == 0 ? &loaded->config.site.hosts : &loaded->scopes[number - 1].config.site.hosts;
}

static bool is_site(const struct psv_config_loaded *loaded, size_t number)
{
    return number == 0 || loaded->scopes[number - 1].prefix[0] == '\0';
}

static int add_hosts(struct psv_site_table *table, const struct psv_config_loaded *loaded)
{
    size_t text_bytes = 0;
    size_t len = 0;

    for (size_t number = 0; number <= loaded->scopes_len; number++) {
        const struct psv_config_list *hosts = hosts_of(loaded, number);
        for (size_t i = 0; is_site(loaded, number) && i < hosts->len; i++) {
            text_bytes += strlen(hosts->items[i]);
            len++;
        }
    }
    psv_map_init(&table->hosts, len);
    table->text = psv_malloc(text_bytes + 1);
    if (table->text == NULL) {
        return PSV_ENOMEM;
    }
    char *text = table->text;
    for (size_t number = 0; number <= loaded->scopes_len; number++) {
        const struct psv_config_list *hosts = hosts_of(loaded, number);
        for (size_t i = 0; is_site(loaded, number) && i < hosts->len; i++) {
            const char *host = hosts->items[i] + (hosts->items[i][0] == '*');
            struct psv_bytes key = {text, strlen(host)};
            for (; *host != '\0'; host++) {
                *text++ = psv_ascii_lower(*host);
            }
            int code = psv_map_put(&table->hosts, key, &table->rows[number], NULL);
            if (code != PSV_OK) {
                return code;
            }
        }
    }
    return PSV_OK;
}

static int compare_longest_first(const void *a, const void *b, void *context)
{
    const struct psv_site_row *rows = context;
    size_t left = rows[*(const size_t *)a].prefix.len;
    size_t right = rows[*(const size_t *)b].prefix.len;

    return left < right ? 1 : left > right ? -1 : 0;
}

static void add_prefixes(struct psv_site_table *table, const struct psv_config_loaded *loaded)
{
    size_t at = 0;

    for (size_t number = 0; number <= loaded->scopes_len; number++) {
        struct psv_site_row *row = &table->rows[number];
        row->prefixes_at = at;
        row->site = is_site(loaded, number) ? number : loaded->scopes[number - 1].around;
        for (size_t i = 0; is_site(loaded, number) && i < loaded->scopes_len; i++) {
            const struct psv_config_scope *scope = &loaded->scopes[i];
            if (scope->prefix[0] != '\0' && scope->around == number) {
                table->rows[i + 1].prefix = psv_bytes_of(scope->prefix);
                table->prefixes[at++] = i + 1;
            }
        }
        row->prefixes_len = at - row->prefixes_at;
        qsort_r(table->prefixes + row->prefixes_at, row->prefixes_len, sizeof(*table->prefixes),
                compare_longest_first, table->rows);
    }
}

int psv_site_table_init(struct psv_site_table *table, const struct psv_config_loaded *loaded,
                        struct psv_error *reterr)
{
    *table = (struct psv_site_table){.has_hosts = loaded->config.site.hosts.len > 0};
    table->is_single = loaded->scopes_len == 0 && !table->has_hosts;
    table->rows = psv_calloc(loaded->scopes_len + 1, sizeof(*table->rows));
    table->prefixes = psv_calloc(loaded->scopes_len + 1, sizeof(*table->prefixes));
    if (table->rows == NULL || table->prefixes == NULL || add_hosts(table, loaded) != PSV_OK) {
        psv_site_table_fini(table);
        return psv_error_set(reterr, PSV_ENOMEM, "no memory for the table of %zu sites", loaded->scopes_len);
    }
    add_prefixes(table, loaded);
    return PSV_OK;
}

void psv_site_table_fini(struct psv_site_table *table)
{
    psv_map_fini(&table->hosts);
    psv_free(table->rows);
    psv_free(table->prefixes);
    psv_free(table->text);
    *table = (struct psv_site_table){.is_single = true};
}

static const struct psv_site_row *find_host(const struct psv_site_table *table, struct psv_bytes host)
{
    char lower[HOST_BYTES_MAX];

    if (host.len > 0 && host.data[host.len - 1] == '.') {
        host.len--;
    }
    if (host.len > sizeof(lower)) {
        return NULL;
    }
    for (size_t i = 0; i < host.len; i++) {
        lower[i] = psv_ascii_lower(host.data[i]);
    }
    struct psv_bytes name = {lower, host.len};
    const struct psv_site_row *row = psv_map_find(&table->hosts, name);
    while (row == NULL && name.len > 0) {
        name = psv_bytes_from(name, 1);
        name = psv_bytes_from(name, psv_bytes_find(name, '.'));
        row = name.len > 0 ? psv_map_find(&table->hosts, name) : NULL;
    }
    return row;
}

static bool is_below(struct psv_bytes path, struct psv_bytes prefix)
{
    return psv_bytes_starts_with(path, prefix) && (path.len == prefix.len || path.data[prefix.len] == '/');
}

bool psv_site_table_find(const struct psv_site_table *table, struct psv_bytes host, struct psv_bytes path,
                         size_t *ret_number)
{
    *ret_number = 0;
    if (table->is_single) {
        return true;
    }
    const struct psv_site_row *row = table->hosts.len > 0 ? find_host(table, host) : NULL;
    if (row == NULL) {
        if (table->has_hosts) {
            return false;
        }
        row = &table->rows[0];
    }
    *ret_number = (size_t)(row - table->rows);
    for (size_t i = 0; i < row->prefixes_len; i++) {
        size_t number = table->prefixes[row->prefixes_at + i];
        if (is_below(path, table->rows[number].prefix)) {
            *ret_number = number;
            break;
        }
    }
    return true;
}

size_t psv_site_table_site_of(const struct psv_site_table *table, size_t number)
{
    return table->rows[number].site;
}

size_t psv_site_table_find_seen(const struct psv_site_table *table, size_t site, struct psv_bytes path,
                                enum psv_path_view view)
{
    const struct psv_site_row *row = &table->rows[site];

    for (size_t i = 0; i < row->prefixes_len; i++) { /* the longest first */
        size_t number = table->prefixes[row->prefixes_at + i];
        if (psv_path_is_below(path, table->rows[number].prefix, view)) {
            return number;
        }
    }
    return site;
}
