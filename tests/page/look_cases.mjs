// SPDX-License-Identifier: MIT
// look_cases.mjs - how the page is used, and how it looks.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";

import { Raw, enter, isIn, openPage, reads, row, say, shows, test, until } from "./helpers.mjs";

// ---- what a browser may not allow

test("what has no secure context says what is off", async (start) => {
    const server = await start({ args: ["--web-host", "chat.test"] });
    const lan = await enter(`http://chat.test:${server.web}/`, "anna", {});
    assert.match(
        await lan.locator("#limits").innerText(),
        /did not come over HTTPS: notifications and copying are off/,
    );
    assert.equal(await lan.locator("#notify").isVisible(), false);
    const local = await enter(server.url, "ben");
    assert.equal(await local.locator("#limits").isVisible(), false);
    assert.equal(await local.locator("#notify").isVisible(), true);
});

test("a mention notifies who allowed it and looks elsewhere", async (start) => {
    const { url, irc } = await start(),
        raw = await Raw.irc(irc, "raw", "#lobby");
    const anna = await enter(url, "anna", {
        permissions: ["notifications"],
        prepare: (page) =>
            page.addInitScript(() => {
                window.notes = [];
                window.Notification = class {
                    constructor(title, { body }) {
                        window.notes.push(`${title}: ${body}`);
                    }
                };
                window.Notification.permission = "granted";
                window.Notification.requestPermission = async () => "granted";
            }),
    });
    raw.say("PRIVMSG #lobby :anna, before");
    await shows(anna, "anna, before");
    await anna.click("#notify");
    await say(anna, "/join #tea");
    await isIn(anna, "#tea");
    raw.say("PRIVMSG #lobby :nothing", "PRIVMSG #lobby :ANNA: look");
    await until(() => anna.evaluate(() => window.notes.length > 0), "a notification");
    assert.deepEqual(await anna.evaluate(() => window.notes), ["raw in #lobby: ANNA: look"]);
    raw.close();
});

// ---- how it is used and how it looks ------------------------------------------------------------

test("who comes in writes without a click before", async (start) => {
    const { url } = await start();
    const anna = await openPage(url);
    await anna.keyboard.type("anna");
    await anna.keyboard.press("Enter");
    await isIn(anna, "#lobby");
    await anna.keyboard.type("at once");
    await anna.keyboard.press("Enter");
    await shows(anna, "at once");
    await anna.reload();
    await isIn(anna, "#lobby");
    await anna.keyboard.type("and again");
    await anna.keyboard.press("Enter");
    await shows(anna, "and again");
});

test("keys alone are enough and everything has a name", async (start) => {
    const { url, irc } = await start(),
        raw = await Raw.irc(irc, "raw", "#lobby", "#tea");
    const anna = await enter(url, "anna");
    await say(anna, "first");
    await shows(anna, "first");
    await say(anna, "second");
    await shows(anna, "second");
    await anna.keyboard.press("ArrowUp");
    await anna.keyboard.press("ArrowUp");
    assert.match(await anna.evaluate(() => document.activeElement.innerText), /first/);
    await anna.keyboard.press("r");
    await reads(anna, "#replying", "Replying to anna: first");
    await anna.keyboard.press("Escape");
    await until(async () => !(await anna.locator("#replying").isVisible()), "no reply");
    await anna.keyboard.press("Shift+Tab");
    await anna.keyboard.press("Shift+Tab");
    assert.notEqual(await anna.evaluate(() => document.activeElement.tagName), "BODY");
    const nameless = await anna.evaluate(() =>
        [...document.querySelectorAll("button, input, textarea, aside, nav")]
            .filter(
                (node) =>
                    node.checkVisibility() &&
                    !node.getAttribute("aria-label") &&
                    !node.innerText &&
                    !node.labels?.length,
            )
            .map((node) => node.outerHTML),
    );
    assert.deepEqual(nameless, []);
    assert.equal(await anna.getByRole("log").getAttribute("aria-live"), "polite");
    await say(anna, "/join #tea");
    await isIn(anna, "#tea");
    await anna.keyboard.press("Alt+ArrowUp");
    assert.equal(await anna.evaluate(() => current.name), "#lobby");
    const held = anna.locator("#rooms button", { hasText: "#tea" });
    await held.focus();
    raw.say("PRIVMSG #tea :the list is drawn anew");
    await until(async () => (await held.innerText()).includes("1"), "the mark");
    assert.equal(await held.evaluate((node) => node === document.activeElement), true);
    raw.close();
});

