/* SPDX-License-Identifier: MIT */
/* In sanitizer builds only: PHP opens its extensions with RTLD_DEEPBIND, and the sanitizers' runtimes end the
 * program at that flag, since an extension would then bypass their allocator. This dlopen, found before
 * libc's, clears it. */
#include <dlfcn.h>
#include <stddef.h>

typedef void *dlopen_fn(const char *path, int flags);

__attribute__((visibility("default"))) void *dlopen(const char *path, int flags)
{
    static _Atomic(dlopen_fn *) next;
    dlopen_fn *real = next;
    if (real == NULL) {
        /* The conversion that POSIX asks for: ISO C knows none from an object pointer to a function pointer.
         */
        void *symbol = dlsym(RTLD_NEXT, "dlopen");
        __builtin_memcpy(&real, &symbol, sizeof(real));
        next = real;
    }
    return real(path, flags & ~RTLD_DEEPBIND);
}
