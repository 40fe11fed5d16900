/* What memory allows: N threads that copy blocks of a size that no cache holds. Bytes per second of CPU time
 * are what a server that sends large responses is compared with. Knows nothing of phpsrv.
 *
 * usage: copy_limit BLOCK_MIB THREADS SECONDS      prints one line of JSON
 *
 * SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "limit.h"

#define THREADS_MAX 256

struct copier {
    pthread_t pthread;
    size_t block_bytes;
    uint64_t bytes;
    uint64_t cpu_ns;
    bool has_failed;
} __attribute__((aligned(128)));

static _Atomic bool has_ended; /* relaxed: nothing is published by it */
static struct copier copiers[THREADS_MAX];

static void *thread_main(void *argument)
{
    struct copier *copier = argument;
    size_t len = copier->block_bytes;
    uint8_t *memory = mmap(NULL, 2 * len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        copier->has_failed = true;
        return NULL;
    }
    memset(memory, 1, 2 * len);
    uint64_t start_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    while (!atomic_load_explicit(&has_ended, memory_order_relaxed)) {
        memcpy(memory, memory + len, len);
        __asm__ volatile("" : : "r"(memory) : "memory"); /* the copy is wanted */
        copier->bytes += len;
    }
    copier->cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns;
    munmap(memory, 2 * len);
    return NULL;
}

int main(int argc, char **argv)
{
    unsigned block_mib = argc == 4 ? number(argv[1], 1024) : 0;
    unsigned threads = argc == 4 ? number(argv[2], THREADS_MAX) : 0;
    unsigned seconds = argc == 4 ? number(argv[3], 3600) : 0;
    if (block_mib == 0 || threads == 0 || seconds == 0) {
        fprintf(stderr, "usage: copy_limit BLOCK_MIB THREADS SECONDS\n");
        return 2;
    }
    for (unsigned i = 0; i < threads; i++) {
        copiers[i].block_bytes = (size_t)block_mib << 20;
        if (pthread_create(&copiers[i].pthread, NULL, thread_main, &copiers[i]) != 0)
            return 1;
    }
    sleep_ns(seconds * 1000000000ull);
    atomic_store_explicit(&has_ended, true, memory_order_relaxed);
    uint64_t bytes = 0, cpu_ns = 0;
    for (unsigned i = 0; i < threads; i++) {
        (void)pthread_join(copiers[i].pthread, NULL);
        if (copiers[i].has_failed)
            return 1;
        bytes += copiers[i].bytes;
        cpu_ns += copiers[i].cpu_ns;
    }
    if (cpu_ns == 0)
        return 1;
    printf("{\"bytes\": %llu, \"cpu_ns\": %llu, \"gib_per_cpu_s\": %.3f, \"threads\": %u}\n",
           (unsigned long long)bytes, (unsigned long long)cpu_ns,
           (double)bytes / 1073741824.0 / ((double)cpu_ns / 1e9), threads);
    return 0;
}
