/* The stack of a script on another thread, as php-fpm's slow log reads it from another process: through the
 * kernel (process_vm_readv), so that pointers which change meanwhile cannot hurt; what is read may then be
 * odd, but a script that waits, which is what matters here, stands still.  No lock, no signal: the script is
 * not disturbed.  [any]
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_trace.h"

#include <sys/uio.h>
#include <unistd.h>

#include "base/assert.h"
#include "php_thread.h"

#define FRAMES_MAX 24
#define TEXT_MAX 160

struct text {
    char bytes[TEXT_MAX + 1];
};

struct out {
    char *text;
    size_t size;
    size_t len;
};

static bool read_memory(const void *from, void *to, size_t len)
{
    struct iovec local = {to, len};
    struct iovec remote = {(void *)(uintptr_t)from, len};
    return from != NULL && process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)len;
}

/** Up to TEXT_MAX bytes of a zend_string; its end when it is longer (paths). */
static bool read_text(const zend_string *string, struct text *ret)
{
    size_t len;
    ret->bytes[0] = '\0';
    if (!read_memory((const char *)string + offsetof(zend_string, len), &len, sizeof(len)))
        return false;
    size_t skip = len > TEXT_MAX ? len - TEXT_MAX : 0;
    len -= skip;
    if (!read_memory((const char *)string + offsetof(zend_string, val) + skip, ret->bytes, len))
        return false;
    ret->bytes[len] = '\0';
    return strlen(ret->bytes) == len;
}

static void write_text(struct out *out, const char *text)
{
    size_t len = MIN(strlen(text), out->size - out->len);
    memcpy(out->text + out->len, text, len);
    out->len += len;
}

/** "Class::function()" or "{main}". */
static void write_function(struct out *out, const zend_execute_data *frame)
{
    const char *function = (const char *)frame->func;
    const zend_string *name = NULL;
    const zend_class_entry *scope = NULL;
    const zend_string *class_name = NULL;
    struct text text;
    (void)read_memory(function + offsetof(zend_function, common.function_name), &name, sizeof(name));
    (void)read_memory(function + offsetof(zend_function, common.scope), &scope, sizeof(scope));
    if (scope != NULL && name != NULL &&
        read_memory((const char *)scope + offsetof(zend_class_entry, name), &class_name,
                    sizeof(class_name)) &&
        read_text(class_name, &text)) {
        write_text(out, text.bytes);
        write_text(out, "::");
    }
    if (name == NULL) {
        write_text(out, "{main}");
        return;
    }
    write_text(out, read_text(name, &text) ? text.bytes : "?");
    write_text(out, "()");
}

/** " /srv/a.php:12" of a frame of PHP code. */
static void write_place(struct out *out, const zend_execute_data *frame)
{
    zend_uchar type = 0;
    const zend_string *file = NULL;
    uint32_t line = 0;
    struct text text;
    char number[16];
    if (!read_memory((const char *)frame->func + offsetof(zend_function, type), &type, sizeof(type)) ||
        type == ZEND_INTERNAL_FUNCTION)
        return;
    if (!read_memory((const char *)frame->func + offsetof(zend_op_array, filename), &file, sizeof(file)) ||
        !read_text(file, &text))
        return;
    (void)read_memory((const char *)frame->opline + offsetof(zend_op, lineno), &line, sizeof(line));
    snprintf(number, sizeof(number), ":%u", line);
    write_text(out, " ");
    write_text(out, text.bytes);
    write_text(out, number);
}

size_t psv_php_trace(void *state, char *out, size_t size)
{
    const struct psv_php_thread *thread = state;
    CHECK_MAGIC(thread, PSV_PHP_THREAD_MAGIC);
    struct out written = {out, size, 0};
    const zend_execute_data *next = NULL;
    zend_execute_data frame;
    char number[16];
    (void)read_memory(thread->current_execute_data, &next, sizeof(next));
    unsigned i = 0;
    for (; i < FRAMES_MAX && read_memory(next, &frame, sizeof(frame)); next = frame.prev_execute_data) {
        if (frame.func == NULL)
            continue; /* a frame of the engine's own */
        snprintf(number, sizeof(number), i == 0 ? "#%u " : " #%u ", i);
        write_text(&written, number);
        write_function(&written, &frame);
        write_place(&written, &frame);
        i++;
    }
    return written.len;
}
