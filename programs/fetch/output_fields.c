// SPDX-License-Identifier: MIT
// output_fields.c - see output_fields.h.
//
// One function that names them all in order, rather than a table of thirty functions: it is also
// the list that one looks for.
#include "fetch/output_fields.h"

#include <string.h>

#include "fetch/fault.h"

static struct field null(const char *name)
{
    return (struct field){.name = name, .kind = FIELD_NULL};
}

static struct field text(const char *name, const char *text)
{
    if (!text || !*text)
        return null(name);
    return (struct field){name, FIELD_TEXT, text, strlen(text), 0};
}

static struct field number(const char *name, bool known, int64_t number)
{
    return known ? (struct field){.name = name, .kind = FIELD_NUMBER, .number = number}
                 : null(name);
}

static struct field seconds(const char *name, int64_t ns)
{
    return (struct field){.name = name, .kind = FIELD_SECONDS, .number = ns};
}

static struct field step(const char *name, int64_t us)
{
    return us > 0 ? seconds(name, us * 1000) : null(name);
}

static struct field whether(const char *name, bool known, bool so)
{
    return known ? (struct field){.name = name, .kind = FIELD_BOOL, .number = so} : null(name);
}

static struct field stage(const char *name, const struct page *page)
{
    static const char *const stages[] = {
        [STAGE_NAME] = "name",       [STAGE_CONNECT] = "connect",
        [STAGE_TLS] = "tls",         [STAGE_FIRST_BYTE] = "first-byte",
        [STAGE_HEADERS] = "headers", [STAGE_BODY] = "body",
    };
    return page->fault == FAULT_NONE ? null(name) : text(name, stages[page->stage]);
}

static struct field version(const char *name, int http)
{
    return text(name, http == 10 ? "1.0" : http == 11 ? "1.1" : http == 20 ? "2" : "");
}

static struct field message(const char *name, struct output *o, const struct page *page)
{
    if (page->fault == FAULT_NONE)
        return null(name);
    struct field f = {.name = name, .kind = FIELD_TEXT};
    fault_print(output_words(o), page);
    f.text = output_said(o, &f.size);
    return f;
}

static struct field *sizes(struct field *f, const struct page *page)
{
    bool whole = page->fault == FAULT_NONE, body = whole && !page->head;
    bool partial = !whole && page->stage == STAGE_BODY;
    *f++ = number("encoded", body, page->encoded);
    *f++ = number("decoded", body, page->decoded);
    *f++ = number("claimed", page->claimed >= 0, page->claimed);
    *f++ = number("partial_encoded", partial, page->encoded);
    *f++ = number("partial_decoded", partial, page->decoded);
    *f++ = whether("excess", true, page->excess);
    *f++ = whether("unverified", true, page->unverified);
    *f++ = whether("head", true, page->head);
    return f;
}

static struct field *times(struct field *f, const struct page *page)
{
    *f++ = seconds("seconds", page->ns);
    *f++ = seconds("begin_seconds", page->begin_ns);
    *f++ = step("name_seconds", page->times.name);
    *f++ = step("connect_seconds", page->times.connect);
    *f++ = step("tls_seconds", page->times.tls);
    *f++ = step("first_byte_seconds", page->times.first_byte);
    *f++ = step("request_seconds", page->times.total);
    return f;
}

static struct field *changes(struct field *f, const struct page *page,
                             const struct page_change *change)
{
    static const struct page_change none = {.before = -1, .budget = -1};
    const struct page_change *c = change ? change : &none;
    bool compared = c->before >= 0 && page->fault == FAULT_NONE;
    *f++ = number("before", c->before >= 0, c->before);
    *f++ = number("growth", compared, page->decoded - c->before);
    *f++ = number("budget", c->budget >= 0, c->budget);
    *f++ = whether("over_budget", c->judged, c->over);
    return f;
}

size_t output_fields(struct output *o, const char *url, const struct page *page,
                     const struct page_change *change, struct field fields[FIELDS_MAX])
{
    struct field *f = fields;
    bool ok = page->fault == FAULT_NONE;
    *f++ = (struct field){"url", FIELD_TEXT, url, strlen(url), 0};
    *f++ = text("target", page->target);
    *f++ = whether("ok", true, ok);
    *f++ = text("error", ok ? NULL : fault_name(page->fault));
    *f++ = message("message", o, page);
    *f++ = stage("stage", page);
    *f++ = number("status", page->status != 0, page->status);
    *f++ = version("http", page->http);
    *f++ = text("encoding", page->encoding);
    f = sizes(f, page);
    f = times(f, page);
    *f++ = number("attempts", true, page->attempts);
    *f++ = number("redirects", true, page->redirects);
    *f++ = text("address", page->address);
    *f++ = number("header_bytes", true, page->header_bytes);
    *f++ = number("request_bytes", true, page->request_bytes);
    f = changes(f, page, change);
    return (size_t)(f - fields);
}
