// SPDX-License-Identifier: MIT
// page_test.mjs - the chat page in a browser, against the server, and against a peer of the test.
//
//     node page_test.mjs BUILD/weft MODULES CHROMIUM       run by tests/page_test.py
import { runTests } from "./helpers.mjs";
import "./talk_cases.mjs";
import "./history_cases.mjs";
import "./look_cases.mjs";

await runTests();
