/* The supervisor; see supervisor.h.
 *
 *   SIGTERM, SIGINT   all servers finish what runs and end; then so do we (a second one cuts that short).
 *                     SIGTERM lets a load balancer learn of it first (server.drain_delay_ms)
 *   SIGHUP, SIGUSR2   a new generation with the configuration, program and php.ini of now; when it is ready,
 *                     the old one drains; when it does not become ready, the old one goes on
 *   SIGUSR1           logs are opened again
 *   SIGCHLD           a server has ended, or (as PID 1) a process that nobody else waits for
 *
 * SPDX-License-Identifier: MIT */
#include "supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "config/config.h"
#include "observe/log.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/process.h"
#include "supervise/generation.h"
#include "supervise/listen_set.h"
#include "supervise/service_manager.h"
#include "supervise/shared_page.h"

/* Generations that drain at the same time; one more reload waits. */
#define DRAINING_MAX 8
/* A server that lived so long has not crashed because of its start. */
#define HEALTHY_NS (UINT64_C(10) * PSV_NS_PER_S)
#define BACKOFF_FIRST_NS (UINT64_C(100) * PSV_NS_PER_MS)
#define BACKOFF_MAX_NS (UINT64_C(5) * PSV_NS_PER_S)
#define PROGRAM_PATH_MAX 4096

extern char **environ;

struct supervisor {
    const struct psv_supervisor_options *options;
    const struct psv_config *config; /* of the first generation */
    char program[PROGRAM_PATH_MAX];
    int signal_fd;
    struct psv_shared_page *page; /* what servers read */
    int page_fd;
    struct psv_service_manager manager;
    struct psv_listen_set sockets;      /* of current */
    struct psv_listen_set next_sockets; /* of next */
    struct psv_generation current;      /* serves; NONE while it is being restarted */
    struct psv_generation next;         /* starts */
    struct psv_generation draining[DRAINING_MAX];
    unsigned generations; /* so far */
    unsigned crashes;
    unsigned failures;      /* crashes and failed starts in a row */
    uint64_t restart_at_ns; /* 0: no restart is due */
    uint64_t watchdog_at_ns;
    struct psv_config_supervisor limits;      /* of current */
    struct psv_config_supervisor next_limits; /* of next */
    bool is_reload_wanted;
    bool is_ending;
    int exit_code;
    bool is_over;
};

/* ---- starting */

static int start_next(struct supervisor *supervisor, const struct psv_listen_set *sockets,
                      struct psv_error *reterr)
{
    const struct psv_generation_options options = {
        .program = supervisor->program,
        .argv = supervisor->options->argv,
        .environment = environ,
        .sockets = sockets,
        .number = ++supervisor->generations,
        .crashes = supervisor->crashes,
        .page_fd = supervisor->page_fd,
        /* the first one is a copy of this process as it is before it has a second thread: the pages of
         * libraries that were written when they were loaded are there once and not twice */
        .serve = supervisor->generations == 1 ? supervisor->options->serve : NULL,
        .config = supervisor->options->config,
    };
    return psv_generation_start(&supervisor->next, &options, reterr);
}

static void say_started(const struct supervisor *supervisor)
{
    PSV_LOG(PSV_LOG_INFO, "supervisor.generation_started", PSV_LOG_U64("generation", supervisor->next.number),
            PSV_LOG_U64("pid", (uint64_t)supervisor->next.pid));
}

static void schedule_restart(struct supervisor *supervisor)
{
    uint64_t wait_ns = 1;

    if (supervisor->failures > 1) {
        unsigned doublings = MIN(supervisor->failures - 2, 10u);
        wait_ns = MIN(BACKOFF_FIRST_NS << doublings, BACKOFF_MAX_NS);
    }
    supervisor->restart_at_ns = psv_clock_monotonic_ns() + wait_ns;
}

