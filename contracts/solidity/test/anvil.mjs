// Drives the committed contracts on a real anvil with viem, a client that is not ours: asks, fulfils singly and as a
// batch of 32, and prints the receipts' gas. Fails over the gas goals. Beside Gas.t.sol this is the second opinion.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createTestClient, http, parseGwei, publicActions, toHex, walletActions } from "viem";
import { mnemonicToAccount, privateKeyToAddress, sign } from "viem/accounts";
import { foundry } from "viem/chains";

const here = join(dirname(fileURLToPath(import.meta.url)), "..");
const artifact = (name) => JSON.parse(readFileSync(join(here, "artifacts", `${name}.json`), "utf8"));
const GOALS = { fulfil: 50_000n, batch32_each: 26_000n };

const sha = (text) => `0x${createHash("sha256").update(text).digest("hex")}`;
const memberKey = sha("member");
const resultKey = sha("result key");
const app = sha("app");
const result = (i) => toHex(Uint8Array.from({ length: 256 }, (_, at) => 1 + ((i * 7 + at * 13) % 255)));

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function startAnvil() {
  const port = await freePort();
  const arch = process.arch === "x64" ? "amd64" : process.arch;
  const suffix = process.platform === "win32" ? ".exe" : "";
  const binary = join(here, "node_modules", "@foundry-rs", `anvil-${process.platform}-${arch}`, "bin", `anvil${suffix}`);
  const options = ["--port", `${port}`, "--hardfork", "osaka", "--enable-tx-gas-limit", "--slots-in-an-epoch", "1", "--silent"];
  const child = spawn(binary, options, { stdio: "inherit" });
  const started = new Promise((_, reject) => child.once("error", reject));
  const client = createTestClient({ chain: foundry, mode: "anvil", transport: http(`http://127.0.0.1:${port}`) })
    .extend(publicActions)
    .extend(walletActions);
  for (let tries = 0; ; tries += 1) {
    try {
      await Promise.race([started, client.getBlockNumber()]);
      return { child, client };
    } catch (error) {
      if (tries === 50 || error.code === "ENOENT") throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

const signature = (key, hash) => sign({ hash, privateKey: key, to: "hex" });

async function run(client) {
  const account = mnemonicToAccount("test test test test test test test test test test test junk");
  const { abi } = artifact("Sotto");
  const send = async (request) => {
    const receipt = await client.waitForTransactionReceipt({ hash: await request, pollingInterval: 20 });
    if (receipt.status !== "success") throw new Error(`transaction ${receipt.transactionHash} reverted`);
    return receipt;
  };
  const deploy = async (name, args) => {
    const one = artifact(name);
    return (await send(client.deployContract({ account, abi: one.abi, bytecode: one.bytecode.object, args }))).contractAddress;
  };
  const sotto = await deploy("Sotto", [sha("network"), [privateKeyToAddress(memberKey)], 7200]);
  const hello = await deploy("Hello", [sotto, app, 1n]);
  const helloAbi = artifact("Hello").abi;
  const read = (functionName, args = []) => client.readContract({ address: sotto, abi, functionName, args });
  const write = (functionName, args, value = 0n) => send(client.writeContract({ account, address: sotto, abi, functionName, args, value }));

  const now = (await client.getBlock()).timestamp;
  const entries = [{ app, key: privateKeyToAddress(resultKey), expiry: now + 3600n }];
  await write("setResultKeys", [entries, 1n, await signature(memberKey, await read("keysDigest", [entries, 1n]))]);

  const escrow = parseGwei("1000000");
  const deadline = now + 3000n;
  const payload = toHex("hello");
  const ask = async (callbackGas) => {
    const id = (await read("requestCount")) + 1n;
    const context = toHex(id, { size: 32 });
    await send(client.writeContract({ account, address: hello, abi: helloAbi, functionName: "ask", args: [context, payload, callbackGas, deadline], value: escrow }));
    const stated = { app, generation: 1n, context, submissions: [], payload, payloadHash: toHex(0, { size: 32 }), callbackGas, assurance: 0x01010100, deadline };
    return { id, attempt: 1, app, generation: 1n, terms: await read("termsOf", [stated, hello, escrow]), result: result(Number(id)) };
  };
  const askMany = async (count, callbackGas) => {
    const answers = [];
    for (let i = 0; i < count; i += 1) answers.push(await ask(callbackGas));
    return answers;
  };
  const fulfil = async (answer) => write("fulfil", [answer, await signature(resultKey, await read("resultDigest", [answer]))]);
  const batch = async (answers) => write("fulfilBatch", [answers, await signature(memberKey, await read("batchDigest", [answers]))]);

  await fulfil(await ask(50_000));
  const gas = {};
  gas.fulfil = (await fulfil(await ask(0))).gasUsed;
  gas.fulfil_callback = (await fulfil(await ask(50_000))).gasUsed;
  gas.batch32_each = (await batch(await askMany(32, 0))).gasUsed / 32n;
  gas.batch32_callback_each = (await batch(await askMany(32, 50_000))).gasUsed / 32n;
  for (const size of [0, 256, 1024]) {
    const bytes = toHex(Uint8Array.from({ length: size }, (_, at) => 1 + (at % 255)));
    const stated = { app, generation: 1n, context: sha(`${size}`), submissions: [], payload: bytes, payloadHash: toHex(0, { size: 32 }), callbackGas: 0, assurance: 0x01010100, deadline };
    gas[`request_${size}`] = (await write("request", [stated], escrow)).gasUsed;
  }
  const settled = 67n;
  for (let id = 1n; id <= settled; id += 1n) {
    const [status] = await read("statusOf", [id]);
    if (status !== 2) throw new Error(`request ${id} has status ${status}, not fulfilled`);
  }
  if ((await read("networkBalance")) !== settled * escrow) throw new Error("the network's account does not hold every escrow");
  if ((await client.getBalance({ address: sotto })) !== (settled + 3n) * escrow) throw new Error("the balance does not add up");
  return gas;
}

/** The committed table; `node test/anvil.mjs --table` writes it anew. */
function writeTable(gas) {
  const row = (what, plain, callback, goal) => `| ${what} | ${plain} | ${callback} | ${goal} |`;
  const lines = [
    "# Gas of the Sotto contract",
    "",
    "Made by `node contracts/solidity/test/anvil.mjs --table` (also by `cargo xtask bless`): receipts of a real anvil,",
    "hardfork Osaka, a 256-byte result, one payee that already holds a balance, a registered key, a council of one. The",
    "same script runs in the tests and fails over a goal. The callback writes one slot that was written before.",
    "",
    "| transaction | without callback | with a one-slot callback | goal (without) |",
    "|---|--:|--:|--:|",
    row("`fulfil`", gas.fulfil, gas.fulfil_callback, GOALS.fulfil),
    row("`fulfilBatch` of 32, each", gas.batch32_each, gas.batch32_callback_each, GOALS.batch32_each),
    "",
    "| `request` with a payload of | gas |",
    "|---|--:|",
    ...[0, 256, 1024].map((size) => `| ${size} bytes | ${gas[`request_${size}`]} |`),
    "",
  ];
  writeFileSync(join(here, "../../docs/protocol/gas.md"), lines.join("\n"));
}

const { child, client } = await startAnvil();
try {
  const gas = await run(client);
  if (process.argv.includes("--table")) writeTable(gas);
  console.log(JSON.stringify(gas, (_, value) => (typeof value === "bigint" ? Number(value) : value), 1));
  for (const [name, goal] of Object.entries(GOALS)) {
    if (gas[name] > goal) throw new Error(`${name} took ${gas[name]} gas, over its goal of ${goal}`);
  }
} catch (error) {
  console.error(`anvil: ${error.shortMessage ?? error.message}`);
  process.exitCode = 1;
} finally {
  child.kill();
}
