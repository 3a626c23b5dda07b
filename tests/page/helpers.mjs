// SPDX-License-Identifier: MIT
// helpers.mjs - what the tests of the page share: TAP, a server, a browser, raw clients, patience.
//
// No test is decided by time: what should happen is waited for, up to PATIENCE, which only a page
// that hangs uses up. After each test every page of it must have said nothing on its console, and
// have asked nobody but its own server for anything.
//
// A test waits most of its time, so that some of them run at once, each with a server and a browser
// of its own: one browser for all of them died now and then. What belongs to the test that runs is
// found by the chain of its calls.
import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { createRequire } from "node:module";

const [, , weft, modules, chromiumPath] = process.argv;
const { chromium } = createRequire(path.join(modules, "package.json"))("playwright-core");
export const PATIENCE = 30000;

export async function until(condition, what) {
    const end = Date.now() + PATIENCE;
    for (;;) {
        const result = await condition();
        if (result) return result;
        assert(Date.now() < end, `waited ${PATIENCE} ms in vain for ${what}`);
        await new Promise((then) => setTimeout(then, 10));
    }
}

// ---- the server ---------------------------------------------------------------------------------

// `weft serve` with all its doors: {plain, irc, web} are its ports.
export class Server {
    static async start({ web = 0, data, args = [] } = {}) {
        const server = new Server();
        server.data = data ?? fs.mkdtempSync(path.join(os.tmpdir(), "weft-page-data-"));
        server.said = "";
        server.process = spawn(
            weft,
            ["serve", "--plain", "0", "--irc", "0", "--web", String(web), ...args],
            {
                stdio: ["ignore", "pipe", "inherit"],
                env: { ...process.env, XDG_STATE_HOME: server.data },
            },
        );
        server.process.stdout.on("data", (text) => {
            server.said += text;
        });
        const [, url] = await until(
            () =>
                server.process.exitCode !== null
                    ? assert.fail(`weft serve ended: ${server.said}`)
                    : /open in a browser: (http:\S+)/.exec(server.said),
            "the server's ports",
        );
        server.url = url;
        server.web = Number(new URL(url).port);
        server.irc = Number(/listening on \S+:(\d+) for IRC/.exec(server.said)[1]);
        server.plain = Number(/listening on \S+:(\d+)$/m.exec(server.said)[1]);
        return server;
    }

    async stop({ keep = false } = {}) {
        if (this.process.exitCode === null && this.process.signalCode === null) {
            this.process.kill();
            await once(this.process, "exit");
        }
        if (!keep) fs.rmSync(this.data, { recursive: true, force: true });
    }
}

// A client on a socket, who sends lines and waits for some.
export class Raw {
    static async connect(port) {
        const raw = new Raw();
        raw.heard = "";
        raw.socket = net.connect(port, "127.0.0.1");
        raw.socket.setEncoding("utf8");
        raw.socket.on("data", (text) => {
            raw.heard += text;
        });
        raw.socket.on("error", () => {}); // seen as silence, for which somebody waits
        await once(raw.socket, "connect");
        return raw;
    }

    static async irc(port, nick, ...rooms) {
        const raw = await Raw.connect(port);
        raw.say(`NICK ${nick}`, `USER ${nick} 0 * :${nick}`);
        await raw.hears(/ 422 | 376 /);
        for (const room of rooms) {
            raw.say(`JOIN ${room}`);
            await raw.hears(` 366 ${nick} ${room} `);
        }
        return raw;
    }

    say(...lines) {
        this.socket.write(lines.map((line) => `${line}\r\n`).join(""));
    }

    hears(what) {
        return until(
            () => (what instanceof RegExp ? what.exec(this.heard) : this.heard.includes(what)),
            `${what} on a socket; heard: ${this.heard.slice(-600)}`,
        );
    }

    close() {
        this.socket.destroy();
    }
}

// ---- the browser --------------------------------------------------------------------------------

const AT_ONCE = 3;
const running = new AsyncLocalStorage(); // {browser, opened: [{context, page, wrong: [...]}]}

