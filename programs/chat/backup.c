// SPDX-License-Identifier: MIT
// backup.c - weft chat backup: the history as it is at one moment, in a file of its own.
#include <signal.h>
#include <weft/error.h>

#include "chat/chat.h"
#include "chat/keep.h"
#include "chat/store/store.h"
#include "common/options.h"
#include "common/output.h"
#include "common/status.h"

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
    if (store_backup(data ? data : usual, argv[first]) == 0)
        return STATUS_OK;
    complain("weft chat backup", "%s", weft_error());
    return STATUS_FAILED;
}
