// SPDX-License-Identifier: MIT
// history_cases.mjs - connections that break, history, and what only some servers can.
import assert from "node:assert/strict";

import { Raw, bodies, enter, isIn, reads, row, say, shows, test, until } from "./helpers.mjs";
import { Peer } from "./peer.mjs";

// ---- a connection that breaks -------------------------------------------------------------------

test("a page comes back when the server is started again", async (start) => {
    const first = await start();
    const anna = await enter(first.url, "anna", { refused: true });
    const ben = await enter(first.url, "ben", { refused: true });
    await say(anna, "before");
    await shows(ben, "before");
    await first.stop({ keep: true });
    await until(
        async () => (await anna.locator("#status").innerText()).startsWith("Connection lost."),
        "the word",
    );
    await say(anna, "too early");
    await shows(anna, "Not connected: the message was not sent.");
    assert.equal(await anna.inputValue("#input"), "too early");
    await start({ web: first.web, data: first.data });
    for (const page of [anna, ben]) await isIn(page, "#lobby");
    await anna.press("#input", "Enter");
    await shows(ben, "too early");
    assert.deepEqual(await bodies(ben), ["before", "too early"]);
    assert.deepEqual(
        (await bodies(anna)).filter((text) => !/^Not/.test(text)),
        ["before", "too early"],
    );
    assert.equal(await anna.locator("#status").isVisible(), false);
});

const numbers = (from, to) =>
    Array.from({ length: to - from + 1 }, (_, i) => `message ${from + i}`);
// Scrolls up to the first of so many messages; on the way there is never a gap.
function readAll(page, count) {
    return until(async () => {
        await page.evaluate(() => {
            $("scroller").scrollTop = 0;
        });
        const all = await bodies(page);
        assert.deepEqual(all, numbers(count + 1 - all.length, count));
        return all.length === count;
    }, "all of it");
}

const historical = { caps: "draft/chathistory", limit: 40 };

test("scrolling up brings the history without a gap or a double", async (start) => {
    const { url } = await start(),
        peer = new Peer({ ...historical, history: 150 });
    const page = await enter(url, "anna", { prepare: peer.attach() });
    await shows(page, "message 150");
    await readAll(page, 150);
    await page.evaluate(() => {
        $("scroller").scrollTop = 0;
    });
    await until(
        async () => (await page.locator("#older").innerText()) === "This is where it begins.",
        "the beginning",
    );
});

test("after a break nothing is missing and nothing doubled", async (start) => {
    const { url } = await start(),
        peer = new Peer({ ...historical, history: 5 });
    const page = await enter(url, "anna", { prepare: peer.attach() });
    await shows(page, "message 5");
    peer.deaf = true;
    await say(page, "message 6"); // it arrives, but its echo does not
    await until(() => peer.history.length === 6, "the message");
    peer.closed = true;
    await peer.hangUp();
    peer.say("bob", "message 7");
    peer.closed = peer.deaf = false;
    await page.evaluate(() => hurry());
    await shows(page, "message 7");
    peer.say("bob", "message 8");
    await shows(page, "message 8");
    assert.deepEqual(await bodies(page), numbers(1, 8));
    assert.equal(await page.locator("#log .pending, #log .failed").count(), 0);
});

test("a connection that went silent is left, and one that is slow is not", async (start) => {
    const { url } = await start(),
        peer = new Peer(historical);
    const page = await enter(url, "anna", { prepare: peer.attach() });
    const first = peer.socket;
    const waits = (seconds) => page.evaluate((ms) => {
        const time = Date.now() + ms; // which stands still, until the next
        Date.now = () => time;
        watch();
    }, seconds * 1000);
    await waits(0);
    await waits(200); // as after a sleep
    await until(() => peer.heard.includes("PING :there?"), "the question");
    await waits(10); // the answer takes its time
    assert.equal(await page.evaluate(() => net.registered), true);
    peer.onCAP = () => {}; // nor is the next one heard any more
    await waits(15);
    await page.evaluate(() => hurry());
    await until(() => peer.socket !== first && peer.heard.at(-1).startsWith("USER"), "the second");
    const second = peer.socket;
    delete peer.onCAP;
    await waits(100);
    await page.evaluate(() => hurry());
    await isIn(page, "#lobby");
    assert.notEqual(peer.socket, second);
});

