//! `sotto verify`: a running service, judged by the evidence it gives over a fresh nonce.
//!
//! Two forms the field serves: ACI (`/v1/aci/attestation`, report data = SHA-256 over a statement
//! of key set and nonce) and the older `/v1/attestation/report`. What the service says beside its
//! evidence counts only where the evidence binds it. Not here: the channel's own keys, so a relay
//! that answers for another service is not seen unless its keys are compared.

use crate::commands::evidence::{self, Item};
use crate::screen::Screen;
use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use rand::RngCore as _;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use sotto_attest::{Endorsements, Expected, appraise, x509::Cache};
use std::path::PathBuf;
use std::process::ExitCode;

/// Bytes of an answer, at most.
const ANSWER_MAX: usize = 4 << 20;

/// Judge a running service.
#[derive(Args)]
pub(crate) struct Verify {
    /// Its address, as https://api.example
    url: String,

    /// Intel's collateral for its platform; what the service gives along by default
    #[arg(long, value_name = "FILE")]
    collateral: Option<PathBuf>,

    /// The certificate of what signed it (VCEK, VLEK)
    #[arg(long, value_name = "FILE")]
    signer: Option<PathBuf>,

    /// What to accept, in TOML; the base policy by default
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

/// What a service said, as far as this command looks.
struct Service {
    /// The items to judge: its own, and its GPUs'.
    items: Vec<(Item, Expected)>,
    /// What its evidence binds, in words.
    binds: Vec<(String, String)>,
}

impl Verify {
    pub(crate) async fn run(self, screen: &Screen) -> Result<ExitCode> {
        let mut nonce = [0; 32];
        rand::rngs::OsRng.fill_bytes(&mut nonce);
        let progress = screen.progress(format!("asking {}", self.url));
        let mut service = self.ask(&nonce).await?;
        drop(progress);
        let policy = evidence::policy(self.policy.as_deref())?;
        let now = evidence::moment(None)?;
        let mut cache = Cache::default();
        let mut worst: Option<sotto_attest::Appraisal> = None;
        let mut parts = Vec::new();
        for (item, expected) in &mut service.items {
            self.given(&mut item.endorsements)?;
            let verdict =
                appraise(&item.evidence, &item.endorsements, expected, &policy, now, &mut cache);
            evidence::tell(&verdict, &item.name, &policy, screen);
            let mut part = verdict.to_json();
            part["name"] = item.name.as_str().into();
            parts.push(part);
            let rank = |v: &sotto_attest::Appraisal| (v.authentic != Some(true), v.status);
            if worst.as_ref().is_none_or(|w| rank(&verdict) > rank(w)) {
                worst = Some(verdict);
            }
        }
        let worst = worst.context("the service gave no evidence")?;
        for (what, value) in &service.binds {
            screen.say(format!("  {what} {value}"));
        }
        let binds: serde_json::Map<_, _> =
            service.binds.into_iter().map(|(what, value)| (what, value.into())).collect();
        screen.object(&serde_json::json!({
            "url": self.url, "nonce": hex::encode(nonce), "binds": binds, "parts": parts,
        }));
        Ok(evidence::exit(&worst))
    }

    fn given(&self, endorsements: &mut Endorsements) -> Result<()> {
        if let Some(path) = &self.collateral {
            endorsements.collateral = Some(evidence::collateral(path)?);
        }
        if let Some(path) = &self.signer {
            endorsements.signer = Some(evidence::bytes(path)?);
        }
        Ok(())
    }

