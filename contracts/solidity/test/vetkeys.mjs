// Envelopes by code that is not Sotto's: @dfinity/vetkeys for derivation and identity-based
// encryption, WebCrypto for HKDF and AES-256-GCM. Encrypting only is what JavaScript is trusted
// with: its decoders take more forms than one, so whether an envelope is valid is Rust's to say.
//
//   node vetkeys.mjs check          verifies tests/vectors/seal.json, prints counts as JSON
//   node vetkeys.mjs seal <json>    seals afresh, prints {"envelope": hex}
//
// SOTTO_NODE_MODULES names a folder that holds node_modules; without it, node's own rule applies.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const { subtle } = globalThis.crypto;
const VECTORS = fileURLToPath(new URL("../../../tests/vectors/seal.json", import.meta.url));
const HEAD = 201; // version 1, IBE header 8, c1 96, c2 32, c3 64
const TAG = 16;

/** An ESM-only package out of another folder: NODE_PATH does not count for `import`. */
async function load(name) {
  const folder = process.env.SOTTO_NODE_MODULES;
  if (!folder) return import(name);
  const root = join(folder, "node_modules", name);
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return import(pathToFileURL(join(root, exports["."].import)).href);
}

const vetkeys = await load("@dfinity/vetkeys");

const bytes = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));
const hex = (data) => Buffer.from(data).toString("hex");
const ascii = (text) => new TextEncoder().encode(text);
const sha256 = async (data) => new Uint8Array(await subtle.digest("SHA-256", data));
const u64 = (number) => {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt(number));
  return out;
};
const concat = (...parts) => Uint8Array.from(parts.flatMap((part) => [...part]));

/** HKDF-SHA256, salt absent (RFC 5869: the same as 32 zero bytes). */
async function hkdf(key, info, length) {
  const base = await subtle.importKey("raw", key, "HKDF", false, ["deriveBits"]);
  const how = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info };
  return new Uint8Array(await subtle.deriveBits(how, base, length * 8));
}

/** AES-256-GCM without associated data; the tag at the end. */
async function gcm(direction, key, nonce, data) {
  const imported = await subtle.importKey("raw", key, "AES-GCM", false, [direction]);
  return new Uint8Array(await subtle[direction]({ name: "AES-GCM", iv: nonce }, imported, data));
}

/** The app's key: level 1 is network ‖ app, level 2 the path. */
const appKey = (vaultKey, network, app, path) =>
  vetkeys.MasterPublicKey.deserialize(bytes(vaultKey))
    .deriveCanisterKey(concat(bytes(network), bytes(app)))
    .deriveSubKey(ascii(path));

/** 01 ‖ epoch, or 02 ‖ context id. */
const identityBytes = (identity) =>
  "epoch" in identity
    ? concat([1], u64(identity.epoch))
    : concat([2], bytes(identity.context));

const aadBytes = (network, app, aad) =>
  concat(
    ascii("sotto/aad/v1"),
    bytes(network),
    bytes(app),
    u64(aad.generation),
    ...[aad.chain, aad.consumer, aad.submitter, aad.context].map(bytes),
  );

/** 80, then zeros to 64, 256, 1,024, 4,096 … bytes. */
function padded(payload) {
  let size = 64;
  while (size <= payload.length) size *= 4;
  const out = new Uint8Array(size);
  out.set(payload);
  out[payload.length] = 0x80;
  return out;
}

function unpadded(data) {
  const length = data.findLastIndex((byte) => byte !== 0);
  assert.equal(data[length], 0x80, "no padding");
  assert.equal(padded(data.slice(0, length)).length, data.length, "another size class");
  return data.slice(0, length);
}

/** Key and nonce of the payload under K and this head. */
async function payloadKey(k, head) {
  const info = concat(ascii("sotto/seal/v1/aes-256-gcm"), await sha256(head));
  const okm = await hkdf(k, info, 44);
  return [okm.slice(0, 32), okm.slice(32)];
}

async function seal(key, identity, aad, payload, seed, k) {
  const message = concat(k, await sha256(aad));
  const kem = vetkeys.IbeCiphertext.encrypt(
    key,
    vetkeys.IbeIdentity.fromBytes(identity),
    message,
    vetkeys.IbeSeed.fromBytes(seed),
  ).serialize();
  const head = concat([1], kem);
  assert.equal(head.length, HEAD);
  return concat(head, await gcm("encrypt", ...(await payloadKey(k, head)), padded(payload)));
}

async function open(vetKey, aad, envelope) {
  assert.ok(envelope.length >= HEAD + TAG, "too short");
  assert.equal(envelope[0], 1, "another version");
  const head = envelope.slice(0, HEAD);
  const message = vetkeys.IbeCiphertext.deserialize(head.slice(1)).decrypt(vetKey);
  const k = message.slice(0, 32);
  assert.equal(hex(message.slice(32)), hex(await sha256(aad)), "other associated data");
  const data = await gcm("decrypt", ...(await payloadKey(k, head)), envelope.slice(HEAD));
  return { k, head, payload: unpadded(data) };
}

