// SPDX-License-Identifier: MIT
// talk_cases.mjs - people who talk: what they write, how it is shown, and in which room.
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";

import {
    Raw,
    bodies,
    enter,
    isIn,
    openPage,
    reads,
    row,
    say,
    shows,
    test,
    until,
} from "./helpers.mjs";

// ---- talking ------------------------------------------------------------------------------------

test("two pages talk to each other and each sees each message once", async (start) => {
    const { url } = await start();
    const anna = await enter(url, "anna"),
        ben = await enter(url, "ben");
    await say(anna, "hello from anna");
    await shows(ben, "hello from anna");
    await say(ben, "hello from ben");
    await shows(anna, "hello from ben");
    for (const page of [anna, ben])
        assert.deepEqual(await bodies(page), ["hello from anna", "hello from ben"]);
    assert.equal(
        await ben
            .locator("#crowd .name")
            .allInnerTexts()
            .then((all) => all.join()),
        "anna,ben",
    );
});

test("a link with the password lets in and without it one is asked", async (start) => {
    const { url } = await start({ args: ["--password", "open-sesame"] });
    const anna = await enter(`${url}#password=open-sesame`, "anna");
    const ben = await openPage(url);
    await ben.fill("#nick", "ben");
    await ben.press("#nick", "Enter");
    await ben.locator("#secret").waitFor({ state: "visible" });
    await reads(ben, "#nick-wrong", "The server wants a password.");
    await ben.keyboard.type("sesame"); // where the focus is: never a name for all to see
    await ben.keyboard.press("Enter");
    await reads(ben, "#nick-wrong", "The server wants a password, and this was not it.");
    await ben.keyboard.type("open-sesame");
    await ben.keyboard.press("Enter");
    await isIn(ben, "#lobby");
    assert.equal(await ben.evaluate(() => nick), "ben");
    await say(anna, "we are in");
    await shows(ben, "we are in");
});

test("a link with a room opens it, and not again in a tab that is loaded anew", async (start) => {
    const { url } = await start({ args: ["--password", "open-sesame"] });
    const anna = await enter(`${url}#r&d&password=open-sesame`, "anna");
    await isIn(anna, "#r&d");
    await anna.waitForFunction(() => current.name === "#r&d");
    const ben = await enter(`${url}#password=open-sesame&%E8%8C%B6`, "ben");
    await isIn(ben, "#茶");
    await ben.waitForFunction(() => current.name === "#茶");
    await say(anna, "/part");
    await anna.waitForFunction(() => current.name === "#lobby");
    await anna.reload();
    await isIn(anna, "#lobby");
    assert.deepEqual(await anna.evaluate(() => [...rooms.keys()]), ["#lobby"]);
    await anna.evaluate(() => { location.hash = "#tea"; }); // as who follows another link in it
    await isIn(anna, "#tea");
    await anna.waitForFunction(() => current.name === "#tea");
    await anna.goto("about:blank"); // and one from elsewhere
    await anna.goto(`${url}#jam&password=open-sesame`);
    await isIn(anna, "#jam");
    await anna.waitForFunction(() => current.name === "#jam");
});

test("a link brings in nothing but one room", async (start) => {
    const { url } = await start();
    const wrong = ["a%0D%0AQUIT", "a%00key", "a%20key", "a,%23b", "%2523", "%E8%8C", "%3Cb%3Ex"];
    for (const [i, name] of wrong.entries()) {
        const page = await enter(`${url}#${name}`, `anna${i}`);
        await page.waitForFunction(() => [...rooms.values()].every((r) => r.joined || !r.wanted));
        const all = await page.evaluate(() => [...rooms.keys()].filter((key) => key !== "#lobby"));
        const room = { "%2523": ["#%23"], "%3Cb%3Ex": ["#<b>x"] }[name] ?? [];
        assert.deepEqual(all, room, name);
        assert.equal(await page.locator("#rooms b").count(), 0);
    }
});

