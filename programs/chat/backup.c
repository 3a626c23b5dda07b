// SPDX-License-Identifier: MIT
// backup.c - weft chat backup: the history as it is at one moment, in a file of its own.
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <weft/error.h>

#include "chat/chat.h"
#include "chat/keep.h"
#include "chat/store/store.h"
#include "common/options.h"
#include "common/output.h"
#include "common/status.h"

// A part of a copy is of no use to anybody: who ends the program has it removed.
static volatile sig_atomic_t ended_by;

static void on_signal(int sig)
{
    ended_by = sig;
}

static bool is_ended(void)
{
    return ended_by != 0;
}

static void hear_signals(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction was, now = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        if (sigaction(signals[i], NULL, &was) == 0 && was.sa_handler != SIG_IGN) // as by nohup
            (void)sigaction(signals[i], &now, NULL); // fails only for SIGKILL and SIGSTOP
}

int chat_backup(int argc, char **argv)
{
    const char *data = NULL;
    char usual[KEEP_FOLDER];
    const struct option_row rows[] = {
        {"data", 0, "FOLDER", "where the history lies [~/.local/state/weft]", option_text, &data},
        {.name = NULL},
    };
    const struct command_line line = {
        "weft chat backup", "[OPTION...] FILE",
        "Copies the history into a new file, also while the server runs.", rows};
    int first = options_read(&line, argc, argv);
    if (first < 0)
        return options_status(first);
    if (argc - first != 1)
        return usage_error(&line, "takes the name of one new file");
    if (!data && !keep_folder(usual))
        return usage_error(&line, "there is no home for a history: --data FOLDER");
    (void)signal(SIGXFSZ, SIG_IGN); // a limit of a file's size is a full disk
    hear_signals();
    int rc = store_backup(data ? data : usual, argv[first], is_ended);
    if (rc == 0)
        return STATUS_OK;
    if (rc == -ECANCELED && ended_by)
        return STATUS_SIGNAL + ended_by;
    complain("weft chat backup", "%s", weft_error());
    return STATUS_FAILED;
}
