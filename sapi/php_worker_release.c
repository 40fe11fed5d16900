/* What PHP keeps of a request's input until its script ends; see php_worker_release.h.  [worker]
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_worker_release.h"

/* A script may keep a stream of php://input for longer than the request; it reads from the body, and does not
 * count as its owner (php_stream_input of ext/standard/php_fopen_wrapper.c, whose first field is the body). */
static bool is_being_read(const php_stream *body)
{
    zend_resource *resource;
    ZEND_HASH_FOREACH_PTR(&EG(regular_list), resource)
    {
        if (resource->type != php_file_le_stream())
            continue;
        const php_stream *stream = resource->ptr;
        if (stream != NULL && strcmp(stream->ops->label, "Input") == 0 &&
            *(const php_stream *const *)stream->abstract == body)
            return true;
    }
    ZEND_HASH_FOREACH_END();
    return false;
}

/* The copies that filter_input() looks at; the next request begins with an empty set and does not free them.
 */
static void release_filter(void)
{
    const zend_module_entry *module = zend_hash_str_find_ptr(&module_registry, ZEND_STRL("filter"));
    if (module != NULL && module->request_shutdown_func != NULL)
        (void)module->request_shutdown_func(module->type, module->module_number);
}

void psv_php_worker_release_input(void)
{
    php_stream *body = SG(request_info).request_body;
    if (body != NULL && !is_being_read(body)) {
        SG(request_info).request_body = NULL;
        (void)php_stream_free(body, PHP_STREAM_FREE_CLOSE);
    }
    release_filter();
}
