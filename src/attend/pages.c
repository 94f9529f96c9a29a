// SPDX-License-Identifier: Apache-2.0
/* madvise() is no part of POSIX. */
#define _DEFAULT_SOURCE
#include "pages.h"

#include <stdint.h>
#include <sys/mman.h>

/* What most systems have as a large page. */
enum { LARGE_PAGE = 1 << 21 };

/* Advice alone: where it is not taken, pages are small. */
static void ask_for_large_pages(void *begin, size_t bytes)
{
#ifdef MADV_HUGEPAGE
    (void)madvise(begin, bytes, MADV_HUGEPAGE);
#else
    (void)begin;
    (void)bytes;
#endif
}

void *cpb_pages_take(cpb_arena *arena, size_t bytes)
{
    if (bytes < LARGE_PAGE / 2)
        return cpb_arena_take(arena, bytes, 1);
    if (bytes > SIZE_MAX - 2 * (size_t)LARGE_PAGE)
        return NULL;
    const size_t whole = (bytes + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
    unsigned char *const at = cpb_arena_take(arena, whole + LARGE_PAGE, 1);
    if (!at)
        return NULL;
    unsigned char *const begin =
        at + (LARGE_PAGE - (uintptr_t)at % LARGE_PAGE) % LARGE_PAGE;
    ask_for_large_pages(begin, whole);
    return begin;
}
