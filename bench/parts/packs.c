// SPDX-License-Identifier: Apache-2.0
/* Packs of documents. */
#define _POSIX_C_SOURCE 200809L

#include "packs.h"

#include "draw.h"

static int64_t draw_log_normal(uint64_t *seed, int64_t share)
{
    (void)share;
    return log_normal(seed, 8192);
}

static int64_t draw_pareto(uint64_t *seed, int64_t share)
{
    (void)share;
    return pareto(seed);
}

/* Every document fits whole on a rank, with room for others. */
static int64_t draw_tiny(uint64_t *seed, int64_t share)
{
    const int64_t length = log_normal(seed, 1024);
    return length < share / 4 ? length : share / 4 ? share / 4 : 1;
}

size_t pack_sources_drawn(pack_source *sources)
{
    sources[0] = (pack_source){.name = "log-normal, mean 8K", .draw = draw_log_normal};
    sources[1] = (pack_source){.name = "Pareto", .draw = draw_pareto};
    sources[2] = (pack_source){.name = "tiny documents", .draw = draw_tiny};
    return 3;
}

pack_source pack_source_read(const char *path)
{
    pack_source source = {.name = path};
    FILE *const file = fopen(path, "r");
    size_t room = 0;
    long long length;
    if (!file) {
        perror(path);
        exit(1);
    }
    while (fscanf(file, "%lld", &length) == 1) {
        if (source.n == room) {
            room = room ? 2 * room : 1024;
            source.lengths = realloc(source.lengths, room * sizeof *source.lengths);
            if (!source.lengths)
                or_die(CPB_NO_MEMORY);
        }
        if (length > 0)
            source.lengths[source.n++] = length;
    }
    fclose(file);
    if (!source.n) {
        fprintf(stderr, "%s holds no length\n", path);
        exit(1);
    }
    return source;
}

void pack_source_free(const pack_source *source)
{
    free(source->lengths);
}

cpb_mask *pack_draw(const pack_source *source, int64_t tokens, int32_t ranks,
                    uint64_t pack)
{
    uint64_t seed = pack * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)tokens;
    int64_t *const lengths = malloc((size_t)tokens * sizeof *lengths);
    size_t n = 0;
    cpb_mask *mask;
    if (!lengths)
        or_die(CPB_NO_MEMORY);
    seed = next_random(&seed); /* neighbouring packs share no draws */
    for (int64_t left = tokens; left > 0; n++) {
        const int64_t length = source->draw
                                   ? source->draw(&seed, tokens / ranks)
                                   : source->lengths[next_random(&seed) % source->n];
        lengths[n] = length < left ? length : left;
        left -= lengths[n];
    }
    or_die(cpb_mask_create_text("documents", n, lengths, NULL, NULL, &mask, NULL));
    free(lengths);
    return mask;
}
