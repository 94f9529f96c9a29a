// SPDX-License-Identifier: Apache-2.0
/* The program `cpb` itself runs no attention: CBLAS starts threads in every process that
 * loads it. A program beside it does, where there is one, and takes this one's place. */
#include "../message.h"
#include "conduct.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MOST_WORDS = 256, MOST_BYTES = 1 << 16 };

/* The words that this program was started with; false where they are too long. */
static bool read_words(char bytes[MOST_BYTES], char *words[MOST_WORDS + 1])
{
    FILE *const file = fopen("/proc/self/cmdline", "rb");
    const size_t n = file ? fread(bytes, 1, MOST_BYTES, file) : 0;
    size_t at = 0, count = 0;
    if (file)
        fclose(file);
    if (!n || n == MOST_BYTES)
        return false;
    for (; at < n && count < MOST_WORDS; at += strlen(bytes + at) + 1)
        words[count++] = bytes + at;
    words[count] = NULL;
    return at >= n;
}

/* Returns only where there is no such program. */
static void become_the_other(void)
{
    static const char suffix[] = "-attend";
    char bytes[MOST_BYTES], *words[MOST_WORDS + 1], path[PATH_MAX];
    const ssize_t n = readlink("/proc/self/exe", path, sizeof path - sizeof suffix);
    if (n <= 0 || !read_words(bytes, words))
        return;
    memcpy(path + n, suffix, sizeof suffix);
    execv(path, words);
}

bool conduct_is_built(cpb_error *error)
{
    become_the_other();
    return fail(error,
                "this cpb was built without CBLAS and can run no attention; build "
                "it where OpenBLAS is found (Debian: libopenblas-dev)");
}

bool conduct_open(processes *p, cpb_error *error)
{
    (void)p;
    return conduct_is_built(error);
}

bool conduct_run(const processes *p, run_job *job, int32_t at_once, cpb_error *error)
{
    (void)p;
    (void)job;
    (void)at_once;
    return conduct_is_built(error);
}

void conduct_close(const processes *p)
{
    (void)p;
}
