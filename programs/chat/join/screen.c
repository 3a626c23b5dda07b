// SPDX-License-Identifier: MIT
// screen.c - see screen.h.
//
// Five fibers on one loop, so that no state needs a lock: a fiber is only left where it waits.
//
//     the first    starts the others, waits for the end, and ends them in order
//     the listener has the connection: hears the server, and connects again
//     the typist   reads keys, changes the model, says lines
//     the watcher  takes signals
//     the painter  paints, once for all that has changed meanwhile
#include "chat/join/screen.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <weft/weft.h>

#include "chat/join/commands.h"
#include "chat/join/complete.h"
#include "chat/join/keys.h"
#include "chat/join/news.h"
#include "chat/join/terminal.h"
#include "chat/join/view.h"
#include "common/output.h"
#include "common/status.h"

static const char me[] = "weft join";
enum { STACK = 512 << 10, PAUSE_MS = 15, GOODBYE_MS = 1000, RETRY_MOST_S = 30, INPUT = 4096 };

struct screen {
    const struct irc_options *options;
    weft_conn *conn; // NULL: none. The listener's; others only post to it
    struct session session;
    struct model model;
    struct editor editor;
    struct completion completion;
    struct view view;
    struct keys keys;
    struct keyring keyring;
    char *paste; // several lines that wait for Enter; NULL: none
    char hint[128];
    bool asked_to_quit; // by Ctrl+C; again means it
    bool was_welcome;   // once at least
    bool refused, leaving;
    bool wants_password;
    bool stopped; // the terminal is the shell's
    int status;
    char last_words[WEFT_ERROR_MAX]; // for standard error, at the end; "": none
    weft_event changed, ended;
};

static int64_t now_s(void *screen)
{
    (void)screen;
    return (int64_t)time(NULL);
}

static void note(struct screen *s, struct room *r, enum said_kind kind, const char *text)
{
    model_note(&s->model, r, kind, now_s(s), "%s", text);
    weft_event_set(&s->changed);
}

static void end(struct screen *s, int status)
{
    if (!s->leaving)
        s->status = status;
    s->leaving = true;
    weft_event_set(&s->ended);
}

static struct desk desk(struct screen *s)
{
    return (struct desk){.model = &s->model,
                         .session = &s->session,
                         .keyring = &s->keyring,
                         .now_s = now_s(s),
                         .connected = s->conn && s->session.registered};
}

// ---- painting ------------------------------------------------------------------------------

static int paint_always(struct screen *const *arg, weft_none *none)
{
    struct screen *s = *arg;
    int rc;
    (void)none;
    while ((rc = weft_event_wait(&s->changed, WEFT_FOREVER)) == 0) {
        weft_event_clear(&s->changed);
        if (s->stopped)
            continue;
        terminal_size(&s->view.rows, &s->view.columns);
        view_paint(&s->view, &s->model, &s->editor, *s->hint ? s->hint : NULL);
        if (write_all(STDOUT_FILENO, s->view.bytes, s->view.size) < 0)
            end(s, STATUS_FAILED); // the terminal is gone
        (void)weft_sleep(weft_after_ms(PAUSE_MS));
    }
    return rc;
}
WEFT_TASK(paint_always, struct screen *, weft_none);

// ---- the connection ------------------------------------------------------------------------

static void send_line(void *screen, const char *line)
{
    struct screen *s = screen;
    char bytes[SESSION_LINE + 2];
    int size = snprintf(bytes, sizeof bytes, "%s\r\n", line);
    if (s->conn && weft_post(s->conn, bytes, (size_t)size) == -ENOBUFS)
        note(s, model_active(&s->model), SAID_ERROR, "the server takes nothing: not sent");
    // any other error is the listener's to find
}

static void enter_room(struct screen *s, const char *room)
{
    const char *key = keyring_find(&s->keyring, s->session.casemap, room);
    session_send(&s->session, *key ? "JOIN %s %s" : "JOIN %s", room, key);
}

