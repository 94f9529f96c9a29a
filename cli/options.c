// SPDX-License-Identifier: Apache-2.0
/* The flags of all subcommands. popt splits the command line, the table of flags reads
 * the values. */
#include "flags.h"

#include "message.h"

#include <popt.h>
#include <stdlib.h>
#include <string.h>

static cli_options nothing_said(void)
{
    return (cli_options){.combine = -1,
                         .ranks = -1,
                         .nodes = -1,
                         .chunk = -1,
                         .tolerance_ppm = -1,
                         .sizes = -1,
                         .cap = -1,
                         .kernel = -1,
                         .transport = -1,
                         .cost = -1,
                         .model = cpb_setup_default().model,
                         .overlap = -1,
                         .peers = -1,
                         .effort = -1,
                         .dtype = -1,
                         .tokens = -1,
                         .count = -1,
                         .seed = -1,
                         .multiple = -1,
                         .memory = -1,
                         .threads = -1,
                         .budget = -1,
                         .micro_least = -1,
                         .micro_most = -1,
                         .micro_multiple = -1,
                         .fixed = -1,
                         .window = -1,
                         .hold = -1,
                         .token_bytes = -1};
}

/* The letter of the few flags that have one. */
static char short_name(const char *name)
{
    return (char)(!strcmp(name, "help") ? 'h' : !strcmp(name, "output") ? 'o' : '\0');
}

static bool may_go_without(const flag_row *flag)
{
    return flag->value && flag->value[0] == '[';
}

static unsigned kind_of_value(const flag_row *flag)
{
    if (!flag->value)
        return POPT_ARG_NONE;
    return POPT_ARG_STRING | (may_go_without(flag) ? POPT_ARGFLAG_OPTIONAL : 0);
}

/* popt's table of the flags that `user` takes; val is the index of the row plus 1. */
static void fill_table(cli_user user, struct poptOption table[MOST_FLAGS + 1])
{
    size_t n = 0;
    for (size_t i = 0; i < n_flags; i++)
        if (flags[i].users & user)
            table[n++] = (struct poptOption){.longName = flags[i].name,
                                             .shortName = short_name(flags[i].name),
                                             .argInfo = kind_of_value(&flags[i]),
                                             .val = (int)i + 1};
    table[n] = (struct poptOption)POPT_TABLEEND;
}

/* Remember a flag, and own its value, which popt allocated. */
static bool keep(const flag_row *flag, char *text, cli_options *options,
                 cpb_error *error)
{
    cli_said *const said = realloc(options->said, (options->n_said + 1) * sizeof *said);
    if (!said) {
        free(text);
        return fail_memory(error);
    }
    said[options->n_said++] =
        (cli_said){.flag = (size_t)(flag - flags), .name = flag->name, .text = text};
    options->said = said;
    return true;
}

/* The argument that is no flag; popt owns it. */
static bool keep_file(cli_options *options, const char *file, cpb_error *error)
{
    options->file = strdup(file);
    return options->file || fail_memory(error);
}

static bool take(const flag_row *flag, char *text, cli_options *options,
                 cpb_error *error)
{
    if (flag->value && !text && !may_go_without(flag))
        return fail_memory(error);
    return keep(flag, text, options, error) && flag->read(flag, text, options, error);
}

/* The sentence on what popt could not make sense of. */
static void explain(poptContext context, int code, cli_user user, cpb_error *error)
{
    const char *names[MOST_FLAGS];
    size_t n = 0;
    for (size_t i = 0; i < n_flags; i++)
        if (flags[i].users & user)
            names[n++] = flags[i].name;
    const char *const bad = poptBadOption(context, POPT_BADOPTION_NOALIAS);
    if (code == POPT_ERROR_NOARG) {
        fail(error, "%.40s needs a value", bad);
        return;
    }
    if (code != POPT_ERROR_BADOPT) {
        fail(error, "%.40s: %s", bad, poptStrerror(code));
        return;
    }
    char word[32];
    const char *const start = bad + strspn(bad, "-");
    snprintf(word, sizeof word, "%.*s", (int)strcspn(start, "="), start);
    const char *const guess = nearest(word, n, names);
    fail(error, "unknown flag %.40s; %s%s%s", bad,
         guess ? "did you mean --" : "--help lists them", guess ? guess : "",
         guess ? "?" : "");
}

/* Read flag by flag. */
static int read_all(poptContext context, cli_user user, cli_options *options,
                    cpb_error *error)
{
    int code;
    while ((code = poptGetNextOpt(context)) > 0)
        if (!take(&flags[code - 1], poptGetOptArg(context), options, error))
            return EXIT_REFUSED;
    if (code < -1) {
        explain(context, code, user, error);
        return EXIT_USAGE;
    }
    const char *const file = user & TAKES_FILE ? poptGetArg(context) : NULL;
    if (file && !keep_file(options, file, error))
        return EXIT_REFUSED;
    const char *const extra = poptPeekArg(context);
    if (!extra)
        return EXIT_DONE;
    fail(error, "unexpected argument \"%.40s\"; everything is said with flags", extra);
    return EXIT_USAGE;
}

int options_read(const char *command, cli_user user, int argc, char **argv,
                 cli_options *options, cpb_error *error)
{
    struct poptOption table[MOST_FLAGS + 1];
    *options = nothing_said();
    options->command = command;
    fill_table(user, table);
    const char **const words = calloc((size_t)argc + 1, sizeof *words);
    for (int i = 0; words && i < argc; i++)
        words[i] = argv[i];
    poptContext context = words ? poptGetContext(command, argc, words, table, 0) : NULL;
    int status = EXIT_REFUSED;
    if (context)
        status = read_all(context, user, options, error);
    else
        fail_memory(error);
    poptFreeContext(context);
    free(words);
    return status;
}

void options_free(cli_options *options)
{
    for (size_t i = 0; i < options->n_said; i++)
        free(options->said[i].text);
    free(options->said);
    free(options->file);
    free(options->masks);
    free(options->balancers.text);
    free(options->plans.text);
    free(options->schedules.text);
    axes_free(&options->axes);
    speeds_free(&options->speeds);
}

/* Words of `text`, wrapped and indented. */
static void print_wrapped(FILE *stream, const char *text)
{
    enum { INDENT = 8, WIDTH = 80 };
    size_t column = INDENT;
    fprintf(stream, "%*s", INDENT - 1, "");
    while (*text) {
        const size_t word = strcspn(text, " ");
        if (column + 1 + word > WIDTH) {
            fprintf(stream, "\n%*s", INDENT - 1, "");
            column = INDENT;
        }
        fputc(' ', stream);
        column++;
        fwrite(text, 1, word, stream);
        column += word;
        text += word + (text[word] == ' ');
    }
    fputc('\n', stream);
}

void options_print_help(cli_user user, FILE *stream)
{
    fputs("Flags:\n", stream);
    for (size_t i = 0; i < n_flags; i++) {
        if (!(flags[i].users & user))
            continue;
        fprintf(stream, "  --%s%s%s\n", flags[i].name, flags[i].value ? " " : "",
                flags[i].value ? flags[i].value : "");
        print_wrapped(stream, flags[i].help);
    }
}
