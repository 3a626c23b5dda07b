// SPDX-License-Identifier: MIT
// resolve.c - the addresses that a request goes to.
//
// libcurl gets them by CURLOPT_RESOLVE, so that it never looks a name up itself: it would take a
// thread for each, and wait for it when it cleans up. They come with a '+', and so leave its cache
// after a minute, as they do ours; however many hosts there are, it keeps only those of a minute.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 // asprintf
#endif
#include "fetch/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <weft/wait.h>

#include "fetch/names.h"
#include "fetch/text.h"
#include "fetch/url.h"

enum {
    LOOKUPS = 16,
    HOST_MAX = 256,
    ENTRY_MAX = HOST_MAX + 16 + NAMES_ADDRESSES * (NAMES_TEXT + 3)
};

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && value[0];
}

// "HOST:PORT:ADDRESS", the host as it is asked for. options.c has seen that it is so.
static int add_told(struct resolver *r, const char *text)
{
    const char *why, *rest = strchr(text, ':');
    char *host = strndup(text, (size_t)(rest - text));
    char *name = host ? url_name(host, &why) : NULL;
    char *entry = NULL;
    if (name && asprintf(&entry, "%s%s", name, rest) < 0)
        entry = NULL;
    struct curl_slist *longer = entry ? curl_slist_append(r->told, entry) : NULL;
    free(entry);
    free(name);
    free(host);
    r->told = longer ? longer : r->told;
    return longer ? 0 : -ENOMEM;
}

