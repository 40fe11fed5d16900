/* See php_worker_cache.h.  No installed header tells of opcache's globals (ext/opcache/ZendAccelerator.h):
 * their place is known from the settings that lie in them.  [worker]
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_worker_cache.h"

#include <malloc.h>

#include "observe/log.h"
#include "os/clock.h"
#include "php_request.h"
#include "php_thread.h"

/* ---- the clock */

/* opcache takes the time once for each request of the engine's, and judges by it whether a cached file may
 * have changed and whether a file is too new to be cached.  For a script that lives for days the time has to
 * go on.  It is a field of opcache's globals, ZCG(request_time), found by what two empty requests with known
 * times leave in it. */
#define CLOCK_SEARCH_WORDS 256u

enum { CLOCK_UNKNOWN = -1, CLOCK_ABSENT = -2 };

static _Atomic int clock_index = CLOCK_UNKNOWN; /* in words; the same in all threads */
static _Thread_local time_t *opcache_clock;     /* NULL: no opcache, or not found */

static char *opcache_globals(void)
{
    const zend_ini_entry *entry =
        zend_hash_str_find_ptr(EG(ini_directives), ZEND_STRL("opcache.revalidate_freq"));
    if (entry == NULL || entry->mh_arg2 == NULL)
        return NULL;
    return ts_resource(*(int *)entry->mh_arg2);
}

/* Index of the only word that is `first` after an empty request at that time, and `second` after another. */
static int search_clock(struct psv_php_thread *thread, const time_t *globals)
{
    time_t first = (time_t)(psv_clock_unix_us() / 1000000) - 1009;
    time_t second = first - 2003;
    bool is_candidate[CLOCK_SEARCH_WORDS];
    /* PHP allocates a thread's globals module by module: no header tells their size, the allocator does */
    const unsigned words = MIN((unsigned)(malloc_usable_size((void *)(uintptr_t)globals) / sizeof(*globals)),
                               CLOCK_SEARCH_WORDS);
    int found = CLOCK_ABSENT;
    if (!psv_php_request_probe_at(thread, (double)first))
        return CLOCK_ABSENT;
    for (unsigned i = 0; i < words; i++)
        is_candidate[i] = globals[i] == first;
    if (!psv_php_request_probe_at(thread, (double)second))
        return CLOCK_ABSENT;
    for (unsigned i = 0; i < words; i++) {
        if (is_candidate[i] && globals[i] == second) {
            if (found != CLOCK_ABSENT)
                return CLOCK_ABSENT;
            found = (int)i;
        }
    }
    return found;
}

void psv_php_worker_cache_thread_start(struct psv_php_thread *thread)
{
    time_t *globals = (time_t *)(void *)opcache_globals();
    /* relaxed: every thread would find the same */
    int index = atomic_load_explicit(&clock_index, memory_order_relaxed);
    opcache_clock = NULL;
    if (globals == NULL)
        return;
    if (index == CLOCK_UNKNOWN) {
        index = search_clock(thread, globals);
        if (atomic_exchange_explicit(&clock_index, index, memory_order_relaxed) == CLOCK_UNKNOWN &&
            index == CLOCK_ABSENT && INI_INT("opcache.enable") != 0)
            PSV_LOG(PSV_LOG_WARN, "php.opcache_clock_unknown",
                    PSV_LOG_TEXT("effect", "opcache does not cache files that are younger than the script"));
    }
    if (index >= 0)
        opcache_clock = globals + index;
}

void psv_php_worker_cache_set_time(time_t unix_s)
{
    if (opcache_clock != NULL)
        *opcache_clock = unix_s;
}

/* ---- files */

/* While a script boots: opcache.validate_timestamps=1, opcache.revalidate_freq=0, so that a script that is
 * booted after a deployment sees the new files, whatever the settings are for.  Written past PHP's list of
 * changed settings: ini_get() and ini_restore() know nothing of it.
 *
 * With validate_timestamps=0 opcache would store files without their times, and could not compare them at the
 * next boot: they are stored with them, and compared once and never again until then. */
#define NEVER_AGAIN (INT64_C(1) << 40)

struct looks {
    bool validates;
    zend_long freq;
};

static _Thread_local struct looks configured; /* what the settings are for */
static _Thread_local struct looks imposed;    /* what we have put in their place */
static _Thread_local bool is_imposed;

static void *setting(const char *name, size_t len)
{
    char *globals = opcache_globals();
    const zend_ini_entry *entry = zend_hash_str_find_ptr(EG(ini_directives), name, len);
    return globals == NULL || entry == NULL ? NULL : globals + (size_t)entry->mh_arg1;
}

static bool *validates_place(void)
{
    return setting(ZEND_STRL("opcache.validate_timestamps"));
}

static zend_long *freq_place(void)
{
    return setting(ZEND_STRL("opcache.revalidate_freq"));
}

/* What a script has set meanwhile stays. */
static void replace(const struct looks *before, const struct looks *after)
{
    bool *validates = validates_place();
    zend_long *freq = freq_place();
    if (validates == NULL || freq == NULL)
        return;
    if (*validates == before->validates)
        *validates = after->validates;
    if (*freq == before->freq)
        *freq = after->freq;
}

void psv_php_worker_cache_begin_boot(void)
{
    const bool *validates = validates_place();
    const zend_long *freq = freq_place();
    realpath_cache_clean(); /* links may lead elsewhere now */
    if (validates == NULL || freq == NULL)
        return;
    configured = (struct looks){*validates, *freq};
    imposed = (struct looks){true, 0};
    is_imposed = true;
    replace(&configured, &imposed);
}

void psv_php_worker_cache_end_boot(void)
{
    if (!is_imposed || imposed.freq != 0)
        return;
    struct looks later = configured;
    if (!configured.validates)
        later = (struct looks){true, NEVER_AGAIN};
    replace(&imposed, &later);
    imposed = later;
}

void psv_php_worker_cache_end_script(void)
{
    if (!is_imposed)
        return;
    is_imposed = false;
    replace(&imposed, &configured);
}
