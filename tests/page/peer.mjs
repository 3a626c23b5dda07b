// SPDX-License-Identifier: MIT
// peer.mjs - a server that a test plays itself, between the page and the network.
//
// It knows one room with a history of its own, and what the test makes it do: so a connection can
// break between a message and its echo, or a hundred messages be said while a page is away.
const HOST = "peer.test";

export class Peer {
    constructor({ caps = "", limit = 100, history = 0 } = {}) {
        this.caps = `batch echo-message labeled-response message-tags server-time ${caps}`.trim();
        this.limit = limit;
        this.history = [];
        this.last = 0; // message id
        this.socket = null;
        this.heard = []; // every line that the page has sent
        this.closed = false; // true: whoever comes is sent away
        this.deaf = false; // true: what is said is kept, but not echoed
        for (let i = 1; i <= history; i++)
            this.keep("bob", `message ${i}`, Date.now() - 3600e3 + i * 1000);
    }

    // For openPage's `prepare`.
    attach() {
        return (page) =>
            page.routeWebSocket(/\/ws$/, (socket) => {
                if (this.closed) return socket.close();
                this.socket = socket;
                socket.onMessage((line) => this.hear(String(line)));
            });
    }

    send(...lines) {
        lines.forEach((line) => this.socket.send(line));
    }

    // The command with its target, and tags of its own.
    keep(nick, text, at = Date.now(), what = "PRIVMSG #lobby", tags = "") {
        const id = `id${++this.last}`,
            time = new Date(at).toISOString();
        const one = { id, time, nick, text, what, tags };
        this.history.push(one);
        return one;
    }

    line({ id, time, nick, text, what, tags }, more = "") {
        return `@${more}msgid=${id};time=${time}${tags} :${nick}!~${nick}@${HOST} ${what} :${text}`;
    }

    // Somebody says something: heard by the page if it is there.
    say(nick, text) {
        const one = this.keep(nick, text);
        if (this.socket) this.send(this.line(one));
    }

    hangUp() {
        const socket = this.socket;
        this.socket = null;
        return socket.close();
    }

    hear(text) {
        this.heard.push(text);
        const [, tags, command, rest] = /^(?:@(\S+) )?(\S+) ?(.*)$/.exec(text);
        const label = /label=([^;]+)/.exec(tags || "")?.[1];
        this[`on${command}`]?.(rest, label ? `label=${label};` : "", tags || "");
    }

    onCAP(rest) {
        if (rest.startsWith("LS")) this.send(`:${HOST} CAP * LS :${this.caps}`);
        else if (rest.startsWith("REQ")) this.send(`:${HOST} CAP * ACK ${rest.slice(4)}`);
        else
            this.send(
                `:${HOST} 001 ${this.nick} :Welcome`,
                `:${HOST} 005 ${this.nick} CHATHISTORY=${this.limit} PREFIX=(ov)@+ :are supported`,
                `:${HOST} 422 ${this.nick} :no message of the day`,
            );
    }

    onNICK(rest) {
        this.nick = rest;
    }

    onJOIN(room) {
        this.send(
            `:${this.nick}!~web@${HOST} JOIN ${room}`,
            `:${HOST} 353 ${this.nick} = ${room} :${this.nick} bob`,
            `:${HOST} 366 ${this.nick} ${room} :end`,
        );
    }

    onPRIVMSG(rest, label, tags) {
        if (/batch=/.test(tags))
            return this.batch.push({ tags, text: rest.split(" :").slice(1).join(" :") });
        const one = this.keep(this.nick, rest.split(" :").slice(1).join(" :"));
        if (!this.deaf) this.send(this.line(one, label));
    }

    // A message of several lines: passed on as it came.
    onBATCH(rest, label) {
        if (rest.startsWith("+")) {
            Object.assign(this, { batch: [], label });
            return;
        }
        const whole = this.batch.map(
            ({ tags, text }) => (tags.includes("concat") ? "" : "\n") + text,
        );
        const { id, time } = this.keep(this.nick, whole.join("").slice(1));
        this.send(`@${this.label}msgid=${id};time=${time} BATCH +x draft/multiline #lobby`);
        for (const { tags, text } of this.batch)
            this.send(
                `@batch=x${tags.includes("concat") ? ";draft/multiline-concat" : ""} ` +
                    `:${this.nick}!~web@${HOST} PRIVMSG #lobby :${text}`,
            );
        this.send("BATCH -x");
    }

    onCHATHISTORY(rest, label) {
        const [how, target, ref, count] = rest.split(" ");
        if (how === "TARGETS") return this.answer(label, "draft/chathistory-targets", []);
        const at = this.history.findIndex((one) => `msgid=${one.id}` === ref),
            most = Math.min(this.limit, count);
        if (ref !== "*" && at < 0)
            return this.send(
                `@${label.slice(0, -1)} :${HOST} FAIL CHATHISTORY MESSAGE_ERROR ${how} ${target} :what?`,
            );
        const found = how === "BEFORE" ? this.history.slice(0, at) : this.history.slice(at + 1);
        this.answer(label, `chathistory ${target}`, found.slice(-most));
    }

    onSEARCH(rest, label) {
        const words = /text=([^; ]*)/.exec(rest)[1].replaceAll("\\s", " ");
        this.answer(
            label,
            "soju.im/search",
            this.history.filter(({ text }) => text.includes(words)),
        );
    }

    answer(label, kind, found) {
        this.send(
            `@${label.slice(0, -1)} :${HOST} BATCH +h ${kind}`,
            ...found.map((one) => this.line(one, "batch=h;")),
            `:${HOST} BATCH -h`,
        );
    }
}
