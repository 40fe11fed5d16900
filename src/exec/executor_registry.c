/* The table of executors.  [boot]
 * Names no runtime: main.c fills it.
 *
 * SPDX-License-Identifier: MIT */
#include "executor_registry.h"

#include <string.h>

#include "base/assert.h"

#define EXECUTORS_MAX 8

static const struct psv_executor *executors[EXECUTORS_MAX];
static size_t executors_len;

void psv_executor_register(const struct psv_executor *executor)
{
    INVARIANT(executors_len < EXECUTORS_MAX);
    INVARIANT(psv_executor_find(executor->name) == NULL);
    executors[executors_len++] = executor;
}

const struct psv_executor *psv_executor_find(const char *name)
{
    for (size_t i = 0; i < executors_len; i++) {
        if (strcmp(executors[i]->name, name) == 0) {
            return executors[i];
        }
    }
    return NULL;
}

const struct psv_executor *psv_executor_at(size_t index)
{
    return index < executors_len ? executors[index] : NULL;
}
