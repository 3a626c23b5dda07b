// SPDX-License-Identifier: MIT
// any_case.h - names of hosts as keys of a hash table: the case of A to Z does not count, under
// whatever locale. To be included before <uthash.h>, once in a .c file.
#ifndef WEFT_PROGRAMS_FETCH_ANY_CASE_H
#define WEFT_PROGRAMS_FETCH_ANY_CASE_H

#include <stddef.h>
#include <stdint.h>

static inline unsigned char any_case(char byte)
{
    return (unsigned char)(byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a' : byte);
}

static inline unsigned any_case_hash(const char *name, size_t length) // FNV-1a
{
    uint32_t hash = 2166136261;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ any_case(name[i])) * 16777619;
    return hash;
}

static inline int any_case_differs(const char *a, const char *b, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (any_case(a[i]) != any_case(b[i]))
            return 1;
    return 0;
}

#define HASH_FUNCTION(name, length, hash) ((hash) = any_case_hash((name), (length)))
#define HASH_KEYCMP(a, b, length) any_case_differs((a), (b), (length))
#define HASH_NONFATAL_OOM 1 // then hh.tbl of what could not be added is NULL

#endif
