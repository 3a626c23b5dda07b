// SPDX-License-Identifier: MIT
// completions.c - see completions.h.
//
// Each command is called while options_read shows tables instead of reading; so what a shell
// completes is what the command takes, and nobody keeps a second list. The scripts complete names
// of options, files where a value or an argument is called FILE or FOLDER, and no other values.
#include "common/completions.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/options.h"

enum { WORD_MAX = 64 };

struct shell {
    const char *name;
    void (*begin)(const struct completed *commands);
    options_shown *command;                        // ctx is NULL
    void (*within)(const struct completed *group); // a command that is followed by another
    const char *end;
};

// ---- the tables ------------------------------------------------------------------------------

static bool is_file(const char *value)
{
    return value && (strstr(value, "FILE") || strstr(value, "FOLDER"));
}

// "fetch" of "weft fetch".
static const char *words_of(const struct command_line *line)
{
    return line->command + strlen("weft ");
}

// One line, with a backslash before each of these characters, and for ' what stands for it.
static void print_text(const char *text, const char *special, const char *apostrophe)
{
    for (; *text && *text != '\n'; text++) {
        if (*text == '\'')
            (void)fputs(apostrophe, stdout);
        else
            (void)printf("%s%c", strchr(special, *text) ? "\\" : "", *text);
    }
}

// The next of words that are parted by spaces, into `word`; what follows it. NULL: there is none.
static const char *next_word(const char *words, char word[WORD_MAX])
{
    words += strspn(words, " ");
    int size = (int)strcspn(words, " ");
    (void)snprintf(word, WORD_MAX, "%.*s", size, words);
    return size > 0 ? words + size : NULL;
}

// ---- bash ------------------------------------------------------------------------------------

static void bash_begin(const struct completed *commands)
{
    (void)fputs("# Completions of weft for bash, made by: weft completions bash\n"
                "_weft() {\n"
                "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
                "    local command=${COMP_WORDS[1]} options= file= commands='",
                stdout);
    for (; commands->name; commands++)
        (void)printf("%s ", commands->name);
    (void)fputs("help'\n"
                "    [[ $before == = ]] && before=${COMP_WORDS[COMP_CWORD - 2]}\n"
                "    [[ $word == = ]] && word=\n"
                "    ((COMP_CWORD > 2)) && command+=\" ${COMP_WORDS[2]}\"\n"
                "    ((COMP_CWORD == 1)) && command=\n"
                "    case \"$command \" in\n"
                "    ' ') options=\"$commands --help --version\" ;;\n"
                "    'help '*) options=$commands ;;\n",
                stdout);
}

// A case of all options whose value is, or is not, a file; nothing if there is none.
static void bash_values(const struct command_line *line, bool files, const char *does)
{
    const char *parted = "        ";
    for (const struct option_row *row = line->rows; row->name; row++) {
        if (!row->value || is_file(row->value) != files)
            continue;
        (void)fputs(parted, stdout);
        parted = " | ";
        if (row->letter)
            (void)printf("-%c | ", row->letter);
        (void)printf("--%s", row->name);
    }
    if (parted[1] == '|')
        (void)printf(") %s ;;\n", does);
}

static void bash_command(void *ctx, const struct command_line *line)
{
    (void)ctx;
    (void)printf("    '%s '*)\n        options='", words_of(line));
    for (const struct option_row *row = line->rows; row->name; row++)
        if (*row->name)
            (void)printf("--%s ", row->name);
    (void)printf("--help' file=%s\n        case $before in\n",
                 is_file(line->arguments) ? "yes" : "");
    bash_values(line, true, "options= file=yes");
    bash_values(line, false, "return");
    (void)fputs("        esac\n        ;;\n", stdout);
}

static void bash_within(const struct completed *group)
{
    (void)printf("    '%s '*) options='%s --help' ;;\n", group->name, group->within);
}

static const char bash_end[] =
    "    esac\n"
    "    if [[ $file && ( -z $options || $word != -* ) ]]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
    "        compopt -o filenames 2>/dev/null\n"
    "    else\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")\n"
    "    fi\n"
    "}\n"
    "complete -F _weft weft\n";

// ---- zsh -------------------------------------------------------------------------------------

static const char zsh_special[] = "[]:\\", zsh_apostrophe[] = "'\\''";

static void zsh_begin(const struct completed *commands)
{
    (void)fputs("#compdef weft\n"
                "# Completions of weft for zsh, made by: weft completions zsh\n"
                "_weft() {\n"
                "    local -a commands\n"
                "    commands=(\n",
                stdout);
    for (; commands->name; commands++) {
        (void)printf("        '%s:", commands->name);
        print_text(commands->summary, "\\", zsh_apostrophe);
        (void)fputs("'\n", stdout);
    }
    (void)fputs("        'help:explains a command'\n"
                "    )\n"
                "    local command=$words[2]\n"
                "    ((CURRENT > 3)) && command+=\" $words[3]\"\n"
                "    ((CURRENT == 2)) && command=\n"
                "    case \"$command \" in\n"
                "    (' '|'help '*) _describe command commands ;;\n",
                stdout);
}

static void zsh_spec(const struct option_row *row, const char *dashes, const char *name,
                     const char *joint)
{
    (void)printf(" \\\n            '*%s%s%s[", dashes, name, row->value ? joint : "");
    print_text(row->help, zsh_special, zsh_apostrophe);
    (void)putchar(']');
    if (row->value) {
        (void)putchar(':');
        print_text(row->value, zsh_special, zsh_apostrophe);
        (void)fputs(is_file(row->value) ? ":_files" : ": ", stdout);
    }
    (void)putchar('\'');
}