test("a password that is asked for later is typed in peace", async (start) => {
    const first = await start();
    const anna = await enter(first.url, "anna", { refused: true });
    await first.stop({ keep: true });
    await start({ web: first.web, data: first.data, args: ["--password", "open-sesame"] });
    await anna.evaluate(() => hurry());
    await anna.locator("#secret").waitFor({ state: "visible" });
    await anna.focus("#password");
    await anna.keyboard.type("open-");
    await anna.waitForFunction(() => !net.socket);
    await anna.evaluate(() => hurry()); // what the timer would do
    assert.equal(await anna.evaluate(() => net.socket || net.timer), 0);
    await anna.keyboard.type("sesame");
    assert.equal(await anna.inputValue("#nick"), "anna");
    await anna.press("#password", "Enter");
    await isIn(anna, "#lobby");
});

for (const [locale, word] of [["en-US", "away"], ["zh-CN", "不在"]])
    test(`who is away is shown in the list of members in ${locale}`, async (start) => {
        const { url, irc } = await start();
        const bob = await Raw.irc(irc, "bob", "#lobby"),
            eve = await Raw.irc(irc, "eve", "#lobby");
        bob.say("AWAY :lunch");
        await bob.hears(/ 306 bob /);
        const anna = await enter(url, "anna", { locale });
        const shown = async (list) =>
            until(async () => {
                const entries = await anna.locator("#crowd .entry").allInnerTexts();
                return isDeepStrictEqual(entries.map((text) => text.split(/\s+/).slice(1)), list);
            }, `the members ${JSON.stringify(list)}`);
        await shown([["anna"], ["bob", word], ["eve"]]); // he was so before we came
        assert.equal(await anna.locator("#crowd .entry.away").count(), 1);
        eve.say("AWAY :tea");
        await shown([["anna"], ["bob", word], ["eve", word]]);
        eve.say("NICK fay");
        await shown([["anna"], ["bob", word], ["fay", word]]);
        bob.say("AWAY");
        await shown([["anna"], ["bob"], ["fay", word]]);
        eve.say("PART #lobby");
        await shown([["anna"], ["bob"]]);
        eve.say("JOIN #lobby");
        await shown([["anna"], ["bob"], ["fay", word]]);
    });