// Into the rooms of before, or the first.
static void enter_rooms(struct screen *s)
{
    bool any = false;
    for (int i = 1; i < s->model.count; i++)
        if (s->model.rooms[i]->joined) {
            enter_room(s, s->model.rooms[i]->name);
            any = true;
        }
    if (!s->was_welcome && !any)
        enter_room(s, s->options->room);
    s->was_welcome = true;
}

// "MODE #room +k word", by us or another: to come back in it takes that word. What was once is not
// what is now.
static void learn_key(struct screen *s, const struct news *news)
{
    char command[NAME_ROOM + sizeof "MODE  "];
    int size = snprintf(command, sizeof command, "MODE %s ", news->room);
    if (news->kind == NEWS_TELL && news->way == PAST_LIVE && *news->room &&
        strncmp(news->text, command, (size_t)size) == 0)
        keyring_learn(&s->keyring, s->session.casemap, news->room, news->text + size);
}

static void take_news(void *screen, const struct news *news)
{
    struct screen *s = screen;
    news_take(&s->model, &s->session, news);
    learn_key(s, news);
    weft_event_set(&s->changed);
    if (news->kind == NEWS_WELCOME)
        enter_rooms(s);
    if (news->kind != NEWS_REFUSED || s->was_welcome || s->refused)
        return;
    s->refused = true;
    s->wants_password = news->numeric == REFUSED_PASSWORD;
    (void)snprintf(s->last_words, sizeof s->last_words, "the server refused: %s", news->text);
}

static bool last(void *screen, const char *room, struct past_mark *mark)
{
    struct screen *s = screen;
    return news_last(&s->model, room, mark);
}

static const struct session_ops ops = {send_line, take_news, now_s, last};

// Or until we are refused: of a nick, or a password, a server tells and then waits for another one,
// some for minutes.
static void hear_until_it_ends(struct screen *s)
{
    session_begin(&s->session, &s->options->session, &ops, s);
    (void)snprintf(s->model.state, sizeof s->model.state, "connecting");
    weft_event_set(&s->changed);
    session_greet(&s->session);
    while (!s->refused && link_hear(s->conn, &s->session) == 0)
        continue;
    if (pace_holds(&s->session))
        note(s, model_active(&s->model), SAID_ERROR, "the last lines were not sent");
    session_over(&s->session);
    weft_conn_close(&s->conn);
}

static void tell_of_loss(struct screen *s, int pause_s)
{
    char text[WEFT_ERROR_MAX + 64];
    (void)snprintf(text, sizeof text, "%s; trying again in %d s", weft_error(), pause_s);
    (void)snprintf(s->model.state, sizeof s->model.state, "not connected");
    for (int i = 1; i < s->model.count; i++)
        if (i != s->model.active && s->model.rooms[i]->joined)
            note(s, s->model.rooms[i], SAID_ERROR, text);
    note(s, model_active(&s->model), SAID_ERROR, text);
}

// Connect again, waiting longer each time. 0, or the request to stop.
static int connect_again(struct screen *s)
{
    const struct irc_options *o = s->options;
    const struct place *place;
    for (int pause_s = 1; !s->conn;
         pause_s = pause_s < RETRY_MOST_S / 2 ? pause_s * 2 : RETRY_MOST_S) {
        tell_of_loss(s, pause_s);
        int rc = weft_sleep(weft_after_ms((int64_t)pause_s * 1000));
        if (rc < 0)
            return rc;
        s->conn = link_open(o->place, 1, o->host, o->ca_file, &place);
        if (weft_check() < 0)
            return -ECANCELED;
    }
    note(s, model_active(&s->model), SAID_EVENT, "connected again");
    return 0;
}

static int listen_always(struct screen *const *arg, weft_none *none)
{
    struct screen *s = *arg;
    (void)none;
    for (;;) {
        hear_until_it_ends(s);
        if (!s->leaving && !s->was_welcome) { // there is nothing to go back to
            if (!*s->last_words)
                (void)snprintf(s->last_words, sizeof s->last_words, "%s", weft_error());
            end(s, STATUS_FAILED);
        }
        if (s->leaving || weft_check() < 0)
            return 0;
        int rc = connect_again(s);
        if (rc < 0)
            return rc;
    }
}
WEFT_TASK(listen_always, struct screen *, weft_none);

