// SPDX-License-Identifier: Apache-2.0
/* The schedule file, in. */
#include "schedulefile.h"

#include "message.h"
#include "runs.h"
#include "schedulefigures.h"
#include "table.h"

#include <inttypes.h>
#include <stdlib.h>

enum { PLACE_BYTES = 48 };

/* A reader of one group of members. */
typedef bool read_part(cli_schedulefile *file, cpb_error *error);

static bool read_version(cli_schedulefile *file, cpb_error *error)
{
    const json_t *const version = json_object_get(file->root, "version");
    if (!json_is_array(json_object_get(file->root, "schedule")))
        return fail(error, "is no schedule file: it has no list \"schedule\"");
    if (!json_is_integer(version))
        return fail(error, "states no version; cpb schedule -o writes files that do");
    if (json_integer_value(version) != CPB_SCHEDULE_VERSION)
        return fail(error, "is a schedule file of version %" PRId64 "; accepted is %d",
                    (int64_t)json_integer_value(version), CPB_SCHEDULE_VERSION);
    return true;
}

static bool read_step(cli_schedulefile *file, cpb_error *error)
{
    return step_from_json(file->root, &file->step, error);
}

static bool read_figures(cli_schedulefile *file, cpb_error *error)
{
    return schedulefigures_get(file->root, &file->score, error);
}

/* --- Placements ------------------------------------------------------------------- */

static bool read_narrow(const json_t *value, int32_t *number)
{
    const json_int_t wide = json_integer_value(value);
    *number = (int32_t)wide;
    return json_is_integer(value) && wide >= INT32_MIN && wide <= INT32_MAX;
}

/* [micro-batch, first rank, ranks], behind them the cuts of a document that is not cut
 * evenly; or null for one that is left over. */
static bool read_placement(const json_t *value, cpb_placement *p)
{
    const size_t n = json_array_size(value);
    *p = (cpb_placement){.micro_batch = -1, .group = -1, .cuts = -1};
    if (json_is_null(value))
        return true;
    return (n == 3 || (n == 4 && json_is_array(json_array_get(value, 3)))) &&
           read_narrow(json_array_get(value, 0), &p->micro_batch) &&
           read_narrow(json_array_get(value, 1), &p->first) &&
           read_narrow(json_array_get(value, 2), &p->ranks);
}

static bool read_one_placement(cli_schedulefile *file, const json_t *value, int64_t d,
                               cpb_error *error)
{
    char where[PLACE_BYTES];
    cpb_placement *const p = &file->placement[d];
    if (!read_placement(value, p))
        return fail(
            error,
            "placements[%" PRId64 "] is neither null nor "
            "[micro_batch, first, ranks] nor that with a list of cuts behind it",
            d);
    const json_t *const cuts = json_array_get(value, 3);
    const size_t n = json_array_size(cuts);
    if (!cuts)
        return true;
    if ((int64_t)n != p->ranks - INT64_C(1) || file->n_cuts > INT32_MAX)
        return fail(error,
                    "placements[%" PRId64 "] has %zu cuts on %" PRId32
                    " ranks; accepted is one less than ranks",
                    d, n, p->ranks);
    snprintf(where, sizeof where, "placements[%" PRId64 "][3]", d);
    p->cuts = (int32_t)file->n_cuts;
    file->n_cuts += (int64_t)n;
    return json_integers(cuts, where, n, file->cut + p->cuts, error);
}

static bool allocate_placements(cli_schedulefile *file, const json_t *list,
                                cpb_error *error)
{
    size_t cuts = 0;
    for (size_t d = 0; d < json_array_size(list); d++)
        cuts += json_array_size(json_array_get(json_array_get(list, d), 3));
    file->placement = calloc((size_t)file->step.n + 1, sizeof *file->placement);
    file->cut = calloc(cuts + 1, sizeof *file->cut);
    return (file->placement && file->cut) || fail_memory(error);
}

static bool read_placements(cli_schedulefile *file, cpb_error *error)
{
    int64_t block;
    const json_t *const list =
        json_member(file->root, "", "placements", JSON_ARRAY, error);
    if (!list ||
        !json_member_integer(file->root, "", "block", 0, CPB_MAX_RANKS, &block, error))
        return false;
    if ((int64_t)json_array_size(list) != file->step.n)
        return fail(error,
                    "placements has %zu elements; accepted is one per document: "
                    "%" PRId64,
                    json_array_size(list), file->step.n);
    file->block = (int32_t)block;
    if (!allocate_placements(file, list, error))
        return false;
    for (int64_t d = 0; d < file->step.n; d++)
        if (!read_one_placement(file, json_array_get(list, (size_t)d), d, error))
            return false;
    return true;
}

static bool read_one_left(cli_schedulefile *file, const json_t *object,
                          const char *where, cpb_error *error)
{
    int64_t document, reason;
    if (!json_member_integer(object, where, "document", 0, file->step.n - 1, &document,
                             error) ||
        !json_member_choice(object, where, "reason", N_REASONS - 1,
                            schedule_reasons + 1, &reason, error))
        return false;
    cpb_placement *const p = &file->placement[document];
    if (p->left != CPB_LEFT_NOT)
        return fail(error, "%s: document %" PRId64 " stands twice", where, document);
    p->left = (cpb_left)(reason + 1);
    return true;
}

