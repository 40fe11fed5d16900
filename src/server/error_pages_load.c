/* See error_pages_load.h.
 *
 * SPDX-License-Identifier: MIT */
#include "error_pages_load.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "os/fd.h"

#define PAGE_BYTES_MAX (256u << 10)

static int load_page(struct psv_error_pages *pages, const char *folder, const char *name,
                     struct psv_error *reterr)
{
    CLEANUP(psv_buffer_fini) struct psv_buffer text = {.max_bytes = PAGE_BYTES_MAX};
    struct psv_error_page page;
    char path[PATH_MAX];

    if (!psv_error_page_read_name(psv_bytes_of(name), &page)) {
        return PSV_OK;
    }
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (pages->len == PSV_ERROR_PAGES_MAX) {
        return psv_error_set(reterr, PSV_ELIMIT, "error pages in \"%s\": %d are the most", folder,
                             PSV_ERROR_PAGES_MAX);
    }
    int code = psv_fd_read_file(path, &text);
    if (code != PSV_OK) {
        return psv_error_set(reterr, code, "the error page \"%s\" cannot be read, or is larger than 256 KiB",
                             path);
    }
    char *copy = psv_strndup(text.data != NULL ? text.data : "", text.len);
    if (copy == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "no memory for the error page \"%s\"", path);
    }
    page.text = (struct psv_bytes){copy, text.len};
    pages->items[pages->len++] = page;
    return PSV_OK;
}

int psv_error_pages_load(struct psv_error_pages *ret, const char *folder, struct psv_error *reterr)
{
    const struct dirent *entry;
    int code = PSV_OK;

    *ret = (struct psv_error_pages){.len = 0};
    if (*folder == '\0') {
        return PSV_OK;
    }
    DIR *directory = opendir(folder);
    if (directory == NULL) {
        return psv_error_set_errno(reterr, PSV_ENOENT, errno, "the folder of error pages \"%s\"", folder);
    }
    while (code == PSV_OK && (entry = readdir(directory)) != NULL) {
        code = load_page(ret, folder, entry->d_name, reterr);
    }
    (void)closedir(directory);
    if (code != PSV_OK) {
        psv_error_pages_fini(ret);
    }
    return code;
}

void psv_error_pages_fini(struct psv_error_pages *pages)
{
    for (unsigned i = 0; i < pages->len; i++) {
        psv_free((void *)(uintptr_t)pages->items[i].text.data);
    }
    pages->len = 0;
}
