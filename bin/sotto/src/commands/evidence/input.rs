//! The forms in which evidence is handed around: raw, in digits, as JSON, as a folder of parts.
//!
//! Nothing is judged here and nothing is trusted: what is read goes to the verifier as bytes. Not
//! here: what the bytes mean.

use super::{bundle, folder, guess, verify::Source};
use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use serde_json::Value;
use sotto_attest::{Collateral, Endorsements, Evidence, Parts, nvidia, x509};
use sotto_types::TeeKind;
use std::path::{Path, PathBuf};

/// Bytes of one file, at most.
const FILE_MAX: u64 = 64 << 20;

/// What a source holds.
pub(crate) struct Found {
    /// One environment each, in the source's order.
    pub(crate) items: Vec<Item>,
    /// For a list of devices: the devices, which are judged as a whole.
    pub(crate) devices: Vec<nvidia::Device>,
}

impl From<Item> for Found {
    fn from(item: Item) -> Self {
        Self { items: vec![item], devices: vec![] }
    }
}

/// One environment's evidence, as it was found.
pub(crate) struct Item {
    /// What to call it when a file holds several.
    pub(crate) name: String,
    /// What is to be judged.
    pub(crate) evidence: Evidence,
    /// What came with it, or by options.
    pub(crate) endorsements: Endorsements,
    /// An image that the bundle names.
    pub(crate) image: Option<PathBuf>,
    /// What reading it had to leave out, in words.
    pub(crate) notes: Vec<String>,
    /// How many bytes that are no padding followed the quote.
    pub(crate) trailing: Option<usize>,
}

/// What is no evidence of any kind that is known.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {why}")]
pub(crate) struct Malformed {
    pub(crate) name: String,
    pub(crate) why: String,
}

/// All evidence of a source; never none.
///
/// # Errors
/// [`Malformed`] for what can be read and is no evidence; else what could not be read.
pub(crate) fn read(source: &Source) -> Result<Found> {
    let path = &source.file;
    let mut found =
        if path.is_dir() { folder::read(path, source.kind)? } else { of_file(path, source.kind)? };
    ensure!(!found.items.is_empty(), "{} holds no evidence", path.display());
    for item in &mut found.items {
        given(source, item)?;
    }
    Ok(found)
}

/// What the options add.
fn given(source: &Source, item: &mut Item) -> Result<()> {
    let endorsements = &mut item.endorsements;
    if let Some(path) = &source.collateral {
        endorsements.collateral = Some(collateral(path)?);
    }
    if let Some(path) = &source.signer {
        endorsements.signer = Some(bytes(path)?);
    }
    for path in &source.chain {
        file_under(endorsements, &bytes(path)?)
            .with_context(|| format!("{} is no endorsement", path.display()))?;
    }
    Ok(())
}

/// Intel's collateral in a file.
pub(crate) fn collateral(path: &Path) -> Result<Collateral> {
    serde_json::from_slice(&bytes(path)?)
        .with_context(|| format!("{} is no collateral", path.display()))
}

/// Puts a certificate, list, answer or manifest where it belongs.
pub(super) fn file_under(endorsements: &mut Endorsements, bytes: &[u8]) -> Result<()> {
    let pem = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    if bytes.trim_ascii_start().starts_with(b"<") {
        endorsements.rims.push(bytes.to_vec());
    } else if pem(b"-----BEGIN X509 CRL") {
        endorsements.crls.push(unwrapped(bytes)?);
    } else if pem(b"-----BEGIN ") {
        for certificate in x509::certificates_from_pem(bytes)? {
            endorsements.chain.push(certificate.der().to_vec());
        }
    } else if x509::Certificate::from_der(bytes).is_ok() {
        endorsements.chain.push(bytes.to_vec());
    } else if x509::Crl::from_der(bytes).is_ok() {
        endorsements.crls.push(bytes.to_vec());
    } else if bytes.starts_with(&[0x30]) {
        endorsements.ocsp.push(bytes.to_vec());
    } else {
        bail!("neither a certificate, a revocation list, an OCSP answer nor a manifest");
    }
    Ok(())
}

