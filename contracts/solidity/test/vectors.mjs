// The golden vectors of the on-chain digests: tests/vectors/digest.json, read by Rust, Solidity and TypeScript.
// This is an implementation of its own, from the written rules alone: SHA-256 of node:crypto over 32-byte words, and
// viem for signatures (RFC 6979, low s) and addresses. `--check` compares instead of writing.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { privateKeyToAddress, sign } from "viem/accounts";

const target = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..", "tests", "vectors", "digest.json");
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

// ------------------------------------------------------------------ the rules

const hex = (bytes) => `0x${Buffer.from(bytes).toString("hex")}`;
const bytesOf = (text) => Buffer.from(text.slice(2), "hex");
const sha = (bytes) => hex(createHash("sha256").update(bytes).digest());
const tag = (name) => sha(Buffer.from(`sotto/${name}/v1`));

/** One 32-byte big-endian word of a number (bigint or decimal string), an address or a hash. */
function word(value) {
  const digits = typeof value === "string" && value.startsWith("0x") ? value.slice(2) : BigInt(value).toString(16);
  if (digits.length > 64) throw new Error(`${value} does not fit a word`);
  return Buffer.from(digits.padStart(64, "0"), "hex");
}
const hashWords = (...values) => sha(Buffer.concat(values.map(word)));

const threshold = (n) => n - Math.floor((n - 1) / 3);
const chainOf = (caip2) => sha(Buffer.from(caip2));
const domainOf = ({ network, caip2, contract }) => hashWords(tag("domain"), network, chainOf(caip2), contract);
const submissionsOf = (list) => hashWords(...list.flatMap(({ submitter, envelope }) => [submitter, envelope]));
const termsOf = (r) =>
  hashWords(
    tag("terms"), r.consumer, r.context, r.submissionsHash, r.payloadHash, r.callbackGas, r.assurance, r.deadline, r.escrow,
  );
const requestOf = (domain, r) => hashWords(tag("request"), domain, r.id, r.app, r.generation, r.terms);
const resultOf = (domain, r) =>
  hashWords(tag("result"), domain, r.id, r.requestHash, r.attempt, r.app, r.generation, r.resultHash);
const batchOf = (domain, digests) => hashWords(tag("batch"), domain, ...digests);
const listOf = (name, domain, nonce, values) => hashWords(tag(name), domain, nonce, hashWords(...values));

// ---------------------------------------------------------------- the inputs

const made = (text) => sha(Buffer.from(text));
const addressOf = (text) => `0x${made(text).slice(-40)}`;
const privateKey = (text) => made(`sotto vector key ${text}`);
/** `length` bytes that are neither zero nor a pattern. */
function filler(text, length) {
  let bytes = Buffer.alloc(0);
  for (let i = 0; bytes.length < length; i += 1) bytes = Buffer.concat([bytes, bytesOf(made(`${text} ${i}`))]);
  return hex(bytes.subarray(0, length));
}

const domainInputs = [
  ["development", made("development"), 31337n, "0x5fbdb2315678afecb367f032d93f642f64180aa3"],
  ["mainnet", made("value"), 1n, addressOf("contract on mainnet")],
  ["ten-digits", made("value"), 1313161554n, addressOf("contract elsewhere")],
  ["small-address", made("development"), 10n, "0x0000000000000000000000000000000000001000"],
];

const five = Array.from({ length: 5 }, (_, i) => [`bidder ${i + 1}`, filler(`envelope ${i + 1}`, 217 + 32)]);
const many = Array.from({ length: 64 }, (_, i) => [`bidder ${i + 1}`, `0x${(i + 1).toString(16).padStart(2, "0")}`]);

const requestInputs = [
  { name: "least", domain: "development", id: 1n, submissions: [], payload: "0x", callbackGas: 0n, escrow: 0n },
  { name: "public-payload", domain: "development", id: 2n, submissions: [], payload: hex(Buffer.from("ETH/USD")), callbackGas: 100000n, escrow: 10n ** 15n },
  { name: "one-submission", domain: "mainnet", id: 3n, submissions: five.slice(0, 1), payload: "0x", callbackGas: 50000n, escrow: 123456789000000000n },
  { name: "auction", domain: "development", id: 4n, submissions: five, payload: hex(Buffer.concat([word(10n ** 17n), word(10n ** 18n)])), callbackGas: 120000n, escrow: 2n * 10n ** 15n },
  { name: "payload-off-chain", domain: "ten-digits", id: 5n, submissions: five.slice(0, 2), payload: "0x", payloadHash: made("bytes kept by gateways"), callbackGas: 0n, escrow: 1000000000n },
  { name: "longest-payload", domain: "small-address", id: 4294967296n, submissions: five.slice(0, 3), payload: filler("payload", 1024), callbackGas: 1000n, escrow: 5n * 10n ** 17n },
  { name: "largest", domain: "mainnet", id: 2n ** 64n - 1n, generation: 2n ** 64n - 1n, submissions: many, payload: "0x00", callbackGas: 2000000n, assurance: 2n ** 32n - 1n, deadline: 2n ** 32n - 1n, escrow: (2n ** 40n - 1n) * 10n ** 9n },
];