static void restart(struct supervisor *supervisor)
{
    struct psv_error error = {0};

    supervisor->restart_at_ns = 0;
    if (start_next(supervisor, &supervisor->sockets, &error) != PSV_OK) {
        PSV_LOG(PSV_LOG_ERROR, "supervisor.restart_failed", PSV_LOG_TEXT("reason", error.message));
        supervisor->failures++;
        schedule_restart(supervisor);
        return;
    }
    say_started(supervisor);
}

/* ---- reload */

static int load(struct supervisor *supervisor, struct psv_config_loaded *ret_loaded, struct psv_error *reterr)
{
    const struct psv_supervisor_options *options = supervisor->options;
    int code = psv_config_load(options->argc, options->argv, environ, ret_loaded, reterr);

    if (code != PSV_OK) {
        return code;
    }
    code = psv_config_check(ret_loaded, reterr);
    if (code == PSV_OK) {
        code = options->check(ret_loaded, reterr);
    }
    if (code == PSV_OK) {
        code =
            psv_listen_set_open(&ret_loaded->config, &supervisor->sockets, &supervisor->next_sockets, reterr);
    }
    if (code != PSV_OK) {
        psv_config_loaded_fini(ret_loaded);
        *ret_loaded = (struct psv_config_loaded){0};
    }
    return code;
}

static void say_reload_failed(struct supervisor *supervisor, const char *reason)
{
    /* before the line: who reads it finds the numbers */
    atomic_fetch_add_explicit(&supervisor->page->reloads_failed, 1, memory_order_relaxed);
    atomic_store_explicit(&supervisor->page->last_reload_failed, 1, memory_order_relaxed);
    PSV_LOG(PSV_LOG_ERROR, "supervisor.reload_failed", PSV_LOG_TEXT("reason", reason),
            PSV_LOG_U64("serving_generation", supervisor->current.number));
    psv_service_manager_tell(&supervisor->manager, "READY=1");
}

static void note_reload_done(struct supervisor *supervisor)
{
    atomic_fetch_add_explicit(&supervisor->page->reloads_done, 1, memory_order_relaxed);
    atomic_store_explicit(&supervisor->page->last_reload_failed, 0, memory_order_relaxed);
    atomic_store_explicit(&supervisor->page->last_reload_unix_s, psv_clock_unix_us() / 1000000u,
                          memory_order_relaxed);
}

static bool has_room_for_draining(const struct supervisor *supervisor)
{
    for (size_t i = 0; i < DRAINING_MAX; i++) {
        if (supervisor->draining[i].state == PSV_GENERATION_NONE) {
            return true;
        }
    }
    return false;
}

static void reload(struct supervisor *supervisor)
{
    struct psv_config_loaded loaded = {0};
    struct psv_error error = {0};

    supervisor->is_reload_wanted = false;
    psv_service_manager_tell_reloading(&supervisor->manager);
    int code = load(supervisor, &loaded, &error);
    if (code == PSV_OK) {
        supervisor->next_limits = loaded.config.supervisor;
        psv_config_loaded_fini(&loaded); /* the new server reads it by itself */
        code = start_next(supervisor, &supervisor->next_sockets, &error);
        if (code != PSV_OK) {
            psv_listen_set_discard(&supervisor->next_sockets);
            supervisor->next_limits = supervisor->limits;
        }
    }
    if (code != PSV_OK) {
        say_reload_failed(supervisor, error.message);
        return;
    }
    say_started(supervisor);
}

/* ---- what happens to servers */

static void begin_draining(struct supervisor *supervisor, struct psv_generation *generation)
{
    if (!supervisor->is_ending) { /* else it has been asked to, and a second signal would cut that short */
        psv_generation_signal(generation, SIGINT); /* SIGTERM waits for load balancers; here nobody leaves */
    }
    generation->state = PSV_GENERATION_DRAINING;
    for (size_t i = 0; i < DRAINING_MAX; i++) {
        if (supervisor->draining[i].state == PSV_GENERATION_NONE) {
            supervisor->draining[i] = *generation;
            *generation = (struct psv_generation){.status_fd = -1};
            return;
        }
    }
    UNREACHABLE("a reload waits for room");
}

