/* See frankenphp_arguments.h.
 *
 * SPDX-License-Identifier: MIT */
#include "frankenphp_arguments.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "config/config.h"
#include "config/options.h"

int psv_frankenphp_arguments_init(struct psv_frankenphp_arguments *list, struct psv_arena *arena,
                                  char *const *environment, size_t given)
{
    *list = (struct psv_frankenphp_arguments){
        .arena = arena, .environment = environment, .max = given + PSV_FRANKENPHP_ADDED_MAX};
    list->items = psv_arena_calloc(arena, (list->max + 1) * sizeof(*list->items));
    if (list->items == NULL) {
        return PSV_ENOMEM;
    }
    psv_frankenphp_add(list, "phpsrv");
    return PSV_OK;
}

const char *psv_frankenphp_variable(const struct psv_frankenphp_arguments *list, const char *name)
{
    const char *value = psv_config_find_variable(list->environment, name);

    return value != NULL ? value : "";
}

static void take(struct psv_frankenphp_arguments *list, char *text)
{
    if (text == NULL || list->len == list->max) {
        list->is_full = true;
        return;
    }
    list->items[list->len++] = text;
}

void psv_frankenphp_add(struct psv_frankenphp_arguments *list, const char *text)
{
    struct psv_bytes copy = psv_arena_copy(list->arena, psv_bytes_of(text));

    /* the arena is the list's: what points into it may be written to */
    take(list, copy.data == NULL ? NULL : (char *)(uintptr_t)copy.data);
}

void psv_frankenphp_add_option(struct psv_frankenphp_arguments *list, const char *name, const char *format,
                               ...)
{
    va_list values;
    va_start(values, format);
    int len = vsnprintf(NULL, 0, format, values);
    va_end(values);
    size_t prefix = strlen(name) + 3;
    char *text = len < 0 ? NULL : psv_arena_alloc_text(list->arena, prefix + (size_t)len + 1);
    if (text != NULL) {
        (void)snprintf(text, prefix + 1, "--%s=", name);
        va_start(values, format);
        (void)vsnprintf(text + prefix, (size_t)len + 1, format, values);
        va_end(values);
    }
    take(list, text);
}

void psv_frankenphp_add_default(struct psv_frankenphp_arguments *list, const char *name, const char *value)
{
    const struct psv_option *option = psv_option_find_command_line(psv_bytes_of(name));

    INVARIANT(option != NULL);
    if (*psv_frankenphp_variable(list, option->environment) == '\0') {
        psv_frankenphp_add_option(list, name, "%s", value);
    }
}