const resultInputs = [
  { name: "empty", request: "least", attempt: 0n, result: "0x" },
  { name: "one-byte", request: "public-payload", attempt: 1n, result: "0x00" },
  { name: "winner-and-price", request: "auction", attempt: 1n, result: hex(Buffer.concat([word(addressOf("bidder 3")), word(7n * 10n ** 17n)])) },
  { name: "second-attempt", request: "auction", attempt: 2n, result: hex(Buffer.concat([word(addressOf("bidder 3")), word(7n * 10n ** 17n)])) },
  { name: "block-edge", request: "one-submission", attempt: 7n, result: filler("result", 64) },
  { name: "usual", request: "payload-off-chain", attempt: 1n, result: filler("result", 256) },
  { name: "longest", request: "longest-payload", attempt: 1n, result: filler("result", 4096) },
  { name: "largest", request: "largest", attempt: 2n ** 32n - 1n, result: filler("result", 33) },
];

const council = (n) => Array.from({ length: n }, (_, i) => privateKey(`member ${i + 1} of ${n}`));

// ----------------------------------------------------------------- the cases

const decimal = (value) => BigInt(value).toString();

async function signature(digest, key) {
  const { r, s, v } = await sign({ hash: digest, privateKey: key });
  if (BigInt(s) > ORDER / 2n) throw new Error("a signature with high s");
  return { privateKey: key, address: privateKeyToAddress(key).toLowerCase(), bytes: hex(Buffer.concat([word(r), word(s), Buffer.from([Number(v)])])) };
}

async function proof(digest, n) {
  const signed = await Promise.all(council(n).map((key) => signature(digest, key)));
  signed.sort((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1));
  const needed = signed.slice(n - threshold(n));
  return {
    members: signed.map(({ address }) => address),
    threshold: decimal(threshold(n)),
    signers: needed.map(({ address, privateKey: key }) => ({ address, privateKey: key })),
    signatures: hex(Buffer.concat(needed.map(({ bytes }) => bytesOf(bytes)))),
  };
}

function domains() {
  return domainInputs.map(([name, network, chainId, contract]) => {
    const caip2 = `eip155:${chainId}`;
    return { name, network, chainId: decimal(chainId), caip2, chain: chainOf(caip2), contract, domain: domainOf({ network, caip2, contract }) };
  });
}

function requests(domainNamed) {
  return requestInputs.map((input) => {
    const submissions = input.submissions.map(([who, bytes]) => ({ submitter: addressOf(who), bytes, envelope: sha(bytesOf(bytes)) }));
    const request = {
      name: input.name,
      domain: input.domain,
      id: decimal(input.id),
      consumer: addressOf(`consumer of ${input.name}`),
      app: made("an app"),
      generation: decimal(input.generation ?? 1n),
      context: made(`context of ${input.name}`),
      submissions,
      submissionsHash: submissionsOf(submissions),
      payload: input.payload,
      payloadHash: input.payloadHash ?? sha(bytesOf(input.payload)),
      callbackGas: decimal(input.callbackGas),
      assurance: decimal(input.assurance ?? 0x01010100n),
      deadline: decimal(input.deadline ?? 1800000000n),
      escrow: decimal(input.escrow),
    };
    request.terms = termsOf(request);
    request.requestHash = requestOf(domainNamed(input.domain), request);
    return request;
  });
}

function results(domainNamed, requestNamed) {
  return Promise.all(
    resultInputs.map(async (input) => {
      const { domain, id, app, generation, terms, requestHash } = requestNamed(input.request);
      const result = { name: input.name, domain, id, attempt: decimal(input.attempt), app, generation, terms, requestHash, result: input.result, resultHash: sha(bytesOf(input.result)) };
      result.digest = resultOf(domainNamed(domain), result);
      result.signature = await signature(result.digest, privateKey(`of app, ${input.name}`));
      return result;
    }),
  );
}

/** A batch's results, bound to its own domain: made anew, for a batch holds requests of one contract. */
function batchItems(domain, count) {
  return Array.from({ length: count }, (_, i) => {
    const item = { id: decimal(i + 1), attempt: "1", app: made("an app"), generation: "1", terms: made(`terms ${i + 1}`), result: filler(`batch result ${i + 1}`, i) };
    item.requestHash = requestOf(domain, item);
    item.resultHash = sha(bytesOf(item.result));
    item.digest = resultOf(domain, item);
    return item;
  });
}