test("who one is can be heard too", async (start) => {
    const { url } = await start();
    const anna = await enter(url, "anna"),
        name = (text) => anna.getByRole("button", { name: text, exact: true });
    assert.equal(await name("anna Change your name").count(), 1);
    await say(anna, "/away tea");
    await until(() => name("anna away Change your name").count(), "that one is away");
    assert.equal(await anna.getByRole("group", { name: "Messages" }).count(), 1);
});

test("what is chosen is seen in colours of the system", async (start) => {
    const { url } = await start();
    const anna = await enter(url, "anna", { forcedColors: "active" });
    await say(anna, "/join #tea,#jam");
    await isIn(anna, "#jam");
    await anna.keyboard.press("Control+k"); // the input has a line around it, too
    const framed = (what) =>
        anna.locator(what).evaluateAll((all) =>
            all.filter((one) => getComputedStyle(one).outlineStyle !== "none")
                .map((one) => one.innerText.trim()));
    await until(async () => (await framed("#go-list li")).join() === "#lobby", "the first");
    await anna.keyboard.press("ArrowDown");
    await until(async () => (await framed("#go-list li")).join() === "#tea", "the second");
    assert.deepEqual(await framed("#rooms li"), ["#jam"]);
});

test("keys reach what is in a row and what was found", async (start) => {
    const { url, irc } = await start(),
        raw = await Raw.irc(irc, "raw", "#lobby");
    const anna = await enter(url, "anna"),
        held = () => anna.evaluate(() => document.activeElement.innerText);
    raw.say("CAP REQ :message-tags");
    await say(anna, "the question");
    await shows(anna, "the question");
    const id = await anna.evaluate(() => current.messages.findLast((m) => m.own).id);
    raw.say(`@+draft/reply=${id} PRIVMSG #lobby :see https://example.org/`);
    await shows(anna, "see https");
    const answer = await anna.evaluate(() => current.messages.findLast((m) => m.nick === "raw").id);
    raw.say(`@+draft/reply=${answer};+draft/react=🚀 TAGMSG #lobby`);
    await until(() => anna.locator(".marks").count(), "the mark");
    await anna.focus("#input");
    await anna.keyboard.press("ArrowUp");
    for (const text of ["raw", "anna: the question", "https://example.org/", "🚀 1"]) {
        await anna.keyboard.press("ArrowRight");
        assert.equal(await held(), text);
    }
    await anna.keyboard.press("Enter");
    await raw.hears("+draft/react=🚀"); // it is hers too
    await reads(anna, ".marks .own", "🚀 2");
    await anna.keyboard.press("ArrowLeft"); // from the row, the last one
    assert.equal(await held(), "🚀 2");
    await anna.keyboard.press("ArrowLeft");
    assert.equal(await held(), "https://example.org/");
    await anna.click("#search");
    await until(async () => {
        await anna.fill("#words", "question");
        await anna.press("#words", "Enter"); // until the index has it
        return (await anna.locator("#results .body").count()) === 1;
    }, "what was found");
    await anna.waitForFunction(() => waiting.size === 0); // each answer draws the results anew
    await anna.evaluate(() => { // it is marked for 2 s only
        window.shown = [];
        new MutationObserver((all) => {
            for (const { target } of all)
                if (target.classList.contains("found")) window.shown.push(target.innerText);
        }).observe($("log"), { subtree: true, attributeFilter: ["class"] });
    });
    await anna.keyboard.press("Tab");
    await anna.keyboard.press("Tab");
    assert.match(await held(), /^anna/);
    await anna.keyboard.press("Enter");
    await anna.waitForFunction(() => window.shown.some((text) => text.includes("the question")));
    raw.close();
});

test("who is at the tools of a message stays there when it is drawn anew", async (start) => {
    const { url, irc } = await start(),
        raw = await Raw.irc(irc, "raw", "#lobby");
    raw.say("CAP REQ :message-tags");
    const anna = await enter(url, "anna");
    await say(anna, "hello");
    await shows(anna, "hello");
    const id = await anna.evaluate(() => current.messages.findLast((m) => m.own).id);
    await anna.focus("#input");
    for (const key of ["ArrowUp", "Enter", "Enter"]) await anna.keyboard.press(key);
    assert.equal(await anna.evaluate(() => $("picker").contains(document.activeElement)), true);
    raw.say(`@+draft/reply=${id};+draft/react=🚀 TAGMSG #lobby`);
    await until(() => anna.locator(".marks").count(), "the mark");
    assert.match(await anna.evaluate(() => document.activeElement.innerText), /hello/);
    assert.equal(await anna.locator("#tools").isVisible(), true);
    raw.close();
});

