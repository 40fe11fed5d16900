/* Any text as a configuration file: refused with a sentence, or read; and what was read, dumped and read
 * again, is the same.
 *
 * SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "config/config.h"
#include "config/config_scopes.h"
#include "config/config_toml.h"
#include "config/config_workers.h"

#define CHECK(c)                                                                                             \
    do {                                                                                                     \
        if (!(c)) {                                                                                          \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

static void load_defaults(struct psv_config_loaded *ret)
{
    char name[] = "phpsrv";
    char *argv[] = {name, NULL};
    CHECK(psv_config_load(1, argv, NULL, ret, NULL) == 0);
}

static int apply(struct psv_config_loaded *loaded, struct psv_bytes text, const char *name,
                 struct psv_error *reterr)
{
    int result = psv_config_apply_toml(loaded, text, name, reterr);
    if (result == 0) {
        result = psv_config_apply_scopes(loaded, text, name, reterr);
    }
    return result != 0 ? result : psv_config_apply_workers(loaded, text, name, reterr);
}

/* What a dump does not keep. */
static void forget_places(struct psv_config_loaded *loaded)
{
    memset(loaded->origins, 0, sizeof(loaded->origins));
    for (size_t i = 0; i < loaded->scopes_len; i++) {
        memset(loaded->scopes[i].origins, 0, sizeof(loaded->scopes[i].origins));
    }
    for (size_t i = 0; i < loaded->workers_len; i++) {
        loaded->workers[i].line = 0;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct psv_config_loaded first;
    struct psv_config_loaded second;
    struct psv_error error = {.message = ""};
    load_defaults(&first);
    int result = apply(&first, (struct psv_bytes){(const char *)data, size}, "fuzz.toml", &error);
    if (result != 0) {
        bool is_of_a_script = strstr(error.message, "worker") != NULL; /* these say --worker */
        CHECK(error.code == result && (is_of_a_script || strncmp(error.message, "fuzz.toml:", 10) == 0));
        CHECK(strchr(error.message, '\n') == NULL);
        psv_config_loaded_fini(&first);
        return 0;
    }
    struct psv_buffer json[2];
    struct psv_buffer dump;
    psv_buffer_init(&dump, 16 << 20);
    psv_buffer_init(&json[0], 16 << 20);
    psv_buffer_init(&json[1], 16 << 20);
    CHECK(psv_config_dump(&first, &dump) == 0);
    load_defaults(&second);
    result = apply(&second, psv_buffer_bytes(&dump), "dump.toml", &error);
    /* A list that took many lines may make one line that is too long. */
    CHECK(result == 0 || result == PSV_ELIMIT);
    if (result == 0) {
        forget_places(&first);
        forget_places(&second);
        CHECK(psv_config_format_json(&first, &json[0]) == 0 &&
              psv_config_format_json(&second, &json[1]) == 0);
        CHECK(psv_bytes_equal(psv_buffer_bytes(&json[0]), psv_buffer_bytes(&json[1])));
    }
    psv_buffer_fini(&dump);
    psv_buffer_fini(&json[0]);
    psv_buffer_fini(&json[1]);
    psv_config_loaded_fini(&first);
    psv_config_loaded_fini(&second);
    return 0;
}
