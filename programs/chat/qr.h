// SPDX-License-Identifier: MIT
// qr.h - a QR code for a terminal.
#ifndef WEFT_CHAT_QR_H
#define WEFT_CHAT_QR_H

// The text as a code, in lines that end in "\n", two rows of modules a line, with the four modules
// of quiet zone that readers want. Black on white, by colours that no theme changes, so that it is
// read on dark and on light. From malloc. NULL: out of memory, or too long for a code.
char *qr_text(const char *text);

#endif
