// SPDX-License-Identifier: MIT
// keys.c - see keys.h.
#include "chat/join/keys.h"

#include <string.h>

enum { ESCAPE = 0x1B, DELETE = 0x7F };

struct hand {
    void (*press)(void *ctx, const struct key *key);
    void *ctx;
};

static void press(const struct hand *h, enum key_kind kind, char letter)
{
    h->press(h->ctx, &(struct key){.kind = kind, .letter = letter});
}

// ---- pastes --------------------------------------------------------------------------------

// Without control characters; "\r\n" and "\r" are line ends too, a tab is a space.
static size_t clean(char *text, size_t size)
{
    size_t n = 0;
    bool after_return = false;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        bool second = c == '\n' && after_return;
        after_return = c == '\r';
        if (second)
            continue;
        if (c == '\r' || c == '\n')
            text[n++] = '\n';
        else if (c == '\t')
            text[n++] = ' ';
        else if (c >= ' ' && c != DELETE)
            text[n++] = (char)c;
    }
    while (n > 0 && text[n - 1] == '\n')
        n--;
    return n;
}

// Up to the end of the last whole line; 0: there is none.
static size_t whole_lines(const char *text, size_t size)
{
    while (size > 0 && text[size - 1] != '\n' && text[size - 1] != '\r')
        size--;
    return size;
}

static void end_paste(struct keys *k, const struct hand *h)
{
    size_t whole = k->paste_cut ? whole_lines(k->paste, k->paste_size) : 0;
    size_t size = clean(k->paste, whole > 0 ? whole : k->paste_size);
    bool several = whole > 0 || memchr(k->paste, '\n', size) != NULL;
    k->pasting = k->paste_cut = false;
    k->paste_size = 0;
    if (size > 0)
        h->press(h->ctx, &(struct key){.kind = several ? KEY_PASTE : KEY_TEXT,
                                       .text = k->paste,
                                       .size = size,
                                       .cut = whole > 0});
}

static void add_paste(struct keys *k, const char *bytes, size_t size)
{
    if (k->paste_cut || size > sizeof k->paste - k->paste_size) {
        k->paste_cut = true; // what comes after a gap would be taken for what comes before
        return;
    }
    memcpy(k->paste + k->paste_size, bytes, size);
    k->paste_size += size;
}

// ---- sequences -----------------------------------------------------------------------------

static const struct {
    const char *sequence; // what follows the escape
    enum key_kind kind;
} sequences[] = {
    {"[A", KEY_UP},           {"[B", KEY_DOWN},          {"[C", KEY_RIGHT},
    {"[D", KEY_LEFT},         {"[H", KEY_HOME},          {"[F", KEY_END},
    {"OA", KEY_UP},           {"OB", KEY_DOWN},          {"OC", KEY_RIGHT},
    {"OD", KEY_LEFT},         {"OH", KEY_HOME},          {"OF", KEY_END},
    {"[1~", KEY_HOME},        {"[7~", KEY_HOME},         {"[4~", KEY_END},
    {"[8~", KEY_END},         {"[3~", KEY_DELETE},       {"[5~", KEY_PAGE_UP},
    {"[6~", KEY_PAGE_DOWN},   {"[1;5D", KEY_WORD_LEFT},  {"[1;5C", KEY_WORD_RIGHT},
    {"[1;3D", KEY_WORD_LEFT}, {"[1;3C", KEY_WORD_RIGHT}, {"[5;5~", KEY_PAGE_UP},
    {"[6;5~", KEY_PAGE_DOWN},
};

static void end_sequence(struct keys *k, const struct hand *h)
{
    k->held[k->held_size] = '\0';
    k->state = KEYS_GROUND;
    if (strcmp(k->held, "[200~") == 0) {
        k->pasting = true;
        return;
    }
    if (strcmp(k->held, "[201~") == 0) {
        end_paste(k, h);
        return;
    }
    for (size_t i = 0; !k->pasting && i < sizeof sequences / sizeof sequences[0]; i++)
        if (strcmp(k->held, sequences[i].sequence) == 0)
            press(h, sequences[i].kind, '\0');
}

