/* See quiet_watch.h.
 *
 * SPDX-License-Identifier: MIT */
#include "quiet_watch.h"

#include <string.h>

#include "net/loop.h"
#include "observe/log.h"

static bool skip_folder(const char *name)
{
    return name[0] == '.' || strcmp(name, "node_modules") == 0 || strcmp(name, "cache") == 0;
}

static void on_readable(int fd, void *context)
{
    struct psv_quiet_watch *quiet = context;

    (void)fd;
    psv_watch_read(quiet->watch);
}

static void on_expire(struct psv_timer *timer, void *context)
{
    struct psv_quiet_watch *quiet = context;
    uint64_t first_ns = quiet->first_ns;

    quiet->first_ns = 0;
    if (!quiet->options.on_quiet(quiet->options.context)) {
        quiet->first_ns = first_ns;
        psv_timer_start(&quiet->queue, timer, quiet->options.loop->now_ns);
    }
}

int psv_quiet_watch_init(struct psv_quiet_watch *quiet, const struct psv_quiet_watch_options *options,
                         struct psv_error *reterr)
{
    const struct psv_watch_options watch_options = {
        .folders_max = options->folders_max,
        .skip = skip_folder,
        .on_change = options->on_change,
        .context = options->context,
    };

    *quiet = (struct psv_quiet_watch){.options = *options};
    psv_timer_init(&quiet->timer);
    psv_timer_queue_init(&quiet->queue, &options->loop->wheel, options->quiet_ns, on_expire, quiet);
    return psv_watch_new(&watch_options, &quiet->watch, reterr);
}

int psv_quiet_watch_start(struct psv_quiet_watch *quiet, const char *event)
{
    if (psv_watch_is_full(quiet->watch)) {
        PSV_LOG(PSV_LOG_WARN, event, PSV_LOG_U64("watched", psv_watch_folders(quiet->watch)),
                PSV_LOG_TEXT("advice", "changes in the others go unnoticed: dev.watch_folders_max, or the "
                                       "system's fs.inotify.max_user_watches"));
    }
    quiet->loop_watch =
        psv_loop_watch_new(quiet->options.loop, psv_watch_fd(quiet->watch), on_readable, quiet);
    return quiet->loop_watch != NULL ? PSV_OK : PSV_ENOMEM;
}

void psv_quiet_watch_fini(struct psv_quiet_watch *quiet)
{
    quiet->loop_watch = psv_loop_watch_free(quiet->loop_watch);
    quiet->watch = psv_watch_free(quiet->watch);
}

void psv_quiet_watch_note(struct psv_quiet_watch *quiet)
{
    uint64_t now_ns = quiet->options.loop->now_ns;

    if (quiet->first_ns == 0) {
        quiet->first_ns = now_ns;
    }
    if (!psv_timer_is_running(&quiet->timer) || now_ns - quiet->first_ns < quiet->options.latest_ns) {
        psv_timer_start(&quiet->queue, &quiet->timer, now_ns);
    }
}
