// SPDX-License-Identifier: MIT
// completions.h - what a shell is to complete after `weft`: from the tables of options.
#ifndef WEFT_PROGRAMS_COMPLETIONS_H
#define WEFT_PROGRAMS_COMPLETIONS_H

struct completed {
    const char *name;                  // NULL ends the list
    int (*run)(int argc, char **argv); // reads its options by options.h, before it does anything
    const char *summary;
    const char *within; // the commands below it, "backup passwd"; NULL: none
};

// Print the script for the shell "bash", "zsh" or "fish". 0, or -EINVAL: another name.
int completions_print(const char *name, const struct completed *commands);

#endif
