/* Development mode (--dev) on the server's side: watches files, tells open pages, asks for a new server when
 * what this one was started from has changed.  Does not exist without --dev.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"

struct psv_dev;
struct psv_exchange;
struct psv_server;
struct psv_static_choice;

/** Without dev.enabled server->dev stays NULL.  After the pipeline, before privileges are dropped.  [boot] */
MUST_CHECK int psv_dev_boot(struct psv_server *server, struct psv_error *reterr);
/** Accepts NULL; returns NULL.  [boot] */
struct psv_dev *psv_dev_free(struct psv_dev *dev);

/** Says where to look and that this is no server for production.  Nothing without --dev.  [boot] */
void psv_dev_say_hello(const struct psv_server *server);

/** Requests for what development mode itself serves, and those for hosts that it does not serve; false: it is
 * neither. */
bool psv_dev_answer(struct psv_dev *dev, struct psv_exchange *exchange);
/** A static page that is about to be sent gets the script, if it is a page and may have it. */
void psv_dev_change_file(struct psv_dev *dev, struct psv_exchange *exchange,
                         struct psv_static_choice *choice);

/** The server ends: so do the streams.  Accepts NULL. */
void psv_dev_drain(struct psv_dev *dev);
