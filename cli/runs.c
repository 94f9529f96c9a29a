// SPDX-License-Identifier: Apache-2.0
/* Runs and hashes of plans, out and in. */
#include "runs.h"

#include "message.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { HASH_DIGITS = 16 };

static json_t *run_to_json(const cpb_range *run)
{
    return json_pack("[I,I]", (json_int_t)run->begin, (json_int_t)run->end);
}

json_t *runs_to_json(const cpb_plan *plan)
{
    bool good = true;
    json_t *const all = json_array();
    for (int32_t r = 0; r < cpb_plan_ranks(plan) && good; r++) {
        const cpb_range *const runs = cpb_plan_runs(plan, r);
        json_t *const list = json_array();
        for (size_t i = 0; i < cpb_plan_n_runs(plan, r) && good; i++)
            json_push(list, run_to_json(&runs[i]), &good);
        json_push(all, list, &good);
    }
    if (good)
        return all;
    json_decref(all);
    return NULL;
}

bool runs_count(const json_t *lists, const char *where, int32_t ranks, int64_t *first,
                cpb_error *error)
{
    char text[JSON_SHOWN_BYTES];
    if (!json_is_array(lists) || json_array_size(lists) != (size_t)ranks)
        return fail(error, "%s has %zu lists; accepted is one per rank: %" PRId32,
                    where, json_array_size(lists), ranks);
    for (int32_t r = 0; r < ranks; r++) {
        const json_t *const list = json_array_get(lists, (size_t)r);
        if (!json_is_array(list))
            return fail(error, "%s[%" PRId32 "] is %s; accepted is a list of runs",
                        where, r, json_shown(list, text));
        first[r + 1] = first[r] + (int64_t)json_array_size(list);
    }
    return true;
}

static bool read_run(const json_t *value, cpb_range *run)
{
    const json_t *const begin = json_array_get(value, 0);
    const json_t *const end = json_array_get(value, 1);
    *run = (cpb_range){json_integer_value(begin), json_integer_value(end)};
    return json_array_size(value) == 2 && json_is_integer(begin) &&
           json_is_integer(end);
}

bool runs_read(const json_t *lists, const char *where, cpb_range *runs,
               cpb_error *error)
{
    char text[JSON_SHOWN_BYTES];
    for (size_t r = 0; r < json_array_size(lists); r++) {
        const json_t *const list = json_array_get(lists, r);
        for (size_t i = 0; i < json_array_size(list); i++)
            if (!read_run(json_array_get(list, i), runs++))
                return fail(error,
                            "%s[%zu][%zu] is %s; accepted is a pair [begin, end]",
                            where, r, i, json_shown(json_array_get(list, i), text));
    }
    return true;
}

bool hash_read(const json_t *text, const char *where, uint64_t *hash, cpb_error *error)
{
    const char *const digits = json_string_value(text);
    if (!digits)
        return fail(error, "%s is no string; accepted are 16 hexadecimal digits",
                    where);
    if (strlen(digits) != HASH_DIGITS ||
        strspn(digits, "0123456789abcdef") != HASH_DIGITS)
        return fail(error, "%s is \"%.40s\"; accepted are 16 hexadecimal digits", where,
                    digits);
    *hash = strtoull(digits, NULL, 16);
    return true;
}
