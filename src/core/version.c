// SPDX-License-Identifier: MIT
// version.c - of the library that is loaded, which may be another than the headers are of.
#include <weft/base.h>

const char *weft_version(void)
{
#define TEXT(n) #n
#define VERSION(major, minor, patch) TEXT(major) "." TEXT(minor) "." TEXT(patch)
    return VERSION(WEFT_VERSION_MAJOR, WEFT_VERSION_MINOR, WEFT_VERSION_PATCH);
}
