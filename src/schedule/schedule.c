// SPDX-License-Identifier: Apache-2.0
/* The immutable schedule: made by a row or from anybody's placements, then measured. */
#include "schedule.h"

#include "../base/error.h"
#include "../base/hash.h"

#include <assert.h>
#include <string.h>

cpb_domain cpb_domain_default(void)
{
    return (cpb_domain){
        .micro_multiple = 1,
        .token_multiple = 1,
        .stages = 1,
        .window = -1,
        .token_bytes = 8,
        .row = "auto",
        .setup = cpb_setup_default(),
    };
}

static uint64_t hash_of(const cpb_schedule *s)
{
    uint64_t hash = CPB_HASH_START;
    hash = cpb_hash_word(hash, CPB_SCHEDULE_VERSION);
    hash = cpb_hash_word(hash, CPB_SCHEDULE_ALGORITHM);
    hash = cpb_hash_word(hash, (uint64_t)s->ranks);
    hash = cpb_hash_word(hash, (uint64_t)s->score.micro_batches);
    hash = cpb_hash_word(hash, (uint64_t)s->block);
    hash = cpb_hash_word(hash, (uint64_t)s->n);
    for (int64_t d = 0; d < s->n; d++) {
        const cpb_placement *const p = &s->placement[d];
        hash = cpb_hash_word(hash, (uint64_t)(int64_t)p->micro_batch);
        hash = cpb_hash_word(hash, (uint64_t)p->first);
        hash = cpb_hash_word(hash, (uint64_t)p->ranks);
        hash = cpb_hash_word(hash, (uint64_t)p->left);
        for (int32_t i = 1; p->cuts >= 0 && i < p->ranks; i++)
            hash = cpb_hash_word(hash, (uint64_t)s->cuts[p->cuts + i - 1]);
    }
    return hash;
}

/* Everything that the schedule owns, but what it copies from the timeline. */
static cpb_schedule *allocate(const cpb_documents *documents, const cpb_domain *domain)
{
    cpb_arena memory = {.allocator = cpb_allocator_or_default(&domain->allocator)};
    const size_t n = (size_t)documents->n;
    cpb_schedule *const s = cpb_arena_zeros(&memory, 1, sizeof *s);
    int64_t *const tokens = cpb_arena_take(&memory, n, sizeof *tokens);
    int32_t *const holder = cpb_arena_take(&memory, n, sizeof *holder);
    int64_t *const order = cpb_arena_take(&memory, n, sizeof *order);
    cpb_placement *const placement = cpb_arena_zeros(&memory, n, sizeof *placement);
    if (!s || !tokens || !holder || !order || !placement) {
        cpb_arena_free(&memory);
        return NULL;
    }
    for (size_t d = 0; d < n; d++) {
        tokens[d] = documents->tokens[d];
        holder[d] = documents->holder ? documents->holder[d] : -1;
        placement[d] = (cpb_placement){
            .micro_batch = -1,
            .group = -1,
            .cuts = -1,
            .left = tokens[d] ? CPB_LEFT_HELD : CPB_LEFT_EMPTY,
        };
    }
    *s = (cpb_schedule){.memory = memory,
                        .n = documents->n,
                        .ranks = domain->ranks,
                        .token_bytes = domain->token_bytes,
                        .row = "",
                        .tokens = tokens,
                        .holder = holder,
                        .order = order,
                        .placement = placement};
    return s;
}

/* Cuts of the jobs, by document. */
static bool copy_cuts(const cpb_timeline *t, cpb_schedule *s)
{
    const cpb_batch *const batch = t->batch;
    const cpb_place *const place = t->draft->place;
    for (int64_t j = 0; j < batch->n; j++)
        s->n_cuts += place[j].cut ? place[j].ranks - 1 : 0;
    s->cuts = cpb_arena_take(&s->memory, (size_t)s->n_cuts, sizeof *s->cuts);
    if (!s->cuts)
        return false;
    for (int64_t j = 0; j < batch->n; j++)
        s->placement[batch->jobs[j].document].cuts = place[j].cut - 1;
    int32_t n = 0;
    for (int64_t d = 0; d < s->n; d++) {
        cpb_placement *const p = &s->placement[d];
        const int32_t from = p->cuts;
        if (from < 0)
            continue;
        p->cuts = n;
        for (int32_t i = 1; i < p->ranks; i++)
            s->cuts[n++] = t->draft->cuts[from + i - 1];
    }
    return true;
}

