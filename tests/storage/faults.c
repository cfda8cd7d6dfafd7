/* Lets chosen calls of the C library fail below one directory, for Python and for SQLite alike.
 *
 * Preloaded (LD_PRELOAD); armed and asked from Python through ctypes. While armed, matching calls are counted,
 * and the one with number `at` fails with `error`. With `shortened`, that write does half its work instead and
 * the next one fails. Files are told by their path: anything below `below`, but not SQLite's shared memory,
 * which holds nothing that must last.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum call { NONE, WRITE, SYNC, RENAME, UNLINK, TRUNCATE, OPEN };

static enum call armed = NONE;
static int fails_at, fails_with, shortens, counted, failed;
static char below[4096];

void fault_arm(int call, int at, int error, int shortened, const char *directory) {
    fails_at = at, fails_with = error, shortens = shortened, counted = failed = 0;
    snprintf(below, sizeof below, "%s/", directory);
    armed = (enum call)call;
}

/* Whether the call failed; nothing fails from now on. */
int fault_disarm(void) {
    armed = NONE;
    return failed;
}

static int is_ours(const char *path) {
    size_t length = strlen(path);
    if (strncmp(path, below, strlen(below)) != 0) return 0;
    return length < 4 || strcmp(path + length - 4, "-shm") != 0;
}

enum verdict { PASS, FAIL, HALF };

static enum verdict judge(enum call call, const char *path) {
    if (call != armed || !is_ours(path)) return PASS;
    int number = counted++;
    if (number == fails_at && shortens) return HALF;
    if (number != fails_at + shortens) return PASS;
    failed = 1;
    errno = fails_with;
    return FAIL;
}

static enum verdict judge_open_file(enum call call, int file) {
    if (call != armed) return PASS;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return PASS;
    path[length] = 0;
    return judge(call, path);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int file, const void *bytes, size_t size) {
    enum verdict verdict = judge_open_file(WRITE, file);
    return verdict == FAIL ? -1 : REAL(write)(file, bytes, verdict == HALF ? (size + 1) / 2 : size);
}

#define PWRITE(name)                                                                                   \
    ssize_t name(int file, const void *bytes, size_t size, off_t offset) {                             \
        enum verdict verdict = judge_open_file(WRITE, file);                                           \
        return verdict == FAIL ? -1 : REAL(name)(file, bytes, verdict == HALF ? (size + 1) / 2 : size, offset); \
    }
PWRITE(pwrite)
PWRITE(pwrite64)

#define ON_FILE(name, call) \
    int name(int file) { return judge_open_file(call, file) == FAIL ? -1 : REAL(name)(file); }
ON_FILE(fsync, SYNC)
ON_FILE(fdatasync, SYNC)

#define FTRUNCATE(name) \
    int name(int file, off_t size) { return judge_open_file(TRUNCATE, file) == FAIL ? -1 : REAL(name)(file, size); }
FTRUNCATE(ftruncate)
FTRUNCATE(ftruncate64)

int rename(const char *from, const char *to) { return judge(RENAME, to) == FAIL ? -1 : REAL(rename)(from, to); }
int unlink(const char *path) { return judge(UNLINK, path) == FAIL ? -1 : REAL(unlink)(path); }

#define OPENING(name)                                        \
    int name(const char *path, int flags, ...) {             \
        va_list rest;                                        \
        va_start(rest, flags);                               \
        mode_t mode = va_arg(rest, mode_t);                  \
        va_end(rest);                                        \
        return judge(OPEN, path) == FAIL ? -1 : REAL(name)(path, flags, mode); \
    }
OPENING(open)
OPENING(open64)