test("after a long break the gap is closed by scrolling", async (start) => {
    const { url } = await start(),
        peer = new Peer({ ...historical, history: 5 });
    const page = await enter(url, "anna", { prepare: peer.attach() });
    await shows(page, "message 5");
    peer.closed = true;
    await peer.hangUp();
    numbers(6, 105).forEach((text) => peer.say("bob", text));
    peer.closed = false;
    await page.evaluate(() => hurry());
    await shows(page, "message 105");
    assert.deepEqual(await bodies(page), numbers(66, 105));
    await readAll(page, 105);
});

test("who comes back to many rooms may speak before all are read", async (start) => {
    const { url, irc } = await start({ args: ["--flood-exempt", "none"] });
    const anna = await enter(url, "anna"),
        names = numbers(1, 9).map((text) => text.replace("message ", "#room"));
    await say(anna, `/join ${names.join()}`);
    await isIn(anna, "#room9");
    await anna.click("#rooms .entry >> nth=0");
    await anna.goto("about:blank");
    const raw = await Raw.irc(irc, "raw", "#room7", "#room8");
    raw.say("PRIVMSG #room7 :you missed this", "PRIVMSG #room8 :and this");
    const sent = [];
    anna.on("websocket", (socket) => socket.on("framesent", ({ payload }) => sent.push(payload)));
    const count = (what) => sent.filter((line) => what.test(line)).length;
    await anna.addInitScript(() => {
        const every = setInterval; // the turn of the next room is ours
        window.setInterval = (act, ms) => (ms === 2000 ? (window.turn = act) : every(act, ms));
    });
    await anna.goto(url);
    await isIn(anna, "#lobby");
    await say(anna, "I am back");
    await shows(anna, "I am back");
    assert.deepEqual([count(/^JOIN/), count(/^WHO/), count(/HISTORY LATEST/)], [1, 1, 6]);
    const rest = names.filter((name) => count(new RegExp(`LATEST ${name} `)) === 0);
    await anna.click(`#rooms .entry:has-text("${rest.at(-1)}") button`); // is asked for at once
    await until(() => count(/HISTORY LATEST/) === 7 && count(/^WHO/) === 2, "that room");
    await anna.evaluate(() => [1, 2, 3, 4].forEach(() => turn()));
    await until(() => count(/HISTORY LATEST/) === 10, "the others");
    for (const [room, text] of [["#room7", "you missed this"], ["#room8", "and this"]]) {
        await anna.click(`#rooms .entry:has-text("${room}") button`);
        await shows(anna, text);
    }
    raw.close();
});

test("the history has reactions too and what happened in the room", async (start) => {
    const { url } = await start();
    const peer = new Peer({ caps: "draft/chathistory draft/event-playback" });
    const { id } = peer.keep("bob", "tea?");
    peer.keep("carol", "", Date.now(), "TAGMSG #lobby", `;+draft/react=👍;+draft/reply=${id}`);
    peer.keep("carol", "gone home", Date.now(), "QUIT");
    const page = await enter(url, "anna", { prepare: peer.attach() });
    await shows(page, "carol went offline (gone home)");
    await reads(page, "#log .marks", "👍 1");
    assert.deepEqual(await page.locator("#crowd .name").allInnerTexts(), ["anna", "bob"]);
});

test("a server that has forgotten the last message is asked for the newest", async (start) => {
    const { url } = await start(),
        peer = new Peer({ ...historical, history: 3 });
    const page = await enter(url, "anna", { prepare: peer.attach() });
    await shows(page, "message 3");
    peer.closed = true;
    await peer.hangUp();
    peer.history = [];
    peer.say("bob", "message 4");
    peer.closed = false;
    await page.evaluate(() => hurry());
    await shows(page, "message 4");
    assert.deepEqual(await bodies(page), numbers(1, 4));
});

test("a message whose fate is unknown may be sent again", async (start) => {
    const { url } = await start(),
        peer = new Peer(historical);
    const page = await enter(url, "anna", { prepare: peer.attach() });
    peer.onPRIVMSG = () => {}; // it never arrives
    await say(page, "important");
    await until(() => peer.heard.some((line) => line.endsWith(":important")), "the line");
    await peer.hangUp();
    delete peer.onPRIVMSG;
    await page.evaluate(() => hurry());
    await reads(page, "#log .failed .state", "Perhaps not delivered.Send again");
    await page.click("#log .failed .state button");
    await shows(page, "important");
    assert.deepEqual(await bodies(page), ["important"]);
});

// ---- what a server may be able to ---------------------------------------------------------------

