// SPDX-License-Identifier: MIT
// report_test.mjs - the report of weft fetch in a browser: what a reader sees, and what must not be.
//
//     node report_test.mjs BUILD/tests/html_sample MODULES CHROMIUM     run by tests/report_test.py
//
// The reports are files, as a reader has them, made once; nothing in them may speak to anybody. No
// test is decided by time.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [, , sample, modules, chromiumPath] = process.argv;
const { chromium } = createRequire(path.join(modules, "package.json"))("playwright-core");
const PATIENCE = 60000;
const SIZES = [
    [360, 740],
    [1280, 900],
];
const SCHEMES = ["light", "dark"];
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "weft-report-"));
const shots = process.env.WEFT_TEST_SHOTS; // a folder: the pictures are for eyes
const tests = [];

function test(name, act) {
    tests.push({ name, act });
}

// ---- a report in a browser ----------------------------------------------------------------------

// Its URL. What: as html_sample takes it; "" has some of every kind.
function report(what) {
    const file = path.join(folder, `report-${what || "all"}.html`);
    if (!fs.existsSync(file)) execFileSync(sample, what ? [file, what] : [file]);
    return pathToFileURL(file).href;
}

async function open(opened, what, [width, height] = SIZES[1], options = {}) {
    const context = await opened.browser.newContext({
        viewport: { width, height },
        isMobile: width < 720,
        hasTouch: width < 720,
        ...options,
    });
    context.setDefaultTimeout(PATIENCE);
    opened.contexts.push(context);
    const page = await context.newPage(),
        url = report(what);
    page.on("console", (message) => opened.wrong.push(`console: ${message.text()}`));
    page.on("pageerror", (error) => opened.wrong.push(`error: ${error.stack}`));
    page.on("dialog", (dialog) => {
        opened.wrong.push(`a dialog: ${dialog.message()}`);
        dialog.dismiss();
    });
    page.on("request", (request) => {
        if (request.url() !== url) opened.wrong.push(`a request to ${request.url()}`);
    });
    await page.goto(url);
    return page;
}

// ---- measures, taken in the page ----------------------------------------------------------------

// Texts that are seen, and their contrast with what is behind them, where it is less than 4.5
// (WCAG 2.1, 1.4.3).
function faint() {
    const numbers = (color) => color.match(/[\d.]+/g).map(Number);
    const light = (color) => {
        const [r, g, b] = numbers(color).map((c) =>
            c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4,
        );
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (node) => {
        for (; node; node = node.parentElement) {
            const color = getComputedStyle(node).backgroundColor;
            if (numbers(color)[3] !== 0) return color;
        }
        return "rgb(255, 255, 255)";
    };
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let text; (text = walker.nextNode()); ) {
        const node = text.parentElement;
        if (!text.data.trim() || node.closest("title") || !node.checkVisibility()) continue;
        const style = getComputedStyle(node);
        const ink = node.closest("svg") ? style.fill : style.color;
        const [a, b] = [light(ink), light(behind(node))].sort((x, y) => y - x);
        const contrast = (a + 0.05) / (b + 0.05);
        if (contrast < 4.5) found.push(`${contrast.toFixed(2)}: ${text.data.slice(0, 40)}`);
    }
    return [...new Set(found)];
}

