/* Preloaded into a run, this makes one chosen system call on its files fail, or kills it there.
 *
 * Only calls on what lies under FAULT_UNDER count, and those on connections to port FAULT_PORT,
 * which are files called "port". Of those whose name matches FAULT_CALL and whose path matches
 * FAULT_FILE (patterns as of the shell, with alternatives), the FAULT_NTH meets FAULT_WHAT; with
 * FAULT_ON=1 all that follow too. FAULT_LOG is given a line for each call that counts.
 *
 * The library is for the program alone: what it starts runs without.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name)) dlsym(RTLD_NEXT, #name))

enum fate { GO, FAIL, HALF, TEAR, KILL, KILL_AFTER, HANG, STOP, STOP_AFTER };

static char under[4096], call_pattern[256], file_pattern[256];
static size_t under_length;
static long nth;
static int on, port, number, log_to = -1;
static enum fate fate = GO;
static atomic_long passed;

static const char *setting(const char *name, const char *otherwise) {
    const char *value = getenv(name);
    return value && *value ? value : otherwise;
}

__attribute__((constructor)) static void begin(void) {
    static const struct { const char *name; enum fate fate; int number; } known[] = {
        {"EIO", FAIL, EIO}, {"ENOSPC", FAIL, ENOSPC}, {"EROFS", FAIL, EROFS},
        {"EDQUOT", FAIL, EDQUOT}, {"ENOLCK", FAIL, ENOLCK}, {"half", HALF, 0}, {"tear", TEAR, 0},
        {"kill", KILL, 0}, {"kill after", KILL_AFTER, 0},
        {"hang", HANG, 0},
        {"stop", STOP, 0}, {"stop after", STOP_AFTER, 0},
    };
    const char *what = setting("FAULT_WHAT", "");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(what, known[i].name)) fate = known[i].fate, number = known[i].number;
    snprintf(under, sizeof under, "%s", setting("FAULT_UNDER", "/nowhere"));
    under_length = strlen(under);
    snprintf(call_pattern, sizeof call_pattern, "%s", setting("FAULT_CALL", "*"));
    snprintf(file_pattern, sizeof file_pattern, "%s", setting("FAULT_FILE", "*"));
    nth = atol(setting("FAULT_NTH", "1"));
    on = atoi(setting("FAULT_ON", "0"));
    port = atoi(setting("FAULT_PORT", "0"));
    if (*setting("FAULT_LOG", ""))
        log_to = syscall(SYS_openat, AT_FDCWD, getenv("FAULT_LOG"),
                         O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    unsetenv("LD_PRELOAD");
}

static const char *path_of(int descriptor, char *path, size_t size);

/* What this call meets; `errno` is set where that is a failure. */
static enum fate met(const char *name, const char *path) {
    char whole[8192];
    int folder, before = errno;
    if (path && sscanf(path, "/proc/self/fd/%d", &folder) == 1) {
        const char *rest = strchr(path + strlen("/proc/self/fd/"), '/');
        if (path_of(folder, whole, sizeof whole / 2)) path = strcat(whole, rest ? rest : "");
        errno = before;
    }
    if (!path || (strncmp(path, under, under_length) && strcmp(path, "port"))) return GO;
    if (fnmatch(call_pattern, name, FNM_EXTMATCH) || fnmatch(file_pattern, path, FNM_EXTMATCH))
        return GO;
    long this = atomic_fetch_add(&passed, 1) + 1;
    int now = on ? this >= nth : this == nth;
    if (log_to >= 0) {
        char line[5000];
        int length = snprintf(line, sizeof line, "%s\t%s\t%d\n", name, path, now && fate != GO);
        syscall(SYS_write, log_to, line, length);
    }
    if (!now) return GO;
    if (fate == KILL) raise(SIGKILL);
    while (fate == HANG) pause();
    if (fate == STOP) raise(SIGSTOP);
    if (fate == FAIL) errno = number;
    return fate;
}

static const char *path_of(int descriptor, char *path, size_t size) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, size - 1);
    if (length < 0) return NULL;
    path[length] = 0;
    return path;
}

