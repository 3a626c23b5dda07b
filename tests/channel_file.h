// SPDX-License-Identifier: MIT
// channel_file.h - how a task finds what its worker shares with the root, to write where it must
// not.
#ifndef WEFT_TESTS_CHANNEL_FILE_H
#define WEFT_TESTS_CHANNEL_FILE_H

#include "unit.h"

#include "exec/channel.h"

// The channel and the files of maps and large arguments have one name; they are told apart by size.
SHARED char *find_file(bool is_channel, size_t *size)
{
    char line[512], *found = NULL;
    FILE *f = fopen("/proc/self/maps", "re");
    while (f && !found && fgets(line, sizeof line, f)) {
        uintptr_t from, to;
        if (!strstr(line, "memfd:weft-task") ||
            sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &from, &to) != 2)
            continue;
        *size = to - from;
        if ((*size / 4096 == (sizeof(struct wf_channel) + 4095) / 4096) == is_channel)
            found = (char *)from; // NOLINT(performance-no-int-to-ptr)
    }
    if (f)
        fclose(f);
    return found;
}

#endif
