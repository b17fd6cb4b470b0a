#!/usr/bin/env node
// The npm compiler behind the command line that forge expects of a native one: `--version` and `--standard-json`.
// It never exits by itself after writing: that would cut what is still in the pipe.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const solc = createRequire(import.meta.url)("solc");
const asked = process.argv.slice(2);

if (asked.includes("--version")) {
  process.stdout.write(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}\n`);
} else if (asked.includes("--standard-json")) {
  process.stdout.write(solc.compile(readFileSync(0, "utf8")));
} else {
  process.stderr.write(`solc-wrap answers --version and --standard-json only, not: ${asked.join(" ")}\n`);
  process.exitCode = 1;
}
