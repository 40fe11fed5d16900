/* getenv(), putenv() and their relatives in place of the C library's; see php_environment.h.
 *
 * The process's own environment is not changed while threads run, and may be read without a lock.  A thread's
 * copy is a list of pointers into it, to PHP's own strings (PHP takes them back at the end of the request),
 * and to texts of ours.
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_environment.h"

#include <dlfcn.h>
#include <errno.h>
#include <spawn.h>
#include <stdio.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"

#define VISIBLE __attribute__((visibility("default")))
/* A single argument of a program may not be longer (Linux: 128 KiB). */
#define COMMAND_MAX (128 * 1024 - 1)

struct own_text {
    struct own_text *next;
    char text[];
};

/* Of one thread. */
struct own_environment {
    char **items; /* ends with NULL; NULL: nothing was changed */
    size_t items_len;
    size_t items_max;
    struct own_text *texts; /* of setenv() */
};

static _Thread_local struct own_environment own;
static _Thread_local bool has_own;
static void (*import_process_environment)(zval *array);

/* Its name is this one? */
static bool is_named(const char *item, const char *name, size_t name_len)
{
    return strncmp(item, name, name_len) == 0 && item[name_len] == '=';
}

static char **find_item(char **items, const char *name, size_t name_len)
{
    for (; items != NULL && *items != NULL; items++) {
        if (is_named(*items, name, name_len))
            return items;
    }
    return NULL;
}

static int reserve(size_t items_max)
{
    if (items_max <= own.items_max)
        return 0;
    char **items = psv_realloc(own.items, sizeof(*items) * items_max);
    if (items == NULL) {
        errno = ENOMEM;
        return -1;
    }
    own.items = items;
    own.items_max = items_max;
    return 0;
}

/* The thread's copy, with room for one more; -1 with errno. */
static int prepare(void)
{
    if (own.items != NULL)
        return reserve(own.items_len + 2);
    size_t len = 0;
    while (environ != NULL && environ[len] != NULL)
        len++;
    if (reserve(len + 16) != 0)
        return -1;
    if (len > 0)
        memcpy(own.items, environ, sizeof(*own.items) * len);
    own.items[len] = NULL;
    own.items_len = len;
    return 0;
}

static void put(char *item, size_t name_len)
{
    char **found = find_item(own.items, item, name_len);
    if (found != NULL) {
        *found = item;
        return;
    }
    own.items[own.items_len++] = item;
    own.items[own.items_len] = NULL;
}

static void take_away(const char *name, size_t name_len)
{
    char **found;
    while ((found = find_item(own.items, name, name_len)) != NULL) {
        memmove(found, found + 1, sizeof(*found) * (own.items_len - (size_t)(found - own.items)));
        own.items_len--;
    }
}

static bool is_name(const char *name)
{
    if (name != NULL && *name != '\0' && strchr(name, '=') == NULL)
        return true;
    errno = EINVAL;
    return false;
}

/* ---- in place of the C library's */

VISIBLE char *getenv(const char *name)
{
    size_t len = strlen(name);
    char **found = find_item(own.items != NULL ? own.items : environ, name, len);
    return found != NULL ? *found + len + 1 : NULL;
}

VISIBLE int putenv(char *item)
{
    const char *equals = strchr(item, '=');
    if (!has_own) {
        int (*next)(char *) = (int (*)(char *))dlsym(RTLD_NEXT, "putenv");
        return next(item);
    }
    if (prepare() != 0)
        return -1;
    if (equals == NULL) /* glibc's meaning of it */
        take_away(item, strlen(item));
    else
        put(item, (size_t)(equals - item));
    return 0;
}

VISIBLE int setenv(const char *name, const char *value, int overwrite)
{
    if (!has_own) {
        int (*next)(const char *, const char *, int) =
            (int (*)(const char *, const char *, int))dlsym(RTLD_NEXT, "setenv");
        return next(name, value, overwrite);
    }
    if (!is_name(name) || prepare() != 0)
        return -1;
    size_t name_len = strlen(name);
    if (overwrite == 0 && find_item(own.items, name, name_len) != NULL)
        return 0;
    size_t size = name_len + strlen(value) + 2;
    struct own_text *text = psv_malloc(sizeof(*text) + size);
    if (text == NULL) {
        errno = ENOMEM;
        return -1;
    }
    (void)snprintf(text->text, size, "%s=%s", name, value);
    text->next = own.texts;
    own.texts = text;
    put(text->text, name_len);
    return 0;
}

VISIBLE int unsetenv(const char *name)
{
    if (!has_own) {
        int (*next)(const char *) = (int (*)(const char *))dlsym(RTLD_NEXT, "unsetenv");
        return next(name);
    }
    if (!is_name(name) || prepare() != 0)
        return -1;
    take_away(name, strlen(name));
    return 0;
}