test("an irc client and a page talk in chinese", async (start) => {
    const { url, irc } = await start();
    const anna = await enter(url, "安娜"),
        raw = await Raw.irc(irc, "raw", "#lobby");
    await say(anna, "大家好，多线程");
    await raw.hears(/:安娜!\S+ PRIVMSG #lobby :大家好，多线程\r\n/);
    raw.say(
        "PRIVMSG #lobby :你好 😀",
        "PRIVMSG #lobby :\x01ACTION 挥手\x01",
        "PRIVMSG #lobby :\x02bold\x02 \x0304,05red \x04ff0000,00ff00hex",
    );
    await shows(anna, "你好 😀");
    await shows(anna, "* raw 挥手");
    await shows(anna, "bold red hex");
    raw.close();
});

test("a plain client and a page talk", async (start) => {
    const { url, plain } = await start();
    const anna = await enter(url, "anna"),
        raw = await Raw.connect(plain);
    await shows(anna, "plain-1 came in");
    raw.socket.write("from the lecture's client\n");
    await shows(anna, "from the lecture's client");
    await say(anna, "from the page");
    await raw.hears("<anna> from the page\n");
    raw.close();
    await shows(anna, "plain-1 went offline");
});

test("what people write stays text whatever it looks like", async (start) => {
    const { url, irc } = await start();
    const anna = await enter(url, "anna"),
        raw = await Raw.irc(irc, "raw", "#lobby");
    const evil = [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "javascript:alert(1)",
        "&lt;b&gt; &amp;",
        "[x](javascript:alert(1))",
        "```<svg onload=alert(1)>```",
        'https://"onmouseover=alert(1)',
    ];
    raw.say(...evil.map((text) => `PRIVMSG #lobby :${text}`), `TOPIC #lobby :${evil[1]}`);
    await shows(anna, "onmouseover");
    assert.deepEqual(
        await bodies(anna),
        evil.map((text) => text.replaceAll("`", "")),
    );
    assert.equal(await anna.locator("#log :is(script, img, svg, [onerror], [onload])").count(), 0);
    assert.deepEqual(
        await anna.locator("#log a").evaluateAll((all) => all.map((a) => a.protocol)),
        [],
    );
    raw.close();
});

test("light marks become elements and everything else is literal", async (start) => {
    const { url } = await start();
    const anna = await enter(url, "anna");
    const cases = {
        "a *bold* b": "a <strong>bold</strong> b",
        "_it_, 这是*粗体*字": "<em>it</em>, 这是<strong>粗体</strong>字",
        "snake_case_name 2*3*4 * a * b": "snake_case_name 2*3*4 * a * b",
        "`x = *p*`": "<code>x = *p*</code>",
        "*a _b_ c*": "<strong>a <em>b</em> c</strong>",
        "# no ~heading~ > quote": "# no ~heading~ &gt; quote",
    };
    for (const [text, html] of Object.entries(cases)) {
        await say(anna, text);
        await anna.waitForFunction(
            (want) =>
                [...document.querySelectorAll("#log .row:not(.pending) .body")].some(
                    (body) => body.innerHTML === want,
                ),
            html,
        );
    }
    await say(anna, "see (https://example.org/a_(b)_c?x=1&y=2). 和https://例子.测试/路。");
    const links = anna.locator("#log .row:not(.pending) a");
    await until(async () => (await links.count()) === 2, "two links");
    assert.deepEqual(await links.allInnerTexts(), [
        "https://example.org/a_(b)_c?x=1&y=2",
        "https://例子.测试/路",
    ]);
    assert.equal(await links.first().getAttribute("rel"), "noopener noreferrer");
});

test("lines that are too long for one message arrive whole in several", async (start) => {
    const { url, irc } = await start();
    const anna = await enter(url, "anna"),
        raw = await Raw.irc(irc, "raw", "#lobby");
    const text = "线程和纤程".repeat(60); // 900 bytes
    await say(anna, text);
    await until(
        () =>
            [...raw.heard.matchAll(/PRIVMSG #lobby :(.*)\r\n/g)].map((m) => m[1]).join("") === text,
        "the whole text",
    );
    assert.equal(await anna.locator("#log .error").count(), 0);
    raw.close();
});

test("a long paste goes as fast as the server takes it", async (start) => {
    const { url, irc } = await start({
        args: ["--flood-exempt", "none", "--flood-rate", "300"], // as who comes from elsewhere is read
    });
    const raw = await Raw.irc(irc, "raw", "#lobby"),
        anna = await enter(url, "anna");
    const lines = Array.from({ length: 800 }, (_, i) => `line ${i} ${"x".repeat(60)}`); // 3 times 16 KiB
    await say(anna, lines.join("\n"));
    await raw.hears("line 799 ");
    const heard = [...raw.heard.matchAll(/PRIVMSG #lobby :(.*)\r/g)].map(([, text]) => text);
    assert.deepEqual(heard, lines);
    await until(() => anna.evaluate(() => current.messages.every((m) => !m.pending)), "the echoes");
    assert.equal(await anna.locator("#log .failed").count(), 0);
    raw.close();
});

test("slash commands act and a wrong one is told", async (start) => {
    const { url, irc } = await start();
    const anna = await enter(url, "anna"),
        raw = await Raw.irc(irc, "raw", "#lobby", "#other");
    await say(anna, "/me waves");
    await raw.hears("PRIVMSG #lobby :\x01ACTION waves\x01");
    await say(anna, "/nick anne");
    await raw.hears(/:anna!\S+ NICK anne/);
    await shows(anna, "anna is now anne");
    await say(anna, "//path");
    await raw.hears("PRIVMSG #lobby :/path");
    await say(anna, "/msg raw psst");
    await raw.hears("PRIVMSG raw :psst");
    await anna.waitForFunction(() => current.name === "raw");
    await say(anna, "/join #other");
    await isIn(anna, "#other");
    await say(anna, "/topic anything");
    await shows(anna, "Only operators of #other may do this.");
    raw.say("MODE #other -t");
    await shows(anna, "raw changed modes: -t");
    await say(anna, "/topic 新话题");
    await raw.hears(/TOPIC #other :新话题/);
    await reads(anna, "#topic", "新话题");
    await say(anna, "/dance");
    await shows(anna, "There is no command /dance");
    await say(anna, "/part");
    await raw.hears(/:anne!\S+ PART #other/);
    await until(
        async () => !(await anna.locator("#rooms").innerText()).includes("#other"),
        "the room to go",
    );
    raw.close();
});

test("a command of several lines ends no connection", async (start) => {
    const { url, irc } = await start();
    const anna = await enter(url, "anna"),
        raw = await Raw.irc(irc, "raw", "#lobby");
    await say(anna, "/join #own");
    await isIn(anna, "#own");
    await say(anna, "/topic one\ntwo");
    await reads(anna, "#topic", "one two");
    await anna.evaluate(() => say(current, "nothing\0ends it"));
    await shows(anna, "nothing ends it");
    await say(anna, "/msg raw\nstill here");
    await raw.hears("PRIVMSG raw :still here");
    assert.equal((raw.heard.match(/:anna!\S+ QUIT/g) || []).length, 0);
    raw.close();
});

test("several rooms are joined at once and no room has a blank in its name", async (start) => {
    const { url } = await start();
    const anna = await enter(url, "anna");
    await say(anna, "/join #one,#two");
    await until(async () => (await anna.locator("#rooms .name").allInnerTexts()).join() ===
        "#lobby,#one,#two", "the three rooms");
    await anna.click("#add");
    await anna.fill("#room-name", "#our room");
    await anna.press("#room-name", "Enter");
    await shows(anna, "#our room cannot be the name of a room.");
    assert.deepEqual(await anna.locator("#rooms .name").allInnerTexts(), ["#lobby", "#one", "#two"]);
});

test("one is away by command and shown so oneself", async (start) => {
    const { url, irc } = await start();
    const anna = await enter(url, "anna"),
        raw = await Raw.irc(irc, "raw", "#lobby");
    await say(anna, "/away having lunch");
    await shows(anna, "You are shown as away");
    await reads(anna, "#me .rank", "away");
    await reads(anna, "#crowd .entry.away .name", "anna");
    raw.say("WHOIS anna");
    await raw.hears(" 301 raw anna :having lunch");
    await say(anna, "/away");
    await shows(anna, "You are no longer shown as away.");
    await reads(anna, "#me .rank", "");
    assert.equal(await anna.locator("#crowd .entry.away").count(), 0);
    raw.say("WHOIS anna");
    await until(() => (raw.heard.match(/ 318 raw anna/g) || []).length === 2, "the second answer");
    assert.equal(raw.heard.match(/ 301 raw anna/g).length, 1);
    raw.close();
});

test("a command with a wrong name is told and does nothing else", async (start) => {
    const { url } = await start();
    const anna = await enter(url, "anna");
    await say(anna, "/part #elsewhere");
    await shows(anna, "You are not in #elsewhere.");
    await say(anna, "/msg ben,carol hello");
    await shows(anna, "ben,carol cannot be a name.");
    assert.deepEqual(await anna.evaluate(() => [...rooms.keys()]), ["#lobby"]);
    assert(await anna.evaluate(() => current.joined));
});

// ---- typing in ----------------------------------------------------------------------------------

test("enter during composition does not send", async (start) => {
    const { url } = await start();
    const anna = await enter(url, "anna");
    await anna.focus("#input");
    const devtools = await anna.context().newCDPSession(anna);
    const key = (type, windowsVirtualKeyCode) =>
        devtools.send("Input.dispatchKeyEvent", {
            type,
            windowsVirtualKeyCode,
            key: "Enter",
            code: "Enter",
        });
    await devtools.send("Input.imeSetComposition", {
        text: "nihao",
        selectionStart: 5,
        selectionEnd: 5,
    });
    await key("rawKeyDown", 13); // the browser knows that it composes
    await key("rawKeyDown", 229); // or the input method has taken the key
    await devtools.send("Input.insertText", { text: "你好" });
    await key("rawKeyDown", 229); // Safari: the key that ended it comes after the end
    assert.equal(await anna.inputValue("#input"), "你好");
    assert.deepEqual(await bodies(anna), []);
    await anna.press("#input", "Enter");
    await shows(anna, "你好");
    assert.deepEqual(await bodies(anna), ["你好"]);
});

test("shift and enter begin a new line", async (start) => {
    const { url, irc } = await start();
    const anna = await enter(url, "anna"),
        raw = await Raw.irc(irc, "raw", "#lobby");
    await anna.fill("#input", "one");
    await anna.press("#input", "Shift+Enter");
    await anna.locator("#input").pressSequentially("two");
    assert.equal(await anna.inputValue("#input"), "one\ntwo");
    await anna.press("#input", "Enter");
    await raw.hears(/PRIVMSG #lobby :one\r\n[^]*PRIVMSG #lobby :two\r\n/);
    raw.close();
});

test("one sees who is typing until they have said it", async (start) => {
    const { url } = await start();
    const anna = await enter(url, "anna"),
        ben = await enter(url, "ben");
    await anna.locator("#input").pressSequentially("hm");
    await reads(ben, "#typing", "anna is typing …");
    await anna.press("#input", "Enter");
    await reads(ben, "#typing", "");
    await anna.locator("#input").pressSequentially("hm");
    await reads(ben, "#typing", "anna is typing …");
    await anna.fill("#input", "");
    await reads(ben, "#typing", "");
});

test("who types to somebody who is gone is told so when it is sent", async (start) => {
    const { url, irc } = await start(),
        raw = await Raw.irc(irc, "raw", "#lobby");
    const anna = await enter(url, "anna");
    raw.say("PRIVMSG anna :hi");
    await anna.waitForFunction(() => rooms.has("raw"));
    await anna.evaluate(() => show(rooms.get("raw")));
    raw.say("QUIT");
    await anna.locator("#log .row", { hasText: "raw went offline" }).waitFor();
    await anna.focus("#input");
    await anna.keyboard.type("are you there?");
    assert.equal(await anna.evaluate(() => typingIn === current), true);
    await anna.keyboard.press("Enter");
    await anna.locator("#log .failed .state").waitFor();
    const told = await anna.locator("#log .error").allInnerTexts();
    assert.deepEqual(told, []);
    raw.close();
});

test("replies and reactions stand with their message on both pages", async (start) => {
    const { url } = await start();
    const anna = await enter(url, "anna"),
        ben = await enter(url, "ben");
    await say(anna, "who has tea?");
    await row(ben, "who has tea?").hover();
    await ben.click("#reply");
    await reads(ben, "#replying span", "Replying to anna: who has tea?");
    await say(ben, "I have");
    for (const page of [anna, ben])
        await until(
            async () =>
                (await row(page, "I have")
                    .locator(".quote")
                    .allInnerTexts()
                    .then((all) => all.join())) === "anna: who has tea?",
            "the quote",
        );
    await row(ben, "who has tea?").hover();
    await ben.click("#react");
    await ben.click("#picker button:nth-child(1)");
    for (const page of [anna, ben])
        await until(
            async () =>
                (await page
                    .locator("#log .marks button")
                    .allInnerTexts()
                    .then((all) => all.join())) === "👍 1",
            "the reaction",
        );
    await anna.click("#log .marks button");
    await until(
        async () => (await ben.locator("#log .marks").innerText()) === "👍 2",
        "a second one",
    );
    await ben.click("#log .marks button");
    await until(
        async () => (await anna.locator("#log .marks").innerText()) === "👍 1",
        "one taken back",
    );
});

// ---- rooms --------------------------------------------------------------------------------------

test("rooms elsewhere have unread marks and mentions and keys lead to them", async (start) => {
    const { url, irc } = await start();
    const anna = await enter(url, "anna"),
        raw = await Raw.irc(irc, "raw", "#lobby", "#tea");
    await anna.click("#add");
    await anna.click("#room-list button >> text=#tea"); // LIST has it
    await isIn(anna, "#tea");
    await reads(anna, "#title", "#tea");
    raw.say(
        "PRIVMSG #lobby :one",
        "PRIVMSG #lobby :annabel is not anna's name",
        "PRIVMSG anna :hi",
    );
    const entry = anna.locator("#rooms .entry", { hasText: "#lobby" });
    await until(
        async () =>
            (await entry
                .locator(".badge.mention")
                .allInnerTexts()
                .then((all) => all.join())) === "2",
        "two unread with a mention",
    );
    assert.equal(
        await entry.getByRole("button").first().getAttribute("aria-label"),
        "#lobby, 2 unread, 1 mentions",
    );
    await until(async () => (await anna.title()) === "(3) #tea · weft", "the title");
    await anna.keyboard.press("Control+k");
    await anna.keyboard.type("lob");
    await anna.keyboard.press("Enter");
    await reads(anna, "#title", "#lobby");
    assert.equal(
        await anna
            .locator("#log .fresh + .row")
            .innerText()
            .then((text) => text.includes("one")),
        true,
    );
    assert.equal(
        await row(anna, "annabel")
            .getAttribute("class")
            .then((all) => all.includes("mention")),
        true,
    );
    await until(async () => (await entry.locator(".badge").count()) === 0, "nothing unread");
    await anna.click("#directs .entry button");
    await say(anna, "hi yourself");
    await raw.hears("PRIVMSG anna :".replace("anna", "raw") + "hi yourself");
    raw.close();
});

test("the room that is shown is seen among many", async (start) => {
    const { url } = await start();
    const anna = await enter(url, "anna");
    const names = Array.from({ length: 40 }, (_, i) => `#room-${i + 10}`);
    await say(anna, `/join ${names.join()}`);
    await isIn(anna, "#room-49");
    const seen = (name) =>
        until(
            () =>
                anna.evaluate((name) => {
                    const list = document.querySelector("#side nav").getBoundingClientRect(),
                        entry = document.querySelector("#side .current"),
                        box = entry.getBoundingClientRect(),
                        inside = box.top >= list.top && box.bottom <= list.bottom;
                    return inside && entry.innerText.includes(name);
                }, name),
            `${name} in the list`,
        );
    await anna.evaluate(() => show(rooms.get("#lobby")));
    await seen("#lobby");
    await anna.keyboard.press("Alt+ArrowUp"); // the one before the first is the last
    await seen("#room-49");
    await anna.keyboard.press("Alt+ArrowDown");
    await seen("#lobby");
});

test("what the server refuses is told in words", async (start) => {
    const { url, irc } = await start();
    const raw = await Raw.irc(irc, "raw", "#locked", "#quiet", "#private");
    raw.say("MODE #locked +k secret", "MODE #quiet +m", "MODE #private +i", "PING :done");
    await raw.hears("PONG");
    const page = await openPage(url);
    await page.fill("#nick", "RAW");
    await page.press("#nick", "Enter");
    await reads(page, "#nick-wrong", "The name RAW is in use.");
    await page.fill("#nick", "#raw");
    await page.press("#nick", "Enter");
    await reads(page, "#nick-wrong", "#raw cannot be a name.");
    await page.fill("#nick", "anna");
    await page.press("#nick", "Enter");
    await isIn(page, "#lobby");
    await say(page, "/join #locked");
    await shows(page, "#locked has a key, and this was not it.");
    await say(page, "/join #private");
    await shows(page, "#private is for the invited only.");
    await say(page, "/join #locked secret");
    await isIn(page, "#locked");
    await say(page, "/join #quiet");
    await isIn(page, "#quiet");
    await say(page, "anybody?");
    await until(
        async () =>
            (await page.locator("#log .failed .state").innerText()).startsWith(
                "Not sent: Only chosen members may speak here.",
            ),
        "404 at the message",
    );
    raw.say("KICK #quiet anna :too loud");
    await shows(page, "anna was removed by raw (too loud)");
    await until(() => page.locator("#outside").isVisible(), "that one is outside");
    raw.close();
});

test("a topic that the server would cut stays with who wrote it", async (start) => {
    const { url } = await start();
    const anna = await enter(url, "anna", { locale: "zh-CN" });
    const box = anna.locator("#topic-text");
    await say(anna, "/join #tea");
    await isIn(anna, "#tea");
    await anna.click("#topic");
    await box.fill("茶".repeat(131)); // 393 bytes
    await box.press("Enter");
    const why = "话题最多 390 字节，一个汉字占 3 字节。";
    assert.equal(await box.evaluate((one) => one.validationMessage), why);
    assert.equal(await box.isVisible(), true);
    await box.press("Backspace");
    await box.press("Enter");
    await reads(anna, "#topic", "茶".repeat(130));
    const typed = `/topic ${"水".repeat(131)}`;
    await say(anna, typed);
    await shows(anna, why);
    assert.equal(await anna.inputValue("#input"), typed);
    await anna.press("#input", "Backspace");
    await anna.press("#input", "Enter");
    await reads(anna, "#topic", "水".repeat(130));
});

test("a name of two words is refused and not cut to the first", async (start) => {
    const { url } = await start();
    const page = await openPage(url);
    for (const name of ["Ann Lee", ":ann"]) {
        await page.fill("#nick", name);
        await page.press("#nick", "Enter");
        await reads(page, "#nick-wrong", `${name} cannot be a name.`);
    }
    await page.fill("#nick", "anna");
    await page.press("#nick", "Enter");
    await isIn(page, "#lobby");
    await say(page, "/nick Ann Lee");
    await shows(page, "Ann Lee cannot be a name.");
    assert.equal(await page.evaluate(() => nick), "anna");
});

test("who chose too long a name is told how long it may be", async (start) => {
    const { url } = await start(),
        name = "长".repeat(11),
        room = `#${"间".repeat(22)}`;
    const page = await openPage(url, { locale: "zh-CN" });
    await page.fill("#nick", name);
    await page.press("#nick", "Enter");
    await reads(page, "#nick-wrong", `${name} 太长：昵称最多 32 字节，一个汉字占 3 字节。`);
    await page.fill("#nick", name.slice(1));
    await page.press("#nick", "Enter");
    await isIn(page, "#lobby");
    await say(page, `/join ${room}`);
    await shows(page, `${room} 太长：房间名最多 64 字节，一个汉字占 3 字节。`);
    await say(page, "/nick 1st");
    await shows(page, "1st 不能用作昵称。");
});

test("a new name stands where one's own is shown and where one writes to its owner", async (start) => {
    const { url, irc } = await start(),
        raw = await Raw.irc(irc, "ben", "#lobby");
    const anna = await enter(url, "anna");
    raw.say("PRIVMSG anna :hi");
    await anna.waitForFunction(() => rooms.has("ben"));
    await anna.evaluate(() => show(rooms.get("ben")));
    await say(anna, "/nick anne");
    await reads(anna, "#me .name", "anne");
    raw.say("NICK bert");
    await until(() => anna.locator('#input[placeholder="Message bert"]').count(), "his new name");
    raw.close();
});

test("a name is remembered and so are the rooms", async (start) => {
    const { url } = await start();
    const anna = await enter(url, "anna");
    await say(anna, "/join #tea");
    await isIn(anna, "#tea");
    await anna.reload();
    await isIn(anna, "#lobby");
    await isIn(anna, "#tea");
    await anna.waitForFunction(() => nick === "anna"); // the connection before may be missed late
    assert.equal(await anna.evaluate(() => current.name), "#tea");
});

// Who has her name, and shares no room with her, once this page has gone elsewhere.
async function leavesNameTo(page, irc, name) {
    const ghost = await Raw.irc(irc, "ghost", "#lobby");
    await page.goto("about:blank");
    await ghost.hears(`:${name}!`);
    await ghost.hears(/ QUIT /);
    ghost.say("PART #lobby", `NICK ${name}`);
    await ghost.hears(`NICK ${name}\r\n`);
    return ghost;
}

// As the server sees a page that is loaded anew, until it misses the connection before.
test("a page that comes back while its name is taken has it again later", async (start) => {
    const { url, irc } = await start();
    const anna = await enter(url, "anna"),
        ghost = await leavesNameTo(anna, irc, "anna");
    await anna.goto(url);
    await isIn(anna, "#lobby");
    await shows(anna, "anna was taken; you are anna_.");
    assert.equal(await anna.evaluate(() => $("welcome").open), false);
    ghost.close();
    await shows(anna, "anna_ is now anna");
    assert.equal(await anna.evaluate(() => `${nick} ${saved.nick}`), "anna anna");
});

test("a name that comes back ends no question for another", async (start) => {
    const { url, irc } = await start();
    const anna = await enter(url, "anna"),
        ghost = await leavesNameTo(anna, irc, "anna");
    await anna.goto(url);
    await shows(anna, "anna was taken; you are anna_.");
    await anna.click("#me");
    await anna.fill("#nick", "bea");
    ghost.close();
    await shows(anna, "anna_ is now anna");
    assert.equal(await anna.inputValue("#nick"), "bea");
    await anna.press("#nick", "Enter");
    await shows(anna, "anna is now bea");
    assert.equal(await anna.evaluate(() => $("welcome").open), false);
});

test("a name of full length finds another for a while", async (start) => {
    const { url, irc } = await start();
    const long = "线程".repeat(5) + "ab"; // 32 bytes
    const page = await enter(url, long),
        ghost = await leavesNameTo(page, irc, long);
    const rest = await Raw.irc(irc, "rest");
    rest.say(`NICK ${"线程".repeat(5)}a_`);
    await rest.hears("a_\r\n");
    await page.goto(url);
    await isIn(page, "#lobby");
    await shows(page, `${long} was taken; you are ${"线程".repeat(5)}__.`);
    ghost.close();
    await page.waitForFunction((name) => nick === name, long);
    rest.close();
});

test("a copy of a page is asked for a name of its own", async (start) => {
    const { url } = await start();
    const anna = await enter(url, "anna");
    await anna.reload();
    await anna.waitForFunction(() => net.ready && nick === "anna");
    const [copy] = await Promise.all([
        anna.waitForEvent("popup"),
        anna.evaluate(() => { // what the page has stored is copied, too
            const { href } = location;
            Object.assign(document.createElement("a"), { href, target: "_blank", rel: "opener" })
                .click();
        }),
    ]);
    await reads(copy, "#nick-wrong", "The name anna is in use.");
    await copy.fill("#nick", "ann");
    await copy.press("#nick", "Enter");
    await isIn(copy, "#lobby");
});

// Of one browser: anna, and bea whose page came second; both are in #tea.
async function twoPages(start) {
    const { url } = await start();
    const anna = await enter(url, "anna");
    await say(anna, "/join #tea");
    await isIn(anna, "#tea");
    const other = await anna.context().newPage();
    await other.goto(url);
    await other.fill("#nick", "bea");
    await other.press("#nick", "Enter");
    await isIn(other, "#tea");
    return { anna, other };
}

test("two pages of one browser forget nothing of each other", async (start) => {
    const { anna, other } = await twoPages(start);
    await anna.bringToFront(); // nothing is drawn behind another
    await say(anna, "/join #jam");
    await isIn(anna, "#jam");
    await other.bringToFront();
    await say(other, "/join #rolls");
    await isIn(other, "#rolls");
    await anna.bringToFront();
    await say(anna, "/part #tea");
    await anna.waitForFunction(() => !rooms.get("#tea")?.joined);
    await other.bringToFront();
    await say(other, "/join #milk");
    await isIn(other, "#milk");
    const left = () => other.evaluate(() => JSON.parse(localStorage.getItem("weft")));
    assert.deepEqual((await left()).rooms, ["#lobby", "#jam", "#rolls", "#milk"]);
    assert.equal((await left()).nick, "bea"); // the one that was chosen last
});

test("hundreds of rooms are remembered without comparing each with each", async (start) => {
    const { url } = await start();
    const page = await openPage(url);
    const [folded, all] = await page.evaluate(() => {
        const names = Array.from({ length: 500 }, (_, i) => `#Room${i}`),
            replace = String.prototype.replace; // of fold()
        let count = 0;
        String.prototype.replace = function (...words) {
            count++;
            return replace.apply(this, words);
        };
        const both = roomsOfBoth([...names, "#theirs"], [...names, "#left"], [...names, "#more"]);
        String.prototype.replace = replace;
        return [count, both.slice(499)];
    });
    assert.ok(folded < 10 * 500, `${folded}`);
    assert.deepEqual(all, ["#Room499", "#theirs", "#more"]);
});

test("each page of one browser is loaded anew as who and where it was", async (start) => {
    const { anna, other } = await twoPages(start);
    await say(other, "/join #jam");
    await isIn(other, "#jam");
    await anna.bringToFront();
    await anna.reload();
    await anna.waitForFunction(() => net.ready && nick === "anna");
    assert.equal(await anna.evaluate(() => current.name), "#tea");
    const { nick } = await anna.evaluate(() => JSON.parse(localStorage.getItem("weft")));
    assert.equal(nick, "bea"); // still the one that was chosen last
});

test("what a browser remembers wrongly is as if it were not there", async (start) => {
    const { url } = await start();
    const wrong = [
        { nick: 5, rooms: 7, seen: null, notify: "yes", current: {}, left: "now" },
        { nick: "", rooms: [null, 3, {}], seen: "#lobby", current: 9, left: null },
        { rooms: { length: 2 }, seen: { "#lobby": "late" } },
        ["#tea"],
        null,
        "tea",
    ];
    for (const [i, found] of wrong.entries()) {
        const prepare = (page) =>
            page.addInitScript((text) => localStorage.setItem("weft", text), JSON.stringify(found));
        await enter(url, `anna${i}`, { prepare });
    }
});