    /// The newer form first.
    async fn ask(&self, nonce: &[u8; 32]) -> Result<Service> {
        let base = self.url.trim_end_matches('/');
        let nonce_hex = hex::encode(nonce);
        let aci = format!("{base}/v1/aci/attestation?nonce={nonce_hex}");
        match crate::web::get(&aci, ANSWER_MAX).await {
            Ok(answer) => of_aci(&serde_json::from_slice(&answer)?, &nonce_hex),
            Err(first) => {
                let older = format!("{base}/v1/attestation/report?nonce={nonce_hex}");
                let answer = crate::web::get(&older, ANSWER_MAX)
                    .await
                    .with_context(|| format!("{first:#}; and the older form"))?;
                of_report(&serde_json::from_slice(&answer)?, nonce)
            }
        }
    }
}

/// ACI, version 1: report data is SHA-256 over a statement of the key set's digest and the nonce.
fn of_aci(answer: &Value, nonce: &str) -> Result<Service> {
    let version = answer["api_version"].as_str().unwrap_or_default();
    ensure!(version == "aci/1", "the service speaks `{version}`, not aci/1");
    let attestation = &answer["attestation"];
    let keyset = &attestation["workload_keyset"];
    ensure!(keyset.is_object(), "the service names no key set");
    // JCS (RFC 8785) of strings, lists and whole numbers: sorted keys and no blanks.
    let digest = format!("sha256:{}", hex::encode(Sha256::digest(canonical(keyset)?)));
    let statement = format!(
        r#"{{"keyset_digest":"{digest}","nonce":"{nonce}","purpose":"aci.report_data.v1"}}"#
    );
    let mut data = Sha256::digest(statement).to_vec();
    data.resize(64, 0);
    let mut item = found(&attestation["evidence"], "service")?;
    if let Some(collateral) = attestation["evidence"].get("collateral") {
        item.endorsements.collateral = serde_json::from_value(collateral.clone()).ok();
    }
    let mut binds = vec![("keyset_digest".to_owned(), digest)];
    if let Some(subject) = keyset["subject"].as_str() {
        binds.push(("subject".to_owned(), subject.to_owned()));
    }
    Ok(Service { items: vec![(item, Expected::report_data(&data)?)], binds })
}

/// RFC 8785 for what key sets hold.
fn canonical(value: &Value) -> Result<String> {
    Ok(match value {
        Value::Object(fields) => {
            let mut names: Vec<_> = fields.keys().collect();
            names.sort_by_key(|name| name.encode_utf16().collect::<Vec<_>>());
            let fields = names.into_iter().map(|name| {
                let value = canonical(fields.get(name).unwrap_or(&Value::Null))?;
                Ok(format!("{}:{value}", Value::String(name.clone())))
            });
            format!("{{{}}}", fields.collect::<Result<Vec<_>>>()?.join(","))
        }
        Value::Array(entries) => {
            let entries = entries.iter().map(canonical).collect::<Result<Vec<_>>>()?;
            format!("[{}]", entries.join(","))
        }
        Value::Number(number) if !number.is_i64() && !number.is_u64() => {
            bail!("the key set holds the number {number}, which is not whole")
        }
        plain => plain.to_string(),
    })
}

/// The older form: report data is the signing address (padded to 32 bytes) and the nonce.
fn of_report(answer: &Value, nonce: &[u8; 32]) -> Result<Service> {
    let address = answer["signing_address"].as_str().context("the service names no signing key")?;
    let key = hex::decode(address.strip_prefix("0x").unwrap_or(address))
        .context("the signing address is not in hexadecimal")?;
    ensure!(key.len() <= 32, "the signing address has {} bytes", key.len());
    let mut data = key;
    data.resize(32, 0);
    data.extend_from_slice(nonce);
    let item = found(answer, "service")?;
    let mut items = vec![(item, Expected::report_data(&data)?)];
    if let Some(payload) = answer["nvidia_payload"].as_str() {
        for device in evidence::devices(payload.as_bytes(), "gpu")?.items {
            items.push((device, Expected::nonce(nonce)?));
        }
    }
    Ok(Service { items, binds: vec![("signing_address".to_owned(), address.to_owned())] })
}

/// The evidence in an answer: digits, or an object that holds them.
fn found(value: &Value, name: &str) -> Result<Item> {
    let digits = value.as_str().or_else(|| {
        ["quote", "intel_quote", "tdx_quote", "evidence", "report", "document"]
            .into_iter()
            .find_map(|field| value.get(field)?.as_str())
    });
    let digits = digits.context("the service's answer holds no evidence that is known here")?;
    let bytes = evidence::digits(digits).context("its evidence is not in digits")?;
    evidence::item(name.into(), None, bytes)
}
