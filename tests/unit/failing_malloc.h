// SPDX-License-Identifier: Apache-2.0
/* For tests of the program, linked with --wrap: malloc, calloc and realloc of our own
 * code fail once the ration is used up. Shared libraries keep theirs. */
#ifndef CPB_FAILING_MALLOC_H
#define CPB_FAILING_MALLOC_H

#include <stddef.h>
#include <stdint.h>

static int64_t malloc_ration = INT64_MAX;

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t n, size_t bytes);
void *__real_realloc(void *pointer, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes);
void *__wrap_realloc(void *pointer, size_t bytes);

void *__wrap_malloc(size_t bytes)
{
    return malloc_ration-- > 0 ? __real_malloc(bytes) : NULL;
}

void *__wrap_calloc(size_t n, size_t bytes)
{
    return malloc_ration-- > 0 ? __real_calloc(n, bytes) : NULL;
}

void *__wrap_realloc(void *pointer, size_t bytes)
{
    return malloc_ration-- > 0 ? __real_realloc(pointer, bytes) : NULL;
}

#endif
