/* The end of the process when one of our own invariants is broken.  Runs on whatever thread found it, with an
 * unknown state of the heap: it allocates nothing, takes no lock and uses no stdio.
 *
 * SPDX-License-Identifier: MIT */
#include "assert.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text_parse.h"

static _Atomic(psv_panic_hook_fn *) panic_hook;
static _Thread_local bool is_panicking; /* a hook that fails itself must not be called again */

void psv_panic_set_hook(psv_panic_hook_fn *hook)
{
    is_panicking = false;
    /* release pairs with the acquire in psv_panic: whatever the hook reads was set up before */
    atomic_store_explicit(&panic_hook, hook, memory_order_release);
}

static void append(char *line, size_t line_size, size_t *len, const char *text, size_t text_len)
{
    size_t room = line_size - *len;
    size_t count = text_len < room ? text_len : room;
    memcpy(line + *len, text, count);
    *len += count;
}

void psv_panic(const char *file, int line, const char *what)
{
    char text[1024];
    size_t len = 0;
    char digits[20];
    size_t digits_len = psv_format_u64(digits, line > 0 ? (uint64_t)line : 0);
    size_t size = sizeof(text) - 1; /* the newline always fits */

    append(text, size, &len, "phpsrv: panic at ", strlen("phpsrv: panic at "));
    append(text, size, &len, file, strlen(file));
    append(text, size, &len, ":", 1);
    append(text, size, &len, digits, digits_len);
    append(text, size, &len, ": ", 2);
    append(text, size, &len, what, strlen(what));
    text[len++] = '\n';
    if (write(STDERR_FILENO, text, len) < 0) {
        /* nowhere left to say it */
    }

    psv_panic_hook_fn *hook = atomic_load_explicit(&panic_hook, memory_order_acquire);
    if (hook != NULL && !is_panicking) {
        is_panicking = true;
        hook(file, line, what);
    }
    abort();
}
