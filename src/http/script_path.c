/* Script candidates of a path and names that are never served as files.  Pure; any thread.
 *
 * SPDX-License-Identifier: MIT */
#include "script_path.h"

#include "base/macros.h"

#define SUFFIX PSV_BYTES(".php")

/* segment has no slash. */
static bool names_script(struct psv_bytes segment)
{
    struct psv_bytes end;

    /* ".php" alone is a hidden file, not a script */
    if (segment.len <= SUFFIX.len) {
        return false;
    }
    end = psv_bytes_from(segment, segment.len - SUFFIX.len);
    return psv_bytes_equal(end, SUFFIX);
}

/* The segment that begins at offset. */
static struct psv_bytes segment_at(struct psv_bytes path, size_t offset)
{
    struct psv_bytes rest = psv_bytes_from(path, offset);

    return psv_bytes_first(rest, psv_bytes_find(rest, '/'));
}

bool psv_script_path_next(struct psv_bytes path, size_t *position, struct psv_bytes *ret_script,
                          struct psv_bytes *ret_path_info)
{
    /* *position: the slash before the next segment to look at */
    while (*position < path.len) {
        struct psv_bytes segment = segment_at(path, *position + 1);
        size_t end = *position + 1 + segment.len;

        *position = end;
        if (names_script(segment)) {
            *ret_script = psv_bytes_first(path, end);
            *ret_path_info = end < path.len ? psv_bytes_from(path, end) : PSV_BYTES_EMPTY;
            return true;
        }
    }
    return false;
}

bool psv_path_is_hidden(struct psv_bytes path)
{
    for (size_t at = 1; at < path.len; at++) {
        bool begins_with_dot = path.data[at] == '.' && (at == 1 || path.data[at - 1] == '/');
        if (begins_with_dot &&
            !(at == 1 && psv_bytes_equal(segment_at(path, at), PSV_BYTES(".well-known")))) {
            return true;
        }
    }
    return false;
}

/* Endings that editors, packagers and careful people put behind a name. */
static const struct psv_bytes copy_suffixes[] = {
    PSV_BYTES_INIT("~"),          PSV_BYTES_INIT("#"),         PSV_BYTES_INIT(".bak"),
    PSV_BYTES_INIT(".backup"),    PSV_BYTES_INIT(".copy"),     PSV_BYTES_INIT(".dist"),
    PSV_BYTES_INIT(".dpkg-dist"), PSV_BYTES_INIT(".dpkg-new"), PSV_BYTES_INIT(".dpkg-old"),
    PSV_BYTES_INIT(".old"),       PSV_BYTES_INIT(".orig"),     PSV_BYTES_INIT(".rej"),
    PSV_BYTES_INIT(".rpmnew"),    PSV_BYTES_INIT(".rpmsave"),  PSV_BYTES_INIT(".sample"),
    PSV_BYTES_INIT(".save"),      PSV_BYTES_INIT(".swn"),      PSV_BYTES_INIT(".swo"),
    PSV_BYTES_INIT(".swp"),       PSV_BYTES_INIT(".tmp"),
};

/* ".1", or ".~1" of the "x.php.~1~" that numbering editors leave behind. */
static size_t number_suffix_len(struct psv_bytes name)
{
    size_t dot = psv_bytes_find_last(name, '.');
    struct psv_bytes number = psv_bytes_from(name, dot + 1);

    if (number.len > 0 && number.data[0] == '~') {
        number = psv_bytes_from(number, 1);
    }
    for (size_t i = 0; i < number.len; i++) {
        if (!psv_ascii_is_digit(number.data[i])) {
            return 0;
        }
    }
    return number.len > 0 ? name.len - dot : 0;
}

static struct psv_bytes without_copy_suffix(struct psv_bytes name)
{
    for (size_t i = 0; i < ARRAY_SIZE(copy_suffixes); i++) {
        if (psv_bytes_ends_with_case(name, copy_suffixes[i])) {
            return psv_bytes_first(name, name.len - copy_suffixes[i].len);
        }
    }
    return psv_bytes_first(name, name.len - number_suffix_len(name));
}

/* extension comes without its dot: php, php followed by digits, and the other names under which PHP is
 * known to run. */
static bool is_script_extension(struct psv_bytes extension)
{
    static const struct psv_bytes others[] = {
        PSV_BYTES_INIT("inc"), PSV_BYTES_INIT("phar"), PSV_BYTES_INIT("phps"),
        PSV_BYTES_INIT("pht"), PSV_BYTES_INIT("phpt"), PSV_BYTES_INIT("phtml"),
    };

    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        if (psv_bytes_equal_case(extension, others[i])) {
            return true;
        }
    }
    if (!psv_bytes_equal_case(psv_bytes_first(extension, 3), PSV_BYTES("php"))) {
        return false;
    }
    for (size_t i = 3; i < extension.len; i++) {
        if (!psv_ascii_is_digit(extension.data[i])) {
            return false;
        }
    }
    return true;
}

bool psv_path_is_script_source(struct psv_bytes path)
{
    size_t slash = psv_bytes_find_last(path, '/');
    struct psv_bytes name = slash < path.len ? psv_bytes_from(path, slash + 1) : path;

    /* ends because every round but the last makes the name shorter */
    for (;;) {
        size_t dot = psv_bytes_find_last(name, '.');
        struct psv_bytes original;

        if (dot < name.len && is_script_extension(psv_bytes_from(name, dot + 1))) {
            return true;
        }
        original = without_copy_suffix(name);
        if (original.len == name.len) {
            return false;
        }
        name = original;
    }
}