static enum fate met_by(const char *name, int descriptor) {
    char path[4096];
    int before = errno;
    const char *found = path_of(descriptor, path, sizeof path);
    errno = before;
    return met(name, found);
}

static atomic_char ours[1 << 16];

/* Remembers which descriptors are connections to the port: one that the other end has left has no
 * peer any more. */
static enum fate met_by_connecting(int descriptor, const struct sockaddr *address) {
    const struct sockaddr_in *internet = (const struct sockaddr_in *) address;
    int is = port && address->sa_family == AF_INET && ntohs(internet->sin_port) == port;
    if (descriptor >= 0 && descriptor < 1 << 16) ours[descriptor] = is;
    return is ? met("connect", "port") : GO;
}

static enum fate met_on_line(const char *name, int descriptor) {
    int is = descriptor >= 0 && descriptor < 1 << 16 && ours[descriptor];
    return is ? met(name, "port") : GO;
}

/* Stops here until it is continued; what the call has left in `errno` stays. */
static void stopped(void) {
    int before = errno;
    raise(SIGSTOP);
    errno = before;
}

#define DO(result_type, what, real)                      \
    do {                                                 \
        enum fate fate_ = (what);                        \
        if (fate_ == FAIL) return -1;                    \
        if (fate_ == TEAR) raise(SIGKILL);               \
        result_type result_ = (real);                    \
        if (fate_ == KILL_AFTER) raise(SIGKILL);         \
        if (fate_ == STOP_AFTER) stopped();              \
        return result_;                                  \
    } while (0)

/* The same where a part can be done: `size` becomes the half. */
#define DO_PART(what, size, real)                                          \
    do {                                                                   \
        enum fate fate_ = (what);                                          \
        if (fate_ == FAIL) return -1;                                      \
        if ((fate_ == HALF || fate_ == TEAR) && size > 1) size /= 2;       \
        ssize_t result_ = (real);                                          \
        if (fate_ == KILL_AFTER || fate_ == TEAR) raise(SIGKILL);          \
        if (fate_ == STOP_AFTER) stopped();                                \
        return result_;                                                    \
    } while (0)

static enum fate met_by_opening(const char *path, int flags) {
    int makes = (flags & O_CREAT) && syscall(SYS_faccessat, AT_FDCWD, path, F_OK);
    return met(makes ? "create" : "open", path);
}

/* Declares the `mode` that follows `flags`, where a file is made. */
#define MODE_BEHIND(flags)                                                  \
    mode_t mode = 0;                                                        \
    if (flags & (O_CREAT | __O_TMPFILE)) {                                  \
        va_list rest;                                                       \
        va_start(rest, flags);                                              \
        mode = va_arg(rest, mode_t);                                        \
        va_end(rest);                                                       \
    }

#define OPEN(name)                                                          \
    int name(const char *path, int flags, ...) {                            \
        MODE_BEHIND(flags)                                                  \
        DO(int, met_by_opening(path, flags), REAL(name)(path, flags, mode)); \
    }
OPEN(open)
OPEN(open64)

/* The whole path of a name in an open folder. */
static const char *path_in(int folder, const char *name, char *path, size_t size) {
    int before = errno;
    size_t length = 0;
    if (*name != '/' && folder != AT_FDCWD) {
        if (!path_of(folder, path, size / 2)) *path = 0;
        length = strlen(path);
        path[length++] = '/';
    }
    snprintf(path + length, size - length, "%s", name);
    if (length && !strcmp(name, ".")) path[length - 1] = 0;
    errno = before;
    return path;
}

#define OPEN_AT(name)                                                       \
    int name(int folder, const char *path, int flags, ...) {                \
        MODE_BEHIND(flags)                                                  \
        char whole[8192];                                                   \
        DO(int, met_by_opening(path_in(folder, path, whole, sizeof whole), flags), \
           REAL(name)(folder, path, flags, mode));                          \
    }
OPEN_AT(openat)
OPEN_AT(openat64)

