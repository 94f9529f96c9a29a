// SPDX-License-Identifier: Apache-2.0
/* Files that appear whole or not at all. */
#ifndef CPB_CLI_OUTPUT_H
#define CPB_CLI_OUTPUT_H

#include <cpb/cpb.h>

/* A file being written. Starts as {0}. */
typedef struct cli_output {
    char *path;      /* where it goes */
    char *temporary; /* where it is until output_commit(); NULL: written directly */
    int descriptor;
    bool open;
} cli_output;

/* Start writing `path`: under a temporary name in the same folder, or directly where
 * the path is a device, a pipe or the program's own standard output. */
bool output_open(cli_output *file, const char *path, cpb_error *error);

/* Open `path` to write at its end, without a temporary name; made where it is missing.
 * `regular` tells whether what is in it can be read back; then no other program that
 * opens it this way gets it too. NULL: standard output. */
bool output_open_append(cli_output *file, const char *path, bool *regular,
                        cpb_error *error);

/* Cut a file that was opened to append after `bytes`. */
bool output_cut(cli_output *file, int64_t bytes, cpb_error *error);

/* Whether `path` is written directly, so that several outputs may share it. */
bool output_is_direct(const char *path);

bool output_write(cli_output *file, const void *bytes, size_t n, cpb_error *error);

/* Everything is on its way to the disk; the file still has its temporary name. */
bool output_close(cli_output *file, cpb_error *error);

/* Give a closed file its name. */
bool output_commit(cli_output *file, cpb_error *error);

/* Forget the file, and remove it unless it was committed; {0} is fine. */
void output_free(cli_output *file);

/* Write a whole file: open, write, close and commit. */
bool output_file(const char *path, const void *bytes, size_t n, cpb_error *error);

/* Flush standard output; false with a sentence where it cannot be written. */
bool output_flush_standard(cpb_error *error);

#endif
