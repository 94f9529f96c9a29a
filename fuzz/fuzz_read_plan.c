// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a plan file: refused with a sentence, or a claim that is proved or refuted
 * with one. Runs that are proved make a plan, and the check proves what its score says:
 * the two share no code. */
#include "fuzz_input.h"
#include "fuzz_json.h"
#include "planfile.h"

/* The check counts pair by pair. */
enum { MOST_TOKENS = 600, MOST_RANKS = 32 };

static bool is_proved(const cpb_claim *claim, const cpb_masks *masks,
                      const cpb_setup *setup)
{
    cpb_error error = {.at = -2};
    const bool proved = cpb_check_plan(claim, masks, setup, NULL, &error) == CPB_OK;
    if (!proved)
        require_sentence(&error);
    return proved;
}

/* What follows from runs that are proved. */
static void try_plan(const cli_planfile *file, const cpb_claim *bare,
                     const cpb_masks *masks)
{
    cpb_error error = {.at = -2};
    cpb_plan *plan = NULL;
    cpb_score score;
    require(cpb_plan_create_runs(file->tokens, file->padding, file->ranks, file->first,
                                 file->runs, &file->promise, NULL, &plan,
                                 &error) == CPB_OK);
    const uint64_t hash = cpb_plan_hash(plan);
    cpb_claim claim = *bare;
    claim.score = &score;
    claim.hash = &hash;
    if (cpb_score_plan(plan, masks, &file->setup, NULL, &score, NULL, NULL, &error) ==
        CPB_OK)
        require(is_proved(&claim, masks, &file->setup));
    else
        require_sentence(&error);
    cpb_plan_free(plan);
}

static void try_claim(const cli_planfile *file)
{
    const cpb_masks masks = batch_view(&file->batch);
    const cpb_claim bare = {.tokens = file->tokens,
                            .padding = file->padding,
                            .ranks = file->ranks,
                            .first = file->first,
                            .runs = file->runs,
                            .promise = file->promise};
    cpb_claim full = bare;
    full.score = &file->all.score;
    full.pairs = file->all.pairs;
    full.loads = file->all.loads;
    full.hash = &file->hash;
    (void)is_proved(&bare, NULL, &file->setup);
    (void)is_proved(&full, &masks, &file->setup);
    if (is_proved(&bare, &masks, &file->setup))
        try_plan(file, &bare, &masks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cpb_error error = {.at = -2};
    cli_planfile file = {0};
    if (!file_is_small(data, size))
        return 0;
    if (!planfile_read(input_path(data, size), &file, &error))
        require_sentence(&error);
    else if (file.tokens <= MOST_TOKENS && file.padding <= MOST_TOKENS &&
             batch_tokens(&file.batch) <= MOST_TOKENS && file.ranks <= MOST_RANKS)
        try_claim(&file);
    planfile_free(&file);
    return 0;
}