// ---- typing --------------------------------------------------------------------------------

static void drop_paste(struct screen *s)
{
    free(s->paste);
    s->paste = NULL;
    s->hint[0] = '\0';
}

// Behind what was typed already, all of it as lines to say: none is a command.
static void take_paste(struct screen *s, const struct key *key)
{
    size_t before = s->editor.size;
    int lines = 1;
    char *text = malloc(before + key->size + 1);
    if (!text) {
        note(s, model_active(&s->model), SAID_ERROR, "out of memory for that paste");
        return;
    }
    memcpy(text, s->editor.text, before);
    memcpy(text + before, key->text, key->size);
    text[before + key->size] = '\0';
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    drop_paste(s);
    s->paste = text;
    (void)snprintf(s->hint, sizeof s->hint, "%d lines %s: Enter sends them, Ctrl+C does not", lines,
                   key->cut ? "of a paste that is too long" : "pasted");
}

static void send_paste(struct screen *s)
{
    struct desk d = desk(s);
    char *text = s->paste, *line;
    model_active(&s->model)->bottom = 0; // as in enter
    if (!d.connected) {
        (void)desk_say(&d, text); // says so; the hint stays, for when there is a connection
        return;
    }
    while ((line = strsep(&text, "\n")) != NULL)
        if (*line)
            (void)desk_say(&d, line); // there is a connection
    drop_paste(s);
    editor_clear(&s->editor);
}

static void enter(struct screen *s)
{
    struct desk d = desk(s);
    if (s->editor.size == 0)
        return;
    struct room *r = model_active(&s->model);
    r->bottom = 0; // who speaks wants to see it
    if (desk_enter(&d, s->editor.text))
        editor_enter(&s->editor);
    if (d.quit)
        end(s, STATUS_OK);
}

static void interrupt(struct screen *s)
{
    if (s->editor.size > 0) {
        editor_clear(&s->editor);
        return;
    }
    if (s->asked_to_quit) {
        session_send(&s->session, "QUIT");
        end(s, STATUS_SIGNAL + SIGINT);
        return;
    }
    note(s, model_active(&s->model), SAID_EVENT, "Ctrl+C again, or /quit, ends it");
    s->asked_to_quit = true;
}

static void end_of_input(struct screen *s)
{
    if (s->editor.size > 0) {
        editor_delete(&s->editor);
        return;
    }
    session_send(&s->session, "QUIT");
    end(s, STATUS_OK);
}

// The shell has the terminal until SIGCONT, which the watcher hears. Not until kill returns: the
// stop may come a little later, by way of another thread.
static void stop(struct screen *s)
{
    s->stopped = true;
    terminal_leave();
    (void)kill(getpid(), SIGSTOP); // ourselves: always allowed
}

static void control(struct screen *s, char letter)
{
    static void (*const edits[26])(struct editor *) = {
        ['a' - 'a'] = editor_home,     ['b' - 'a'] = editor_left,    ['e' - 'a'] = editor_end,
        ['f' - 'a'] = editor_right,    ['k' - 'a'] = editor_cut_end, ['u' - 'a'] = editor_cut_start,
        ['w' - 'a'] = editor_cut_word, ['y' - 'a'] = editor_put_back};
    if (edits[letter - 'a'])
        edits[letter - 'a'](&s->editor);
    else if (letter == 'n')
        model_turn(&s->model, 1);
    else if (letter == 'p')
        model_turn(&s->model, -1);
    else if (letter == 'c')
        interrupt(s);
    else if (letter == 'd')
        end_of_input(s);
    else if (letter == 'z')
        stop(s);
    else if (letter == 'l') // also what somebody else wrote on the screen goes away
        (void)write_all(STDOUT_FILENO, "\x1b[2J", 4);
}