/// The bytes of one PEM block.
fn unwrapped(text: &[u8]) -> Result<Vec<u8>> {
    let text = std::str::from_utf8(text)?;
    let body: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    Ok(base64::engine::general_purpose::STANDARD.decode(body.trim())?)
}

fn of_file(path: &Path, kind: Option<TeeKind>) -> Result<Found> {
    let bytes = bytes(path)?;
    let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    match json(&bytes) {
        Some(value) => bundle::read(&value, &bytes, path, &name, kind),
        None => Ok(item(name, kind, plain(&bytes))?.into()),
    }
}

/// An object or list in JSON.
fn json(bytes: &[u8]) -> Option<Value> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    (value.is_object() || value.is_array()).then_some(value)
}

/// Bytes as they are, or what their hexadecimal or base64 digits say.
pub(super) fn plain(bytes: &[u8]) -> Vec<u8> {
    std::str::from_utf8(bytes).ok().and_then(digits).unwrap_or_else(|| bytes.to_vec())
}

/// What hexadecimal or base64 digits say; blanks and line ends are skipped.
pub(crate) fn digits(text: &str) -> Option<Vec<u8>> {
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
    let text: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    // PEM is text of its own, and its dashes are digits of base64's other alphabet.
    if text.is_empty() || text.starts_with("-----") {
        return None;
    }
    let hexadecimal = hex::decode(text.strip_prefix("0x").unwrap_or(&text)).ok();
    let engines = [STANDARD, URL_SAFE, STANDARD_NO_PAD, URL_SAFE_NO_PAD];
    hexadecimal.or_else(|| engines.iter().find_map(|engine| engine.decode(&text).ok()))
}

/// An item of one quote.
pub(crate) fn item(name: String, kind: Option<TeeKind>, quote: Vec<u8>) -> Result<Item> {
    item_of(name, kind, Parts { quote, ..Parts::default() })
}

/// An item of several parts.
pub(super) fn item_of(name: String, kind: Option<TeeKind>, mut parts: Parts) -> Result<Item> {
    let Some(kind) = kind.or_else(|| guess::kind(&parts.quote)) else {
        let why = "its bytes are no evidence of a kind that is known; name one by --kind".into();
        return Err(Malformed { name, why }.into());
    };
    let (mut notes, mut trailing) = (Vec::new(), None);
    let rest = behind(kind, &parts.quote).to_vec();
    parts.quote.truncate(parts.quote.len() - rest.len());
    if rest.iter().any(|byte| *byte != 0) {
        trailing = Some(rest.len());
    } else if !rest.is_empty() {
        let zeros = rest.len();
        notes.push(format!("{zeros} zero bytes after the quote were left out (a padded buffer)"));
    }
    Ok(Item {
        name,
        evidence: Evidence { kind, parts },
        endorsements: Endorsements::default(),
        image: None,
        notes,
        trailing,
    })
}

/// What follows a quote: some drivers hand out their whole buffer, zeros behind the quote.
fn behind(kind: TeeKind, quote: &[u8]) -> &[u8] {
    let intel = matches!(kind, TeeKind::Tdx | TeeKind::Sgx);
    let length = intel.then(|| sotto_attest::intel::length(quote)).flatten();
    length.and_then(|length| quote.get(length..)).unwrap_or_default()
}

/// The bytes of a file.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>> {
    let shown = path.display();
    let size = std::fs::metadata(path).with_context(|| format!("cannot read {shown}"))?.len();
    ensure!(size <= FILE_MAX, "{shown} has {size} bytes; evidence has at most {FILE_MAX}");
    std::fs::read(path).with_context(|| format!("cannot read {shown}"))
}