/** One message of a session: counter u96 ‖ ciphertext ‖ tag. */
async function message(k, head, direction, counter, payload) {
  const info = concat(ascii(`sotto/session/v1/${direction}`), await sha256(head));
  const nonce = concat(new Uint8Array(4), u64(counter));
  return concat(nonce, await gcm("encrypt", await hkdf(k, info, 32), nonce, payload));
}

/** The vetKey a share opens to; with one member the share is the whole. */
const opened = (share, secret, key, identity) =>
  vetkeys.EncryptedVetKey.deserialize(bytes(share)).decryptAndVerify(secret, key, identity);

async function checkEnvelope(vectors, secret, v) {
  const key = appKey(vectors.vault_key, v.network, v.app, v.path);
  const identity = identityBytes(v.identity);
  const aad = aadBytes(v.network, v.app, v.aad);
  assert.equal(hex(key.publicKeyBytes()), v.app_key, `${v.name}: app key`);
  assert.equal(hex(identity), v.identity_bytes, `${v.name}: identity`);
  assert.equal(hex(aad), v.aad_bytes, `${v.name}: associated data`);

  const [payload, k] = [bytes(v.payload), bytes(v.k)];
  const sealed = await seal(key, identity, aad, payload, bytes(v.seed), k);
  assert.equal(hex(sealed), v.envelope, `${v.name}: envelope`);
  assert.equal(hex(await sha256(sealed)), v.envelope_hash, `${v.name}: hash`);

  const vetKey = opened(v.share, secret, key, identity);
  assert.equal(hex(vetKey.serialize()), v.vet_key, `${v.name}: vetKey`);
  const inside = await open(vetKey, aad, bytes(v.envelope));
  assert.equal(hex(inside.payload), v.payload, `${v.name}: payload`);
  assert.equal(hex(inside.k), v.k, `${v.name}: K`);
  for (const [direction, sent] of [
    ["c2s", v.client_to_server],
    ["s2c", v.server_to_client],
  ]) {
    const expected = await message(k, inside.head, direction, 1, payload);
    assert.equal(hex(expected), sent, `${v.name}: ${direction}`);
  }
  return vetKey;
}

async function check() {
  const vectors = readVectors();
  const secret = vetkeys.TransportSecretKey.deserialize(bytes(vectors.transport_secret));
  assert.equal(hex(secret.publicKeyBytes()), vectors.transport_key, "transport key");
  const keys = [];
  for (const v of vectors.envelopes) keys.push(await checkEnvelope(vectors, secret, v));

  const { network, app } = vectors.envelopes[0];
  for (const bad of vectors.refused) {
    const aad = aadBytes(network, app, bad.aad);
    await assert.rejects(open(keys[0], aad, bytes(bad.envelope)), undefined, bad.name);
  }

  const { epoch, share, vet_key, secret: signing } = vectors.result;
  const identity = identityBytes({ epoch });
  const vetKey = opened(share, secret, appKey(vectors.vault_key, network, app, "result"), identity);
  assert.equal(hex(vetKey.serialize()), vet_key, "the result path's vetKey");
  const derived = await hkdf(bytes(vet_key), concat(ascii("sotto/result-key/v1"), [0]), 32);
  assert.equal(hex(derived), signing, "result key");

  const { request, blind, output, commitment } = vectors.commitment;
  const info = concat(ascii("sotto/output/v1"), bytes(request));
  assert.equal(hex(await hkdf(keys[0].serialize(), info, 32)), blind, "blind");
  const committed = concat(ascii("sotto/commit/v1"), bytes(blind), await sha256(bytes(output)));
  assert.equal(hex(await sha256(committed)), commitment, "commitment");
  return { envelopes: keys.length, refused: vectors.refused.length };
}

/** The one u64 beyond 2^53 keeps its digits as text. */
function readVectors() {
  const text = readFileSync(VECTORS, "utf8");
  return JSON.parse(text.replace(/("epoch": )(\d{16,})/g, '$1"$2"'));
}

async function sealFresh(text) {
  const { vault_key, network, app, path, identity, aad, payload } = JSON.parse(text);
  const [seed, k] = [0, 0].map(() => globalThis.crypto.getRandomValues(new Uint8Array(32)));
  const key = appKey(vault_key, network, app, path);
  const bound = aadBytes(network, app, aad);
  const envelope = await seal(key, identityBytes(identity), bound, bytes(payload), seed, k);
  return { envelope: hex(envelope) };
}

const [command, argument] = process.argv.slice(2);
if (command === "check") console.log(JSON.stringify(await check()));
else if (command === "seal" && argument) console.log(JSON.stringify(await sealFresh(argument)));
else {
  console.error("usage: node vetkeys.mjs check | seal <json>");
  process.exitCode = 2;
}
