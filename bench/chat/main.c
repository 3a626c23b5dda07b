// SPDX-License-Identifier: MIT
// main.c - see chat.h.
#define _GNU_SOURCE
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <unistd.h>

#include "chat.h"

enum { MOST_NUMBERS = 3, PATIENCE_S = 580, LOOKS = 1000, PAUSE_US = 10000 };
enum { NOT_LISTENING = 75 }; // the status: another port may do

static const struct protocol *const protocols[] = {&irc,  &irc_tags, &irc_websocket, &irc_tls,
                                                   &nats, &mqtt,     &plain};

static const struct plan {
    const char *name;
    int numbers; // of the plan, on the command line
    void (*carry_out)(struct load *l, const int *n);
} plans[] = {
    {"rooms", 3, in_flight},       {"rate", 2, at_a_rate}, {"join", 1, joining},
    {"register", 0, registration}, {"idle", 1, idle},
};

static void *usage(void)
{
    return die("usage: chat_load PROTOCOL PLAN N... PORT SERVER [ARGUMENT...]");
}

static const struct protocol *find_protocol(const char *name)
{
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
        if (strcmp(protocols[i]->name, name) == 0)
            return protocols[i];
    return usage();
}

static const struct plan *find_plan(const char *name)
{
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++)
        if (strcmp(plans[i].name, name) == 0)
            return &plans[i];
    return usage();
}

static int number(const char *word)
{
    int n = atoi(word);
    if (n <= 0)
        usage();
    return n;
}

// The server inherits it.
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

// Looked up, and not by a connection: that one would be a member who goes, and the lecture's server
// does not outlive him.
static bool listens(int port)
{
    char line[256];
    bool is_there = false;
    unsigned local, state;
    FILE *f = fopen("/proc/net/tcp", "re");
    while (f && !is_there && fgets(line, sizeof line, f))
        is_there = sscanf(line, " %*d: %*x:%x %*x:%*x %x", &local, &state) == 2 &&
                   local == (unsigned)port && state == TCP_LISTEN;
    if (f)
        fclose(f);
    return is_there;
}

static void not_listening(const char *why)
{
    fprintf(stderr, "%s\n", why);
    exit(NOT_LISTENING);
}

static void wait_until_it_listens(struct server *s, int port)
{
    for (int i = 0; i < LOOKS; i++) {
        if (listens(port))
            return;
        if (server_has_ended(s))
            not_listening("the server ended before it listened");
        usleep(PAUSE_US);
    }
    not_listening("the server does not listen");
}

int main(int argc, char **argv)
{
    int n[MOST_NUMBERS];
    if (argc < 3)
        usage();
    struct server s = {0};
    struct load l = {.protocol = find_protocol(argv[1]), .server = &s};
    const struct plan *plan = find_plan(argv[2]);
    char **rest = argv + 3;
    if (argc < 5 + plan->numbers)
        usage();
    for (int i = 0; i < plan->numbers; i++)
        n[i] = number(*rest++);
    l.port = number(*rest++);
    alarm(PATIENCE_S); // whatever happens
    raise_descriptor_limit();
    server_start_silent(&s, rest);
    wait_until_it_listens(&s, l.port);
    plan->carry_out(&l, n);
    server_end(&s);
    return 0;
}
