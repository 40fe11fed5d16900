/* Encoded copies of files: made once, by a thread of their own, and kept in memory within a bound.  A copy
 * hangs on the cached file whose content it is, so that a changed file has none.  [loop], but for that
 * thread.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/list.h"
#include "base/macros.h"
#include "base/ring.h"
#include "exec/response_body.h"
#include "http/etag.h"
#include "os/thread.h"

struct psv_body_filter;
struct psv_cached_file;

/** A copy; content is NULL while it is being made, and when it is not worth it. */
struct psv_encoded_file {
    struct psv_list link; /* of those with content, most recently used first, or of those being made */
    struct psv_encoded_cache *cache;
    const struct psv_body_filter *filter;
    unsigned references; /* the file's own included */
    const char *content;
    uint64_t size_bytes;
    struct psv_bytes etag; /* weak: another run of the encoder may give other bytes */
    char etag_text[PSV_ETAG_MAX + 2];
    struct psv_encoded_file **slot; /* in the file; NULL when the file is gone */

    /* the thread's, until is_made */
    struct psv_cached_file *source; /* counted */
    struct psv_response_body body;
    bool is_useless;
    _Atomic bool is_made;
};

struct psv_encoded_cache {
    uint64_t memory_max_bytes;
    uint64_t held_bytes;    /* of copies, and of the files whose copies are being made */
    struct psv_list kept;   /* with content */
    struct psv_list making; /* in the ring or in the thread's hands */
    struct psv_ring ring;
    struct psv_thread thread;
    _Atomic uint32_t word; /* changes with every push; the thread sleeps on it */
    _Atomic bool is_stopping;
};

/** Starts the thread.  PSV_ENOMEM, PSV_ELIMIT.  [boot] */
MUST_CHECK int psv_encoded_cache_init(struct psv_encoded_cache *cache, uint64_t memory_max_bytes,
                                      struct psv_error *reterr);
/** Stops the thread, in the middle of a file if need be.  PSV_ETIMEOUT: it hangs in the file system, and the
 * cache must stay as it is.  Else forget the files, then call psv_encoded_cache_fini.  [boot] */
MUST_CHECK int psv_encoded_cache_stop(struct psv_encoded_cache *cache);
void psv_encoded_cache_fini(struct psv_encoded_cache *cache);

/** The copy of a FILE in the filter's coding, with a reference for the caller; NULL when there is none (yet:
 * the first call has it made). */
struct psv_encoded_file *psv_encoded_cache_find_ref(struct psv_encoded_cache *cache,
                                                    struct psv_cached_file *file,
                                                    const struct psv_body_filter *filter, int64_t now_unix_s);
/** Accepts NULL. */
void psv_encoded_file_unref(struct psv_encoded_file *copy);