static void on_ready(struct supervisor *supervisor)
{
    struct psv_generation *next = &supervisor->next;

    next->state = PSV_GENERATION_SERVING;
    supervisor->limits = supervisor->next_limits;
    if (supervisor->next_sockets.len > 0 && !supervisor->is_ending) {
        psv_listen_set_replace(&supervisor->sockets, &supervisor->next_sockets);
    }
    PSV_LOG(PSV_LOG_INFO, "supervisor.generation_ready", PSV_LOG_U64("generation", next->number),
            PSV_LOG_U64("pid", (uint64_t)next->pid),
            PSV_LOG_SECONDS("seconds", (double)(next->beat_ns - next->started_ns) / 1e9));
    if (supervisor->current.state == PSV_GENERATION_SERVING) {
        note_reload_done(supervisor);
        begin_draining(supervisor, &supervisor->current);
    }
    supervisor->current = *next;
    *next = (struct psv_generation){.status_fd = -1};
    psv_service_manager_tell(&supervisor->manager, "READY=1");
}

static int exit_code_of(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void on_start_failed(struct supervisor *supervisor, int status)
{
    bool is_first = supervisor->current.state == PSV_GENERATION_NONE && supervisor->crashes == 0;

    PSV_LOG(PSV_LOG_ERROR, "supervisor.generation_failed", PSV_LOG_U64("generation", supervisor->next.number),
            PSV_LOG_U64("status", (uint64_t)exit_code_of(status)));
    psv_generation_end(&supervisor->next);
    psv_listen_set_discard(&supervisor->next_sockets);
    supervisor->next_limits = supervisor->limits;
    if (supervisor->is_ending) {
        return;
    }
    if (is_first) { /* it has said why */
        supervisor->is_ending = true;
        supervisor->exit_code = exit_code_of(status);
    } else if (supervisor->current.state == PSV_GENERATION_SERVING) {
        say_reload_failed(supervisor, "the new server did not become ready; its own lines above say why");
    } else {
        supervisor->failures++;
        schedule_restart(supervisor);
    }
}

static void on_crash(struct supervisor *supervisor, int status)
{
    struct psv_generation *current = &supervisor->current;
    uint64_t lived_ns = psv_clock_monotonic_ns() - current->started_ns;
    const char *signal_name = WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : NULL;

    supervisor->failures = lived_ns < HEALTHY_NS ? supervisor->failures + 1 : 1;
    supervisor->crashes++;
    PSV_LOG(PSV_LOG_ERROR, "supervisor.server_crashed", PSV_LOG_U64("generation", current->number),
            PSV_LOG_U64("pid", (uint64_t)current->pid),
            PSV_LOG_TEXT("signal", signal_name != NULL ? signal_name : "none"),
            PSV_LOG_U64("status", (uint64_t)exit_code_of(status)),
            PSV_LOG_SECONDS("lived_seconds", (double)lived_ns / 1e9),
            PSV_LOG_U64("crashes", supervisor->crashes));
    psv_generation_end(current);
    if (supervisor->next.state == PSV_GENERATION_NONE) {
        schedule_restart(supervisor); /* else a reload was under way: the next one is starting already */
    }
}

static void on_exit(struct supervisor *supervisor, pid_t pid, int status)
{
    if (supervisor->next.state != PSV_GENERATION_NONE && supervisor->next.pid == pid) {
        on_start_failed(supervisor, status);
        return;
    }
    if (supervisor->current.state != PSV_GENERATION_NONE && supervisor->current.pid == pid) {
        if (supervisor->is_ending) {
            supervisor->exit_code = exit_code_of(status);
            psv_generation_end(&supervisor->current);
        } else {
            on_crash(supervisor, status);
        }
        return;
    }
    for (size_t i = 0; i < DRAINING_MAX; i++) {
        if (supervisor->draining[i].state != PSV_GENERATION_NONE && supervisor->draining[i].pid == pid) {
            PSV_LOG(PSV_LOG_INFO, "supervisor.generation_ended",
                    PSV_LOG_U64("generation", supervisor->draining[i].number),
                    PSV_LOG_U64("status", (uint64_t)exit_code_of(status)));
            psv_generation_end(&supervisor->draining[i]);
        }
    }
}

static void reap(struct supervisor *supervisor)
{
    pid_t pid;
    int status;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        /* last words, such as a byte that says ready */
        if (supervisor->next.pid == pid && supervisor->next.status_fd >= 0 &&
            psv_generation_listen(&supervisor->next)) {
            on_ready(supervisor);
        }
        on_exit(supervisor, pid, status);
    }
}

