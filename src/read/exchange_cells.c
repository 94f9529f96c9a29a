// SPDX-License-Identifier: Apache-2.0
/* Cells: keys cut so finely that the same ranks lack each of them. */
#include "exchange.h"

#include "../base/range.h"
#include "../base/sort.h"

/* A sweep over positions that knows which of the lacks cover it. */
typedef struct sweep {
    const cpb_transfers *lacks;
    cpb_item *begins; /* [lacks->n] key: position, value: index of the lack */
    cpb_item *ends;
    size_t begun;
    size_t ended;
    size_t *active; /* [lacks->n] indices of the lacks that cover the position */
    size_t *place;  /* [lacks->n] where a lack stands among the active ones */
    size_t n_active;
} sweep;

static cpb_status start(sweep *s, const cpb_transfers *lacks, cpb_arena *arena)
{
    const size_t n = lacks->n;
    *s = (sweep){.lacks = lacks};
    s->begins = cpb_arena_take(arena, n, sizeof *s->begins);
    s->ends = cpb_arena_take(arena, n, sizeof *s->ends);
    s->active = cpb_arena_take(arena, n, sizeof *s->active);
    s->place = cpb_arena_take(arena, n, sizeof *s->place);
    cpb_item *const spare = cpb_arena_take(arena, n, sizeof *spare);
    if (!s->begins || !s->ends || !s->active || !s->place || !spare)
        return CPB_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        const cpb_range keys = lacks->at[i].keys;
        s->begins[i] = (cpb_item){(uint64_t)keys.begin, (int64_t)i};
        s->ends[i] = (cpb_item){(uint64_t)keys.end, (int64_t)i};
    }
    cpb_sort(s->begins, spare, n);
    cpb_sort(s->ends, spare, n);
    return CPB_OK;
}

static int64_t next_position(const sweep *s)
{
    const int64_t end = (int64_t)s->ends[s->ended].key;
    return s->begun < s->lacks->n ? cpb_min(end, (int64_t)s->begins[s->begun].key)
                                  : end;
}

/* Let go of what ends at `position` and take up what begins there. */
static void pass(sweep *s, int64_t position)
{
    const size_t n = s->lacks->n;
    for (; s->ended < s->begun && (int64_t)s->ends[s->ended].key == position;
         s->ended++) {
        const size_t place = s->place[s->ends[s->ended].value];
        s->active[place] = s->active[--s->n_active];
        s->place[s->active[place]] = place;
    }
    for (; s->begun < n && (int64_t)s->begins[s->begun].key == position; s->begun++) {
        const size_t i = (size_t)s->begins[s->begun].value;
        s->place[i] = s->n_active;
        s->active[s->n_active++] = i;
    }
}

/* All active lacks are of one owner, as a key has only one. */
static cpb_status add_cell(const sweep *s, cpb_range keys, cpb_arena *arena,
                           cpb_cells *cells)
{
    int32_t *const ranks = cpb_arena_take(arena, s->n_active, sizeof *ranks);
    if (!ranks)
        return CPB_NO_MEMORY;
    for (size_t i = 0; i < s->n_active; i++)
        ranks[i] = s->lacks->at[s->active[i]].to;
    cells->at[cells->n++] = (cpb_cell){
        .keys = keys,
        .owner = s->lacks->at[s->active[0]].from,
        .n_ranks = (int32_t)s->n_active,
        .ranks = ranks,
    };
    return CPB_OK;
}

cpb_status cpb_cells_create(const cpb_transfers *lacks, cpb_arena *arena,
                            cpb_cells *cells)
{
    sweep s;
    *cells = (cpb_cells){0};
    /* A cell begins where a lack begins or ends, and none behind the last end. */
    cells->at = cpb_arena_take(arena, 2 * lacks->n, sizeof *cells->at);
    if (!cells->at || start(&s, lacks, arena) != CPB_OK)
        return CPB_NO_MEMORY;
    while (s.ended < lacks->n) {
        const int64_t position = next_position(&s);
        pass(&s, position);
        if (s.n_active && add_cell(&s, (cpb_range){position, next_position(&s)}, arena,
                                   cells) != CPB_OK)
            return CPB_NO_MEMORY;
    }
    return CPB_OK;
}
