// SPDX-License-Identifier: MIT
// modules.h - where code lies: a function is named to another process by its module and its offset
// there. The other process loaded the same files at other addresses; that they are the same, the
// build id says which the linker wrote into each.
#ifndef WF_EXEC_MODULES_H
#define WF_EXEC_MODULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WF_MODULES_MAX = 256, WF_BUILD_ID = 20 };

struct wf_module {
    uintptr_t base, size; // the span of its segments
    unsigned char id[WF_BUILD_ID];
};

// The modules of this process, in the order in which they were loaded. How many: at most
// WF_MODULES_MAX, the rest is left out.
size_t wf_modules_list(struct wf_module modules[WF_MODULES_MAX]);

// Where `here` lies in the process that has these modules. 0: in none of them.
uintptr_t wf_modules_there(const struct wf_module *modules, size_t count, const void *here);

// The same as a name that another process looks up by itself.
struct wf_symbol {
    unsigned char id[WF_BUILD_ID];
    uint64_t offset;
};
bool wf_modules_name(const void *here, struct wf_symbol *symbol); // false: it lies in no module
const void *wf_modules_find(const struct wf_symbol *symbol);      // NULL: no such module is here

// It lies in the program's executable, or in a library that it is linked with: so it is there
// before main whenever that file is started. Not so if it was loaded by dlopen.
bool wf_modules_is_linked(const void *here);

#endif