test("a drawer takes the focus and a finger puts the tools away", async (start) => {
    const { url } = await start();
    const viewport = { width: 360, height: 640 };
    const anna = await enter(url, "anna", { viewport, hasTouch: true, isMobile: true });
    for (const [opener, drawer] of [["#menu", "side"], ["#members", "people"]]) {
        await anna.focus(opener);
        await anna.keyboard.press("Enter");
        const where = () => anna.evaluate(() => document.activeElement.closest("aside")?.id);
        assert.equal(await where(), drawer);
        await anna.keyboard.press("Escape");
        assert.equal(await anna.evaluate(() => `#${document.activeElement.id}`), opener);
    }
    await say(anna, "hello");
    await shows(anna, "hello");
    await row(anna, "hello").tap();
    await anna.locator("#tools").waitFor({ state: "visible" });
    await anna.tap("#title");
    await anna.locator("#tools").waitFor({ state: "hidden" });
});

// While one presses, whoever speaks or comes has the lists drawn anew.
test("a click is not lost when its list changes under it", async (start) => {
    const { url, irc } = await start(),
        raw = await Raw.irc(irc, "raw", "#lobby", "#tea");
    const anna = await enter(url, "anna");
    await say(anna, "/join #tea");
    await isIn(anna, "#tea");
    const press = async (entry) => {
        const { x, y } = await entry.boundingBox();
        await anna.mouse.move(x + 30, y + 10);
        await anna.mouse.down();
    };
    await press(anna.locator("#rooms .entry", { hasText: "#lobby" }));
    raw.say("PRIVMSG #lobby :look");
    await until(async () => (await anna.title()).startsWith("(1)"), "one unread");
    await anna.mouse.up();
    await reads(anna, "#title", "#lobby");
    await press(anna.locator("#crowd .entry", { hasText: "raw" }));
    const late = await Raw.irc(irc, "late", "#lobby");
    await shows(anna, "late came in");
    await anna.mouse.up();
    await reads(anna, "#title", "raw");
    await anna.evaluate(() => show(rooms.get("#lobby")));
    await anna.locator("#crowd .entry", { hasText: "late" }).waitFor(); // drawn once it is let go
    [raw, late].forEach((one) => one.close());
});

test("a dialog stays with the room that it was opened in", async (start) => {
    const { url } = await start();
    const anna = await enter(url, "anna");
    await say(anna, "/join #tea");
    await isIn(anna, "#tea");
    await anna.click("#topic");
    await anna.fill("#topic-text", "green");
    await anna.keyboard.press("Alt+ArrowUp");
    assert.equal(await anna.evaluate(() => current.name), "#tea");
    await anna.evaluate(() => show(rooms.get("#lobby"))); // as when one is put out of #tea
    await anna.keyboard.press("Enter");
    await until(() => anna.evaluate(() => rooms.get("#tea").topic === "green"), "the topic");
});

test("escape does not leave one without a name", async (start) => {
    const { url } = await start();
    const anna = await openPage(url);
    await anna.fill("#nick", "#anna");
    await anna.press("#nick", "Enter");
    await reads(anna, "#nick-wrong", "#anna cannot be a name.");
    for (let i = 0; i < 3; i++) await anna.keyboard.press("Escape");
    await anna.locator("#welcome").waitFor({ state: "visible" });
    await reads(anna, "#nick-wrong", "#anna cannot be a name.");
    await anna.fill("#nick", "anna");
    await anna.press("#nick", "Enter");
    await isIn(anna, "#lobby");
    await anna.click("#me");
    await anna.keyboard.press("Escape");
    await anna.locator("#welcome").waitFor({ state: "hidden" });
});

test("what is written from the right has its own way and no sentence of ours", async (start) => {
    const { url, irc } = await start(),
        raw = await Raw.irc(irc, "raw", "#lobby", "#tea");
    const anna = await enter(url, "anna");
    const left = (locator, text) =>
        locator.evaluate((node, part) => {
            const inner = document.createTreeWalker(node, NodeFilter.SHOW_TEXT).nextNode();
            const range = document.createRange(), at = inner.data.indexOf(part);
            range.setStart(inner, at);
            range.setEnd(inner, at + part.length);
            return range.getBoundingClientRect().left;
        }, text);
    raw.say("NICK שלום", "PRIVMSG #lobby :זה טקסט.");
    const now = row(anna, "raw is now").locator(".body");
    await now.waitFor();
    raw.say("PART #lobby :להתראות");
    const parted = row(anna, "שלום left").locator(".body");
    await parted.waitFor();
    assert((await left(parted, "שלום")) < (await left(parted, "left")), "who left comes first");
    assert((await left(parted, "left")) < (await left(parted, "להתראות")), "and then why");
    const said = row(anna, "זה טקסט").locator(".body");
    assert((await left(said, ".")) < (await left(said, "זה")), "the point is at the left end");
    await anna.fill("#input", "זה טקסט.");
    assert.equal(await anna.evaluate(() => getComputedStyle($("input")).direction), "rtl");
    await say(anna, "/join #tea");
    await isIn(anna, "#tea");
    raw.say(`TOPIC #tea :${"ראשון " + "מילים רבות ".repeat(15)}`);
    await until(async () => (await anna.locator("#topic").innerText()).startsWith("ראשון"), "it");
    const box = await anna.locator("#topic").boundingBox();
    const first = await left(anna.locator("#topic"), "ראשון");
    assert(first > box.x && first < box.x + box.width, "its beginning is seen");
    raw.close();
});

