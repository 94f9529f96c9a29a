// SPDX-License-Identifier: Apache-2.0
/* Packs of documents, drawn from distributions and from files of lengths. */
#ifndef CPB_BENCH_PACKS_H
#define CPB_BENCH_PACKS_H

#include <cpb/mask.h>

/* Where lengths come from: drawn, or read from a file. */
typedef struct pack_source {
    const char *name;
    int64_t (*draw)(uint64_t *seed, int64_t share); /* NULL: from `lengths` */
    size_t n;
    int64_t *lengths; /* [n] owned */
} pack_source;

/* The distributions that need no file.
 * \return how many. */
size_t pack_sources_drawn(pack_source *sources);

/* Read one length a line; ends the program where there is none. `path` is kept. */
pack_source pack_source_read(const char *path);

void pack_source_free(const pack_source *source);

/* Pack number `pack` of `tokens` tokens for `ranks` ranks, every document causal. Ends
 * the program where memory ends. */
cpb_mask *pack_draw(const pack_source *source, int64_t tokens, int32_t ranks,
                    uint64_t pack);

#endif
