// SPDX-License-Identifier: Apache-2.0
/* What the fuzz targets of file readers share. */
#ifndef CPB_FUZZ_INPUT_H
#define CPB_FUZZ_INPUT_H

#include <cpb/cpb.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void require(bool holds)
{
    if (!holds)
        abort();
}

/* A refusal says why, in one sentence that was not cut by the end of the record. */
static inline void require_sentence(const cpb_error *error)
{
    const char *const end = memchr(error->message, '\0', sizeof error->message);
    require(end && end != error->message);
    require(end < error->message + sizeof error->message - 1);
}

/* Path of a file that holds exactly these bytes, for readers that open paths. One file
 * without a name serves every input. */
static inline const char *input_path(const uint8_t *data, size_t size)
{
    static char path[32];
    static FILE *file;
    if (!file) {
        file = tmpfile();
        require(file);
        snprintf(path, sizeof path, "/dev/fd/%d", fileno(file));
    }
    const int descriptor = fileno(file);
    require(ftruncate(descriptor, 0) == 0);
    require(pwrite(descriptor, data, size, 0) == (ssize_t)size);
    /* Some systems open /dev/fd/N at the position of N. */
    require(lseek(descriptor, 0, SEEK_SET) == 0);
    return path;
}

#endif