test("several lines are one message where the server can", async (start) => {
    const { url } = await start();
    const peer = new Peer({
        ...historical,
        caps: "draft/chathistory draft/multiline=max-bytes=4096,max-lines=5",
    });
    const page = await enter(url, "anna", { prepare: peer.attach() });
    await say(page, "look:\n```c\nint main(void)\n\n    return *p;\n```");
    await until(
        async () =>
            (await page.locator("#log .row:not(.pending) pre").count()) === 0 &&
            peer.history.length === 2,
        "two batches: six lines are too many for one",
    );
    await say(page, "```c\nint x;\n  *p = 1;\n```");
    await until(
        async () =>
            (await page.locator("#log .row:not(.pending) pre").innerText()) === "int x;\n  *p = 1;",
        "code",
    );
    await say(page, "长".repeat(300)); // one line, of more bytes than fit
    await until(() => peer.history.length === 4, "the long one");
    assert.equal(peer.history[3].text, "长".repeat(300));
    await shows(page, "长".repeat(300));
    assert(peer.heard.some((line) => /^@batch=\S+;draft\/multiline-concat PRIVMSG/.test(line)));
});

test("search finds in the server's history, and is not there without one", async (start) => {
    const { url } = await start();
    const page = await enter(url, "anna");
    for (const text of ["多线程与 threads", "nothing of it"]) await say(page, text);
    await page.click("#search");
    for (const words of ["线程", "threads"]) {
        await page.fill("#found input", words);
        await until(async () => {
            await page.press("#found input", "Enter"); // until the index has it
            return (await page.locator("#results .body").allInnerTexts()).join() === "多线程与 threads";
        }, words);
    }
    await page.fill("#found input", "threads from:bob"); // that nobody said
    await page.press("#found input", "Enter");
    await reads(page, "#results .more", "Found: 0");
    const day = (days) =>
        page.evaluate((n) => {
            const at = new Date();
            at.setDate(at.getDate() + n);
            return [at.getFullYear(), at.getMonth() + 1, at.getDate()].join("-");
        }, days);
    const [yesterday, tomorrow] = [await day(-1), await day(1)];
    for (const [words, count] of [
        ["FROM:anna", 2], // no words are needed
        ["threads from:anna", 1],
        [`after:${yesterday} before:${tomorrow}`, 2],
        [`before:${yesterday}`, 0],
        [`on:${yesterday}`, 0],
        ["after:2026-02-31", 0], // no day: words
    ]) {
        await page.fill("#found input", words);
        await page.press("#found input", "Enter");
        await reads(page, "#results .more", `Found: ${count}`);
    }
    await page.fill("#found input", "..."); // that nothing was looked for is not that nothing is there
    await page.press("#found input", "Enter");
    await reads(page, "#results .more", "There is no word to look for");
    const { url: other } = await start({ args: ["--no-history"] });
    const without = await enter(other, "anna");
    assert.equal(await without.locator("#search").isVisible(), false);
});

test("a message that was searched for is gone to", async (start) => {
    const { url } = await start();
    const peer = new Peer({ caps: "draft/chathistory soju.im/search", history: 60 });
    const page = await enter(url, "anna", { prepare: peer.attach() });
    await page.click("#search");
    await page.keyboard.type("message 5");
    await page.keyboard.press("Enter");
    await until(
        async () => (await page.locator("#results .more").innerText()) === "Found: 11",
        "the results",
    );
    await page.evaluate(() => {
        window.shown = []; // the mark goes by itself, so each row that gets it is written down
        new MutationObserver((changes) => {
            for (const { target } of changes)
                if (target.classList.contains("found")) shown.push(target.innerText);
        }).observe(document.body, { subtree: true, attributeFilter: ["class"] });
    });
    await page.locator("#results .body").first().click();
    await until(
        () => page.evaluate(() => shown.some((text) => text.includes("message 5"))),
        "the message",
    );
    await page.keyboard.press("Escape");
    assert.equal(await page.locator("#found").isVisible(), false);
});

test("a room of thousands of messages has at most 500 rows", async (start) => {
    const { url } = await start(),
        peer = new Peer({ caps: "", history: 0 });
    const page = await enter(url, "anna", { prepare: peer.attach() });
    for (let i = 1; i <= 2000; i++) peer.say("bob", `message ${i}`);
    await shows(page, "message 2000");
    const rows = () => page.locator("#log .row").count();
    assert.equal(await rows(), 500);
    const seen = new Set(),
        scroll = (to) =>
            page.evaluate((at) => {
                $("scroller").scrollTop = at;
            }, to);
    const look = async () => {
        (await bodies(page)).forEach((text) => seen.add(text));
        return seen.size;
    };
    await look();
    await until(async () => {
        await scroll(0);
        return (await look()) === 2000;
    }, "the first one");
    assert.equal((await rows()) <= 500, true);
    await page.click("#newest");
    await shows(page, "message 2000");
    await until(() => page.evaluate(() => view.stick), "the end");
});

