// SPDX-License-Identifier: Apache-2.0
/* cpb: the table of subcommands, help, and the way out. */
#define _XOPEN_SOURCE 700 /* POSIX 2008 */
#include "command.h"
#include "message.h"
#include "output.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static const cli_command *const commands[] = {
    &plan_command,  &score_command,    &check_command, &compare_command,
    &sweep_command, &report_command,   &pad_command,   &calibrate_command,
    &draw_command,  &schedule_command, &attend_command};

enum { N_COMMANDS = sizeof commands / sizeof *commands };

static void print_usage(FILE *stream)
{
    fputs("cpb decides which tokens of a long or packed sequence each rank of a\n"
          "context-parallel group holds, measures the decision and proves it.\n"
          "\n"
          "Usage: cpb COMMAND [FLAG ...]\n"
          "\n",
          stream);
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(stream, "  cpb %-9s  %s\n", commands[i]->name, commands[i]->summary);
    fputs("\n"
          "  cpb COMMAND --help explains a command, cpb --version prints the version.\n"
          "\n"
          "Examples:\n"
          "  cpb compare --documents 16384,4096,8192,2048,32768,1024 --ranks 8\n"
          "  cpb plan --documents @lengths.txt --ranks 8 --order order.npy "
          "--plan plan.json\n"
          "  cpb check --plan plan.json\n",
          stream);
}

static void print_names(FILE *stream, const char *title, const char *(*name)(size_t),
                        const char *(*summary)(size_t))
{
    fprintf(stream, "\n%s:\n", title);
    for (size_t i = 0; name(i); i++)
        fprintf(stream, "  %-22s %s\n", name(i), summary(i));
}

static void print_help(const cli_command *command, FILE *stream)
{
    fprintf(stream, "cpb %s: %s\n\nUsage: cpb %s %s\n\n", command->name,
            command->summary, command->name, command->usage);
    if (command->about)
        fprintf(stream, "%s\n", command->about);
    options_print_help(command->user, stream);
    if (command->user & (USED_BY_PLAN | USED_BY_COMPARE | USED_BY_DRAW | USED_BY_SWEEP |
                         USED_BY_ATTEND)) {
        print_names(stream, "Balancers", cpb_balancer_name, cpb_balancer_summary);
        print_names(stream, "Mask families", cpb_mask_family_name,
                    cpb_mask_family_summary);
    }
    if (command->user & USED_BY_SCHEDULE)
        print_names(stream, "Rows", cpb_schedule_name, cpb_schedule_summary);
    fprintf(stream, "\nExamples:\n%s", command->examples);
}

static const cli_command *find(const char *name)
{
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (!strcmp(commands[i]->name, name))
            return commands[i];
    return NULL;
}

static int unknown(const char *name)
{
    const char *names[N_COMMANDS];
    cpb_error error;
    for (size_t i = 0; i < N_COMMANDS; i++)
        names[i] = commands[i]->name;
    const char *const guess = nearest(name, N_COMMANDS, names);
    fail(&error, "unknown command \"%.40s\"; %s%s%s", name,
         guess ? "did you mean " : "cpb --help lists them", guess ? guess : "",
         guess ? "?" : "");
    return complain(NULL, EXIT_USAGE, error.message);
}

/* Everything printed must have arrived. */
static int finish(const char *command)
{
    cpb_error error;
    return output_flush_standard(&error)
               ? EXIT_DONE
               : complain(command, EXIT_REFUSED, error.message);
}

static void print_version(void)
{
    printf("cpb %s\n", cpb_version());
}

static int run(const cli_command *command, int argc, char **argv)
{
    cli_options options;
    cpb_error error = {.at = -1};
    int status =
        options_read(command->name, command->user, argc, argv, &options, &error);
    if (status == EXIT_DONE && options.help)
        print_help(command, stdout);
    else if (status == EXIT_DONE && options.version)
        print_version();
    else if (status == EXIT_DONE && !command->ready(&options, &error))
        status = EXIT_USAGE;
    else if (status == EXIT_DONE && !command->run(&options, &error))
        status = EXIT_REFUSED;
    options_free(&options);
    return status == EXIT_DONE ? finish(command->name)
                               : complain(command->name, status, error.message);
}

static int help(const char *name)
{
    const cli_command *const command = name ? find(name) : NULL;
    if (name && !command)
        return unknown(name);
    if (command)
        print_help(command, stdout);
    else
        print_usage(stdout);
    return finish(NULL);
}

static bool is_one_of(const char *word, const char *a, const char *b)
{
    return !strcmp(word, a) || !strcmp(word, b);
}

/* An interrupt is said, and then does what it does. */
static void on_interrupt(int number)
{
    static const char sentence[] = "cpb: interrupted\n";
    const ssize_t written = write(STDERR_FILENO, sentence, sizeof sentence - 1);
    (void)written;
    signal(number, SIG_DFL);
    raise(number);
}

static void say_interrupts(void)
{
    static const int interrupts[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof interrupts / sizeof *interrupts; i++)
        if (signal(interrupts[i], on_interrupt) == SIG_IGN)
            signal(interrupts[i], SIG_IGN); /* as whoever started us wants it */
}

int main(int argc, char **argv)
{
    say_interrupts();
    /* A closed pipe and a file that outgrows its limit become failed writes, which are
     * said, instead of signals, which are not. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    if (argc < 2) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    const char *const name = argv[1];
    if (is_one_of(name, "--help", "-h") || !strcmp(name, "help"))
        return help(argc > 2 ? argv[2] : NULL);
    if (is_one_of(name, "--version", "-V")) {
        print_version();
        return finish(NULL);
    }
    const cli_command *const command = find(name);
    return command ? run(command, argc - 1, argv + 1) : unknown(name);
}
