// SPDX-License-Identifier: Apache-2.0
/* Pages of reports when memory ends: refused, and no page is there. */
#define _XOPEN_SOURCE 700 /* POSIX 2008 */
#include "command.h"
#include "failing_malloc.h"
#include "html.h"
#include "rowset.h"
#include "testing.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Run a command; its allocations fail from the `ration`-th on. */
static bool run(const cli_command *command, size_t n, const char *const *said,
                int64_t ration, cpb_error *error)
{
    enum { MOST = 24 };
    cli_options options;
    char *words[MOST];
    assert_true(n <= MOST);
    for (size_t i = 0; i < n; i++)
        words[i] = strdup(said[i]);
    malloc_ration = ration;
    const bool good = options_read(command->name, command->user, (int)n, words,
                                   &options, error) == 0 &&
                      command->run(&options, error);
    malloc_ration = INT64_MAX;
    options_free(&options);
    for (size_t i = 0; i < n; i++)
        free(words[i]);
    return good;
}

/* Rows of a small sweep; what it says to people goes nowhere. */
static void write_rows(const char *path, bool schedules)
{
    const char *const said[] = {"sweep",
                                "--sample",
                                "builtin",
                                "--tokens",
                                "3000",
                                "--count",
                                "3",
                                "--ranks",
                                "3,2",
                                "--threads",
                                "1",
                                "--output",
                                path,
                                schedules ? "--budget" : "--tolerance",
                                schedules ? "4000" : "0.05,0.01",
                                schedules ? "--row" : "--balancer",
                                schedules ? "free,wlb" : "ptrr,even"};
    const int terminal = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY);
    cpb_error error = {.at = -1};
    assert_true(terminal >= 0 && nowhere >= 0);
    dup2(nowhere, STDERR_FILENO);
    const bool good =
        run(&sweep_command, sizeof said / sizeof *said, said, INT64_MAX, &error);
    dup2(terminal, STDERR_FILENO);
    assert_true(good);
    close(terminal);
    close(nowhere);
}

typedef struct folder {
    char name[40];
    char rows[64], page[64];
} folder;

static void make_folder(folder *f, bool schedules)
{
    strcpy(f->name, "/tmp/cpb-test-report-XXXXXX");
    assert_non_null(mkdtemp(f->name));
    snprintf(f->rows, sizeof f->rows, "%s/rows.csv", f->name);
    snprintf(f->page, sizeof f->page, "%s/page.html", f->name);
    write_rows(f->rows, schedules);
}

static void remove_folder(const folder *f)
{
    unlink(f->rows);
    unlink(f->page);
    assert_int_equal(rmdir(f->name), 0); /* no temporary file is left */
}

/* The whole file, to be freed; NULL where there is none. */
static char *read_page(const char *path)
{
    char *text = NULL;
    size_t room = 0;
    FILE *const file = fopen(path, "r");
    if (!file)
        return NULL;
    assert_true(getdelim(&text, &room, '\0', file) > 0);
    fclose(file);
    return text;
}

/* Pictures have ids of their own each time they are made; how many there are stays. */
static size_t count_pictures(const char *page)
{
    size_t n = 0;
    for (const char *at = page; (at = strstr(at, "<img ")); at++)
        n++;
    return n;
}

/* Either there is a sentence and no page, or all of it. Each of the first allocations
 * fails, of later ones some. */
static void allocations_may_fail(bool schedules)
{
    folder f;
    cpb_error error = {.at = -1};
    int refused = 0;
    make_folder(&f, schedules);
    const char *const said[] = {"report", f.rows, "--output", f.page};
    assert_true(run(&report_command, 4, said, INT64_MAX, &error));
    char *const whole = read_page(f.page);
    const size_t pictures = count_pictures(whole);
    assert_true(pictures || !picture_is_built());
    unlink(f.page);
    for (int64_t ration = 0; !run(&report_command, 4, said, ration, &error);
         ration += 1 + ration / 100) {
        refused++;
        assert_non_null(strstr(error.message, "memory"));
        assert_null(read_page(f.page));
    }
    assert_true(refused > 100);
    char *const page = read_page(f.page);
    assert_int_equal(count_pictures(page), pictures);
    assert_null(strstr(page, "not drawn"));
    free(page);
    free(whole);
    remove_folder(&f);
}

static void allocations_of_a_report_may_fail(void **state)
{
    (void)state;
    allocations_may_fail(false);
}

static void allocations_of_a_report_on_schedules_may_fail(void **state)
{
    (void)state;
    allocations_may_fail(true);
}

static double step(const cli_row *row)
{
    return row->step_time;
}

static void quantiles_of_a_group_are_those_of_counting(void **state)
{
    (void)state;
    folder f;
    cli_rowset set = {0};
    cpb_error error = {.at = -1};
    make_folder(&f, false);
    cli_rows file = {0};
    assert_true(rows_open(f.rows, &file, &error) && rowset_read(&file, &set, &error));
    rows_close(&file);
    assert_int_equal(set.list.n, 24);
    assert_int_equal(set.list.unfinished, -1);
    for (size_t g = 0; g < set.answer.n_groups; g++)
        for (int percent = 1; percent <= 100; percent++) {
            size_t n, below = 0, not_above = 0;
            bool good = true;
            const set_row *const rows = rowlist_group(&set.list, g, &n);
            const set_row *const at = rowset_quantile(&set, g, step, percent, &good);
            assert_true(good && n == 3 && at >= rows && at < rows + n);
            for (size_t i = 0; i < n; i++) {
                assert_int_equal(rows[i].place.group, g);
                below += rows[i].row.step_time < at->row.step_time;
                not_above += rows[i].row.step_time <= at->row.step_time;
            }
            assert_true(100 * not_above >= n * (size_t)percent);
            assert_true(100 * below < n * (size_t)percent);
        }
    rowset_free(&set);
    remove_folder(&f);
}

static void text_is_escaped(void **state)
{
    (void)state;
    char *text = NULL;
    size_t n;
    FILE *const stream = open_memstream(&text, &n);
    assert_non_null(stream);
    html_text(stream, "<a href=\"x\">&</a> \xc3\xa9'");
    fclose(stream);
    assert_string_equal(text, "&lt;a href=&quot;x&quot;&gt;&amp;&lt;/a&gt; \xc3\xa9'");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations_of_a_report_may_fail),
        cmocka_unit_test(allocations_of_a_report_on_schedules_may_fail),
        cmocka_unit_test(quantiles_of_a_group_are_those_of_counting),
        cmocka_unit_test(text_is_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
