/* Finds the end of an HTTP/1.1 response (RFC 9112), piece by piece, and notes its status. Keeps no body.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RESPONSE_HEAD_MAX 16384

enum response_state {
    RESPONSE_HEAD,
    RESPONSE_BODY,       /* left: bytes of the body */
    RESPONSE_CHUNK_SIZE, /* left: the size so far */
    RESPONSE_CHUNK_EXTENSION,
    RESPONSE_CHUNK_DATA, /* left: bytes of the chunk and its line end */
    RESPONSE_TRAILER,
    RESPONSE_UNTIL_CLOSE,
    RESPONSE_DONE,
    RESPONSE_BROKEN,
};

struct response {
    enum response_state state;
    unsigned status;
    bool closes; /* the server ends the connection after it */
    uint64_t left;
    size_t line_len; /* of the trailer line that is being read */
    size_t head_len;
    char head[RESPONSE_HEAD_MAX];
};

void response_begin(struct response *response);

/** Takes what has arrived. Bytes after the end are a mistake of the server: the state becomes
 * RESPONSE_BROKEN. */
void response_feed(struct response *response, const char *data, size_t len);

/** The server has ended the connection: a body without a length is complete then. */
void response_end(struct response *response);
