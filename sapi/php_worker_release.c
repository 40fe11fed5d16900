/* What PHP keeps of a request's input until its script ends; see php_worker_release.h.  [worker]
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_worker_release.h"

#include <ext/standard/basic_functions.h>
#include <ext/standard/php_filestat.h>

#include "php_body.h"

/* Streams of php://input that the script has kept hold a pointer to the body and do not count as its owners
 * (php_stream_input of ext/standard/php_fopen_wrapper.c, whose first field it is).  Those that fclose() could
 * close are closed; others have an owner in C, such as an SplFileObject, which would not learn of it. Returns
 * whether none is left. */
static bool close_readers(const php_stream *body)
{
    bool are_closed = true;
    zend_resource *resource;
    ZEND_HASH_FOREACH_PTR (&EG(regular_list), resource) {
        php_stream *stream = resource->type == php_file_le_stream() ? resource->ptr : NULL;
        if (stream == NULL || strcmp(stream->ops->label, "Input") != 0 ||
            *(const php_stream *const *)stream->abstract != body)
            continue;
        if (stream->__exposed && (stream->flags & PHP_STREAM_FLAG_NO_FCLOSE) == 0)
            (void)php_stream_free(stream, PHP_STREAM_FREE_KEEP_RSRC | PHP_STREAM_FREE_CLOSE);
        else
            are_closed = false;
    }
    ZEND_HASH_FOREACH_END();
    return are_closed;
}

/* What ext/standard keeps until the engine's request ends: text that strtok() would go on with, and what
 * is_file() and the like have found out about the last file. */
static void release_standard(void)
{
    if (BG(strtok_string) != NULL)
        zend_string_release(BG(strtok_string));
    BG(strtok_string) = NULL;
    BG(strtok_last) = NULL;
    php_clear_stat_cache(false, NULL, 0);
}

void psv_php_worker_release_input(void)
{
    php_stream *body = SG(request_info).request_body;
    if (body != NULL && close_readers(body)) {
        SG(request_info).request_body = NULL;
        (void)php_stream_free(body, PHP_STREAM_FREE_CLOSE);
    }
    psv_php_body_detach();
    release_standard();
}
