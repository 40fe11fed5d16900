/* Fuzz target of http/script_path.c.  Input: a decoded path without its first slash.  Oracles: a naive
 * count of candidates agrees; script and path_info make up the path; upper case and an editor's copy do not
 * make a source servable.
 *
 * SPDX-License-Identifier: MIT */
#include "http_oracle.h"

#include "http/script_path.h"

/* ".php" behind a byte that is no slash, before a slash or the end. */
static unsigned count_naively(const char *path, size_t len)
{
    unsigned count = 0;
    for (size_t i = 2; i + 4 <= len; i++)
        count +=
            memcmp(path + i, ".php", 4) == 0 && path[i - 1] != '/' && (i + 4 == len || path[i + 4] == '/');
    return count;
}

static bool is_hidden_naively(const char *path, size_t len)
{
    for (size_t i = 1; i < len; i++) {
        if (path[i] == '.' && path[i - 1] == '/') {
            bool is_known = i == 1 && len >= 12 && memcmp(path, "/.well-known", 12) == 0 &&
                            (len == 12 || path[12] == '/');
            if (!is_known)
                return true;
        }
    }
    return false;
}

static void check_candidates(struct psv_bytes path)
{
    struct psv_bytes script;
    struct psv_bytes path_info;
    size_t position = 0;
    size_t previous = 0;
    unsigned count = 0;

    while (psv_script_path_next(path, &position, &script, &path_info)) {
        ORACLE(script.data == path.data && script.len > previous && script.len + path_info.len == path.len);
        ORACLE(path_info.len == 0 || (path_info.data == path.data + script.len && path_info.data[0] == '/'));
        ORACLE((path_info.data == NULL) == (path_info.len == 0));
        ORACLE(psv_path_is_script_source(script));
        previous = script.len;
        count++;
    }
    ORACLE(count == count_naively(path.data, path.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 2);
    struct psv_bytes path = {text, size + 1};

    text[0] = '/';
    if (size > 0)
        memcpy(text + 1, data, size);
    check_candidates(path);
    ORACLE(psv_path_is_hidden(path) == is_hidden_naively(text, path.len));

    bool is_source = psv_path_is_script_source(path);
    text[path.len] = '~';
    if (is_source)
        ORACLE(psv_path_is_script_source((struct psv_bytes){text, path.len + 1}));
    for (size_t i = 0; i < path.len; i++)
        text[i] = psv_ascii_upper(text[i]);
    ORACLE(psv_path_is_script_source(path) == is_source);
    free(text);
    return 0;
}
