//! Evidence in JSON: a bundle that names parts, and the forms of several clouds and vendors. Not
//! here: trust in any of it.

use super::input::{self, Found, Item, Malformed};
use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value};
use sotto_attest::{Collateral, Parts, nvidia, tpm};
use sotto_types::TeeKind;
use std::path::{Path, PathBuf};

/// The items of a JSON text.
pub(super) fn read(
    value: &Value,
    text: &[u8],
    path: &Path,
    name: &str,
    kind: Option<TeeKind>,
) -> Result<Found> {
    let has = |field: &str| value.get(field).is_some();
    if value.is_array() || has("evidence_list") {
        return devices(text, name);
    }
    if has("hcl_report") || has("report") && value["quote"].is_object() {
        return Ok(of_azure(value, text, name, kind)?.into());
    }
    if has("tpm_quote") {
        let parts = tpm::from_json(text).map_err(|why| malformed(name, why))?;
        return Ok(input::item_of(name.into(), kind.or(Some(TeeKind::Tpm)), parts)?.into());
    }
    if let Some(report) = value.get("outblob").and_then(Value::as_str) {
        // What the kernel's report interface gives, as some tools write it down.
        let quote = input::digits(report).context("`outblob` holds no base64")?;
        return Ok(input::item(name.into(), kind, quote)?.into());
    }
    let object = value.as_object().context("neither an object nor a list")?;
    Ok(bundle(object, path, name, kind)?.into())
}

fn malformed(name: &str, why: impl ToString) -> Malformed {
    Malformed { name: name.into(), why: why.to_string() }
}

/// NVIDIA's list, one item a device.
pub(crate) fn devices(text: &[u8], name: &str) -> Result<Found> {
    let devices = nvidia::from_json(text).map_err(|why| malformed(name, why))?;
    let item = |(index, device): (usize, &nvidia::Device)| {
        let name = if devices.len() > 1 { format!("{name}[{index}]") } else { name.to_owned() };
        input::item_of(name, Some(TeeKind::Nvidia), device.parts.clone())
    };
    let items = devices.iter().enumerate().map(item).collect::<Result<_>>()?;
    Ok(Found { items, devices })
}

/// The verifier reads these forms itself; here only which hardware stands below.
fn of_azure(value: &Value, text: &[u8], name: &str, kind: Option<TeeKind>) -> Result<Item> {
    let tdx = value.get("td_quote").is_some();
    let found = if tdx { TeeKind::AzureTdx } else { TeeKind::AzureSnp };
    input::item(name.into(), Some(kind.unwrap_or(found)), text.to_vec())
}

/// The parts a bundle may name.
const PARTS: [&str; 11] = [
    "quote",
    "signature",
    "ak",
    "pcrs",
    "event_log",
    "ima_log",
    "ek_cert",
    "chain",
    "image",
    "signer",
    "collateral",
];

/// `{"quote": …, "signature": …, …}`: each value a file's name beside the bundle, digits in
/// hexadecimal or base64, or PEM.
fn bundle(
    object: &Map<String, Value>,
    path: &Path,
    name: &str,
    kind: Option<TeeKind>,
) -> Result<Item> {
    let beside = path.parent().unwrap_or(Path::new("."));
    let quote = object.get("quote").with_context(|| {
        format!(
            "{name} is JSON of a form that is not known here; a bundle names its parts: {}",
            PARTS.join(", ")
        )
    })?;
    let part = |field: &str| -> Result<Option<Vec<u8>>> {
        object.get(field).filter(|v| !v.is_null()).map(|v| value(v, beside, field)).transpose()
    };
    let kind = match object.get("kind").and_then(Value::as_str) {
        Some(said) if kind.is_none() => TeeKind::by_name(said),
        _ => kind,
    };
    let quote = value(quote, beside, "quote")?;
    let tpm = kind.or_else(|| super::guess::kind(&quote)) == Some(TeeKind::Tpm);
    let mut parts = Parts { quote, ..Parts::default() };
    let mut notes = Vec::new();
    if tpm {
        parts.signature = part("signature")?;
        parts.ak = part("ak")?;
        parts.pcrs = part("pcrs")?;
        // The verifier takes IMA's list behind the firmware's log.
        let logs = [part("event_log")?, part("ima_log")?];
        parts.event_log = logs.into_iter().flatten().reduce(|log, list| [log, list].concat());
        parts.ek_cert = part("ek_cert")?;
    } else if object.contains_key("event_log") {
        notes.push("the event log beside the quote was not replayed".to_owned());
    }
    let mut item = input::item_of(name.into(), kind, parts)?;
    item.notes.extend(notes);
    item.endorsements.signer = part("signer")?;
    for entry in list(object.get("chain")) {
        let bytes = value(entry, beside, "chain")?;
        input::file_under(&mut item.endorsements, &bytes)?;
    }
    if let Some(collateral) = object.get("collateral").filter(|v| !v.is_null()) {
        item.endorsements.collateral = Some(intel(collateral, beside)?);
    }
    if let Some(image) = object.get("image").filter(|v| !v.is_null()) {
        let image = image.as_str().context("`image` names a file")?;
        item.image = Some(beside.join(image));
    }
    Ok(item)
}

fn list(value: Option<&Value>) -> Vec<&Value> {
    match value {
        Some(Value::Array(all)) => all.iter().collect(),
        Some(Value::Null) | None => vec![],
        Some(one) => vec![one],
    }
}

fn intel(value: &Value, beside: &Path) -> Result<Collateral> {
    let value = match value {
        Value::String(file) => serde_json::from_slice(&input::bytes(&beside.join(file))?)?,
        other => other.clone(),
    };
    serde_json::from_value(value).context("`collateral` is none")
}

/// The bytes of one part.
fn value(value: &Value, beside: &Path, field: &str) -> Result<Vec<u8>> {
    match value {
        Value::String(text) => {
            let file: PathBuf = beside.join(text);
            if text.len() < 1024 && !text.is_empty() && file.is_file() {
                return input::bytes(&file).map(|bytes| input::plain(&bytes));
            }
            if text.starts_with("-----BEGIN") {
                return Ok(text.clone().into_bytes());
            }
            input::digits(text).with_context(|| {
                format!("`{field}` is neither a file beside the bundle nor digits in hexadecimal or base64")
            })
        }
        Value::Array(bytes) if bytes.iter().all(|byte| byte.as_u64().is_some_and(|b| b < 256)) => {
            Ok(bytes
                .iter()
                .filter_map(Value::as_u64)
                .filter_map(|b| u8::try_from(b).ok())
                .collect())
        }
        // PCR values as an object or list of digits: the verifier reads that form itself.
        Value::Object(_) | Value::Array(_) if field == "pcrs" => Ok(value.to_string().into_bytes()),
        _ => bail!("`{field}` is neither a file's name nor digits"),
    }
}
