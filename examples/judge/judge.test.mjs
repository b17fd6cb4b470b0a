// One piece of evidence of each kind, judged by the module that the page loads. Genuine evidence is
// not part of the repository: SOTTO_EVIDENCE names its folder; without it the test is skipped.
//
//   cargo build --release --target wasm32-unknown-unknown
//   node --test judge.test.mjs
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { hex, load } from "./judge.mjs";

const folder = process.env.SOTTO_EVIDENCE ?? new URL("../../../shared/evidence", import.meta.url).pathname;
const wasm = process.env.JUDGE_WASM ?? "target/wasm32-unknown-unknown/release/judge.wasm";
const skip = existsSync(`${folder}/index.json`) ? false : "no evidence folder";
const bytes = (name) => hex(readFileSync(`${folder}/${name}`));

const moment = (row) => {
  const start = (row.window ?? row.signer_valid ?? "2026-06-01").split("..")[0].replace(/Z$/, "");
  return Date.parse(start.length === 10 ? `${start}T23:59:59Z` : `${start}:59Z`) / 1000;
};

const asked = (row) => {
  const question = { kind: row.kind, quote: bytes(row.file), at: moment(row), unbound: true };
  if (row.collateral) question.collateral = JSON.parse(readFileSync(`${folder}/${row.collateral}`));
  if (row.signer && row.signer !== "-") question.signer = bytes(row.signer);
  if (row.kind === "cca") question.signer = bytes("cca/confidential-containers-trustee__cpak-pub.json");
  if (row.kind === "tpm") {
    for (const part of ["signature", "pcrs", "ak"]) question[part] = bytes(row[part]);
  }
  if (row.kind === "nvidia") {
    const [device] = JSON.parse(readFileSync(`${folder}/${row.file}`));
    question.quote = hex(Buffer.from(device.evidence, "base64"));
    const pem = Buffer.from(device.certificate, "base64").toString();
    const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
    const der = (block) => hex(Buffer.from(block.replace(/-----[^-]+-----|\s/g, ""), "base64"));
    question.chain = blocks.map(der);
  }
  return question;
};

test("one of each kind is genuine", { skip }, async () => {
  const judge = await load(readFileSync(wasm));
  const { evidence } = JSON.parse(readFileSync(`${folder}/index.json`));
  for (const kind of ["tdx", "sgx", "snp", "nitro", "azure-snp", "azure-tdx", "nvidia", "tpm", "cca"]) {
    const row = evidence.find((row) => row.kind === kind && row.expect.authentic);
    const verdict = judge(asked(row));
    assert.equal(verdict.authentic, true, `${kind}: ${JSON.stringify(verdict.reasons ?? verdict)}`);
    const last = asked(row);
    last.quote = `${last.quote.slice(0, 400)}${last.quote[400] === "0" ? "1" : "0"}${last.quote.slice(401)}`;
    assert.notEqual(judge(last).status, "affirming", `${kind}, one digit changed`);
  }
});

test("a question that is none has an answer that says so", async () => {
  const judge = await load(readFileSync(wasm));
  assert.match(judge({ kind: "tdx" }).error, /missing field/);
  assert.match(judge({ kind: "no", quote: "", at: 0, unbound: true }).error, /no such kind/);
});
