/* User and group of the process; see privileges.h.
 *
 * SPDX-License-Identifier: MIT */
#include "privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "base/text_parse.h"

static bool parse_number(const char *text, uint64_t *ret)
{
    return psv_parse_u64(psv_bytes_of(text), ret) == PSV_OK && *ret < UINT32_MAX;
}

static int find_user(const char *user, struct psv_privileges *ret, struct psv_error *reterr)
{
    uint64_t number;
    const struct passwd *entry = parse_number(user, &number) ? getpwuid((uid_t)number) : getpwnam(user);

    if (entry != NULL) {
        ret->user = entry->pw_uid;
        ret->group = entry->pw_gid;
        (void)snprintf(ret->user_name, sizeof(ret->user_name), "%s", entry->pw_name);
        ret->has_groups = true;
        (void)snprintf(ret->home, sizeof(ret->home), "%s", entry->pw_dir);
        return PSV_OK;
    }
    if (parse_number(user, &number)) { /* a container often has numbers without names */
        ret->user = (uid_t)number;
        ret->group = (gid_t)number;
        (void)snprintf(ret->user_name, sizeof(ret->user_name), "%lu", (unsigned long)number);
        return PSV_OK;
    }
    return psv_error_set(reterr, PSV_ENOENT, "there is no user \"%s\"", user);
}

static int find_group(const char *group, struct psv_privileges *ret, struct psv_error *reterr)
{
    uint64_t number;
    const struct group *entry = getgrnam(group);

    if (entry != NULL) {
        ret->group = entry->gr_gid;
        return PSV_OK;
    }
    if (parse_number(group, &number)) {
        ret->group = (gid_t)number;
        return PSV_OK;
    }
    return psv_error_set(reterr, PSV_ENOENT, "there is no group \"%s\"", group);
}

int psv_privileges_find(const char *user, const char *group, struct psv_privileges *ret,
                        struct psv_error *reterr)
{
    struct psv_privileges found = {.user = geteuid(), .group = getegid(), .home = "/"};
    int code = PSV_OK;

    if (user[0] != '\0') {
        code = find_user(user, &found, reterr);
    } else if (group[0] != '\0') {
        return psv_error_set(reterr, PSV_EINVAL, "a group without a user: name both");
    }
    if (code == PSV_OK && group[0] != '\0') {
        code = find_group(group, &found, reterr);
    }
    found.changes = found.user != geteuid() || found.group != getegid();
    if (code == PSV_OK && found.changes && geteuid() != 0) {
        return psv_error_set(reterr, PSV_EACCESS, "only root can become user \"%s\"", user);
    }
    if (code == PSV_OK) {
        *ret = found;
    }
    return code;
}

/* In place of the process's own entry of that name. */
static void replace_variable(char **items, size_t *len, char *text)
{
    size_t name_len = strcspn(text, "=") + 1;

    for (size_t i = 0; i < *len; i++) {
        if (strncmp(items[i], text, name_len) == 0) {
            items[i] = text;
            return;
        }
    }
    items[(*len)++] = text;
}

/* Not setenv(3): the runtime may put one in its place that is about the calling thread. */
int psv_privileges_set_environment(const struct psv_privileges *privileges, struct psv_error *reterr)
{
    static char home[sizeof("HOME=") + sizeof(privileges->home)];
    static char user[sizeof("USER=") + sizeof(privileges->user_name)];
    static char login[sizeof("LOGNAME=") + sizeof(privileges->user_name)];
    size_t len = 0;

    if (!privileges->changes) {
        return PSV_OK;
    }
    while (environ[len] != NULL) {
        len++;
    }
    char **items = psv_calloc(len + 4, sizeof(*items));
    if (items == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "no memory for the environment");
    }
    memcpy(items, environ, len * sizeof(*items));
    (void)snprintf(home, sizeof(home), "HOME=%s", privileges->home);
    (void)snprintf(user, sizeof(user), "USER=%s", privileges->user_name);
    (void)snprintf(login, sizeof(login), "LOGNAME=%s", privileges->user_name);
    replace_variable(items, &len, home);
    replace_variable(items, &len, user);
    replace_variable(items, &len, login);
    environ = items; /* for as long as the process lives */
    return PSV_OK;
}

int psv_privileges_drop(const struct psv_privileges *privileges, struct psv_error *reterr)
{
    if (!privileges->changes) {
        return PSV_OK;
    }
    /* the C library changes all threads */
    int result = privileges->has_groups ? initgroups(privileges->user_name, privileges->group)
                                        : setgroups(1, &privileges->group);
    if (result != 0 || setresgid(privileges->group, privileges->group, privileges->group) != 0 ||
        setresuid(privileges->user, privileges->user, privileges->user) != 0) {
        return psv_error_set_errno(reterr, PSV_EACCESS, errno, "cannot become user %u, group %u",
                                   (unsigned)privileges->user, (unsigned)privileges->group);
    }
    if (privileges->user != 0 && setuid(0) == 0) {
        return psv_error_set(reterr, PSV_EACCESS, "root's rights could be taken back");
    }
    (void)prctl(PR_SET_DUMPABLE, 1);       /* the change has forbidden core dumps */
    (void)prctl(PR_SET_PDEATHSIG, SIGINT); /* and has forgotten this: no server without its supervisor */
    return PSV_OK;
}

int psv_privileges_forbid_new(struct psv_error *reterr)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return psv_error_set_errno(reterr, PSV_EUNSUPPORTED, errno, "no_new_privs cannot be set");
    }
    return PSV_OK;
}
