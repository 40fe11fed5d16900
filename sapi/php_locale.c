/* setlocale() in place of the C library's; see php_locale.h.  [any]
 *
 * A locale that was ever chosen is kept for good, once for each combination of names: what setlocale() and
 * nl_langinfo() have answered stays valid, as PHP expects, and a request that sets its locale costs no files
 * after the first.  Needs a C library that tells the names of a locale (glibc); elsewhere locales stay the
 * process's.
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_locale.h"

#include <langinfo.h>
#include <locale.h>

#ifdef NL_LOCALE_NAME
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

#include "base/memory.h"

/* Combinations of names; a script that makes up more gets false. */
#define LOCALES_MAX 256
#define NAME_MAX_BYTES 256

static const struct {
    int category;
    const char *name;
} categories[] = {
    {LC_CTYPE, "LC_CTYPE"},
    {LC_NUMERIC, "LC_NUMERIC"},
    {LC_TIME, "LC_TIME"},
    {LC_COLLATE, "LC_COLLATE"},
    {LC_MONETARY, "LC_MONETARY"},
    {LC_MESSAGES, "LC_MESSAGES"},
    {LC_PAPER, "LC_PAPER"},
    {LC_NAME, "LC_NAME"},
    {LC_ADDRESS, "LC_ADDRESS"},
    {LC_TELEPHONE, "LC_TELEPHONE"},
    {LC_MEASUREMENT, "LC_MEASUREMENT"},
    {LC_IDENTIFICATION, "LC_IDENTIFICATION"},
};

