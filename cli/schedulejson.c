// SPDX-License-Identifier: Apache-2.0
/* The schedule file, out. */
#include "profile.h"
#include "runs.h"
#include "schedulefigures.h"
#include "schedulefile.h"

#include <inttypes.h>
#include <stdlib.h>

/* What names the plan of a group, or null where it packs more than a plan takes; and the
 * runs where they are asked for. */
static void put_plan(json_t *object, const cpb_schedule *schedule, int64_t g, bool runs,
                     bool *good)
{
    char hash[17];
    cpb_plan *plan;
    const cpb_status status = cpb_schedule_plan(schedule, g, NULL, &plan, NULL);
    *good = *good && (status == CPB_OK || status == CPB_TOO_LARGE);
    if (plan)
        snprintf(hash, sizeof hash, "%016" PRIx64, cpb_plan_hash(plan));
    json_put(object, "plan", plan ? json_string(hash) : json_null(), good);
    if (runs)
        json_put(object, "runs", plan ? runs_to_json(plan) : json_null(), good);
    cpb_plan_free(plan);
}

static json_t *group_to_json(const cpb_schedule *schedule, int64_t g, bool runs)
{
    const cpb_group *const group = &cpb_schedule_groups(schedule)[g];
    json_t *const object = json_object();
    bool good = object;
    json_put(object, "micro_batch", json_integer(group->micro_batch), &good);
    json_put(object, "first", json_integer(group->first), &good);
    json_put(object, "ranks", json_integer(group->ranks), &good);
    json_put(object, "start", json_real(figures_microseconds(group->start)), &good);
    json_put(object, "end", json_real(figures_microseconds(group->end)), &good);
    json_put(object, "documents",
             json_list((size_t)group->n_documents,
                       cpb_schedule_documents(schedule) + group->first_document,
                       sizeof(int64_t)),
             &good);
    put_plan(object, schedule, g, runs, &good);
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

/* A list when it is whole, else NULL. */
static json_t *whole(json_t *list, bool good)
{
    if (list && good)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *groups_to_json(const cpb_schedule *schedule, bool runs)
{
    json_t *const list = json_array();
    bool good = list;
    for (int64_t g = 0; good && g < cpb_schedule_n_groups(schedule); g++)
        json_push(list, group_to_json(schedule, g, runs), &good);
    return whole(list, good);
}

/* Documents that are not in the step, with the reason. */
static json_t *left_to_json(const cpb_schedule *schedule)
{
    json_t *const list = json_array();
    bool good = list;
    for (int64_t d = 0; good && d < cpb_schedule_n_documents(schedule); d++) {
        const cpb_left left = cpb_schedule_placements(schedule)[d].left;
        if (left != CPB_LEFT_NOT)
            json_push(list,
                      json_pack("{s:I,s:s}", "document", (json_int_t)d, "reason",
                                schedule_reasons[left]),
                      &good);
    }
    return whole(list, good);
}

static json_t *placement_to_json(const cpb_schedule *schedule, const cpb_placement *p)
{
    if (p->left != CPB_LEFT_NOT)
        return json_null();
    json_t *const list = json_pack("[i,i,i]", p->micro_batch, p->first, p->ranks);
    bool good = list;
    if (p->cuts >= 0)
        json_push(list,
                  json_list((size_t)p->ranks - 1, cpb_schedule_cuts(schedule) + p->cuts,
                            sizeof(int64_t)),
                  &good);
    return whole(list, good);
}

static json_t *placements_to_json(const cpb_schedule *schedule)
{
    json_t *const list = json_array();
    bool good = list;
    for (int64_t d = 0; good && d < cpb_schedule_n_documents(schedule); d++)
        json_push(list,
                  placement_to_json(schedule, &cpb_schedule_placements(schedule)[d]),
                  &good);
    return whole(list, good);
}

static json_t *reroutes_to_json(const cpb_schedule *schedule)
{
    const int64_t n = cpb_schedule_reroutes(schedule, NULL);
    cpb_reroute *const reroutes = calloc((size_t)n + 1, sizeof *reroutes);
    json_t *const list = reroutes ? json_array() : NULL;
    bool good = list;
    if (good)
        cpb_schedule_reroutes(schedule, reroutes);
    for (int64_t i = 0; good && i < n; i++)
        json_push(list,
                  json_pack("[I,i,i,I,I]", (json_int_t)reroutes[i].document,
                            reroutes[i].from, reroutes[i].to,
                            (json_int_t)reroutes[i].tokens,
                            (json_int_t)reroutes[i].bytes),
                  &good);
    free(reroutes);
    return whole(list, good);
}

static void put_schedule(json_t *object, const cpb_schedule *schedule,
                         const cpb_domain *domain, bool runs, bool *good)
{
    char hash[17];
    snprintf(hash, sizeof hash, "%016" PRIx64, cpb_schedule_hash(schedule));
    step_put_domain(object, domain, good);
    json_put(object, "chosen", json_string(cpb_schedule_row(schedule)), good);
    schedulefigures_put(object, cpb_schedule_score_of(schedule), good);
    json_put(object, "left", left_to_json(schedule), good);
    json_put(object, "schedule", groups_to_json(schedule, runs), good);
    json_put(object, "reroutes", reroutes_to_json(schedule), good);
    json_put(object, "hash", json_string(hash), good);
}

json_t *schedule_to_json(const cpb_schedule *schedule, const cpb_domain *domain,
                         bool runs)
{
    json_t *const object = json_object();
    bool good = object;
    put_schedule(object, schedule, domain, runs, &good);
    return whole(object, good);
}

json_t *schedulefile_to_json(const cpb_schedule *schedule,
                             const cpb_documents *documents, const cpb_domain *domain,
                             bool runs)
{
    json_t *const object = json_object();
    bool good = object;
    json_put(object, "version", json_integer(CPB_SCHEDULE_VERSION), &good);
    put_schedule(object, schedule, domain, runs, &good);
    json_put(object, "profile_numbers", profile_to_json(&domain->setup.profile), &good);
    json_put(object, "documents", step_documents_to_json(documents), &good);
    json_put(object, "block", json_integer(cpb_schedule_block(schedule)), &good);
    json_put(object, "placements", placements_to_json(schedule), &good);
    return whole(object, good);
}