static void signal_draining(struct supervisor *supervisor, int number)
{
    for (size_t i = 0; i < DRAINING_MAX; i++) {
        psv_generation_signal(&supervisor->draining[i], number);
    }
}

static void signal_serving(struct supervisor *supervisor, int number)
{
    psv_generation_signal(&supervisor->current, number);
    psv_generation_signal(&supervisor->next, number);
}

static void end(struct supervisor *supervisor, int number)
{
    if (!supervisor->is_ending) {
        PSV_LOG(PSV_LOG_INFO, "supervisor.ending", PSV_LOG_TEXT("signal", psv_process_signal_name(number)));
        psv_service_manager_tell(&supervisor->manager, "STOPPING=1");
    } else {
        signal_draining(supervisor, number); /* not before: they have had one, and a second cuts them short */
    }
    supervisor->is_ending = true;
    supervisor->restart_at_ns = 0;
    supervisor->is_reload_wanted = false;
    /* no server will be started any more */
    psv_listen_set_release(&supervisor->sockets);
    psv_listen_set_release(&supervisor->next_sockets);
    signal_serving(supervisor, number);
}

static void on_signals(struct supervisor *supervisor)
{
    int number;

    while ((number = psv_process_take_signal(supervisor->signal_fd)) > 0) {
        switch (number) {
        case SIGTERM:
        case SIGINT:
            end(supervisor, number);
            break;
        case SIGHUP:
        case SIGUSR2:
            supervisor->is_reload_wanted = !supervisor->is_ending;
            break;
        case SIGUSR1:
            psv_log_reopen();
            signal_serving(supervisor, number);
            signal_draining(supervisor, number);
            break;
        case SIGCHLD:
            break; /* reaped below, whatever came */
        default:
            break;
        }
    }
    reap(supervisor);
}

/* ---- the loop */

static uint64_t start_deadline(const struct supervisor *supervisor)
{
    return supervisor->next.state == PSV_GENERATION_STARTING
               ? supervisor->next.started_ns + supervisor->next_limits.start_timeout_ms * PSV_NS_PER_MS
               : 0;
}

static int wait_ms(const struct supervisor *supervisor)
{
    uint64_t now_ns = psv_clock_monotonic_ns();
    uint64_t until_ns = psv_clock_sooner(supervisor->restart_at_ns, start_deadline(supervisor));

    until_ns = psv_clock_sooner(until_ns, supervisor->watchdog_at_ns);
    if (until_ns == 0) {
        return -1;
    }
    return until_ns <= now_ns ? 0 : (int)MIN((until_ns - now_ns) / PSV_NS_PER_MS + 1, UINT64_C(60000));
}

/* The service manager hears of us as long as the server's loop turns. */
static void feed_watchdog(struct supervisor *supervisor, uint64_t now_ns)
{
    if (supervisor->manager.watchdog_ns == 0 || now_ns < supervisor->watchdog_at_ns) {
        return;
    }
    supervisor->watchdog_at_ns = now_ns + supervisor->manager.watchdog_ns / 3;
    if (supervisor->current.state == PSV_GENERATION_NONE ||
        now_ns - supervisor->current.beat_ns < supervisor->manager.watchdog_ns) {
        psv_service_manager_tell(&supervisor->manager, "WATCHDOG=1");
    }
}

