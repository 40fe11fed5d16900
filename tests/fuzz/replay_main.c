/* SPDX-License-Identifier: MIT */
/* Runs a fuzz target over stored inputs, without libFuzzer: seeds and past crashes become an ordinary test.
 * Arguments are files and directories (not searched below the first level); a missing directory holds no
 * inputs. The empty input and each input's first halves are tried as well: a parser sees truncated data every
 * day. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

static size_t inputs_run;

/* Each input lives in its own allocation of exactly its size, so that AddressSanitizer sees the first byte
 * too many. */
static void run_copy(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL) {
        perror("malloc");
        exit(2);
    }
    if (size > 0) {
        memcpy(copy, data, size);
    }
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    ++inputs_run;
}

static void run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat status;
    if (file == NULL || fstat(fileno(file), &status) != 0) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(2);
    }
    size_t size = (size_t)status.st_size;
    uint8_t *data = malloc(size > 0 ? size : 1);
    if (data == NULL || fread(data, 1, size, file) != size) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(2);
    }
    (void)fclose(file);
    /* The name is on standard error before the target runs: a crash tells which input did it. */
    fprintf(stderr, "%s (%zu bytes)\n", path, size);
    run_copy(data, size);
    for (size_t part = size / 2; part > 0; part /= 2) {
        run_copy(data, part);
    }
    free(data);
}

static void run_directory(const char *path)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0 && errno == ENOENT) {
        return;
    }
    if (count < 0) {
        fprintf(stderr, "cannot list %s\n", path);
        exit(2);
    }
    for (int i = 0; i < count; i++) {
        char *name = entries[i]->d_name;
        char full[4096];
        if (name[0] != '.' && (size_t)snprintf(full, sizeof(full), "%s/%s", path, name) < sizeof(full)) {
            run_file(full);
        }
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    if (LLVMFuzzerInitialize != NULL) {
        (void)LLVMFuzzerInitialize(&argc, &argv);
    }
    run_copy((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        struct stat status;
        if (stat(argv[i], &status) == 0 && !S_ISDIR(status.st_mode)) {
            run_file(argv[i]);
        } else {
            run_directory(argv[i]);
        }
    }
    printf("%zu inputs\n", inputs_run);
    return 0;
}
