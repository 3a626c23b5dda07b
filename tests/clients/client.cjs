// SPDX-License-Identifier: MIT
// client.cjs MODULES PORT ROOM - irc-framework as clients_test.py wants it: joins the room, says each
// line of its input there, prints what it hears; at the input's end it quits.
"use strict";
const path = require("path");
const readline = require("readline");

const [modules, port, room] = process.argv.slice(2);
const { Client } = require(path.join(modules, "node_modules", "irc-framework"));

const client = new Client();
client.on("registered", () => client.join(room));
client.on("join", (event) => event.nick === client.user.nick && console.log(`joined ${event.channel}`));
client.on("privmsg", (event) => console.log(`heard ${event.nick}: ${event.message}`));
client.on("socket close", () => process.exit(0));
client.connect({ host: "127.0.0.1", port: Number(port), nick: "framework", auto_reconnect: false });

const input = readline.createInterface({ input: process.stdin });
input.on("line", (line) => client.say(room, line));
input.on("close", () => client.quit("bye"));
