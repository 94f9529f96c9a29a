// SPDX-License-Identifier: Apache-2.0
/* Random steps with every input that a schedule takes, and what is claimed of one. */
#ifndef CPB_TESTING_SCHEDULE_WORLD_H
#define CPB_TESTING_SCHEDULE_WORLD_H

#include "testing.h"

#include "schedule/rows.h"

#include <stdio.h>
#include <string.h>

enum { MOST = 64 };

/* A step to be scheduled, with the memory of its arrays. */
typedef struct step {
    cpb_documents documents;
    cpb_domain domain;
    int64_t tokens[MOST], cost[MOST], loss[MOST], waited[MOST], place[MOST];
    int32_t holder[MOST], size[8];
} step;

static inline cpb_profile small_profile(uint64_t *seed)
{
    const int64_t tile_q = test_random(seed, 1, 40);
    return (cpb_profile){
        .name = "small",
        .model = {8, 2, 64, 2},
        .tile_q = tile_q,
        .tile_k = test_random(seed, 0, 1) ? tile_q : test_random(seed, 1, 40),
        .forward = {test_random(seed, 0, 900), test_random(seed, 0, 900),
                    test_random(seed, 0, 900), test_random(seed, 0, 90)},
        .backward = {test_random(seed, 0, 900), test_random(seed, 0, 900),
                     test_random(seed, 0, 900), test_random(seed, 0, 90)},
        .received_key = test_random(seed, 0, 20),
        .token = test_random(seed, 0, 500),
        .net_bytes_per_us = test_random(seed, 0, 1) * test_random(seed, 1, 9000000),
        .link_bytes_per_us = test_random(seed, 0, 1) * test_random(seed, 1, 90000000),
        .phase_latency = test_random(seed, 0, 1) * test_random(seed, 0, 9000),
        .peer_latency = test_random(seed, 0, 1) * test_random(seed, 0, 900),
    };
}

static inline void random_sizes(step *s, uint64_t *seed)
{
    cpb_domain *const d = &s->domain;
    d->sizes = (cpb_group_sizes)test_random(seed, CPB_SIZES_POWERS, CPB_SIZES_LIST);
    for (int32_t p = 1; p <= d->ranks && d->n_size < COUNT_OF(s->size); p++)
        if (d->ranks % p == 0 && test_random(seed, 0, 2))
            s->size[d->n_size++] = p;
    if (!d->n_size)
        s->size[d->n_size++] = d->ranks;
    d->size = s->size;
}

static inline void random_documents(step *s, uint64_t *seed)
{
    cpb_documents *const d = &s->documents;
    const cpb_domain *const domain = &s->domain;
    int64_t largest =
        domain->sizes == CPB_SIZES_LIST ? s->size[domain->n_size - 1] : domain->ranks;
    while (domain->sizes == CPB_SIZES_POWERS && (largest & (largest - 1)))
        largest &= largest - 1;
    const int64_t budget =
        domain->budget / domain->token_multiple * domain->token_multiple;
    d->n = test_random(seed, 0, MOST);
    for (int64_t i = 0; i < d->n; i++) {
        const bool giant = test_random(seed, 0, 9) == 0;
        s->tokens[i] = test_random(seed, 0, giant ? largest * budget : budget);
        s->cost[i] = test_random(seed, 0, 100000);
        s->loss[i] = test_random(seed, 0, s->tokens[i]);
        s->waited[i] = test_random(seed, 0, 3);
        s->place[i] = (i * 37 + 11) % 64;
        s->holder[i] = (int32_t)test_random(seed, -1, domain->ranks - 1);
    }
    d->tokens = s->tokens;
    d->cost = test_random(seed, 0, 3) ? NULL : s->cost;
    d->loss = test_random(seed, 0, 1) ? NULL : s->loss;
    d->waited = test_random(seed, 0, 1) ? NULL : s->waited;
    d->place = test_random(seed, 0, 1) ? NULL : s->place;
    d->holder = test_random(seed, 0, 1) ? NULL : s->holder;
}

static inline void random_step(step *s, uint64_t *seed)
{
    *s = (step){.domain = cpb_domain_default()};
    cpb_domain *const d = &s->domain;
    d->ranks = (int32_t)test_random(seed, 1, 20);
    d->ranks_per_node = (int32_t)(test_random(seed, 0, 1) * test_random(seed, 0, 8));
    d->token_multiple = test_random(seed, 0, 2) ? 1 : test_random(seed, 1, 16);
    d->budget = test_random(seed, d->token_multiple, 400);
    d->micro_multiple = (int32_t)test_random(seed, 1, 3);
    d->micro_least = (int32_t)test_random(seed, 0, 4);
    d->one_size = test_random(seed, 0, 4) == 0;
    d->groups_only = test_random(seed, 0, 3) == 0;
    d->window = test_random(seed, 0, 4) ? -1 : test_random(seed, 0, MOST);
    d->hold = test_random(seed, 0, 2);
    d->token_bytes = test_random(seed, 1, 8);
    d->fixed = test_random(seed, 0, 1) * test_random(seed, 0, 100000);
    d->meet = (cpb_meet)test_random(seed, CPB_MEET_STEP, CPB_MEET_MICRO);
    d->stages = d->meet ? (int32_t)test_random(seed, 1, 3) : 1;
    d->setup.profile = small_profile(seed);
    d->setup.model = (cpb_model){8, 2, 64, 2};
    d->setup.overlap = (cpb_overlap)test_random(seed, 0, 2);
    d->setup.backward = test_random(seed, 0, 1);
    d->setup.kernel = CPB_VARLEN;
    random_sizes(s, seed);
    random_documents(s, seed);
}

static inline cpb_schedule_claim claim_of(const cpb_schedule *schedule, uint64_t *hash)
{
    *hash = cpb_schedule_hash(schedule);
    return (cpb_schedule_claim){
        .micro_batches = cpb_schedule_micro_batches(schedule),
        .block = cpb_schedule_block(schedule),
        .placement = cpb_schedule_placements(schedule),
        .cut = cpb_schedule_cuts(schedule),
        .n_cuts = cpb_schedule_n_cuts(schedule),
        .score = cpb_schedule_score_of(schedule),
        .hash = hash,
        .n_groups = cpb_schedule_n_groups(schedule),
        .groups = cpb_schedule_groups(schedule),
        .documents = cpb_schedule_documents(schedule),
    };
}

static inline void proved(const step *s, const cpb_schedule *schedule)
{
    uint64_t hash;
    cpb_error error = {.message = ""};
    const cpb_schedule_claim claim = claim_of(schedule, &hash);
    const cpb_status status =
        cpb_check_schedule(&s->documents, &s->domain, &claim, &error);
    if (status != CPB_OK)
        fail_msg("%s: %s", cpb_schedule_row(schedule), error.message);
}

static inline cpb_status make(const step *s, const char *row, cpb_schedule **schedule,
                              cpb_error *error)
{
    cpb_domain domain = s->domain;
    domain.row = row;
    return cpb_schedule_create(&s->documents, &domain, schedule, error);
}

#endif