static void zsh_command(void *ctx, const struct command_line *line)
{
    char word[WORD_MAX];
    int words = 0;
    (void)ctx;
    for (const char *at = words_of(line); (at = next_word(at, word));)
        words++;
    (void)printf(
        "    ('%s '*)\n        shift %d words; ((CURRENT -= %d))\n        _arguments -s -S",
        words_of(line), words, words);
    for (const struct option_row *row = line->rows; row->name; row++) {
        char letter[] = {row->letter, '\0'};
        if (row->letter)
            zsh_spec(row, "-", letter, "+");
        if (*row->name)
            zsh_spec(row, "--", row->name, "=");
    }
    (void)printf(" \\\n            '--help[print the options]' '*: :%s'\n        ;;\n",
                 is_file(line->arguments) ? "_files" : "");
}

static void zsh_within(const struct completed *group)
{
    (void)printf("    ('%s '*) compadd -- %s --help ;;\n", group->name, group->within);
}

static const char zsh_end[] = "    esac\n"
                              "}\n"
                              "if [[ $funcstack[1] == _weft ]]; then\n"
                              "    _weft \"$@\"\n"
                              "else\n"
                              "    compdef _weft weft\n"
                              "fi\n";

// ---- fish ------------------------------------------------------------------------------------

static const char fish_special[] = "\\", fish_apostrophe[] = "\\'";

static void fish_begin(const struct completed *commands)
{
    (void)fputs("# Completions of weft for fish, made by: weft completions fish\n"
                "complete -c weft -f\n"
                "complete -c weft -n __fish_use_subcommand -l version -d 'print the version'\n",
                stdout);
    for (const struct completed *each = commands; each->name; each++) {
        (void)printf("complete -c weft -n __fish_use_subcommand -a %s -d '", each->name);
        print_text(each->summary, fish_special, fish_apostrophe);
        (void)fputs("'\n", stdout);
    }
    (void)fputs("complete -c weft -n __fish_use_subcommand -a help -d 'explains a command'\n"
                "complete -c weft -n '__fish_seen_subcommand_from help' -a '",
                stdout);
    for (; commands->name; commands++)
        (void)printf("%s ", commands->name);
    (void)fputs("'\n", stdout);
}

// complete, on the condition that each of these words stands there.
static void fish_complete(const char *words)
{
    char word[WORD_MAX];
    const char *joint = "";
    (void)fputs("complete -c weft -n '", stdout);
    while ((words = next_word(words, word))) {
        (void)printf("%s__fish_seen_subcommand_from %s", joint, word);
        joint = "; and ";
    }
    (void)putchar('\'');
}

static void fish_command(void *ctx, const struct command_line *line)
{
    (void)ctx;
    for (const struct option_row *row = line->rows; row->name; row++) {
        if (!*row->name)
            continue;
        fish_complete(words_of(line));
        if (row->letter)
            (void)printf(" -s %c", row->letter);
        (void)printf(" -l %s%s -d '", row->name,
                     !row->value           ? ""
                     : is_file(row->value) ? " -r -F"
                                           : " -x");
        print_text(row->help, fish_special, fish_apostrophe);
        (void)fputs("'\n", stdout);
    }
    fish_complete(words_of(line));
    (void)printf(" -s h -l help -d 'print the options'\n");
    if (is_file(line->arguments)) {
        fish_complete(words_of(line));
        (void)printf(" -F\n");
    }
}

static void fish_within(const struct completed *group)
{
    (void)printf("complete -c weft -n '__fish_seen_subcommand_from %s; and not "
                 "__fish_seen_subcommand_from %s' -a '%s'\n",
                 group->name, group->within, group->within);
}

// ---- all of it -------------------------------------------------------------------------------

static const struct shell shells[] = {
    {"bash", bash_begin, bash_command, bash_within, bash_end},
    {"zsh", zsh_begin, zsh_command, zsh_within, zsh_end},
    {"fish", fish_begin, fish_command, fish_within, ""},
};

// Called as for a command line without any option, of which it reads nothing.
static void ask(const struct completed *command, const char *below)
{
    char name[WORD_MAX], second[WORD_MAX];
    char *argv[] = {name, second, NULL};
    (void)snprintf(name, sizeof name, "%s", command->name);
    (void)snprintf(second, sizeof second, "%s", below);
    (void)command->run(*below ? 2 : 1, argv); // that of a help
}

static void ask_all(const struct shell *shell, const struct completed *command)
{
    char word[WORD_MAX];
    if (!command->within) {
        ask(command, "");
        return;
    }
    for (const char *at = command->within; (at = next_word(at, word));)
        ask(command, word);
    shell->within(command);
}

int completions_print(const char *name, const struct completed *commands)
{
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++) {
        const struct shell *shell = &shells[i];
        if (strcmp(shell->name, name) != 0)
            continue;
        shell->begin(commands);
        options_show_to(shell->command, NULL);
        for (const struct completed *command = commands; command->name; command++)
            ask_all(shell, command);
        options_show_to(NULL, NULL);
        (void)fputs(shell->end, stdout); // the program's end looks whether stdout took it all
        return 0;
    }
    return -EINVAL;
}
