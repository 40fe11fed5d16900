/* The scripts of worker mode; see config_workers.h.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#include "config_workers.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text_parse.h"

/* "FILE" or "FILE,N". */
static int fill(struct psv_config_loaded *loaded, const char *item, struct psv_config_worker *worker,
                struct psv_error *reterr)
{
    struct psv_bytes text = psv_bytes_of(item);
    size_t comma = psv_bytes_find(text, ',');
    char path[PATH_MAX];
    char real[PATH_MAX];

    worker->mode = loaded->config.worker_mode;
    if (comma < text.len && (psv_parse_u64(psv_bytes_from(text, comma + 1), &worker->mode.count) != 0 ||
                             worker->mode.count == 0)) {
        return psv_error_set(reterr, PSV_EINVAL, "--worker \"%s\": behind the comma is no number of threads",
                             item);
    }
    (void)snprintf(path, sizeof(path), "%.*s", PSV_BYTES_ARG(psv_bytes_first(text, comma)));
    if (realpath(path, real) == NULL) {
        (void)snprintf(path, sizeof(path), "%s/%.*s", loaded->config.site.docroot,
                       PSV_BYTES_ARG(psv_bytes_first(text, comma)));
        if (realpath(path, real) == NULL) {
            return psv_error_set(reterr, PSV_ENOENT, "--worker \"%s\": there is no such file", item);
        }
    }
    worker->script = psv_arena_copy(&loaded->arena, psv_bytes_of(real)).data;
    worker->name = worker->script;
    worker->site = "";
    worker->mode.boot_failures_max = 6;
    return worker->script == NULL ? psv_error_set(reterr, PSV_ENOMEM, "out of memory") : 0;
}

int psv_config_apply_workers(struct psv_config_loaded *loaded, struct psv_error *reterr)
{
    const struct psv_config_list *scripts = &loaded->config.worker_mode.scripts;
    int result = 0;

    loaded->workers = psv_arena_calloc(&loaded->arena, (scripts->len + 1) * sizeof(*loaded->workers));
    if (loaded->workers == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "out of memory");
    }
    for (size_t i = 0; i < scripts->len && result == 0; i++) {
        result = fill(loaded, scripts->items[i], &loaded->workers[i], reterr);
        loaded->workers_len++;
    }
    return result;
}
