// SPDX-License-Identifier: Apache-2.0
/* How a function fails and how it leaves: one sentence, one exit. */
#ifndef CPB_SRC_ERROR_H
#define CPB_SRC_ERROR_H

#include <cpb/base.h>

/* Fill `error` (NULL is fine) and return `status`. Strings of the caller go in as
 * %.40s, so that a sentence keeps its end. */
__attribute__((format(printf, 4, 5))) cpb_status
cpb_fail(cpb_error *error, cpb_status status, int64_t at, const char *format, ...);

/* Refuse `n` of a thing that must divide `of` of another, with the nearest numbers that
 * do. `what` is in the plural, `whole` in the singular. O(of). */
cpb_status cpb_fail_to_divide(cpb_error *error, int64_t n, const char *what, int64_t of,
                              const char *whole);

/* The one sentence for a failed allocation. */
cpb_status cpb_fail_memory(cpb_error *error);

/* Store the status of a call; leave through `done:` unless it is CPB_OK. Every owned
 * variable starts NULL, so the cleanup behind `done:` is right from any line. */
#define CPB_TRY(call)                                                                  \
    do {                                                                               \
        status = (call);                                                               \
        if (status != CPB_OK)                                                          \
            goto done;                                                                 \
    } while (0)

#endif
