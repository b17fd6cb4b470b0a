// Compiles src/ and writes artifacts/, which are committed so that building Sotto needs no Solidity compiler.
// `--check` compiles again and compares instead: it fails when a source was changed and its artifact was not.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const artifacts = join(here, "artifacts");

/** The settings of foundry.toml, in the compiler's own terms. */
const settings = {
  optimizer: { enabled: true, runs: 10000 },
  viaIR: true,
  evmVersion: "osaka",
  metadata: { bytecodeHash: "none", appendCBOR: false },
  outputSelection: {
    "*": {
      "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"],
    },
  },
};

function solidityFiles(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith(".sol"))
    .map((name) => relative(here, join(folder, name)).replaceAll("\\", "/"))
    .sort();
}

function compile() {
  // Loaded here: it is 9 MB of compiler, and a missing one deserves a sentence.
  let solc;
  try {
    solc = createRequire(import.meta.url)("solc");
  } catch {
    throw new Error("the Solidity compiler is missing: run `npm install --ignore-scripts` in contracts/solidity");
  }
  const names = solidityFiles(join(here, "src"));
  const sources = Object.fromEntries(names.map((name) => [name, { content: readFileSync(join(here, name), "utf8") }]));
  const output = JSON.parse(solc.compile(JSON.stringify({ language: "Solidity", sources, settings })));
  const messages = (output.errors ?? []).map((error) => error.formattedMessage);
  if (messages.length > 0) throw new Error(messages.join("\n"));
  return new Map(Object.entries(output.contracts).flatMap(([source, contracts]) => render(source, contracts, solc.version())));
}

function render(source, contracts, compiler) {
  // A library of internal functions has no interface and no code of its own: nothing to keep.
  const own = Object.entries(contracts).filter(([, { abi }]) => abi.length > 0);
  return own.map(([name, { abi, evm }]) => [
    `${name}.json`,
    JSON.stringify(
      {
        contractName: name,
        sourceName: source,
        compiler,
        abi,
        bytecode: { object: `0x${evm.bytecode.object}` },
        deployedBytecode: { object: `0x${evm.deployedBytecode.object}` },
      },
      null,
      1,
    ) + "\n",
  ]);
}

function committed() {
  const names = readdirSync(artifacts).filter((name) => name.endsWith(".json"));
  return new Map(names.map((name) => [name, readFileSync(join(artifacts, name), "utf8")]));
}

function check(fresh) {
  const kept = committed();
  const names = [...new Set([...fresh.keys(), ...kept.keys()])].sort();
  const stale = names.filter((name) => fresh.get(name) !== kept.get(name));
  if (stale.length > 0) {
    throw new Error(
      `the artifacts differ from what the sources compile to (${stale.join(", ")}): run \`node build.mjs\` and commit`,
    );
  }
  console.log(`${names.length} artifacts are what the sources compile to`);
}

function write(fresh) {
  mkdirSync(artifacts, { recursive: true });
  for (const name of committed().keys()) if (!fresh.has(name)) rmSync(join(artifacts, name));
  for (const [name, text] of fresh) writeFileSync(join(artifacts, name), text);
  for (const [name, text] of fresh) {
    const bytes = (JSON.parse(text).deployedBytecode.object.length - 2) / 2;
    console.log(`${basename(name, ".json").padEnd(16)}${String(bytes).padStart(6)} bytes of code`);
  }
}

try {
  const unknown = process.argv.slice(2).filter((argument) => argument !== "--check");
  if (unknown.length > 0) throw new Error(`unknown argument ${unknown[0]}: only --check is known`);
  const fresh = compile();
  if (process.argv.includes("--check")) check(fresh);
  else write(fresh);
} catch (error) {
  console.error(`build: ${error.message}`);
  process.exitCode = 1;
}