function batches(domainNamed) {
  const inputs = [["one-of-one", "development", 1, 1], ["three-of-four", "mainnet", 3, 4], ["five-of-seven", "ten-digits", 32, 7]];
  return Promise.all(
    inputs.map(async ([name, domain, count, n]) => {
      const items = batchItems(domainNamed(domain), count);
      const digest = batchOf(domainNamed(domain), items.map((item) => item.digest));
      return { name, domain, results: items, digest, proof: await proof(digest, n) };
    }),
  );
}

function lists(domainNamed) {
  const key = (i, expiry) => ({ app: made(`app ${i}`), key: addressOf(`key ${i}`), expiry: decimal(expiry) });
  const pay = (i, amount) => ({ to: addressOf(`payee ${i}`), amount: decimal(amount) });
  const keyCases = [["one", "development", 1n, [key(1, 1800000000n)], 1], ["register-and-remove", "mainnet", 2n, [key(1, 1800000000n), key(2, 0n), key(3, 2n ** 64n - 1n)], 4]];
  const payCases = [["one", "development", 1n, [pay(1, 10n ** 15n)], 1], ["largest", "ten-digits", 2n ** 64n - 1n, [pay(1, 0n), pay(2, 2n ** 256n - 1n), pay(1, 1n)], 4]];
  const memberCases = [["one", "development", 1n, 1, 1], ["seven", "mainnet", 2n, 7, 4], ["most", "small-address", 3n, 64, 7]];
  const digests = (name, cases, rest, words) =>
    Promise.all(
      cases.map(async ([label, domain, nonce, entries, n]) => {
        const digest = listOf(name, domainNamed(domain), nonce, entries.flatMap(words));
        return { name: label, domain, nonce: decimal(nonce), [rest]: entries, digest, proof: await proof(digest, n) };
      }),
    );
  return Promise.all([
    digests("keys", keyCases, "entries", ({ app, key: address, expiry }) => [app, address, expiry]),
    digests("payout", payCases, "payments", ({ to, amount }) => [to, amount]),
    digests("members", memberCases.map(([l, d, nonce, count, n]) => [l, d, nonce, Array.from({ length: count }, (_, i) => addressOf(`next member ${i + 1} of ${count}`)), n]), "next", (member) => [member]),
  ]);
}

/** Signatures over one digest, each wrong in one way. */
async function refusedSignatures() {
  const digest = made("a digest");
  const good = await signature(digest, privateKey("good"));
  const other = await signature(made("another digest"), privateKey("good"));
  const [r, s, v] = [good.bytes.slice(2, 66), good.bytes.slice(66, 130), good.bytes.slice(130)];
  const highS = (ORDER - BigInt(`0x${s}`)).toString(16).padStart(64, "0");
  const zero = "0".repeat(64);
  const flipped = v === "1b" ? "1c" : "1b";
  const bad = (name, reason, text) => ({ name, reason, bytes: `0x${text}` });
  return {
    digest,
    good,
    refused: [
      bad("high-s-twin", "high-s", r + highS + flipped),
      bad("s-over-order", "high-s", r + ORDER.toString(16) + v),
      bad("v-zero", "v", r + s + "00"),
      bad("v-one", "v", r + s + "01"),
      bad("v-29", "v", r + s + "1d"),
      bad("r-zero", "unrecoverable", zero + s + v),
      bad("r-order", "unrecoverable", ORDER.toString(16) + s + v),
      bad("s-zero", "unrecoverable", r + zero + v),
      bad("short", "length", r + s),
      bad("long", "length", r + s + v + "00"),
      bad("empty", "length", ""),
      bad("other-v", "other-signer", r + s + flipped),
      bad("other-digest", "other-signer", other.bytes.slice(2)),
    ],
  };
}

async function vectors() {
  const domainCases = domains();
  const domainNamed = (name) => domainCases.find((one) => one.name === name).domain;
  const requestCases = requests(domainNamed);
  const requestNamed = (name) => requestCases.find((one) => one.name === name);
  const [keys, payouts, members] = await lists(domainNamed);
  const names = ["domain", "terms", "request", "result", "batch", "keys", "payout", "members"];
  return {
    about: "Golden vectors of the on-chain digests; numbers are decimal strings, bytes are hex. Written by contracts/solidity/test/vectors.mjs.",
    tags: names.map((name) => ({ text: `sotto/${name}/v1`, hash: tag(name) })),
    empty: sha(Buffer.alloc(0)),
    domains: domainCases,
    requests: requestCases,
    results: await results(domainNamed, requestNamed),
    batches: await batches(domainNamed),
    keys,
    payouts,
    members,
    signatures: await refusedSignatures(),
  };
}

const text = `${JSON.stringify(await vectors(), null, 1)}\n`;
if (!process.argv.includes("--check")) {
  writeFileSync(target, text);
  console.log(`${text.length} bytes of vectors written`);
} else if (readFileSync(target, "utf8") === text) {
  console.log("the vectors are what the rules give");
} else {
  console.error("vectors: tests/vectors/digest.json differs from what the rules give: run `node test/vectors.mjs` and look at the difference");
  process.exitCode = 1;
}