/* ---- commands */

static char *const *environment_of_command(char *const *given)
{
    return given == environ && own.items != NULL ? own.items : given;
}

typedef int spawn_fn(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,
                     char *const *, char *const *);

VISIBLE int posix_spawn(pid_t *ret_pid, const char *path, const posix_spawn_file_actions_t *actions,
                        const posix_spawnattr_t *attributes, char *const *arguments, char *const *environment)
{
    spawn_fn *next = (spawn_fn *)dlsym(RTLD_NEXT, "posix_spawn");
    return next(ret_pid, path, actions, attributes, arguments, environment_of_command(environment));
}

VISIBLE int posix_spawnp(pid_t *ret_pid, const char *file, const posix_spawn_file_actions_t *actions,
                         const posix_spawnattr_t *attributes, char *const *arguments,
                         char *const *environment)
{
    spawn_fn *next = (spawn_fn *)dlsym(RTLD_NEXT, "posix_spawnp");
    return next(ret_pid, file, actions, attributes, arguments, environment_of_command(environment));
}

/* A shell can only be given what it could name. */
static bool is_shell_name(const char *item, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool is_letter =
            (item[i] >= 'a' && item[i] <= 'z') || (item[i] >= 'A' && item[i] <= 'Z') || item[i] == '_';
        if (!is_letter && (i == 0 || item[i] < '0' || item[i] > '9'))
            return false;
    }
    return len > 0;
}

static int append_export(struct psv_buffer *out, const char *item, size_t name_len)
{
    int code = psv_buffer_printf(out, "export %.*s='", (int)name_len, item);
    for (const char *c = item + name_len + 1; *c != '\0' && code == PSV_OK; c++)
        code = *c == '\'' ? psv_buffer_append(out, "'\\''", 4) : psv_buffer_append_byte(out, *c);
    return code == PSV_OK ? psv_buffer_append(out, "'; ", 3) : code;
}

/* The command with the thread's changes before it, all on one line; 0, or -1 with errno. */
static int write_command(struct psv_buffer *out, const char *command)
{
    int code = PSV_OK;
    for (char **item = environ; item != NULL && *item != NULL && code == PSV_OK; item++) {
        size_t len = strcspn(*item, "=");
        if (is_shell_name(*item, len) && find_item(own.items, *item, len) == NULL)
            code = psv_buffer_printf(out, "unset %.*s; ", (int)len, *item);
    }
    for (char **item = own.items; *item != NULL && code == PSV_OK; item++) {
        size_t len = strcspn(*item, "=");
        char **before = find_item(environ, *item, len);
        if (is_shell_name(*item, len) && (before == NULL || strcmp(*before, *item) != 0))
            code = append_export(out, *item, len);
    }
    if (code == PSV_OK)
        code = psv_buffer_append(out, command, strlen(command) + 1);
    if (code == PSV_OK)
        return 0;
    errno = code == PSV_ENOMEM ? ENOMEM : E2BIG;
    return -1;
}

VISIBLE FILE *(popen)(const char *command, const char *mode)
{
    FILE *(*next)(const char *, const char *) =
        (FILE * (*)(const char *, const char *)) dlsym(RTLD_NEXT, "popen");
    struct psv_buffer text;
    FILE *stream = NULL;

    if (own.items == NULL)
        return next(command, mode);
    psv_buffer_init(&text, COMMAND_MAX);
    if (write_command(&text, command) == 0)
        stream = next(text.data, mode);
    psv_buffer_fini(&text);
    return stream;
}

/* ---- PHP's arrays */

/* As main/php_variables.c: names that could not be array keys of a request are left out. */
static void import_environment(zval *array)
{
    if (own.items == NULL) {
        import_process_environment(array);
        return;
    }
    for (char **item = own.items; *item != NULL; item++) {
        size_t len = strcspn(*item, "=");
        if (len == 0 || (*item)[len] == '\0' || strcspn(*item, " .[") < len)
            continue;
        zval value;
        ZVAL_STRING(&value, *item + len + 1);
        zend_symtable_str_update(Z_ARRVAL_P(array), *item, len, &value);
    }
}

void psv_php_environment_import_process(zval *array)
{
    import_process_environment(array);
}

/* ---- life */

void psv_php_environment_on_started(void)
{
    import_process_environment = php_import_environment_variables;
    php_import_environment_variables = import_environment;
}

void psv_php_environment_thread_start(void)
{
    has_own = true;
}

void psv_php_environment_forget(void)
{
    while (own.texts != NULL) {
        struct own_text *next = own.texts->next;
        psv_free(own.texts);
        own.texts = next;
    }
    psv_free(own.items);
    own = (struct own_environment){0};
}

void psv_php_environment_on_fork_in_child(void)
{
    if (own.items != NULL)
        environ = own.items;
}