static void on_time(struct supervisor *supervisor)
{
    uint64_t now_ns = psv_clock_monotonic_ns();
    uint64_t deadline_ns = start_deadline(supervisor);

    feed_watchdog(supervisor, now_ns);
    if (deadline_ns != 0 && now_ns >= deadline_ns) {
        PSV_LOG(PSV_LOG_ERROR, "supervisor.start_timeout",
                PSV_LOG_U64("generation", supervisor->next.number));
        psv_generation_signal(&supervisor->next, SIGKILL);
        supervisor->next.started_ns = now_ns;
    }
    if (supervisor->restart_at_ns != 0 && now_ns >= supervisor->restart_at_ns) {
        restart(supervisor);
    }
    if (supervisor->is_reload_wanted && supervisor->next.state == PSV_GENERATION_NONE &&
        supervisor->current.state == PSV_GENERATION_SERVING && has_room_for_draining(supervisor)) {
        reload(supervisor);
    }
}

/* Once a second, when the server says that it lives.  A new one is needed at once again only if its start
 * alone takes too much: then it is left alone for a while, each time. */
static void watch_memory(struct supervisor *supervisor)
{
    const struct psv_generation *current = &supervisor->current;

    if (supervisor->limits.memory_max_bytes == 0 || current->state != PSV_GENERATION_SERVING ||
        supervisor->is_reload_wanted || supervisor->is_ending ||
        supervisor->next.state != PSV_GENERATION_NONE ||
        psv_clock_monotonic_ns() - current->started_ns < HEALTHY_NS) {
        return;
    }
    uint64_t bytes = psv_process_own_memory(current->pid);
    if (bytes > supervisor->limits.memory_max_bytes) {
        PSV_LOG(PSV_LOG_WARN, "supervisor.memory_exceeded", PSV_LOG_U64("generation", current->number),
                PSV_LOG_U64("bytes", bytes), PSV_LOG_U64("max_bytes", supervisor->limits.memory_max_bytes));
        supervisor->is_reload_wanted = true;
    }
}

static bool has_servers(const struct supervisor *supervisor)
{
    bool has =
        supervisor->current.state != PSV_GENERATION_NONE || supervisor->next.state != PSV_GENERATION_NONE;

    for (size_t i = 0; i < DRAINING_MAX; i++) {
        has |= supervisor->draining[i].state != PSV_GENERATION_NONE;
    }
    return has;
}

static void run(struct supervisor *supervisor)
{
    while (!supervisor->is_ending || has_servers(supervisor)) {
        struct pollfd fds[] = {
            {.fd = supervisor->signal_fd, .events = POLLIN},
            {.fd = supervisor->next.state != PSV_GENERATION_NONE ? supervisor->next.status_fd : -1,
             .events = POLLIN},
            {.fd = supervisor->current.state != PSV_GENERATION_NONE ? supervisor->current.status_fd : -1,
             .events = POLLIN},
        };
        INVARIANT(poll(fds, ARRAY_SIZE(fds), wait_ms(supervisor)) >= 0 || errno == EINTR);
        if (fds[2].revents != 0) {
            (void)psv_generation_listen(&supervisor->current);
            watch_memory(supervisor);
            supervisor->is_reload_wanted |=
                psv_generation_take_wish(&supervisor->current) && !supervisor->is_ending;
            if (supervisor->current.wants_end &&
                !supervisor->is_ending) { /* a second wish cuts nothing short */
                end(supervisor, SIGTERM);
            }
        }
        if (fds[1].revents != 0 && psv_generation_listen(&supervisor->next)) {
            on_ready(supervisor);
        }
        if (fds[0].revents != 0) {
            on_signals(supervisor);
        }
        on_time(supervisor);
    }
}

