/* Answers from a file of the cache: GET and HEAD, preconditions, ranges.  [loop]  Must not know where
 * the file came from nor which protocol carries the answer.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "config/config.h"

struct psv_cached_file;
struct psv_exchange;
struct psv_field;

struct psv_static_file {
    unsigned ranges_max;              /* a request that names more ranges gets the whole file */
    struct psv_bytes cache_control;   /* "" = none */
    struct psv_config_list immutable; /* patterns (fnmatch(3)) of paths whose files never change */
};

/** One form of a file's content. */
struct psv_static_form {
    struct psv_bytes coding; /* "" = as it is */
    struct psv_bytes etag;
    const char *content; /* NULL: behind fd */
    int fd;
    uint64_t size_bytes;
};

/** What of a file is sent. */
struct psv_static_choice {
    const struct psv_cached_file *file; /* a FILE: its name, type and date */
    struct psv_static_form form;
    bool varies;                   /* another request could get another form */
    const struct psv_field *extra; /* further fields, which win over the file's own; live as long as it */
    unsigned extra_len;
};

/** The form that the bytes of a FILE are; coding "" unless it is a copy of another one. */
struct psv_static_form psv_static_form_of(const struct psv_cached_file *file, struct psv_bytes coding);

/** Answers in any case (405, 412, 416, 503 included).  The files live as long as the exchange's arena: their
 * bytes and fields are not copied.  Any request body is of no interest. */
void psv_static_file_answer(const struct psv_static_file *options, struct psv_exchange *exchange,
                            const struct psv_static_choice *choice);