test("a long word stays in the question whether to delete it", async (start) => {
    const { url } = await start();
    const anna = await enter(url, "anna", { viewport: { width: 360, height: 640 } });
    await say(anna, "long".repeat(50));
    await shows(anna, "longlong");
    await anna.evaluate(() => askDelete(current.messages.findLast((m) => m.own)));
    const [inside, box] = await anna
        .locator("#deleting")
        .evaluate((node) => [node.scrollWidth, node.clientWidth]);
    assert.equal(inside, box);
});

const shots = process.env.WEFT_TEST_SHOTS; // a folder: the pictures are for eyes
if (shots) fs.mkdirSync(shots, { recursive: true });
const TALK = {
    "en-US": [
        "Has anyone measured the new queue? I saw *3.1 million* operations per second",
        "yes: `make bench` says the same, see https://example.org/bench/queue?cores=2",
        "anna, could you look at the wake-up path? It wakes _two_ getters for one put",
    ],
    "zh-CN": [
        "有人测过新的队列吗？我这里每秒 *310 万* 次操作",
        "测过，`make bench` 的结果一样，见 https://example.org/bench/queue?cores=2",
        "anna，能看看唤醒的路径吗？一次放入会唤醒_两个_等待者",
    ],
};

async function conversation(page, raw, locale) {
    const [one, two, three] = TALK[locale];
    raw.say(`PRIVMSG #lobby :${one}`, "PRIVMSG #tea :green or black?");
    await shows(page, one.slice(0, 10));
    await say(page, two);
    await shows(page, two.slice(-20));
    raw.say(`PRIVMSG #lobby :${three}`, "PRIVMSG anna :hi");
    await shows(page, three.slice(0, 12));
    await page.evaluate(() =>
        react(
            current.messages.findLast((m) => m.id && m.nick),
            "👍",
        ),
    );
    await until(() => page.locator(".marks").count(), "the reaction");
}

for (const locale of ["en-US", "zh-CN"])
    for (const colorScheme of ["light", "dark"])
        for (const [width, height] of [
            [360, 740],
            [1280, 800],
        ])
            test(`nothing overflows at ${width} pixels in ${colorScheme} ${locale}`, async (start) => {
                const { url, irc } = await start(),
                    raw = await Raw.irc(irc, "ben", "#lobby", "#tea");
                const options = {
                    viewport: { width, height },
                    locale,
                    colorScheme,
                    hasTouch: width < 720,
                    isMobile: width < 720,
                };
                const page = await openPage(url, options);
                const shoot = async (name) => {
                    assert.equal(
                        await page.evaluate(() => document.documentElement.scrollWidth),
                        width,
                        name,
                    );
                    await page.waitForTimeout(250); // for the eye: drawers move
                    if (shots)
                        await page.screenshot({
                            path: path.join(shots, `${width}-${colorScheme}-${locale}-${name}.png`),
                        });
                };
                await shoot("welcome");
                await page.fill("#nick", "anna");
                await page.press("#nick", "Enter");
                await isIn(page, "#lobby");
                await page.evaluate(() => join("#tea"));
                await isIn(page, "#tea");
                await page.evaluate(() => show(rooms.get("#lobby")));
                await conversation(page, raw, locale);
                await shoot("talk");
                if (width < 720) {
                    await page.click("#menu");
                    await shoot("rooms");
                    await page.keyboard.press("Escape");
                    await page.click("#members");
                    await shoot("members");
                    await page.keyboard.press("Escape");
                    await row(page, TALK[locale][0].slice(0, 10)).tap();
                } else {
                    await row(page, TALK[locale][0].slice(0, 10)).hover();
                }
                await page.click("#react");
                await shoot("tools");
                await page.evaluate(() => askRoom());
                await shoot("join");
                raw.close();
            });
