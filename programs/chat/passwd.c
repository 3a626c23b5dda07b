// SPDX-License-Identifier: MIT
// weft chat passwd - the hash of a password, as [operator NAME] and --operator want it.
//
// The password comes from a terminal, unseen and twice, or is the first line of a pipe; never from
// the command line, which everybody on the machine can read.
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "chat/chat.h"
#include "common/options.h"
#include "common/output.h"
#include "common/secret.h"
#include "common/status.h"
#include "common/utf8.h"

static const char me[] = "weft chat passwd";

// The password in `line`. False: it was told why there is none.
static bool get_password(char line[SECRET_MAX + 2])
{
    char again[SECRET_MAX + 2];
    bool typed = isatty(STDIN_FILENO) == 1;
    int size = typed ? secret_ask("password: ", line) : secret_read(line);
    if (size <= 0 || line[0] == '\0') {
        complain(me,
                 size == 0 ? "the password is empty" : "there is no password, or too long a one");
        return false;
    }
    if (!typed)
        return true;
    bool same = secret_ask("once more: ", again) == size && strcmp(line, again) == 0;
    sodium_memzero(again, sizeof again);
    if (!same)
        complain(me, "the two are not the same");
    return same;
}

// OPER is a line of UTF-8: another password would be an operator's whom nobody can become.
static bool can_be_sent(const char *password)
{
    if (!strchr(password, '\r') && utf8_is_valid(password, strlen(password)))
        return true;
    complain(me, "no client can send this password: it is not UTF-8, or has a CR in it");
    return false;
}

static int print_hash(const char *password)
{
    char hash[crypto_pwhash_STRBYTES];
    if (crypto_pwhash_str(hash, password, strlen(password), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                          crypto_pwhash_MEMLIMIT_INTERACTIVE) < 0) {
        complain(me, "out of memory");
        return STATUS_FAILED;
    }
    (void)printf("%s\n", hash); // the program's end looks whether stdout took it
    return STATUS_OK;
}

int chat_passwd(int argc, char **argv)
{
    static const struct option_row rows[] = {{0}};
    static const struct command_line line = {
        me, "",
        "Print the hash of a password, for the section [operator NAME] of weft serve's file, or "
        "for\n"
        "--operator NAME:HASH. The password is asked for, or is the first line of the input.",
        rows};
    char password[SECRET_MAX + 2] = "";
    int first = options_read(&line, argc, argv);
    if (first < 0)
        return options_status(first);
    if (first < argc) // not repeated: it may be a password
        return usage_error(&line, "takes no argument; the password is asked for");
    if (sodium_init() < 0) {
        complain(me, "the system gives no random numbers");
        return STATUS_FAILED;
    }
    bool good = get_password(password) && can_be_sent(password);
    int status = good ? print_hash(password) : STATUS_FAILED;
    sodium_memzero(password, sizeof password);
    return status;
}
