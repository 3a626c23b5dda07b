// SPDX-License-Identifier: MIT
// modules.c - see modules.h. Nothing is kept here: the program may load a library at any time.
#define _GNU_SOURCE // dl_iterate_phdr
#include "exec/modules.h"

#include <elf.h>
#include <link.h>
#include <string.h>

// ---- the build id -----------------------------------------------------------------------

static size_t aligned(size_t n)
{
    return (n + 3) & ~(size_t)3;
}

// True: found among the notes, and copied.
static bool find_id(const char *notes, size_t size, unsigned char id[WF_BUILD_ID])
{
    for (size_t at = 0; at + sizeof(ElfW(Nhdr)) <= size;) {
        ElfW(Nhdr) note;
        memcpy(&note, notes + at, sizeof note);
        at += sizeof note;
        const char *name = notes + at;
        at += aligned(note.n_namesz);
        if (at + note.n_descsz > size)
            return false;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && memcmp(name, "GNU", 4) == 0) {
            memcpy(id, notes + at, note.n_descsz < WF_BUILD_ID ? note.n_descsz : WF_BUILD_ID);
            return true;
        }
        at += aligned(note.n_descsz);
    }
    return false;
}

// For a file that was linked without one: its name and the shape of its segments (FNV-1a).
static void make_id(const struct dl_phdr_info *info, unsigned char id[WF_BUILD_ID])
{
    uint64_t hash = 0xcbf29ce484222325;
    const char *slash = strrchr(info->dlpi_name, '/');
    for (const char *c = slash ? slash : info->dlpi_name; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        const uint64_t shape[] = {segment->p_type, segment->p_vaddr, segment->p_filesz,
                                  segment->p_memsz};
        for (size_t k = 0; k < sizeof shape / sizeof *shape; k++)
            hash = (hash ^ shape[k]) * 0x100000001b3;
    }
    memcpy(id, &hash, sizeof hash);
}

// ---- the list ---------------------------------------------------------------------------

struct listing {
    struct wf_module *modules;
    size_t count;
};

static int add(struct dl_phdr_info *info, size_t size, void *ctx)
{
    (void)size;
    struct listing *listing = ctx;
    if (listing->count == WF_MODULES_MAX)
        return 1;
    struct wf_module *module = &listing->modules[listing->count++];
    *module = (struct wf_module){.base = info->dlpi_addr};
    bool found = false;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t end = segment->p_vaddr + segment->p_memsz;
        if (segment->p_type == PT_LOAD && end > module->size)
            module->size = end;
        if (segment->p_type == PT_NOTE && !found)
            found = find_id((const char *)info->dlpi_addr + segment->p_vaddr, segment->p_memsz,
                            module->id);
    }
    if (!found)
        make_id(info, module->id);
    return 0;
}

size_t wf_modules_list(struct wf_module modules[WF_MODULES_MAX])
{
    struct listing listing = {.modules = modules};
    (void)dl_iterate_phdr(add, &listing);
    return listing.count;
}

static const struct wf_module *module_of(const struct wf_module *modules, size_t count,
                                         uintptr_t at)
{
    for (size_t i = 0; i < count; i++)
        if (at - modules[i].base < modules[i].size)
            return &modules[i];
    return NULL;
}

uintptr_t wf_modules_there(const struct wf_module *modules, size_t count, const void *here)
{
    struct wf_module ours[WF_MODULES_MAX];
    uintptr_t at = (uintptr_t)here;
    const struct wf_module *module = module_of(ours, wf_modules_list(ours), at);
    for (size_t i = 0; module && i < count; i++)
        if (memcmp(modules[i].id, module->id, WF_BUILD_ID) == 0 && modules[i].size == module->size)
            return modules[i].base + (at - module->base);
    return 0;
}

bool wf_modules_name(const void *here, struct wf_symbol *symbol)
{
    struct wf_module ours[WF_MODULES_MAX];
    const struct wf_module *module = module_of(ours, wf_modules_list(ours), (uintptr_t)here);
    if (!module)
        return false;
    memcpy(symbol->id, module->id, sizeof symbol->id);
    symbol->offset = (uintptr_t)here - module->base;
    return true;
}

const void *wf_modules_find(const struct wf_symbol *symbol)
{
    struct wf_module ours[WF_MODULES_MAX];
    size_t count = wf_modules_list(ours);
    for (size_t i = 0; i < count; i++)
        if (memcmp(ours[i].id, symbol->id, WF_BUILD_ID) == 0 && symbol->offset < ours[i].size)
            return (const void *)(ours[i].base + symbol->offset);
    return NULL;
}

// ---- is it linked, or was it loaded? ----------------------------------------------------
// The executable's list of needed libraries, and theirs, lead to the module that it is in.

enum { NEEDED_MAX = 64 };

static uintptr_t dynamic_value(const struct link_map *map, ElfW(Sxword) tag)
{
    for (const ElfW(Dyn) *d = map->l_ld; d && d->d_tag != DT_NULL; d++)
        if (d->d_tag == tag)
            return d->d_un.d_ptr;
    return 0;
}

static const char *strings_of(const struct link_map *map)
{
    uintptr_t at = dynamic_value(map, DT_STRTAB);
    return (const char *)(at < map->l_addr ? at + map->l_addr : at); // relocated by glibc, or not
}

static bool is_called(const struct link_map *map, const char *name)
{
    uintptr_t soname = dynamic_value(map, DT_SONAME);
    if (soname != 0 && strcmp(strings_of(map) + soname, name) == 0)
        return true;
    const char *slash = strrchr(map->l_name, '/');
    return strcmp(slash ? slash + 1 : map->l_name, name) == 0 || strcmp(map->l_name, name) == 0;
}

static bool contains(const struct link_map *map, uintptr_t at)
{
    struct wf_module modules[WF_MODULES_MAX];
    const struct wf_module *module = module_of(modules, wf_modules_list(modules), at);
    return module && module->base == map->l_addr;
}

// Append the libraries that this one needs and that are not in the list yet.
static size_t add_needed(const struct link_map *first, const struct link_map *map,
                         const struct link_map *list[NEEDED_MAX], size_t count)
{
    for (const ElfW(Dyn) *d = map->l_ld; d && d->d_tag != DT_NULL; d++) {
        if (d->d_tag != DT_NEEDED)
            continue;
        const char *name = strings_of(map) + d->d_un.d_val;
        const struct link_map *needed = first->l_next;
        while (needed && !is_called(needed, name))
            needed = needed->l_next;
        bool is_new = needed && count < NEEDED_MAX;
        for (size_t i = 0; i < count && is_new; i++)
            is_new = list[i] != needed;
        if (is_new)
            list[count++] = needed;
    }
    return count;
}

bool wf_modules_is_linked(const void *here)
{
    const struct link_map *first = _r_debug.r_map;
    if (!first)
        return true; // a static executable
    const struct link_map *list[NEEDED_MAX] = {first};
    size_t count = 1;
    for (size_t i = 0; i < count; i++) {
        if (contains(list[i], (uintptr_t)here))
            return true;
        count = add_needed(first, list[i], list, count);
    }
    return false;
}