static void move_or_edit(struct screen *s, const struct key *key)
{
    static void (*const edits[])(struct editor *) = {[KEY_BACKSPACE] = editor_backspace,
                                                     [KEY_DELETE] = editor_delete,
                                                     [KEY_LEFT] = editor_left,
                                                     [KEY_RIGHT] = editor_right,
                                                     [KEY_WORD_LEFT] = editor_word_left,
                                                     [KEY_WORD_RIGHT] = editor_word_right,
                                                     [KEY_UP] = editor_older,
                                                     [KEY_DOWN] = editor_newer,
                                                     [KEY_HOME] = editor_home,
                                                     [KEY_END] = editor_end};
    if (key->kind < sizeof edits / sizeof edits[0] && edits[key->kind])
        edits[key->kind](&s->editor);
}

// At the top of what we have of a room more is asked for; it comes above what is seen.
static void page_up(struct screen *s)
{
    struct desk d = desk(s);
    view_scroll(&s->view, &s->model, view_page(&s->view) - 1);
    if (view_at_top(&s->view, &s->model))
        desk_ask_older(&d);
}

static void act(struct screen *s, const struct key *key)
{
    if (key->kind == KEY_TEXT)
        editor_insert(&s->editor, key->text, key->size);
    else if (key->kind == KEY_ENTER)
        enter(s);
    else if (key->kind == KEY_TAB)
        (void)complete(&s->completion, &s->editor, &s->model, command_names);
    else if (key->kind == KEY_PAGE_UP)
        page_up(s);
    else if (key->kind == KEY_PAGE_DOWN)
        view_scroll(&s->view, &s->model, 1 - view_page(&s->view));
    else if (key->kind == KEY_PASTE)
        take_paste(s, key);
    else if (key->kind == KEY_CONTROL)
        control(s, key->letter);
    else if (key->kind == KEY_ALT && key->letter >= '0' && key->letter <= '9')
        model_show(&s->model, key->letter == '0' ? 9 : key->letter - '1');
    else
        move_or_edit(s, key);
}

static void press(void *screen, const struct key *key)
{
    struct screen *s = screen;
    bool interrupts = key->kind == KEY_CONTROL && key->letter == 'c';
    if (s->leaving)
        return;
    if (!interrupts)
        s->asked_to_quit = false;
    if (key->kind != KEY_TAB)
        s->completion.active = false;
    if (!s->paste)
        act(s, key);
    else if (key->kind == KEY_ENTER)
        send_paste(s);
    else if (interrupts)
        drop_paste(s);
    weft_event_set(&s->changed);
}

// What is there; -EAGAIN: nothing. 0 or another error: the terminal is gone. It is asked once more
// before the read, because while we are stopped a shell reads from it too, and takes what we were
// told of; the read would then hold up the whole loop. Making it non-blocking would make it so for
// the shell as well.
static ssize_t read_keys(char *bytes, size_t size)
{
    struct pollfd now = {.fd = STDIN_FILENO, .events = POLLIN};
    int ready = poll(&now, 1, 0);
    if (ready == 0)
        return -EAGAIN;
    ssize_t n = ready < 0 ? -1 : read(STDIN_FILENO, bytes, size);
    return n < 0 ? -errno : n;
}

static int type_always(struct screen *const *arg, weft_none *none)
{
    struct screen *s = *arg;
    char bytes[INPUT];
    (void)none;
    for (;;) {
        weft_time until = s->keys.pasting ? weft_after_ms(PASTE_SILENCE_MS) : WEFT_FOREVER;
        int rc = weft_wait_fd(STDIN_FILENO, POLLIN, until);
        if (rc == -ECANCELED)
            return rc;
        if (rc == -ETIMEDOUT) {
            keys_silence(&s->keys, press, s);
            continue;
        }
        ssize_t n = rc < 0 ? rc : read_keys(bytes, sizeof bytes);
        if (n > 0)
            keys_feed(&s->keys, bytes, (size_t)n, press, s);
        else if (n != -EAGAIN && n != -EINTR) {
            end(s, STATUS_FAILED);
            return 0;
        }
    }
}
WEFT_TASK(type_always, struct screen *, weft_none);

// ---- signals -------------------------------------------------------------------------------