static bool read_left(cli_schedulefile *file, cpb_error *error)
{
    char where[PLACE_BYTES];
    const json_t *const list = json_member(file->root, "", "left", JSON_ARRAY, error);
    for (size_t i = 0; i < json_array_size(list); i++) {
        snprintf(where, sizeof where, "left[%zu]", i);
        if (!read_one_left(file, json_array_get(list, i), where, error))
            return false;
    }
    return list;
}

/* --- Reroutes and hash ------------------------------------------------------------- */

/* [document, from, to, tokens, bytes] */
static bool read_reroute(const json_t *value, cpb_reroute *r)
{
    const json_t *const document = json_array_get(value, 0);
    const json_t *const tokens = json_array_get(value, 3);
    r->document = json_integer_value(document);
    const json_t *const bytes = json_array_get(value, 4);
    r->tokens = json_integer_value(tokens);
    r->bytes = json_integer_value(bytes);
    return json_array_size(value) == 5 && json_is_integer(bytes) &&
           json_is_integer(document) &&
           read_narrow(json_array_get(value, 1), &r->from) &&
           read_narrow(json_array_get(value, 2), &r->to) && json_is_integer(tokens);
}

static bool read_reroutes(cli_schedulefile *file, cpb_error *error)
{
    const json_t *const list =
        json_member(file->root, "", "reroutes", JSON_ARRAY, error);
    if (!list)
        return false;
    file->n_reroutes = (int64_t)json_array_size(list);
    file->reroutes = calloc((size_t)file->n_reroutes + 1, sizeof *file->reroutes);
    if (!file->reroutes)
        return fail_memory(error);
    for (int64_t i = 0; i < file->n_reroutes; i++)
        if (!read_reroute(json_array_get(list, (size_t)i), &file->reroutes[i]))
            return fail(error,
                        "reroutes[%" PRId64 "] is no list of five: document, "
                        "from, to, tokens, bytes",
                        i);
    return true;
}

static bool read_hash(cli_schedulefile *file, cpb_error *error)
{
    const json_t *const hash = json_member(file->root, "", "hash", JSON_STRING, error);
    const json_t *const chosen =
        hash ? json_member(file->root, "", "chosen", JSON_STRING, error) : NULL;
    if (!chosen || !hash_read(hash, "hash", &file->hash, error))
        return false;
    file->chosen = json_string_value(chosen);
    return true;
}

static bool read_all(cli_schedulefile *file, cpb_error *error)
{
    static read_part *const parts[] = {read_version,  read_step,
                                       read_figures,  read_placements,
                                       read_left,     schedulefile_read_groups,
                                       read_reroutes, read_hash};
    if (!json_is_object(file->root))
        return fail(error, "is no schedule file: it holds no object");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!parts[i](file, error))
            return false;
    return true;
}

bool schedulefile_read(const char *path, cli_schedulefile *file, cpb_error *error)
{
    file->root = json_read(path, error);
    return file->root && (read_all(file, error) || fail_at(error, path));
}

cpb_schedule_claim schedulefile_claim(const cli_schedulefile *file)
{
    return (cpb_schedule_claim){.micro_batches = file->score.micro_batches,
                                .block = file->block,
                                .placement = file->placement,
                                .cut = file->cut,
                                .n_cuts = file->n_cuts,
                                .score = &file->score,
                                .hash = &file->hash,
                                .n_groups = file->n_groups,
                                .groups = file->groups,
                                .plans = file->plans,
                                .first_run = file->first_run,
                                .runs = file->runs,
                                .n_reroutes = file->n_reroutes,
                                .reroutes = file->reroutes,
                                .documents = file->documents};
}

static void print_proved(const cli_schedulefile *file)
{
    char a[TABLE_CELL_BYTES], b[TABLE_CELL_BYTES], c[TABLE_CELL_BYTES];
    const cpb_schedule_score *const score = &file->score;
    printf("proved: %s in %s on %s, each once",
           table_count(file->step.n - score->left_over, "document", a),
           table_count(score->micro_batches, "micro-batch", b),
           table_count(file->step.domain.ranks, "rank", c));
    if (score->left_over)
        printf("; %" PRId64 " left over, the reason holds", score->left_over);
    puts("; budget, sizes, order and limits are kept; figures, groups and their plans, "
         "reroutes and hash equal a recount");
}

bool schedulefile_prove(const char *path, cpb_error *error)
{
    cli_schedulefile file = {0};
    bool good = schedulefile_read(path, &file, error);
    const cpb_documents documents = step_documents(&file.step);
    const cpb_schedule_claim claim = schedulefile_claim(&file);
    if (good)
        good =
            succeeded(cpb_check_schedule(&documents, &file.step.domain, &claim, error));
    if (good)
        print_proved(&file);
    schedulefile_free(&file);
    return good;
}

void schedulefile_free(cli_schedulefile *file)
{
    step_free(&file->step);
    free(file->placement);
    free(file->cut);
    free(file->groups);
    free(file->documents);
    free(file->plans);
    free(file->first_run);
    free(file->runs);
    free(file->reroutes);
    json_decref(file->root);
    *file = (cli_schedulefile){0};
}
