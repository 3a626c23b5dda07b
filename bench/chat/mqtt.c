// SPDX-License-Identifier: MIT
// mqtt.c - MQTT 3.1.1, quality of service 0. Who speaks does not subscribe: it would hear itself.
#include "chat.h"

enum { CONNACK = 0x20, PUBLISH = 0x30, SUBACK = 0x90, SHORT = 127 }; // all packets are short

static const char *topic(const struct member *m)
{
    return m->room->name + 1; // '#' is a wildcard
}

static size_t put_text(char *out, const char *text)
{
    size_t size = strlen(text);
    out[0] = 0;
    out[1] = (char)size;
    memcpy(out + 2, text, size);
    return 2 + size;
}

static size_t hello(const struct member *m, char *out)
{
    static const unsigned char head[] = {0x10, 0, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 0};
    char name[16];
    snprintf(name, sizeof name, "m%d", m->number);
    memcpy(out, head, sizeof head);
    size_t size = sizeof head + put_text(out + sizeof head, name);
    out[1] = (char)(size - 2);
    return size;
}

static size_t join(const struct member *m, char *out)
{
    static const unsigned char head[] = {0x82, 0, 0, 1};
    bool speaks = m == m->room->members;
    memcpy(out, head, sizeof head);
    size_t size = sizeof head + put_text(out + sizeof head, speaks ? "nobody" : topic(m));
    out[size++] = 0; // at most once
    out[1] = (char)(size - 2);
    return size;
}

static size_t say(const struct member *m, const char *text, char *out)
{
    size_t size = 2 + put_text(out + 2, topic(m));
    memcpy(out + size, text, TEXT);
    size += TEXT;
    out[0] = PUBLISH;
    out[1] = (char)(size - 2);
    return size;
}

static void take_text(const struct member *m, const char *packet, size_t size, struct unit *u)
{
    char head[32];
    size_t head_size = put_text(head, topic(m));
    if (size < head_size || memcmp(packet, head, head_size) != 0)
        die("a text was altered: its topic is another");
    *u = (struct unit){SPOKEN, packet + head_size, size - head_size};
}

static size_t take(struct member *m, const char *bytes, size_t size, struct unit *u)
{
    if (size < 2)
        return 0;
    size_t length = (unsigned char)bytes[1];
    if (length > SHORT)
        die("a text was altered: its packet is longer");
    if (size < 2 + length)
        return 0;
    switch ((unsigned char)bytes[0]) {
    case CONNACK:
        u->what = WELCOME;
        break;
    case SUBACK:
        u->what = INSIDE;
        break;
    case PUBLISH:
        take_text(m, bytes + 2, length, u);
        break;
    default:
        die("the server says something else than MQTT");
    }
    return 2 + length;
}

const struct protocol mqtt = {
    .name = "mqtt", .hello = hello, .join = join, .say = say, .take = take};