struct known_locale {
    locale_t handle;
    char *name; /* of all categories, as setlocale(LC_ALL, NULL) spells it */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct known_locale known[LOCALES_MAX];
static size_t known_len;
static _Thread_local const struct known_locale *current; /* NULL: the process's */
static _Thread_local bool has_own;

static const char *name_of(locale_t handle, int category)
{
    return nl_langinfo_l(NL_LOCALE_NAME(category), handle);
}

static void read_names(locale_t handle, const char *names[])
{
    for (size_t i = 0; i < ARRAY_SIZE(categories); i++)
        names[i] = name_of(handle, categories[i].category);
}

/* One name when all are the same, else "LC_CTYPE=...;LC_NUMERIC=...". */
static char *join_names(const char *const names[])
{
    size_t size = 1;
    bool is_one = true;

    for (size_t i = 0; i < ARRAY_SIZE(categories); i++) {
        is_one = is_one && strcmp(names[i], names[0]) == 0;
        size += strlen(categories[i].name) + strlen(names[i]) + 2;
    }
    char *text = psv_malloc(size);
    if (text == NULL)
        return NULL;
    if (is_one) {
        (void)snprintf(text, size, "%s", names[0]);
        return text;
    }
    size_t len = 0;
    for (size_t i = 0; i < ARRAY_SIZE(categories); i++) {
        len += (size_t)snprintf(text + len, size - len, "%s%s=%s", i > 0 ? ";" : "", categories[i].name,
                                names[i]);
    }
    return text;
}

/* Under the lock. */
static const struct known_locale *find_known(const char *name)
{
    for (size_t i = 0; i < known_len; i++) {
        if (strcmp(known[i].name, name) == 0)
            return &known[i];
    }
    return NULL;
}

/* Under the lock.  Takes the handle; NULL when there is no room. */
static const struct known_locale *keep(locale_t handle, char *name)
{
    const struct known_locale *found = find_known(name);
    if (found != NULL || known_len == LOCALES_MAX) {
        freelocale(handle);
        psv_free(name);
        return found;
    }
    known[known_len] = (struct known_locale){handle, name};
    return &known[known_len++];
}

static const struct known_locale *remember(locale_t handle)
{
    const char *names[ARRAY_SIZE(categories)];
    read_names(handle, names);
    char *name = join_names(names);
    if (name == NULL) {
        freelocale(handle);
        return NULL;
    }
    pthread_mutex_lock(&lock);
    const struct known_locale *found = keep(handle, name);
    pthread_mutex_unlock(&lock);
    return found;
}

/* What was chosen before needs no files, and none of the memory that newlocale() leaves behind with LOCPATH.
 */
static const struct known_locale *find_changed(locale_t handle, int category, const char *name)
{
    const char *names[ARRAY_SIZE(categories)];
    read_names(handle, names);
    for (size_t i = 0; i < ARRAY_SIZE(categories); i++) {
        if (category == LC_ALL || category == categories[i].category)
            names[i] = name;
    }
    char *wanted = join_names(names);
    if (wanted == NULL)
        return NULL;
    pthread_mutex_lock(&lock);
    const struct known_locale *found = find_known(wanted);
    pthread_mutex_unlock(&lock);
    psv_free(wanted);
    return found;
}

static int mask_of(int category)
{
    return category == LC_ALL ? LC_ALL_MASK : 1 << category;
}

/* A variable of the environment that the script sees; what is not set says nothing. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && *value != '\0' ? value : NULL;
}

/* What "" means for one category (POSIX, Environment Variables 8.2). */
static const char *default_name(size_t index)
{
    const char *name = variable("LC_ALL");
    if (name == NULL)
        name = variable(categories[index].name);
    if (name == NULL)
        name = variable("LANG");
    return name != NULL ? name : "C";
}

/* base with some categories changed; base is used up.  NULL: no such locale. */
static locale_t change(locale_t base, int category, const char *name)
{
    if (*name != '\0') {
        /* glibc neither uses nor frees the base when everything becomes "C" */
        bool is_all = category == LC_ALL;
        locale_t changed = newlocale(mask_of(category), name, is_all ? (locale_t)0 : base);
        if (changed == (locale_t)0 || is_all)
            freelocale(base);
        return changed;
    }
    for (size_t i = 0; i < ARRAY_SIZE(categories) && base != (locale_t)0; i++) {
        if (category == LC_ALL || category == categories[i].category) {
            char copy[NAME_MAX_BYTES]; /* it may be the script's, and change */
            (void)snprintf(copy, sizeof(copy), "%s", default_name(i));
            base = change(base, categories[i].category, copy);
        }
    }
    return base;
}

static bool is_category(int category)
{
    for (size_t i = 0; i < ARRAY_SIZE(categories); i++) {
        if (categories[i].category == category)
            return true;
    }
    return category == LC_ALL;
}

static const struct known_locale *find_current(void)
{
    if (current == NULL) {
        locale_t copy = duplocale(LC_GLOBAL_LOCALE);
        current = copy != (locale_t)0 ? remember(copy) : NULL;
    }
    return current;
}

static char *answer(int category)
{
    const char *name = category == LC_ALL ? current->name : name_of(current->handle, category);
    return (char *)(uintptr_t)name; /* the interface's: not to be written to */
}

__attribute__((visibility("default"))) char *setlocale(int category, const char *name)
{
    if (!has_own) {
        char *(*next)(int, const char *) = (char *(*)(int, const char *))dlsym(RTLD_NEXT, "setlocale");
        return next(category, name);
    }
    if (!is_category(category) || find_current() == NULL)
        return NULL;
    if (name == NULL)
        return answer(category);
    const struct known_locale *chosen = *name != '\0' ? find_changed(current->handle, category, name) : NULL;
    if (chosen == NULL) {
        locale_t base = duplocale(current->handle);
        locale_t changed = base != (locale_t)0 ? change(base, category, name) : base;
        chosen = changed != (locale_t)0 ? remember(changed) : NULL;
    }
    if (chosen == NULL)
        return NULL;
    current = chosen;
    (void)uselocale(chosen->handle);
    return answer(category);
}

void psv_php_locale_thread_start(void)
{
    has_own = true;
}

void psv_php_locale_forget(void)
{
    if (current != NULL) {
        (void)uselocale(LC_GLOBAL_LOCALE);
        current = NULL;
    }
}
#else
void psv_php_locale_thread_start(void) {}

void psv_php_locale_forget(void) {}
#endif