/* ---- boot and end */

static int find_program(struct supervisor *supervisor, struct psv_error *reterr)
{
    /* by name, so that a reload starts what has been installed in its place */
    ssize_t len = readlink("/proc/self/exe", supervisor->program, sizeof(supervisor->program) - 1);

    if (len <= 0) {
        return psv_error_set_errno(reterr, PSV_EIO, errno, "cannot find out where this program lies");
    }
    supervisor->program[len] = '\0';
    return PSV_OK;
}

static int start_log(const struct psv_config *config, struct psv_error *reterr)
{
    const struct psv_log_options options = {
        .min_level = (enum psv_log_level)config->log.level,
        .format = (enum psv_log_format)config->log.format,
        .error_path = config->log.error_path,
        .ring_lines = config->log.ring_lines,
        .color = (enum psv_log_color)config->log.color,
    };

    return psv_log_start(&options, reterr);
}

static int boot(struct supervisor *supervisor, struct psv_error *reterr)
{
    const struct psv_config *config = supervisor->config;
    struct psv_listen_set activated = {.len = 0};
    int code = find_program(supervisor, reterr);

    psv_process_block_signals(true);
    psv_process_ignore_sigpipe();
    psv_service_manager_init(&supervisor->manager);
    supervisor->watchdog_at_ns = supervisor->manager.watchdog_ns > 0 ? 1 : 0;
    if (code == PSV_OK) {
        code = psv_listen_set_take_activated(&activated, reterr);
    }
    if (code == PSV_OK) {
        code = psv_listen_set_open(config, &activated, &supervisor->sockets, reterr);
    }
    if (code == PSV_OK) {
        supervisor->signal_fd = psv_process_open_signals(true, reterr);
        code = supervisor->signal_fd < 0 ? supervisor->signal_fd : PSV_OK;
    }
    if (code == PSV_OK) {
        supervisor->page = psv_shared_page_new(&supervisor->page_fd);
        code =
            supervisor->page != NULL ? PSV_OK : psv_error_set(reterr, PSV_ENOMEM, "no memory file to be had");
    }
    if (code == PSV_OK) {
        code = start_next(supervisor, &supervisor->sockets, reterr);
    }
    if (code != PSV_OK) {
        return code;
    }
    code = start_log(config, reterr);
    if (code != PSV_OK) {
        psv_generation_signal(&supervisor->next, SIGKILL);
        (void)waitpid(supervisor->next.pid, NULL, 0);
        psv_generation_end(&supervisor->next);
        return code;
    }
    say_started(supervisor);
    return PSV_OK;
}

int psv_supervise(const struct psv_supervisor_options *options, struct psv_error *reterr)
{
    static struct supervisor supervisor; /* one per process, and too large for a stack */

    supervisor = (struct supervisor){.options = options,
                                     .config = &options->config->config,
                                     .limits = options->config->config.supervisor,
                                     .next_limits = options->config->config.supervisor,
                                     .signal_fd = -1,
                                     .page_fd = -1,
                                     .current.status_fd = -1,
                                     .next.status_fd = -1};
    int code = boot(&supervisor, reterr);
    if (code == PSV_OK) {
        run(&supervisor);
        PSV_LOG(PSV_LOG_INFO, "supervisor.stopped", PSV_LOG_U64("exit_code", (uint64_t)supervisor.exit_code));
    }
    psv_listen_set_discard(&supervisor.next_sockets);
    psv_listen_set_close(&supervisor.sockets);
    psv_service_manager_fini(&supervisor.manager);
    supervisor.signal_fd = psv_fd_close(supervisor.signal_fd);
    supervisor.page_fd = psv_fd_close(supervisor.page_fd);
    psv_log_stop();
    return code == PSV_OK ? supervisor.exit_code : -1;
}