// The colours of a drawing's parts, by class, and that of the card behind them: relative luminance.
function lights(names) {
    const luminance = (color) => {
        const [r, g, b] = color.match(/[\d.]+/g).map((c) => {
            const x = Number(c) / 255;
            return x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const card = getComputedStyle(document.querySelector("#times")).backgroundColor;
    return [
        luminance(card),
        ...names.map((name) =>
            luminance(getComputedStyle(document.querySelector(`.key i.${name}`)).backgroundColor),
        ),
    ];
}

const contrast = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);

// What sticks out of the page, or of the card it is in.
function overflowing() {
    const width = document.documentElement.clientWidth;
    const seen = [...document.querySelectorAll("main *:not(svg *)")].filter((node) =>
        node.checkVisibility(),
    );
    return seen
        .filter((node) => {
            const box = node.getBoundingClientRect(),
                card = node.closest("section")?.getBoundingClientRect();
            const hidden = node.closest("thead, caption")?.getBoundingClientRect();
            if (hidden?.width <= 1) return false; // for those who listen only
            return box.left < 0 || box.right > width + 0.5 || (card && box.right > card.right + 0.5);
        })
        .map((node) => node.outerHTML.slice(0, 100));
}

// Marks of an axis that touch the one before.
function crowded() {
    const found = [];
    for (const svg of document.querySelectorAll(".axis svg")) {
        const seen = [...svg.querySelectorAll("text")].filter((text) => text.checkVisibility());
        const boxes = seen.map((text) => text.getBoundingClientRect());
        for (let i = 1; i < seen.length; i++)
            if (boxes[i].left < boxes[i - 1].right + 4)
                found.push(`${seen[i - 1].textContent} | ${seen[i].textContent}`);
    }
    return found;
}

// ---- the tests ----------------------------------------------------------------------------------

for (const [width, height] of SIZES)
    for (const colorScheme of SCHEMES)
        test(`a report is readable at ${width} pixels in ${colorScheme}`, async (opened) => {
            for (const what of ["", "fine", "0"]) {
                const page = await open(opened, what, [width, height], { colorScheme });
                assert.equal(
                    await page.evaluate(() => document.documentElement.scrollWidth),
                    width,
                    `sideways scrolling: ${what}`,
                );
                assert.deepEqual(await page.evaluate(overflowing), [], what);
                assert.deepEqual(await page.evaluate(faint), [], what);
                if (shots)
                    await page.screenshot({
                        path: path.join(shots, `report-${what || "all"}-${width}-${colorScheme}.png`),
                        fullPage: true,
                    });
            }
        });

test("the marks of an axis keep apart, however wide the page is", async (opened) => {
    for (const what of ["", "fine", "300"]) {
        const page = await open(opened, what);
        for (const width of [320, 360, 414, 500, 501, 820, 821, 900, 1000, 1001, 1280]) {
            await page.setViewportSize({ width, height: 740 });
            assert.deepEqual(await page.evaluate(crowded), [], `${what} at ${width}`);
            const marks = await page.locator(".axis >> nth=0").locator("text:visible").count();
            assert.ok(marks >= 3, `${what} at ${width}: ${marks} marks`);
        }
    }
});

test("a report needs no script", async (opened) => {
    const page = await open(opened, "", SIZES[1], { javaScriptEnabled: false });
    assert.equal(await page.locator("h1").innerText(), "Page sizes");
    assert.match(await page.locator(".verdict").innerText(), /11 of 25 pages failed/);
    assert.equal(await page.locator("script").count(), 0);
});

test("what a server or a list says is text and neither markup nor a link to run", async (opened) => {
    const page = await open(opened, "");
    const text = await page.locator("#failures").innerText();
    assert.match(text, /500 <script>alert\(1\)<\/script>"'\\x1b\[31m/);
    assert.match(text, /http:\/\/evil\.example\/<script>alert\(1\)<\/script>\?a="'&b=\\x01\\xff/);
    assert.match(text, /http:\/\/evil\.example\/\\u202egpj\.exe/);
    assert.equal(await page.locator("script, img, iframe, [onerror], [onclick]").count(), 0);
    const links = await page
        .locator("a")
        .evaluateAll((all) => all.map((a) => a.getAttribute("href").replace(/[:#].*/, "")));
    assert.deepEqual([...new Set(links)].sort(), ["", "http", "https"]);
});

test("Chinese URLs are readable and go where they say", async (opened) => {
    const page = await open(opened, "");
    const link = page.locator("#all a", { hasText: "https://zh.example.org/中文/首页?q=测试" });
    assert.equal(await link.count(), 1);
    assert.equal(
        await link.getAttribute("href"),
        "https://zh.example.org/%E4%B8%AD%E6%96%87/%E9%A6%96%E9%A1%B5?q=%E6%B5%8B%E8%AF%95",
    );
    const name = page.locator("#all a", { hasText: "http://例子.测试/中文/关于我们" });
    assert.match(await name.evaluate((a) => a.href), /^http:\/\/xn--fsqu00a\.xn--0zwm56d\/%E4/);
});

test("every drawing has a text and every table its headers", async (opened) => {
    const page = await open(opened, "");
    assert.equal(await page.getAttribute("html", "lang"), "en");
    const nameless = await page.locator(".chart > li > svg").evaluateAll((all) =>
        all
            .filter(
                (svg) =>
                    !svg.closest("[aria-hidden]") &&
                    !(svg.getAttribute("role") === "img" && svg.querySelector("title")?.textContent),
            )
            .map((svg) => svg.outerHTML),
    );
    assert.deepEqual(nameless, []);
    assert.ok((await page.getByRole("img", { name: /^decoded .* encoded .* claimed/ }).count()) > 9);
    const row = page.locator("#times li", { hasText: "http://shop.example.org/" });
    assert.match(
        await row.locator("svg > title").textContent(),
        /^begins at 260 ms: before: redirects, retries, pauses, preparation 380 ms, name 2\.00 ms, connect/,
    );
    const cells = await page.locator("table").evaluateAll((tables) =>
        tables.map((table) => {
            const heads = table.tHead.rows[0].cells.length;
            return [...table.tBodies[0].rows].every((row) => row.cells.length === heads);
        }),
    );
    assert.deepEqual([...new Set(cells)], [true]);
    assert.equal(await page.locator("thead th:not([scope])").count(), 0);
    assert.equal(await page.locator("h1").count(), 1);
});

test("tables stay tables for those who listen where they look like cards", async (opened) => {
    const page = await open(opened, "", SIZES[0]);
    const session = await page.context().newCDPSession(page);
    const { nodes } = await session.send("Accessibility.getFullAXTree");
    const roles = nodes.map((node) => node.role?.value);
    const count = (role) => roles.filter((one) => one === role).length;
    assert.ok(count("row") >= 25 + 11, `${count("row")} rows`);
    assert.ok(count("columnheader") >= 4 + 6 + 9, `${count("columnheader")} headers`);
});

for (const colorScheme of SCHEMES)
    test(`neighbours in a drawing differ in lightness in ${colorScheme}`, async (opened) => {
        const page = await open(opened, "", SIZES[1], { colorScheme });
        const phases = await page.evaluate(lights, ["p0", "p1", "p2", "p3", "p4", "p5"]);
        for (let i = 1; i < phases.length; i++) {
            assert.ok(contrast(phases[0], phases[i]) >= 3, `p${i - 1} on the card`);
            if (i > 1) assert.ok(contrast(phases[i - 1], phases[i]) >= 1.4, `p${i - 2} and p${i - 1}`);
        }
        const [card, decoded, encoded, claimed] = await page.evaluate(lights, ["dec", "enc", "cla"]);
        assert.ok(contrast(card, decoded) >= 2.7 && contrast(card, encoded) >= 3, "sizes on the card");
        assert.ok(contrast(decoded, encoded) >= 1.8, "encoded within decoded");
        assert.ok(contrast(card, claimed) >= 3, "claimed on the card");
    });

test("a report of 10,000 pages opens and has them all", async (opened) => {
    const page = await open(opened, "10000", SIZES[0]);
    assert.match(await page.locator(".verdict").innerText(), /345 of 10,000 pages failed/);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), SIZES[0][0]);
    assert.equal(await page.locator(".pages tbody tr").count(), 10000);
    assert.equal(await page.locator("#sizes rect.dec").count(), 200);
    assert.match(await page.locator("#sizes").innerText(), /200 largest pages of 9,655/);
    const last = page.locator("details", { hasText: "Pages 9,501 to 10,000" });
    assert.equal(await last.locator("table").isVisible(), false);
    await last.locator("summary").click();
    assert.equal(await last.locator("tr", { hasText: "item-9999.html" }).isVisible(), true);
});

test("a report prints, with what is folded away on the screen", async (opened) => {
    const page = await open(opened, "300");
    const folded = page.locator("#sizes details table, #sizes details ol");
    assert.equal(await folded.isVisible(), false);
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(background, "rgb(255, 255, 255)");
    assert.equal(await page.locator("nav").isVisible(), false);
    assert.ok((await folded.evaluate((ol) => ol.getBoundingClientRect().height)) > 1000);
    assert.ok((await page.pdf({ format: "A4" })).length > 10000);
});

// ---- TAP ----------------------------------------------------------------------------------------

async function run({ name, act }, number, browser) {
    const opened = { browser, contexts: [], wrong: [] };
    let wrong;
    const only = process.env.WEFT_TEST_ONLY;
    if (only && !name.includes(only)) {
        console.log(`ok ${number} - ${name} # SKIP not asked for`);
        return true;
    }
    try {
        await act(opened);
        assert.deepEqual(opened.wrong, []);
    } catch (error) {
        wrong = error.stack.replace(/^/gm, "# ");
    }
    await Promise.all(opened.contexts.map((context) => context.close()));
    console.log(`${wrong ? "not ok" : "ok"} ${number} - ${name}`);
    if (wrong) console.log(wrong);
    return !wrong;
}

console.log(`1..${tests.length}`);
if (shots) fs.mkdirSync(shots, { recursive: true });
// without a sandbox of its own: containers and root do not allow one
const browser = await chromium.launch({
    executablePath: chromiumPath,
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
});
let good = true;
try {
    for (const [i, one] of tests.entries()) good = (await run(one, i + 1, browser)) && good;
} finally {
    await browser.close();
    fs.rmSync(folder, { recursive: true, force: true });
}
process.exitCode = good ? 0 : 1;