int resolver_open(struct resolver *r, const struct fetch_settings *set)
{
    bool all = is_set("all_proxy") || is_set("ALL_PROXY");
    *r = (struct resolver){
        .names = names_open(LOOKUPS, set->family),
        .proxied = {all || is_set("http_proxy"),
                    all || is_set("https_proxy") || is_set("HTTPS_PROXY")},
    };
    if (!r->names)
        return -ENOMEM;
    for (int i = 0; i < set->resolve.length; i++) {
        int rc = add_told(r, set->resolve.texts[i]);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static void free_list(void *list)
{
    curl_slist_free_all(list);
}

void resolver_close(struct resolver *r)
{
    names_close(&r->names);
    weft_on_thread_stack(free_list, r->told);
    r->told = NULL;
}

static void forget_change(struct resolved *done)
{
    free(done->entry);
    done->entry = NULL;
    done->changes = false;
}

void resolved_free(struct resolved *done)
{
    forget_change(done);
    curl_slist_free_all(done->list);
    done->list = NULL;
}

// ---- which host ------------------------------------------------------------------

struct host {
    char name[HOST_MAX];
    const char *port; // in the origin
    bool tls;
};

// False: no name of DNS is so long.
static bool read_origin(const char *origin, struct host *host)
{
    const char *name = strstr(origin, "://") + 3, *colon = strrchr(name, ':');
    host->port = colon + 1;
    host->tls = origin[4] == 's';
    return text_copy(host->name, sizeof host->name, name, (size_t)(colon - name));
}

// "http://192.0.2.1:80"
static bool is_number(const char *origin)
{
    const char *name = strstr(origin, "://") + 3;
    size_t size = (size_t)(strrchr(name, ':') - name);
    char text[INET_ADDRSTRLEN];
    struct in_addr address;
    return name[0] == '[' ||
           (text_copy(text, sizeof text, name, size) && inet_pton(AF_INET, text, &address) == 1);
}

static bool is_for(const char *entry, const char *name, const char *port)
{
    size_t length = strlen(name), digits = strlen(port);
    return strncasecmp(entry, name, length) == 0 && entry[length] == ':' &&
           strncmp(entry + length + 1, port, digits) == 0 && entry[length + 1 + digits] == ':';
}

// Whether --resolve has an entry for it: "HOST:PORT:ADDRESS", where the host may be "*".
static bool is_told(const struct resolver *r, const struct host *host)
{
    for (const struct curl_slist *at = r->told; at; at = at->next)
        if (is_for(at->data, host->name, host->port) || is_for(at->data, "*", host->port))
            return true;
    return false;
}

// ---- telling libcurl -------------------------------------------------------------

static enum page_fault no_memory(struct page *page)
{
    return page_fail(page, FAULT_MEMORY, 0, "out of memory");
}

// "+example.org:80:192.0.2.1,[2001:db8::1]"
static void print_entry(char *entry, const struct host *host, const struct name_found *found)
{
    int at = snprintf(entry, ENTRY_MAX, "+%s:%s:", host->name, host->port);
    for (int i = 0; i < found->length; i++) {
        bool six = strchr(found->addresses[i], ':');
        at += snprintf(entry + at, (size_t)(ENTRY_MAX - at), "%s%s%s%s", i ? "," : "",
                       six ? "[" : "", found->addresses[i], six ? "]" : "");
    }
}

// What this origin has, if it is not what the handle has: it is told when it is prepared.
static enum page_fault change_to(struct resolved *done, char *entry)
{
    done->entry = entry;
    done->changes = true;
    return FAULT_NONE;
}

static enum page_fault use_told(const struct resolver *r, struct resolved *done)
{
    return done->list || r->told ? change_to(done, NULL) : FAULT_NONE;
}

CURLcode resolved_tell(const struct resolver *r, struct resolved *done, CURL *easy)
{
    if (!done->changes)
        return CURLE_OK;
    struct curl_slist *list = done->entry ? curl_slist_append(NULL, done->entry) : NULL;
    CURLcode code = done->entry && !list
                        ? CURLE_OUT_OF_MEMORY
                        : curl_easy_setopt(easy, CURLOPT_RESOLVE, list ? list : r->told);
    if (code == CURLE_OK) {
        curl_slist_free_all(done->list); // libcurl has let it go
        done->list = list;
    } else {
        curl_slist_free_all(list);
    }
    forget_change(done);
    return code;
}

// A fiber's stack is better kept small.
struct question {
    struct host host;
    struct name_found found;
    char entry[ENTRY_MAX];
};

static enum page_fault use_found(struct resolved *done, struct question *q, struct page *page)
{
    print_entry(q->entry, &q->host, &q->found);
    if (done->list && strcmp(done->list->data, q->entry) == 0)
        return FAULT_NONE;
    char *entry = strdup(q->entry);
    return entry ? change_to(done, entry) : no_memory(page);
}

static enum page_fault not_found(int rc, const struct name_found *found, struct page *page)
{
    if (rc == -ETIMEDOUT)
        return page->fault = FAULT_TIMEOUT; // whose limit it was the caller knows
    if (rc == -ECANCELED)
        return page->fault = FAULT_CANCELED;
    if (rc == -ENOMEM)
        return no_memory(page);
    const struct name_found later = {.code = EAI_AGAIN};
    found = rc < 0 ? &later : found;
    return page_fail(page, FAULT_NAME, found->code, "%s", names_why(found));
}

static enum page_fault look_up(struct resolver *r, struct resolved *done, struct question *q,
                               struct names_time *time, struct page *page)
{
    if (r->proxied[q->host.tls] || is_told(r, &q->host))
        return use_told(r, done);
    int rc = names_find(r->names, q->host.name, time, &q->found);
    return rc == 0 && q->found.code == 0 ? use_found(done, q, page)
                                         : not_found(rc, &q->found, page);
}

enum page_fault resolve(struct resolver *r, struct resolved *done, const char *origin,
                        struct names_time *time, struct page *page)
{
    forget_change(done);
    if (is_number(origin))
        return use_told(r, done);
    struct question *q = malloc(sizeof *q);
    if (!q)
        return no_memory(page);
    enum page_fault fault = read_origin(origin, &q->host)
                                ? look_up(r, done, q, time, page)
                                : page_fail(page, FAULT_NAME, EAI_NONAME, "%s",
                                            gai_strerror(EAI_NONAME));
    free(q);
    return fault;
}