/* Documents, placements and groups as the timeline has them. */
static bool copy(const cpb_timeline *t, cpb_schedule *s)
{
    const cpb_batch *const batch = t->batch;
    s->block = t->draft->block;
    s->n_groups = t->n_groups;
    s->groups = cpb_arena_take(&s->memory, (size_t)t->n_groups, sizeof *s->groups);
    if (!s->groups)
        return false;
    memcpy(s->groups, t->groups, (size_t)t->n_groups * sizeof *s->groups);
    for (int64_t g = 0; g < t->n_groups; g++)
        for (int64_t i = 0; i < t->groups[g].n_documents; i++) {
            const int64_t at = t->groups[g].first_document + i;
            const cpb_job *const job = &batch->jobs[t->order[at]];
            const cpb_place *const place = &t->draft->place[t->order[at]];
            s->order[at] = job->document;
            s->placement[job->document] = (cpb_placement){.micro_batch = place->micro,
                                                          .first = place->first,
                                                          .ranks = place->ranks,
                                                          .group = (int32_t)g};
        }
    return copy_cuts(t, s);
}

/* Run, measure and keep a draft. */
static cpb_status keep(cpb_batch *batch, const cpb_draft *draft, const char *row,
                       cpb_schedule **out, cpb_error *error)
{
    cpb_timeline timeline;
    cpb_status status;
    cpb_schedule *const s = allocate(batch->documents, batch->domain);
    if (!s)
        return cpb_fail_memory(error);
    CPB_TRY(cpb_timeline_create(batch, draft, batch->scratch, &timeline, error));
    if (!copy(&timeline, s)) {
        status = cpb_fail_memory(error);
        goto done;
    }
    CPB_TRY(cpb_schedule_list_cells(&timeline, s, error));
    s->row = row;
    CPB_TRY(cpb_schedule_measure(&timeline, &s->score, error));
    s->hash = hash_of(s);
    *out = s;
done:
    if (status != CPB_OK)
        cpb_schedule_free(s);
    return status;
}

cpb_status cpb_schedule_create(const cpb_documents *documents, const cpb_domain *domain,
                               cpb_schedule **schedule, cpb_error *error)
{
    cpb_arena scratch = {.allocator = cpb_allocator_or_default(&domain->allocator)};
    cpb_batch batch;
    cpb_draft draft = {0};
    const cpb_row *row;
    cpb_status status;

    assert(documents && domain && schedule && domain->row);
    *schedule = NULL;
    CPB_TRY(cpb_row_find(domain->row, &row, error));
    CPB_TRY(cpb_batch_create(documents, domain, &scratch, &batch, error));
    CPB_TRY(cpb_batch_hold(&batch, error));
    draft.place = cpb_arena_zeros(&scratch, (size_t)batch.n, sizeof *draft.place);
    if (!draft.place) {
        status = cpb_fail_memory(error);
        goto done;
    }
    CPB_TRY(cpb_row_make(&batch, &row, &draft, error));
    CPB_TRY(keep(&batch, &draft, row->name, schedule, error));
done:
    cpb_arena_free(&scratch);
    return status;
}

void cpb_schedule_free(cpb_schedule *schedule)
{
    if (!schedule)
        return;
    cpb_arena memory = schedule->memory;
    cpb_arena_free(&memory);
}

const char *cpb_schedule_row(const cpb_schedule *schedule)
{
    return schedule->row;
}

int64_t cpb_schedule_n_documents(const cpb_schedule *schedule)
{
    return schedule->n;
}

int32_t cpb_schedule_ranks(const cpb_schedule *schedule)
{
    return schedule->ranks;
}

int32_t cpb_schedule_micro_batches(const cpb_schedule *schedule)
{
    return schedule->score.micro_batches;
}

int32_t cpb_schedule_block(const cpb_schedule *schedule)
{
    return schedule->block;
}

int64_t cpb_schedule_n_groups(const cpb_schedule *schedule)
{
    return schedule->n_groups;
}

const cpb_group *cpb_schedule_groups(const cpb_schedule *schedule)
{
    return schedule->groups;
}

const int64_t *cpb_schedule_documents(const cpb_schedule *schedule)
{
    return schedule->order;
}

const cpb_placement *cpb_schedule_placements(const cpb_schedule *schedule)
{
    return schedule->placement;
}

int64_t cpb_schedule_n_cells(const cpb_schedule *schedule)
{
    return schedule->n_cells;
}

const cpb_cell *cpb_schedule_cells(const cpb_schedule *schedule)
{
    return schedule->cells;
}

int64_t cpb_schedule_n_cuts(const cpb_schedule *schedule)
{
    return schedule->n_cuts;
}

const int64_t *cpb_schedule_cuts(const cpb_schedule *schedule)
{
    return schedule->cuts;
}

const cpb_schedule_score *cpb_schedule_score_of(const cpb_schedule *schedule)
{
    return &schedule->score;
}

uint64_t cpb_schedule_hash(const cpb_schedule *schedule)
{
    return schedule->hash;
}
