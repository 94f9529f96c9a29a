// SPDX-License-Identifier: Apache-2.0
/* The jobs of a sweep, on threads. */
#define _XOPEN_SOURCE 700 /* POSIX 2008 */
#include "sweepjobs.h"

#include "message.h"
#include "pool.h"
#include "table.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A job while it is done. */
typedef struct slot {
    cli_list documents;
    char *text; /* the rows as lines */
    size_t bytes;
    void *cells; /* [cells of the kind] */
} slot;

static void free_slot(void *memory)
{
    slot *const s = memory;
    list_free(&s->documents);
    free(s->text);
    free(s->cells);
}

static bool has_documents(const cli_sweepjobs *jobs)
{
    return jobs->options->packs || jobs->options->sample || jobs->options->documents;
}

static sweep_job job_of(const cli_sweepjobs *jobs, int64_t number, const slot *s)
{
    const int64_t n = (int64_t)jobs->options->axes.ranks.n;
    return (sweep_job){.pack = number / n,
                       .ranks = (size_t)(number % n),
                       .documents = has_documents(jobs) ? &s->documents : NULL};
}

/* Hand the job its pack. */
static bool start(void *context, int64_t number, void *memory, cpb_error *error)
{
    cli_sweepjobs *const jobs = context;
    slot *const s = memory;
    const sweep_job job = job_of(jobs, number, s);
    while (!jobs->options->documents && job.documents && jobs->packs.given <= job.pack)
        if (!packs_next(&jobs->packs, &jobs->pack, error))
            return false;
    if (!s->cells)
        s->cells = malloc(jobs->kind->cells * jobs->kind->cell_bytes);
    if (!s->cells)
        return fail_memory(error);
    s->documents.n = 0;
    s->documents.total = 0;
    for (size_t i = 0; i < jobs->pack.n; i++)
        if (!list_add(&s->documents, jobs->pack.value[i], error))
            return false;
    return true;
}

static bool run(void *context, int64_t number, void *memory, cpb_error *error)
{
    const cli_sweepjobs *const jobs = context;
    slot *const s = memory;
    const sweep_job job = job_of(jobs, number, s);
    const int64_t cells = (int64_t)jobs->kind->cells;
    const size_t from =
        number * cells < jobs->first ? (size_t)(jobs->first - number * cells) : 0;
    free(s->text);
    s->text = NULL;
    FILE *const stream = open_memstream(&s->text, &s->bytes);
    if (!stream)
        return fail_memory(error);
    memset(s->cells, 0, jobs->kind->cells * jobs->kind->cell_bytes);
    bool good =
        jobs->kind->run(jobs->kind->context, &job, from, stream, s->cells, error);
    const bool full = ferror(stream);
    if ((fclose(stream) || full) && good)
        good = fail_memory(error);
    return good;
}

static bool take(void *context, int64_t number, void *memory, cpb_error *error)
{
    cli_sweepjobs *const jobs = context;
    const slot *const s = memory;
    const sweep_job job = job_of(jobs, number, s);
    return sweepfile_write(&jobs->file, s->text, s->bytes, error) &&
           jobs->kind->take(jobs->kind->context, &job, s->cells, error);
}

static void tick(void *context, int64_t taken)
{
    const cli_sweepjobs *const jobs = context;
    const int64_t first = jobs->first / (int64_t)jobs->kind->cells;
    if (jobs->show_progress && taken > first)
        progress_show(&jobs->progress, first, taken);
}

bool sweepjobs_open(cli_sweepjobs *jobs, cpb_error *error)
{
    const cli_options *const options = jobs->options;
    jobs->n_packs = 1;
    if (options->documents) {
        if (!lengths_read(options->documents, jobs->kind->most_tokens, &jobs->pack,
                          error))
            return false;
        jobs->packs.hash = packs_hash(&jobs->pack);
    } else if (has_documents(jobs)) {
        if (!packs_open(options, &jobs->packs, error))
            return false;
        jobs->n_packs = jobs->packs.n;
    }
    return recipe_write(options, jobs->packs.hash, &jobs->recipe, error);
}

static int count_threads(const cli_options *options)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (options->threads > 0)
        return (int)options->threads;
    return cores > 0 && cores < 1024 ? (int)cores : 1;
}

static bool fail_interrupted(const cli_sweepjobs *jobs, cpb_error *error)
{
    if (jobs->options->output)
        return fail(error,
                    "interrupted; what was finished is in %.40s, and the same command "
                    "goes on from there",
                    jobs->options->output);
    return fail(error, "interrupted; with --output it could be gone on with");
}

bool sweepjobs_run(cli_sweepjobs *jobs, cpb_error *error)
{
    const cli_options *const options = jobs->options;
    if (!sweepfile_open(options, &jobs->recipe, &jobs->kind->rows, &jobs->file, error))
        return false;
    const pool_work work = {.context = jobs,
                            .first = jobs->file.next / (int64_t)jobs->kind->cells,
                            .end = jobs->n_packs * (int64_t)options->axes.ranks.n,
                            .threads = count_threads(options),
                            .slot_bytes = sizeof(slot),
                            .start = start,
                            .run = run,
                            .take = take,
                            .free_slot = free_slot,
                            .tick = tick};
    jobs->first = jobs->file.next;
    jobs->progress = progress_start(work.end);
    jobs->show_progress =
        table_is_terminal(stderr) && (options->output || !table_is_terminal(stdout));
    const pool_end end = pool_run(&work, error);
    if (jobs->show_progress)
        progress_clear();
    return end == POOL_DONE ||
           (end == POOL_INTERRUPTED && fail_interrupted(jobs, error));
}

void sweepjobs_close(cli_sweepjobs *jobs)
{
    sweepfile_close(&jobs->file);
    recipe_free(&jobs->recipe);
    packs_close(&jobs->packs);
    list_free(&jobs->pack);
}
