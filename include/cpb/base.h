// SPDX-License-Identifier: Apache-2.0
/** \file
 *  What every other header needs: status, error record, allocator, range, version. */
#ifndef CPB_BASE_H
#define CPB_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** \def CPB_VERSION_MAJOR
 *  Of these headers; cpb_version() is the library's.
 *  \def CPB_VERSION_MINOR
 *  Before 1.0 each of them may change the interface.
 *  \def CPB_VERSION_PATCH
 *  Changes no interface. */
#define CPB_VERSION_MAJOR 0
#define CPB_VERSION_MINOR 1
#define CPB_VERSION_PATCH 0

/** \def CPB_API
 *  What the library exports.
 *  \def CPB_CHECKED
 *  The same, with a result that must not be ignored. */
#if defined(__GNUC__) && !defined(CPB_CFFI)
#define CPB_API __attribute__((visibility("default")))
#define CPB_CHECKED __attribute__((visibility("default"), warn_unused_result))
#else
#define CPB_API
#define CPB_CHECKED
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** What a call that can fail on data returns. Numbers never change. */
typedef enum cpb_status {
    CPB_OK = 0,          /**< done */
    CPB_INVALID = 1,     /**< the input breaks a rule; the error record says which */
    CPB_TOO_LARGE = 2,   /**< a size or a sum is beyond what 64-bit integers hold safely */
    CPB_UNSUPPORTED = 3, /**< a valid input that this combination of options refuses */
    CPB_NO_MEMORY = 4,   /**< an allocation failed; nothing was kept */
    CPB_REFUTED = 5,     /**< a check found a counterexample */
    CPB_BROKEN = 6       /**< another rank failed, differs or does not answer */
} cpb_status;

/** Bytes of a sentence in an error record, the closing zero included. */
enum { CPB_MESSAGE_BYTES = 320 };

/** Why a call failed, in the caller's memory. Every call accepts NULL instead. */
typedef struct cpb_error {
    int64_t at; /**< index of the offending element or character, -1 where none */
    char message[CPB_MESSAGE_BYTES]; /**< one sentence, zero-terminated */
} cpb_error;

/** Where memory comes from. Both functions NULL: malloc and free. */
typedef struct cpb_allocator {
    void *(*allocate)(void *context, size_t bytes); /**< NULL on failure */
    void (*release)(void *context, void *pointer);  /**< accepts NULL */
    void *context;                                  /**< handed to both */
} cpb_allocator;

/** Half-open: `begin` belongs to it, `end` does not. */
typedef struct cpb_range {
    int64_t begin; /**< first token */
    int64_t end;   /**< one past the last token */
} cpb_range;

/** Largest sequence, padding included. Pairs then stay below 2^60. */
#define CPB_MAX_TOKENS ((int64_t)1 << 30)

/** Largest world size. */
#define CPB_MAX_RANKS ((int32_t)1 << 16)

/** Version of the library at run time, `"major.minor.patch"`. Static memory. */
CPB_API const char *cpb_version(void);

/** A status in two or three words. Static memory. */
CPB_API const char *cpb_status_text(cpb_status status);

#ifdef __cplusplus
}
#endif

#endif
