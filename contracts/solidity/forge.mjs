// Runs the Foundry tests offline, with the compiler from npm: `node forge.mjs [arguments of forge test]`, from anywhere.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const suffix = process.platform === "win32" ? ".exe" : "";
const arch = process.arch === "x64" ? "amd64" : process.arch;
const forge = join(here, "node_modules", "@foundry-rs", `forge-${process.platform}-${arch}`, "bin", `forge${suffix}`);

if (!existsSync(forge)) {
  console.error(`forge: ${forge} is missing: run \`npm ci\` in contracts/solidity`);
  process.exitCode = 1;
} else {
  const compiler = join(here, "solc-wrap.mjs");
  const asked = ["test", "--root", here, "--offline", "--use", compiler, ...process.argv.slice(2)];
  const { status, error } = spawnSync(forge, asked, { stdio: "inherit" });
  if (error) console.error(`forge: ${error.message}`);
  process.exitCode = status ?? 1;
}
