// SPDX-License-Identifier: MIT
// qr.c - see qr.h. A character is twice as high as wide, so one shows two modules, by half blocks.
#include "chat/qr.h"

#include <qrencode.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { QUIET = 4 };
// Of the cube of 256 colours, which themes leave alone: black in front of white.
static const char ink[] = "\x1b[38;5;16;48;5;231m", plain[] = "\x1b[0m\n";

static bool is_dark(const QRcode *code, int x, int y)
{
    x -= QUIET;
    y -= QUIET;
    if (x < 0 || y < 0 || x >= code->width || y >= code->width)
        return false;
    return code->data[y * code->width + x] & 1;
}

// Its end is not marked: more follows.
static char *add(char *at, const char *text)
{
    while (*text)
        *at++ = *text++;
    return at;
}

char *qr_text(const char *text)
{
    static const char *const blocks[] = {" ", "▀", "▄", "█"}; // bit 0: the upper module
    QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
    if (!code)
        return NULL;
    int side = code->width + 2 * QUIET;
    size_t line = sizeof ink + sizeof plain + 3 * (size_t)side;
    char *out = malloc(line * ((size_t)side / 2 + 1) + 1);
    char *at = out;
    for (int y = 0; out && y < side; y += 2) {
        at = add(at, ink);
        for (int x = 0; x < side; x++)
            at = add(at, blocks[is_dark(code, x, y) + 2 * is_dark(code, x, y + 1)]);
        at = add(at, plain);
    }
    if (out)
        *at = '\0';
    QRcode_free(code);
    return out;
}
