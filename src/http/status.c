/* Status codes: reason phrases and ready status lines, both from one table.  Pure; any thread.
 *
 * SPDX-License-Identifier: MIT */
#include "status.h"

#include "base/macros.h"

/* The IANA registry of HTTP status codes without its unused and expired rows. */
#define STATUS_TABLE(X)                                                                                      \
    X(100, "Continue")                                                                                       \
    X(101, "Switching Protocols")                                                                            \
    X(102, "Processing")                                                                                     \
    X(103, "Early Hints")                                                                                    \
    X(200, "OK")                                                                                             \
    X(201, "Created")                                                                                        \
    X(202, "Accepted")                                                                                       \
    X(203, "Non-Authoritative Information")                                                                  \
    X(204, "No Content")                                                                                     \
    X(205, "Reset Content")                                                                                  \
    X(206, "Partial Content")                                                                                \
    X(207, "Multi-Status")                                                                                   \
    X(208, "Already Reported")                                                                               \
    X(226, "IM Used")                                                                                        \
    X(300, "Multiple Choices")                                                                               \
    X(301, "Moved Permanently")                                                                              \
    X(302, "Found")                                                                                          \
    X(303, "See Other")                                                                                      \
    X(304, "Not Modified")                                                                                   \
    X(305, "Use Proxy")                                                                                      \
    X(307, "Temporary Redirect")                                                                             \
    X(308, "Permanent Redirect")                                                                             \
    X(400, "Bad Request")                                                                                    \
    X(401, "Unauthorized")                                                                                   \
    X(402, "Payment Required")                                                                               \
    X(403, "Forbidden")                                                                                      \
    X(404, "Not Found")                                                                                      \
    X(405, "Method Not Allowed")                                                                             \
    X(406, "Not Acceptable")                                                                                 \
    X(407, "Proxy Authentication Required")                                                                  \
    X(408, "Request Timeout")                                                                                \
    X(409, "Conflict")                                                                                       \
    X(410, "Gone")                                                                                           \
    X(411, "Length Required")                                                                                \
    X(412, "Precondition Failed")                                                                            \
    X(413, "Content Too Large")                                                                              \
    X(414, "URI Too Long")                                                                                   \
    X(415, "Unsupported Media Type")                                                                         \
    X(416, "Range Not Satisfiable")                                                                          \
    X(417, "Expectation Failed")                                                                             \
    X(421, "Misdirected Request")                                                                            \
    X(422, "Unprocessable Content")                                                                          \
    X(423, "Locked")                                                                                         \
    X(424, "Failed Dependency")                                                                              \
    X(425, "Too Early")                                                                                      \
    X(426, "Upgrade Required")                                                                               \
    X(428, "Precondition Required")                                                                          \
    X(429, "Too Many Requests")                                                                              \
    X(431, "Request Header Fields Too Large")                                                                \
    X(451, "Unavailable For Legal Reasons")                                                                  \
    X(500, "Internal Server Error")                                                                          \
    X(501, "Not Implemented")                                                                                \
    X(502, "Bad Gateway")                                                                                    \
    X(503, "Service Unavailable")                                                                            \
    X(504, "Gateway Timeout")                                                                                \
    X(505, "HTTP Version Not Supported")                                                                     \
    X(506, "Variant Also Negotiates")                                                                        \
    X(507, "Insufficient Storage")                                                                           \
    X(508, "Loop Detected")                                                                                  \
    X(510, "Not Extended")                                                                                   \
    X(511, "Network Authentication Required")

#define FIRST_STATUS 100u
#define STATUS_SLOTS 500u /* 100..599 */

static const char *const texts[STATUS_SLOTS] = {
#define X(code, text) [code - FIRST_STATUS] = text,
    STATUS_TABLE(X)
#undef X
};

static const struct psv_bytes lines[STATUS_SLOTS] = {
#define X(code, text) [code - FIRST_STATUS] = PSV_BYTES_INIT("HTTP/1.1 " #code " " text "\r\n"),
    STATUS_TABLE(X)
#undef X
};

const char *psv_status_text(unsigned status)
{
    /* below 100 the difference wraps around and is out of range as well */
    unsigned slot = status - FIRST_STATUS;

    return slot < STATUS_SLOTS && texts[slot] != NULL ? texts[slot] : "Unknown";
}

struct psv_bytes psv_status_line(unsigned status)
{
    unsigned slot = status - FIRST_STATUS;

    return slot < STATUS_SLOTS ? lines[slot] : PSV_BYTES_EMPTY;
}

bool psv_status_is_bodiless(unsigned status)
{
    return (status >= 100 && status < 200) || status == 204 || status == 304;
}