test("a found message that is not loaded is loaded first", async (start) => {
    const { url } = await start(),
        peer = new Peer({ caps: "draft/chathistory soju.im/search", limit: 20, history: 150 });
    const page = await enter(url, "anna", { prepare: peer.attach() });
    await shows(page, "message 150");
    assert.equal((await bodies(page)).includes("message 7"), false);
    await page.click("#search");
    await page.fill("#words", "message 7");
    await page.press("#words", "Enter");
    await page.locator("#results .body", { hasText: /^message 7$/ }).click();
    await until(async () => (await bodies(page)).includes("message 7"), "message 7");
    const all = await bodies(page);
    assert.deepEqual(all, numbers(151 - all.length, 150)); // and no gap behind it
});

test("what mentions one since one left is listed, from all rooms", async (start) => {
    const { url } = await start();
    const anna = await enter(url, "anna");
    const context = anna.context();
    await say(anna, "here I am");
    const ben = await enter(url, "ben");
    await say(ben, "anna: while you are here");
    await shows(anna, "anna: while you are here");
    await anna.close(); // which is when she left
    await shows(ben, "anna went offline"); // and her name is free
    await say(ben, "anna: while you were away");
    await say(ben, "nobody is meant");
    const again = await context.newPage();
    await again.goto(url);
    await isIn(again, "#lobby");
    await again.click("#search");
    await until(async () => {
        await again.click("#missed"); // until the index has it
        return (await again.locator("#results .body").count()) > 0;
    }, "the mentions");
    assert.deepEqual(await again.locator("#results .body").allInnerTexts(), [
        "anna: while you were away",
    ]);
});

// ---- deleting ---------------------------------------------------------------------------------

async function remove(page, text) {
    await row(page, text).first().click();
    await page.click("#delete");
    await page.locator("#deleting .wide").click();
}

test("one's own message can be deleted, for all", async (start) => {
    const { url } = await start();
    const anna = await enter(url, "anna");
    const ben = await enter(url, "ben");
    await say(ben, "a word too many");
    await shows(anna, "a word too many");
    await shows(ben, "a word too many");
    await remove(ben, "a word too many");
    for (const page of [anna, ben]) {
        await shows(page, "ben deleted this message");
        await shows(page, "a word too many", 0);
    }
    const later = await enter(url, "carol");
    await isIn(later, "#lobby");
    await shows(later, "a word too many", 0);
});

test("who keeps order in a room may delete what others say, and nobody else", async (start) => {
    const { url } = await start();
    const anna = await enter(url, "anna");
    await say(anna, "/join #den");
    await isIn(anna, "#den");
    const ben = await enter(url, "ben");
    await say(ben, "/join #den");
    await isIn(ben, "#den");
    await say(anna, "by anna");
    await say(ben, "by ben");
    for (const page of [anna, ben]) for (const by of ["anna", "ben"]) await shows(page, `by ${by}`);
    await row(ben, "by anna").click();
    assert.equal(await ben.locator("#delete").isVisible(), false);
    await remove(anna, "by ben");
    await shows(ben, "anna deleted this message");
});

test("a room says once how long it keeps what is said", async (start) => {
    const { url } = await start({ args: ["--keep-days", "30"] });
    const anna = await enter(url, "anna");
    await shows(anna, "This room keeps its messages for 30 days.");
    const { url: other } = await start({ args: ["--no-history"] });
    const ben = await enter(other, "ben", { locale: "zh-CN" });
    await shows(ben, "这个房间不保留历史消息。");
});

test("who comes with the key into a room that is open now is told so", async (start) => {
    const { url, irc } = await start(),
        raw = await Raw.irc(irc, "raw", "#den");
    raw.say("MODE #den +k sesame", "PRIVMSG #den :behind the key", "MODE #den -k sesame");
    await raw.hears("MODE #den -k");
    const anna = await enter(url, "anna", { locale: "zh-CN" });
    await say(anna, "/join #den sesame");
    await isIn(anna, "#den");
    await shows(anna, "这个房间现在是公开的。重新设置这个密钥后，才能看到用它保护过的消息。");
    await shows(anna, "behind the key", 0);
    raw.close();
});
