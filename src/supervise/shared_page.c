/* See shared_page.h.
 *
 * SPDX-License-Identifier: MIT */
#include "shared_page.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/fd.h"

struct psv_shared_page *psv_shared_page_new(int *ret_fd)
{
    int fd = psv_fd_open_memory("phpsrv-supervisor");
    void *memory = MAP_FAILED;

    if (fd >= 0 && ftruncate(fd, sizeof(struct psv_shared_page)) == 0) {
        memory = mmap(NULL, sizeof(struct psv_shared_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    if (memory == MAP_FAILED) {
        *ret_fd = psv_fd_close(fd);
        return NULL;
    }
    /* the first server is a copy of this process: it gets the page as the others do, to be read */
    (void)madvise(memory, sizeof(struct psv_shared_page), MADV_DONTFORK);
    *ret_fd = fd;
    return memory;
}

const struct psv_shared_page *psv_shared_page_open(int fd)
{
    struct stat facts;
    void *memory = MAP_FAILED;

    /* a shorter file would end the process at the first look */
    if (fstat(fd, &facts) == 0 && facts.st_size >= (off_t)sizeof(struct psv_shared_page)) {
        memory = mmap(NULL, sizeof(struct psv_shared_page), PROT_READ, MAP_SHARED, fd, 0);
    }
    (void)psv_fd_close(fd);
    return memory != MAP_FAILED ? memory : NULL;
}
