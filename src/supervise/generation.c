/* Starting and watching a server process; see generation.h.
 *
 * SPDX-License-Identifier: MIT */
#include "generation.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "base/text_parse.h"
#include "os/clock.h"
#include "os/fd.h"
#include "supervise/supervised.h"

/* Where passed descriptors begin (sd_listen_fds(3)). */
#define FIRST_FD 3
#define NAMES_BYTES (PSV_LISTEN_SET_MAX * 10)
#define ADDED_VARIABLES 4

/* What the child needs between fork and exec, made before: there only async-signal-safe functions may be
 * called. */
struct launch {
    const struct psv_generation_options *options;
    int status_fd; /* the child's end */
    pid_t parent;
    char **environment;
    char pid_text[32];
    char count_text[32];
    char names_text[32 + NAMES_BYTES];
    char supervisor_text[96];
};

static int fill_environment(struct launch *launch)
{
    const struct psv_generation_options *options = launch->options;
    size_t len = 0;
    size_t names_len;

    while (options->environment[len] != NULL) {
        len++;
    }
    launch->environment = psv_calloc(len + ADDED_VARIABLES + 1, sizeof(*launch->environment));
    if (launch->environment == NULL) {
        return PSV_ENOMEM;
    }
    memcpy(launch->environment, options->environment, len * sizeof(*launch->environment));
    (void)snprintf(launch->pid_text, sizeof(launch->pid_text), "LISTEN_PID=");
    (void)snprintf(launch->count_text, sizeof(launch->count_text), "LISTEN_FDS=%zu", options->sockets->len);
    names_len = (size_t)snprintf(launch->names_text, sizeof(launch->names_text), "LISTEN_FDNAMES=");
    for (size_t i = 0; i < options->sockets->len; i++) {
        names_len += (size_t)snprintf(launch->names_text + names_len, sizeof(launch->names_text) - names_len,
                                      "%s%s", i > 0 ? ":" : "", options->sockets->items[i].kind);
    }
    (void)snprintf(launch->supervisor_text, sizeof(launch->supervisor_text),
                   PSV_SUPERVISED_VARIABLE "=fd=%zu,page=%zu,generation=%u,crashes=%u",
                   FIRST_FD + options->sockets->len, FIRST_FD + options->sockets->len + 1, options->number,
                   options->crashes);
    launch->environment[len++] = launch->pid_text;
    launch->environment[len++] = launch->count_text;
    launch->environment[len++] = launch->names_text;
    launch->environment[len] = launch->supervisor_text;
    return PSV_OK;
}

/* Beside the sockets: the pipe and the shared page. */
#define OTHER_FDS 2

/* Moves the descriptors to 3, 4, ...: first out of each other's way. */
static bool place_descriptors(const struct launch *launch)
{
    const struct psv_listen_set *sockets = launch->options->sockets;
    const int others[OTHER_FDS] = {launch->status_fd, launch->options->page_fd};
    int len = (int)sockets->len;
    int last = FIRST_FD + len + OTHER_FDS - 1;
    int moved[PSV_LISTEN_SET_MAX + OTHER_FDS];

    for (int i = 0; i < len + OTHER_FDS; i++) {
        int fd = i < len ? sockets->items[i].socket.fd : others[i - len];
        moved[i] = fcntl(fd, F_DUPFD_CLOEXEC, last + 1);
        if (moved[i] < 0) {
            return false;
        }
    }
    for (int i = 0; i < len + OTHER_FDS; i++) {
        if (dup2(moved[i], FIRST_FD + i) < 0) {
            return false;
        }
    }
    return true;
}

static _Noreturn void run_child(struct launch *launch)
{
    static const char complaint[] = "phpsrv: the server program cannot be started\n";
    sigset_t none;

    (void)prctl(PR_SET_PDEATHSIG, SIGINT); /* no server without its supervisor */
    if (getppid() != launch->parent) {
        _exit(1);
    }
    size_t prefix = strlen(launch->pid_text);
    size_t digits = psv_format_u64(launch->pid_text + prefix, (uint64_t)getpid());
    launch->pid_text[prefix + digits] = '\0';
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    bool is_placed = place_descriptors(launch);
    if (is_placed && launch->options->serve != NULL) {
        environ = launch->environment;
        (void)close_range((unsigned)(FIRST_FD + launch->options->sockets->len + OTHER_FDS), ~0u, 0);
        exit(launch->options->serve(launch->options->config));
    }
    if (is_placed) {
        (void)execve(launch->options->program, launch->options->argv, launch->environment);
    }
    (void)!write(STDERR_FILENO, complaint, sizeof(complaint) - 1);
    _exit(127);
}

int psv_generation_start(struct psv_generation *generation, const struct psv_generation_options *options,
                         struct psv_error *reterr)
{
    struct launch launch = {.options = options, .parent = getpid()};
    int ends[2];

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        return psv_error_set_errno(reterr, psv_error_of_errno(errno), errno, "no pipe for a server process");
    }
    launch.status_fd = ends[1];
    int code = fill_environment(&launch);
    pid_t pid = code == PSV_OK ? fork() : -1;
    if (pid == 0) {
        run_child(&launch);
    }
    int errno_value = errno;
    psv_free(launch.environment);
    (void)psv_fd_close(ends[1]);
    if (pid < 0) {
        (void)psv_fd_close(ends[0]);
        return code != PSV_OK ? psv_error_set(reterr, code, "no memory for a server process")
                              : psv_error_set_errno(reterr, psv_error_of_errno(errno_value), errno_value,
                                                    "a server process cannot be started");
    }
    uint64_t now_ns = psv_clock_monotonic_ns();
    *generation = (struct psv_generation){.state = PSV_GENERATION_STARTING,
                                          .number = options->number,
                                          .pid = pid,
                                          .status_fd = ends[0],
                                          .started_ns = now_ns,
                                          .beat_ns = now_ns};
    return PSV_OK;
}

bool psv_generation_listen(struct psv_generation *generation)
{
    char said[256];
    ssize_t len = read(generation->status_fd, said, sizeof(said));

    if (len == 0) { /* it is about to end */
        generation->status_fd = psv_fd_close(generation->status_fd);
    }
    if (len <= 0) {
        return false;
    }
    generation->beat_ns = psv_clock_monotonic_ns();
    generation->wants_reload |= memchr(said, 'L', (size_t)len) != NULL;
    generation->wants_end |= memchr(said, 'E', (size_t)len) != NULL;
    return generation->state == PSV_GENERATION_STARTING && memchr(said, 'R', (size_t)len) != NULL;
}

bool psv_generation_take_wish(struct psv_generation *generation)
{
    bool wants_reload = generation->wants_reload;

    generation->wants_reload = false;
    return wants_reload;
}

void psv_generation_signal(const struct psv_generation *generation, int number)
{
    if (generation->state != PSV_GENERATION_NONE) {
        (void)kill(generation->pid, number);
    }
}

void psv_generation_end(struct psv_generation *generation)
{
    generation->status_fd = psv_fd_close(generation->status_fd);
    *generation = (struct psv_generation){.state = PSV_GENERATION_NONE, .status_fd = -1};
}