ssize_t write(int descriptor, const void *data, size_t size) {
    DO_PART(met_by("write", descriptor), size, REAL(write)(descriptor, data, size));
}
ssize_t pwrite(int descriptor, const void *data, size_t size, off_t at) {
    DO_PART(met_by("write", descriptor), size, REAL(pwrite)(descriptor, data, size, at));
}
ssize_t pwrite64(int descriptor, const void *data, size_t size, off64_t at) {
    DO_PART(met_by("write", descriptor), size, REAL(pwrite64)(descriptor, data, size, at));
}
ssize_t read(int descriptor, void *data, size_t size) {
    DO_PART(met_by("read", descriptor), size, REAL(read)(descriptor, data, size));
}
ssize_t pread(int descriptor, void *data, size_t size, off_t at) {
    DO_PART(met_by("read", descriptor), size, REAL(pread)(descriptor, data, size, at));
}
ssize_t pread64(int descriptor, void *data, size_t size, off64_t at) {
    DO_PART(met_by("read", descriptor), size, REAL(pread64)(descriptor, data, size, at));
}
int fsync(int descriptor) { DO(int, met_by("sync", descriptor), REAL(fsync)(descriptor)); }
int fdatasync(int descriptor) { DO(int, met_by("sync", descriptor), REAL(fdatasync)(descriptor)); }
int ftruncate(int descriptor, off_t size) {
    DO(int, met_by("truncate", descriptor), REAL(ftruncate)(descriptor, size));
}
int ftruncate64(int descriptor, off64_t size) {
    DO(int, met_by("truncate", descriptor), REAL(ftruncate64)(descriptor, size));
}
int rename(const char *old, const char *new) { DO(int, met("rename", old), REAL(rename)(old, new)); }
int renameat(int from, const char *old, int to, const char *new) {
    char whole[8192];
    DO(int, met("rename", path_in(from, old, whole, sizeof whole)), REAL(renameat)(from, old, to, new));
}
int unlinkat(int folder, const char *path, int flags) {
    char whole[8192];
    DO(int, met("unlink", path_in(folder, path, whole, sizeof whole)), REAL(unlinkat)(folder, path, flags));
}
int mkdirat(int folder, const char *path, mode_t mode) {
    char whole[8192];
    DO(int, met("mkdir", path_in(folder, path, whole, sizeof whole)), REAL(mkdirat)(folder, path, mode));
}
int unlink(const char *path) { DO(int, met("unlink", path), REAL(unlink)(path)); }
int mkdir(const char *path, mode_t mode) { DO(int, met("mkdir", path), REAL(mkdir)(path, mode)); }
int chmod(const char *path, mode_t mode) { DO(int, met("chmod", path), REAL(chmod)(path, mode)); }
int fchmod(int descriptor, mode_t mode) {
    DO(int, met_by("chmod", descriptor), REAL(fchmod)(descriptor, mode));
}
int chown(const char *path, uid_t user, gid_t group) {
    DO(int, met("chown", path), REAL(chown)(path, user, group));
}
int fchown(int descriptor, uid_t user, gid_t group) {
    DO(int, met_by("chown", descriptor), REAL(fchown)(descriptor, user, group));
}
int flock(int descriptor, int operation) {
    DO(int, met_by("lock", descriptor), REAL(flock)(descriptor, operation));
}

int connect(int descriptor, const struct sockaddr *address, socklen_t size) {
    DO(int, met_by_connecting(descriptor, address), REAL(connect)(descriptor, address, size));
}
ssize_t send(int descriptor, const void *data, size_t size, int flags) {
    DO_PART(met_on_line("send", descriptor), size, REAL(send)(descriptor, data, size, flags));
}
ssize_t recv(int descriptor, void *data, size_t size, int flags) {
    DO_PART(met_on_line("receive", descriptor), size, REAL(recv)(descriptor, data, size, flags));
}
int shutdown(int descriptor, int how) {
    DO(int, met_on_line("shutdown", descriptor), REAL(shutdown)(descriptor, how));
}