// "[" parameters, and a byte from '@' on that ends it; "O" and one byte.
static void sequence_byte(struct keys *k, char c, const struct hand *h)
{
    if (k->held_size + 1 < sizeof k->held)
        k->held[k->held_size++] = c;
    bool ends = k->held[0] == 'O' || (c >= '@' && c <= '~');
    if (c == ESCAPE) { // it was none; this one may be
        k->state = KEYS_ESCAPE;
        k->held_size = 0;
    } else if (ends)
        end_sequence(k, h);
}

static void escape_byte(struct keys *k, char c, const struct hand *h)
{
    if (c == ESCAPE)
        return;
    k->held_size = 0;
    k->state = KEYS_GROUND;
    if (c == '[' || c == 'O') {
        k->held[k->held_size++] = c;
        k->state = KEYS_SEQUENCE;
    } else if (!k->pasting && c == 'b')
        press(h, KEY_WORD_LEFT, '\0');
    else if (!k->pasting && c == 'f')
        press(h, KEY_WORD_RIGHT, '\0');
    else if (!k->pasting && c >= ' ' && c < DELETE)
        press(h, KEY_ALT, c);
}

// ---- characters ----------------------------------------------------------------------------

static size_t length_of(unsigned char first)
{
    if (first >= 0xF0)
        return first < 0xF5 ? 4 : 0;
    return first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
}

static void character_byte(struct keys *k, char c, const struct hand *h)
{
    if (((unsigned char)c & 0xC0) != 0x80) { // what was held is no character
        k->state = KEYS_GROUND;
        return;
    }
    k->held[k->held_size++] = c;
    if (k->held_size < k->wanted)
        return;
    k->state = KEYS_GROUND;
    h->press(h->ctx, &(struct key){.kind = KEY_TEXT, .text = k->held, .size = k->held_size});
}

static void control_byte(char c, const struct hand *h)
{
    if (c == '\r' || c == '\n')
        press(h, KEY_ENTER, '\0');
    else if (c == '\t')
        press(h, KEY_TAB, '\0');
    else if (c == '\b' || c == DELETE)
        press(h, KEY_BACKSPACE, '\0');
    else if (c >= 1 && c <= 26)
        press(h, KEY_CONTROL, (char)(c + 'a' - 1));
}

static void ground_byte(struct keys *k, char c, const struct hand *h)
{
    unsigned char u = (unsigned char)c;
    if (c == ESCAPE)
        k->state = KEYS_ESCAPE;
    else if (k->pasting)
        add_paste(k, &c, 1);
    else if (u < ' ' || u == DELETE)
        control_byte(c, h);
    else if (u < 0x80)
        h->press(h->ctx, &(struct key){.kind = KEY_TEXT, .text = &c, .size = 1});
    else if ((k->wanted = length_of(u)) > 0) {
        k->state = KEYS_CHARACTER;
        k->held[0] = c;
        k->held_size = 1;
    }
}

void keys_feed(struct keys *k, const char *bytes, size_t size,
               void (*press_key)(void *ctx, const struct key *key), void *ctx)
{
    const struct hand h = {press_key, ctx};
    for (size_t i = 0; i < size; i++) {
        char c = bytes[i];
        bool ends_character = k->state == KEYS_CHARACTER && ((unsigned char)c & 0xC0) != 0x80;
        if (k->state == KEYS_ESCAPE)
            escape_byte(k, c, &h);
        else if (k->state == KEYS_SEQUENCE)
            sequence_byte(k, c, &h);
        else if (k->state == KEYS_CHARACTER)
            character_byte(k, c, &h);
        else
            ground_byte(k, c, &h);
        if (ends_character) // it was not of that character, but is something itself
            ground_byte(k, c, &h);
    }
}

void keys_silence(struct keys *k, void (*press_key)(void *ctx, const struct key *key), void *ctx)
{
    if (!k->pasting)
        return;
    k->state = KEYS_GROUND; // what has begun is no end of it
    end_paste(k, &(struct hand){press_key, ctx});
}
