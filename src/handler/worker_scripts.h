/* The scripts of worker mode on the pages of the internal listener.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "base/macros.h"

struct psv_buffer;
struct psv_internal_options;
struct psv_status;
struct psv_worker_script_facts;

struct psv_worker_scripts {
    struct psv_worker_script_facts *items; /* heap */
    size_t len;
};

/** Reads them; *ret_scripts is to be freed, also after a failure.  PSV_ENOMEM. */
MUST_CHECK int psv_worker_scripts_read(const struct psv_internal_options *options,
                                       struct psv_worker_scripts *ret_scripts);
void psv_worker_scripts_free(struct psv_worker_scripts *scripts);

/** `,"scripts":[...]` of /health; nothing when there are none. */
MUST_CHECK int psv_worker_scripts_put_health(struct psv_buffer *out,
                                             const struct psv_internal_options *options);
/** The same of /status?json, without their workers: those come through put_workers. */
typedef int psv_worker_scripts_put_fn(struct psv_buffer *out, const struct psv_status *status,
                                      unsigned group);
MUST_CHECK int psv_worker_scripts_put_json(struct psv_buffer *out, const struct psv_status *status,
                                           psv_worker_scripts_put_fn *put_workers);
