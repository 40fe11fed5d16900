/* What is known about paths below the document root: open files, small files' bytes, scripts, folders,
 * and names that do not exist.  [loop]  Entries are valid for a while, then looked at again; they are
 * bounded in number, and with them the descriptors and the memory.  Must not know requests: hidden names
 * and methods are the caller's affair.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/list.h"
#include "base/macros.h"
#include "base/map.h"
#include "http/date.h"
#include "http/etag.h"

struct psv_encoded_file;
struct psv_file_cache;

/* Most codings of which a file may have copies. */
#define PSV_CACHED_FILE_CODINGS 3

enum psv_cached_kind {
    PSV_CACHED_ABSENT, /* nothing that may be served: missing, unreadable, outside of the root, not a regular
                          file */
    PSV_CACHED_FILE,   /* regular file */
    PSV_CACHED_SCRIPT, /* regular file whose name says that it is program text: never sent, holds no
                          descriptor */
    PSV_CACHED_DIRECTORY,
    PSV_CACHED_KIND_COUNT
};

/** One path as it was at checked_ns.  All but the first group of fields never changes: a changed file gets a
 * new entry, and who holds the old one goes on with it. */
struct psv_cached_file {
    struct psv_list link; /* in one of the cache's lists, most recently used first; self-linked outside */
    struct psv_file_cache *cache; /* outlives its entries */
    unsigned references;          /* the cache's own included */
    uint64_t checked_ns;

    struct psv_encoded_file *encoded[PSV_CACHED_FILE_CODINGS]; /* copies of a FILE: see encoded_cache.h */
    void (*drop_encoded)(struct psv_cached_file *file);        /* set by who has put one there */

    enum psv_cached_kind kind;
    int fd;              /* of a FILE without content, else -1 */
    char *content;       /* the whole FILE when it is small; NULL otherwise */
    uint64_t size_bytes; /* this and the rest: of FILE and SCRIPT */
    int64_t modified_s;
    uint32_t modified_ns;
    uint64_t inode;
    uint64_t device;
    struct psv_bytes path;         /* as asked for, followed by a NUL */
    struct psv_bytes etag;         /* fields of the response, of a FILE */
    struct psv_bytes content_type; /* static */
    struct psv_bytes last_modified;
    char etag_text[PSV_ETAG_MAX];
    char last_modified_text[PSV_DATE_IMF_LEN];
    char path_text[]; /* storage of path */
};

typedef uint64_t psv_file_cache_clock_fn(void);

struct psv_file_cache_options {
    int root_fd;                           /* borrowed: open as long as the cache lives */
    bool links_may_leave;                  /* symbolic links may lead out of the root */
    size_t max_entries;                    /* 0 = remember nothing */
    uint64_t valid_ms;                     /* an entry is trusted for so long; 0 = look every time */
    uint64_t content_max_bytes;            /* files up to this size are kept in memory; 0 = none */
    uint64_t memory_max_bytes;             /* all contents together */
    psv_file_cache_clock_fn *monotonic_ns; /* NULL = the coarse system clock */
    psv_file_cache_clock_fn *unix_us;      /* the same */
};

#define PSV_FILE_CACHE_RECENT 16

struct psv_file_cache {
    struct psv_file_cache_options options;
    struct psv_map map;                                    /* path -> entry */
    struct psv_cached_file *recent[PSV_FILE_CACHE_RECENT]; /* of those in the map the last that was asked for,
                                by length of path: found without a hash; may be NULL */
    struct psv_list present;                               /* entries of existing things */
    struct psv_list absent; /* the others: a flood of made-up names does not push out what exists */
    size_t present_len;
    size_t absent_len;
    uint64_t content_bytes; /* memory of all contents, also of entries that are only referenced */
};

/** Allocates nothing yet.  [boot] */
void psv_file_cache_init(struct psv_file_cache *cache, const struct psv_file_cache_options *options);
/** Forgets everything.  Nobody may hold a reference any more.  [boot] */
void psv_file_cache_fini(struct psv_file_cache *cache);

/** What is at path (decoded, begins with '/').  The caller owns one reference.  0, also for what is absent;
 * PSV_ENOMEM, PSV_ELIMIT (no descriptor left, even after closing idle ones), PSV_EAGAIN, PSV_EIO: it cannot
 * be said now (503). */
MUST_CHECK int psv_file_cache_find_ref(struct psv_file_cache *cache, struct psv_bytes path,
                                       struct psv_cached_file **ret_file);
struct psv_cached_file *psv_cached_file_ref(struct psv_cached_file *file);
/** Will the next request for it find this entry? */
bool psv_cached_file_is_remembered(const struct psv_cached_file *file);
/** Accepts NULL.  The last reference closes the descriptor and frees the memory. */
void psv_cached_file_unref(struct psv_cached_file *file);

/** Forgets all paths (a reload); what is referenced lives on until it is given back. */
void psv_file_cache_clear(struct psv_file_cache *cache);
