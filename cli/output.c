// SPDX-License-Identifier: Apache-2.0
/* Files that appear whole or not at all: written under a temporary name, renamed. */
#define _XOPEN_SOURCE 700 /* POSIX 2008 */
#include "output.h"

#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ATTEMPTS = 100, NAME_BYTES = 64 };

static bool fail_write(cpb_error *error, const char *path)
{
    return fail(error, "cannot write %.40s: %s", path, strerror(errno));
}

static bool is_stream(const struct stat *file, int descriptor)
{
    struct stat stream;
    return !fstat(descriptor, &stream) && stream.st_dev == file->st_dev &&
           stream.st_ino == file->st_ino;
}

/* Renaming over a device or a pipe would replace it, and renaming over the file that
 * standard output goes to would cut that stream off. */
static bool is_special(const struct stat *file)
{
    return (!S_ISREG(file->st_mode) && !S_ISDIR(file->st_mode)) ||
           is_stream(file, STDOUT_FILENO) || is_stream(file, STDERR_FILENO);
}

bool output_is_direct(const char *path)
{
    struct stat old;
    return !stat(path, &old) && is_special(&old);
}

/* While a file has a temporary name, interrupts wait: none leaves it behind. It is there
 * for as long as finished bytes take to write. */
static void hold_interrupts(bool hold)
{
    static int held; /* how many files there are */
    static sigset_t before;
    sigset_t interrupts;
    sigemptyset(&interrupts);
    sigaddset(&interrupts, SIGINT);
    sigaddset(&interrupts, SIGTERM);
    sigaddset(&interrupts, SIGHUP);
    if (hold && !held++)
        sigprocmask(SIG_BLOCK, &interrupts, &before);
    else if (!hold && !--held)
        sigprocmask(SIG_SETMASK, &before, NULL);
}

/* Create a file of our own in the folder of `file->path`. */
static bool open_temporary(cli_output *file, mode_t mode)
{
    const char *const slash = strrchr(file->path, '/');
    const size_t folder = slash ? (size_t)(slash - file->path) + 1 : 0;
    file->temporary = malloc(folder + NAME_BYTES);
    if (!file->temporary) {
        errno = ENOMEM;
        return false;
    }
    memcpy(file->temporary, file->path, folder);
    hold_interrupts(true);
    for (int i = 0; i < ATTEMPTS; i++) {
        snprintf(file->temporary + folder, NAME_BYTES, ".cpb-%ld-%d.tmp",
                 (long)getpid(), i);
        file->descriptor = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL, mode);
        if (file->descriptor >= 0 || errno != EEXIST)
            break;
    }
    if (file->descriptor >= 0)
        return true;
    free(file->temporary); /* nothing of ours to remove */
    file->temporary = NULL;
    hold_interrupts(false);
    return false;
}

/* Write beside what a symbolic link points to, so that the link stays. */
static char *resolve(const char *path)
{
    char *const real = realpath(path, NULL);
    return real ? real : strdup(path);
}

static bool open_regular(cli_output *file, const struct stat *old)
{
    if (old && S_ISDIR(old->st_mode)) {
        errno = EISDIR;
        return false;
    }
    if (old && access(file->path, W_OK))
        return false;
    if (!open_temporary(file, 0666))
        return false;
    file->open = true;
    return !old || !fchmod(file->descriptor, old->st_mode & 07777);
}

/* A stream of the program keeps its place in the file that it goes to only if it is
 * shared. */
static int open_special(const char *path, const struct stat *old)
{
    for (int stream = STDOUT_FILENO; stream <= STDERR_FILENO; stream++)
        if (is_stream(old, stream))
            return dup(stream);
    return open(path, O_WRONLY);
}

/* "-" is standard input where lengths are read; a result of that name is a slip. */
static bool is_name(const char *path, cpb_error *error)
{
    if (!*path)
        return fail(error, "cannot write a file without a name");
    return strcmp(path, "-") ||
           fail(error, "cannot write to \"-\"; accepted is the name of a file, such as "
                       "/dev/stdout or ./-");
}

bool output_open(cli_output *file, const char *path, cpb_error *error)
{
    struct stat old;
    const bool exists = !stat(path, &old);
    if (!is_name(path, error))
        return false;
    if (exists && is_special(&old)) {
        file->path = strdup(path);
        file->descriptor = open_special(path, &old);
        file->open = file->descriptor >= 0;
        return file->open || fail_write(error, path);
    }
    file->path = resolve(path);
    if (!file->path)
        return fail_memory(error);
    return open_regular(file, exists ? &old : NULL) || fail_write(error, path);
}

bool output_open_append(cli_output *file, const char *path, bool *regular,
                        cpb_error *error)
{
    struct stat what;
    const bool named = path;
    *regular = false;
    file->path = strdup(named ? path : "standard output");
    if (!file->path)
        return fail_memory(error);
    if (named && !is_name(path, error))
        return false;
    if (!named || output_is_direct(path)) {
        file->descriptor =
            named ? open_special(path, stat(path, &what) ? NULL : &what) : dup(1);
        file->open = file->descriptor >= 0;
        return file->open || fail_write(error, file->path);
    }
    file->descriptor = open(path, O_RDWR | O_CREAT | O_APPEND, 0666);
    file->open = file->descriptor >= 0;
    if (!file->open)
        return fail_write(error, path);
    *regular = true;
    return !flock(file->descriptor, LOCK_EX | LOCK_NB) ||
           fail(error, "cannot write %.40s: another run is writing it", path);
}

bool output_cut(cli_output *file, int64_t bytes, cpb_error *error)
{
    return !ftruncate(file->descriptor, (off_t)bytes) || fail_write(error, file->path);
}

bool output_write(cli_output *file, const void *bytes, size_t n, cpb_error *error)
{
    const char *next = bytes;
    while (n) {
        const ssize_t written = write(file->descriptor, next, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return fail_write(error, file->path);
        next += written;
        n -= (size_t)written;
    }
    return true;
}

bool output_close(cli_output *file, cpb_error *error)
{
    file->open = false;
    return !close(file->descriptor) || fail_write(error, file->path);
}

bool output_commit(cli_output *file, cpb_error *error)
{
    if (!file->temporary)
        return true;
    if (rename(file->temporary, file->path))
        return fail_write(error, file->path);
    free(file->temporary);
    file->temporary = NULL;
    hold_interrupts(false);
    return true;
}

void output_free(cli_output *file)
{
    if (file->open)
        close(file->descriptor);
    if (file->temporary) {
        unlink(file->temporary);
        hold_interrupts(false);
    }
    free(file->temporary);
    free(file->path);
    *file = (cli_output){0};
}

bool output_file(const char *path, const void *bytes, size_t n, cpb_error *error)
{
    cli_output file = {0};
    const bool good = output_open(&file, path, error) &&
                      output_write(&file, bytes, n, error) &&
                      output_close(&file, error) && output_commit(&file, error);
    output_free(&file);
    return good;
}

bool output_flush_standard(cpb_error *error)
{
    if (!fflush(stdout) && !ferror(stdout))
        return true;
    return fail(error, "cannot write standard output: %s", strerror(errno));
}