// A page of a browser of its own: nothing is remembered from another. Options: of the context, and
// refused: that a connection is refused now and then is part of the test; prepare(page).
export async function openPage(url, { refused = false, prepare, ...options } = {}) {
    const { browser, opened } = running.getStore();
    const context = await browser.newContext({
        viewport: { width: 1280, height: 800 },
        locale: "en-US",
        ...options,
    });
    context.setDefaultTimeout(PATIENCE);
    const page = await context.newPage(),
        wrong = [];
    opened.push({ context, page, wrong });
    page.on("console", (message) => {
        if (!(refused && /WebSocket|ERR_CONNECTION/.test(message.text())))
            wrong.push(`console: ${message.text()}`);
    });
    page.on("pageerror", (error) => wrong.push(`error: ${error.stack}`));
    page.on("dialog", (dialog) => {
        wrong.push(`a dialog: ${dialog.message()}`);
        dialog.dismiss();
    });
    const own = new URL(url).host;
    const look = (address) => {
        const { protocol, host } = new URL(address);
        if (protocol !== "data:" && host !== own) wrong.push(`a request to ${address}`);
    };
    page.on("request", (request) => look(request.url()));
    page.on("websocket", (socket) => look(socket.url()));
    if (prepare) await prepare(page);
    await page.goto(url);
    return page;
}

// The same, and in the lobby with this name.
export async function enter(url, name, options) {
    const page = await openPage(url, options);
    await page.fill("#nick", name);
    await page.press("#nick", "Enter");
    await isIn(page, "#lobby");
    return page;
}

export async function isIn(page, room) {
    await page.waitForFunction(
        (name) => net.ready && rooms.get(name)?.joined && !rooms.get(name).asking,
        room,
    );
}

export async function say(page, text) {
    await page.fill("#input", text);
    await page.press("#input", "Enter");
}

// The row with this text, once it is there and sent.
export function row(page, text) {
    return page.locator("#log .row:not(.pending)", {
        has: page.locator(".body", { hasText: text }),
    });
}

export async function shows(page, text, count = 1) {
    await until(
        async () => (await row(page, text).count()) === count,
        `${count} x ${text} in: ${await page.locator("#log").innerText()}`,
    );
}

// Until this element has exactly this text: what is drawn is drawn a frame later.
export async function reads(page, selector, text) {
    await until(
        async () => (await page.locator(selector).innerText()) === text,
        `"${text}" in ${selector}`,
    );
}

export const bodies = (page) => page.locator("#log .row[class*=' c'] .body").allInnerTexts();

// ---- TAP ----------------------------------------------------------------------------------------

const tests = [];

export class Skip extends Error {}

export function test(name, act) {
    tests.push({ name, act });
}

async function endPages(opened) {
    const wrong = opened.flatMap((one) => one.wrong);
    await Promise.all(opened.map(({ context }) => context.close()));
    return wrong;
}

async function run(act, opened) {
    const cleanup = [];
    try {
        await act(async (args) => {
            const server = await Server.start(args);
            cleanup.push(() => server.stop());
            return server;
        });
    } finally {
        const wrong = await endPages(opened);
        for (const end of cleanup) await end();
        assert.deepEqual(wrong, []);
    }
}

// What became of a test: a line of TAP without its number, and lines that explain it.
async function outcome({ name, act }, browser) {
    const only = process.env.WEFT_TEST_ONLY;
    if (only && !name.includes(only)) return { line: `${name} # SKIP not asked for` };
    const opened = [];
    try {
        await running.run({ browser, opened }, () => run(act, opened));
        return { line: name };
    } catch (error) {
        if (error instanceof Skip) return { line: `${name} # SKIP ${error.message}` };
        return { line: name, wrong: error.stack.replace(/^/gm, "# ") };
    }
}

function print(number, { line, wrong }) {
    console.log(`${wrong ? "not ok" : "ok"} ${number} - ${line}`);
    if (wrong) console.log(wrong);
}

function launch() {
    // without a sandbox of its own: containers and root do not allow one
    return chromium.launch({
        executablePath: chromiumPath,
        args: [
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--host-resolver-rules=MAP chat.test 127.0.0.1",
        ],
    });
}

export async function runTests() {
    console.log(`1..${tests.length}`);
    const told = [];
    let next = 0,
        printed = 0;
    const work = async () => {
        const browser = await launch();
        for (let i = next++; i < tests.length; i = next++) {
            told[i] = await outcome(tests[i], browser);
            while (told[printed]) print(++printed, told[printed - 1]); // in order
        }
        await browser.close();
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    process.exitCode = told.some(({ wrong }) => wrong) ? 1 : 0;
}
