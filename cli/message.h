// SPDX-License-Identifier: Apache-2.0
/* Sentences for people: how a function of the program fails, and how that is said. */
#ifndef CPB_CLI_MESSAGE_H
#define CPB_CLI_MESSAGE_H

#include <cpb/cpb.h>

/* Exit statuses of the program. */
enum { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2 };

/* Fill `error` with a sentence and return false, so that a failing function can end in
 * `return fail(error, ...)`. Strings of the user go in as %.40s. */
__attribute__((format(printf, 2, 3))) bool fail(cpb_error *error, const char *format,
                                                ...);

/* The one sentence for a failed allocation; returns false. */
bool fail_memory(cpb_error *error);

/* Put `place: ` before the sentence in `error`; returns false. */
bool fail_at(cpb_error *error, const char *place);

/* true for CPB_OK, so that library calls chain like the program's own functions. */
bool succeeded(cpb_status status);

/* Print `cpb COMMAND: SENTENCE` as one line of at most 400 bytes on standard error, odd
 * bytes escaped; `command` NULL leaves the command out. Returns `exit_status`. */
int complain(const char *command, int exit_status, const char *sentence);

/* The name closest to `word` among names[0 .. n), NULL where none is similar. */
const char *nearest(const char *word, size_t n, const char *const *names);

#endif