static void choose_signals(sigset_t *set)
{
    static const int deadly[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGWINCH);
    (void)sigaddset(set, SIGCONT);
    for (size_t i = 0; i < sizeof deadly / sizeof deadly[0]; i++) {
        struct sigaction was;
        bool known = sigaction(deadly[i], NULL, &was) == 0;
        if (known && was.sa_handler != SIG_IGN) // nohup
            (void)sigaddset(set, deadly[i]);
    }
}

static void take_signal(struct screen *s, int sig)
{
    if (sig == SIGCONT) { // whoever had the terminal meanwhile may have changed it
        s->stopped = false;
        if (terminal_enter() < 0)
            end(s, STATUS_FAILED);
    } else if (sig != SIGWINCH) {
        session_send(&s->session, "QUIT");
        end(s, STATUS_SIGNAL + sig);
    }
    weft_event_set(&s->changed);
}

static int watch_always(struct screen *const *arg, weft_none *none)
{
    struct screen *s = *arg;
    sigset_t set;
    int sig;
    (void)none;
    choose_signals(&set);
    while ((sig = weft_wait_signal(&set, WEFT_FOREVER)) > 0)
        take_signal(s, sig);
    return sig;
}
WEFT_TASK(watch_always, struct screen *, weft_none);

// ---- the whole -----------------------------------------------------------------------------

enum { LISTENER, TYPIST, WATCHER, PAINTER, TASKS };

static int start_all(struct screen *s, weft_future *tasks[TASKS])
{
    const struct weft_start_options how = {.kind = WEFT_FIBERS, .stack_size = STACK};
    tasks[LISTENER] = weft_start_as(how, listen_always, &s);
    tasks[TYPIST] = weft_start_as(how, type_always, &s);
    tasks[WATCHER] = weft_start_as(how, watch_always, &s);
    tasks[PAINTER] = weft_start_as(how, paint_always, &s);
    for (int i = 0; i < TASKS; i++)
        if (!tasks[i])
            return weft_error_code();
    return 0;
}

static int run(struct screen *const *arg, weft_none *none)
{
    struct screen *s = *arg;
    weft_future *tasks[TASKS] = {NULL};
    (void)none;
    terminal_guard();
    int rc = terminal_enter();
    if (rc == 0)
        rc = start_all(s, tasks);
    if (rc == 0) {
        (void)weft_event_wait(&s->ended, WEFT_FOREVER);
        (void)weft_wait(tasks[LISTENER], weft_after_ms(GOODBYE_MS)); // the server says goodbye
    }
    for (int i = 0; i < TASKS; i++)
        weft_cancel(tasks[i]);
    for (int i = 0; i < TASKS; i++)
        if (tasks[i])
            (void)weft_join(&tasks[i], NULL, 0); // they end as they were asked to
    terminal_leave();
    return rc;
}
WEFT_TASK(run, struct screen *, weft_none);

static int run_on_a_loop(struct screen *s)
{
    weft_future *first = weft_start_as(WEFT_WITH(.kind = WEFT_FIBERS, .stack_size = STACK), run,
                                       &s);
    int rc = first ? weft_join(&first, NULL, 0) : weft_error_code();
    if (rc < 0)
        (void)snprintf(s->last_words, sizeof s->last_words, "%s", strerror(-rc));
    return rc < 0 ? STATUS_FAILED : s->status;
}

int screen_talk(weft_conn *conn, const struct irc_options *options, bool *wants_password)
{
    sigset_t set;
    struct screen *s = calloc(1, sizeof *s);
    int status = STATUS_FAILED;
    *wants_password = false;
    if (!s || model_init(&s->model, options->host) < 0) {
        complain(me, "out of memory");
        weft_conn_close(&conn);
        free(s);
        return status;
    }
    s->options = options;
    s->conn = conn;
    keyring_put(&s->keyring, s->session.casemap, options->room, options->key);
    choose_signals(&set);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL); // the library's threads block them anyhow
    status = run_on_a_loop(s);
    if (*s->last_words)
        complain(me, "%s", s->last_words);
    *wants_password = s->wants_password;
    drop_paste(s);
    weft_conn_close(&s->conn);
    view_release(&s->view);
    editor_release(&s->editor);
    model_release(&s->model);
    free(s);
    return status;
}
