//! Endorsements of platforms: fetched once, kept on disk, and never older than what was seen.
//!
//! Whoever can replay old genuine TCB info makes an unpatched machine look patched, so the store is
//! monotone: it refuses an evaluation number, an issue date or a list older than the newest it ever
//! gave. Intel's statements come from anything that speaks the PCCS interface (version 4) or from a
//! folder, AMD's certificates from the key distribution service. Not here: judging them (`attest`),
//! and HTTP, which is handed in as [`Fetch`].

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sotto_attest::{Collateral, x509::Crl};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Bytes of one answer, at most.
pub const ANSWER_MAX: usize = 8 << 20;

/// An answer over HTTP: the headers with lower-case names, and the body.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Headers.
    pub headers: BTreeMap<String, String>,
    /// Body.
    pub body: Vec<u8>,
}

/// Asks a server. The store chooses what, never how.
pub trait Fetch {
    /// The answer to GET `url`, of status 200 and at most [`ANSWER_MAX`] bytes.
    ///
    /// # Errors
    /// What went wrong, in words.
    fn get(&self, url: &str) -> Result<Answer, String>;
}

/// Where endorsements come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A PCCS, Intel's own service or a mirror: its address without the path.
    Pccs(String),
    /// A folder with `<tee>_<fmspc>.json` files of [`Collateral`].
    Folder(PathBuf),
}

/// Which of Intel's TEEs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intel {
    /// Software Guard Extensions.
    Sgx,
    /// Trust Domain Extensions.
    Tdx,
}

impl Intel {
    const fn name(self) -> &'static str {
        match self {
            Self::Sgx => "sgx",
            Self::Tdx => "tdx",
        }
    }
}

/// Which evaluation is asked for: Intel publishes each some months before it becomes the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evaluation {
    /// What verifiers use now.
    Standard,
    /// What they will use: for forecasts.
    Early,
}

/// Which platform a quote comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    /// Its TEE.
    pub tee: Intel,
    /// Its family, model, stepping, platform and custom SKU: 6 bytes.
    pub fmspc: [u8; 6],
    /// Whether the processor CA, not the platform CA, certified it.
    pub processor_ca: bool,
}

/// Why the store gives nothing.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The server or the network.
    #[error("{url}: {why}")]
    Fetch {
        /// What was asked.
        url: String,
        /// What went wrong.
        why: String,
    },
    /// An answer that is not what was asked for.
    #[error("{url} gave no {what}")]
    Answer {
        /// What was asked.
        url: String,
        /// What should have come.
        what: &'static str,
    },
    /// Older than what was seen: a replay, or a mirror that lags.
    #[error("{what}: {got} is older than {seen}, which was seen before")]
    Older {
        /// Which statement.
        what: String,
        /// The newest seen.
        seen: String,
        /// What came.
        got: String,
    },
    /// The disk.
    #[error("{0}: {1}")]
    Disk(PathBuf, std::io::Error),
}

/// The newest of each statement that was ever given, by its name.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Seen(BTreeMap<String, Mark>);

/// How new a statement is: compared by number, then by date (RFC 3339, so by text).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Mark {
    number: u64,
    date: String,
}

impl std::fmt::Display for Mark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "number {} of {}", self.number, self.date)
    }
}

/// The store, at a folder.
#[derive(Debug)]
pub struct CollateralStore {
    folder: PathBuf,
}

impl CollateralStore {
    /// Opens it; the folder is made if it is not there.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let folder = folder.into();
        std::fs::create_dir_all(&folder).map_err(|error| disk(&folder, error))?;
        Ok(Self { folder })
    }

    /// Collateral for an Intel platform, fresh from `source`. The standard evaluation is kept and
    /// must not be older than any that was given before; the early one is only handed on.
    ///
    /// # Errors
    /// Every [`StoreError`]. On an error what was kept stays as it is.
    pub fn intel(
        &self,
        platform: &Platform,
        evaluation: Evaluation,
        source: &Source,
        fetch: &dyn Fetch,
    ) -> Result<Collateral, StoreError> {
        let fresh = match source {
            Source::Pccs(url) => from_pccs(url, platform, evaluation, fetch)?,
            Source::Folder(folder) => from_file(&folder.join(file_name(platform)))?,
        };
        if evaluation == Evaluation::Standard {
            self.keep(platform, &fresh)?;
        }
        Ok(fresh)
    }

    /// The newest collateral that was given for a platform, without asking anybody.
    ///
    /// # Errors
    /// [`StoreError::Disk`] when there is none.
    pub fn kept(&self, platform: &Platform) -> Result<Collateral, StoreError> {
        from_file(&self.folder.join(file_name(platform)))
    }

    fn keep(&self, platform: &Platform, fresh: &Collateral) -> Result<(), StoreError> {
        let path = self.folder.join("seen.json");
        let mut seen: Seen = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| disk(&path, std::io::Error::other(error)))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Seen::default(),
            Err(error) => return Err(disk(&path, error)),
        };
        for (what, mark) in marks(platform, fresh)? {
            match seen.0.get(&what) {
                Some(newest) if mark < *newest => {
                    let (seen, got) = (newest.to_string(), mark.to_string());
                    return Err(StoreError::Older { what, seen, got });
                }
                _ => seen.0.insert(what, mark),
            };
        }
        // The marks first: a crash between the two must not let an older one in again.
        write(&path, &seen)?;
        write(&self.folder.join(file_name(platform)), fresh)
    }

    /// AMD's certificate of one chip at one TCB: for ever the same, so it is asked for once. `query`
    /// is the path below the service, as `vcek/v1/Milan/<chip>?blSPL=03&…`.
    ///
    /// # Errors
    /// Every [`StoreError`] but `Older`.
    pub fn amd_certificate(
        &self,
        service: &str,
        query: &str,
        fetch: &dyn Fetch,
    ) -> Result<Vec<u8>, StoreError> {
        let name: String =
            query.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let path = self.folder.join(format!("{name}.der"));
        if let Ok(kept) = std::fs::read(&path) {
            return Ok(kept);
        }
        let url = format!("{}/{query}", service.trim_end_matches('/'));
        let der = get(fetch, &url)?.body;
        if sotto_attest::x509::Certificate::from_der(&der).is_err() {
            return Err(StoreError::Answer { url, what: "certificate" });
        }
        put(&path, &der)?;
        Ok(der)
    }
}

fn file_name(platform: &Platform) -> String {
    let fmspc: String = platform.fmspc.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}_{fmspc}.json", platform.tee.name())
}

fn from_file(path: &Path) -> Result<Collateral, StoreError> {
    let bytes = std::fs::read(path).map_err(|error| disk(path, error))?;
    serde_json::from_slice(&bytes)
        .map_err(|_| StoreError::Answer { url: path.display().to_string(), what: "collateral" })
}

/// How new each statement of some collateral is.
fn marks(platform: &Platform, fresh: &Collateral) -> Result<Vec<(String, Mark)>, StoreError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Body {
        issue_date: String,
        tcb_evaluation_data_number: u64,
    }
    let name = file_name(platform);
    let bad = |what| StoreError::Answer { url: name.clone(), what };
    let body = |text: &str, what| -> Result<Mark, StoreError> {
        let body: Body = serde_json::from_str(text).map_err(|_| bad(what))?;
        Ok(Mark { number: body.tcb_evaluation_data_number, date: body.issue_date })
    };
    let list = |der: &[u8]| -> Result<Mark, StoreError> {
        let list = Crl::from_der(der).map_err(|_| bad("revocation list"))?;
        Ok(Mark { number: list.window("").not_before.0, date: String::new() })
    };
    let ca = if platform.processor_ca { "processor" } else { "platform" };
    Ok(vec![
        (format!("TCB info {name}"), body(&fresh.tcb_info, "TCB info")?),
        (format!("QE identity {}", platform.tee.name()), body(&fresh.qe_identity, "QE identity")?),
        ("root CRL".into(), list(&fresh.root_ca_crl)?),
        (format!("{ca} CRL"), list(&fresh.pck_crl)?),
    ])
}

fn from_pccs(
    base: &str,
    platform: &Platform,
    evaluation: Evaluation,
    fetch: &dyn Fetch,
) -> Result<Collateral, StoreError> {
    let base = base.trim_end_matches('/');
    let tee = platform.tee.name();
    let fmspc: String = platform.fmspc.iter().map(|byte| format!("{byte:02X}")).collect();
    let update = match evaluation {
        Evaluation::Standard => "standard",
        Evaluation::Early => "early",
    };
    let ca = if platform.processor_ca { "processor" } else { "platform" };
    let (tcb_info_issuer_chain, tcb_info, tcb_info_signature) = signed(
        fetch,
        &format!("{base}/{tee}/certification/v4/tcb?fmspc={fmspc}&update={update}"),
        &["tcb-info-issuer-chain", "sgx-tcb-info-issuer-chain"],
        "tcbInfo",
    )?;
    let (qe_identity_issuer_chain, qe_identity, qe_identity_signature) = signed(
        fetch,
        &format!("{base}/{tee}/certification/v4/qe/identity?update={update}"),
        &["sgx-enclave-identity-issuer-chain"],
        "enclaveIdentity",
    )?;
    let url = format!("{base}/sgx/certification/v4/pckcrl?ca={ca}&encoding=der");
    let list = get(fetch, &url)?;
    let pck_crl_issuer_chain = header(&list, &url, &["sgx-pck-crl-issuer-chain"])?;
    let root = get(fetch, &format!("{base}/sgx/certification/v4/rootcacrl"))?;
    Ok(Collateral {
        pck_crl_issuer_chain,
        root_ca_crl: digits(&root.body),
        pck_crl: digits(&list.body),
        tcb_info_issuer_chain,
        tcb_info,
        tcb_info_signature,
        qe_identity_issuer_chain,
        qe_identity,
        qe_identity_signature,
        pck_certificate_chain: None,
    })
}

/// A signed statement: its issuer chain, its body to the byte, its signature.
fn signed(
    fetch: &dyn Fetch,
    url: &str,
    headers: &[&str],
    field: &'static str,
) -> Result<(String, String, Vec<u8>), StoreError> {
    let answer = get(fetch, url)?;
    let chain = header(&answer, url, headers)?;
    let bad = || StoreError::Answer { url: url.into(), what: field };
    let parts: BTreeMap<String, &RawValue> =
        serde_json::from_slice(&answer.body).map_err(|_| bad())?;
    let body = parts.get(field).ok_or_else(bad)?.get().to_owned();
    let signature = parts.get("signature").ok_or_else(bad)?.get().trim_matches('"');
    Ok((chain, body, hex::decode(signature).map_err(|_| bad())?))
}

fn header(answer: &Answer, url: &str, names: &[&str]) -> Result<String, StoreError> {
    let value = names.iter().find_map(|name| answer.headers.get(*name));
    let missing = || StoreError::Answer { url: url.into(), what: "issuer chain" };
    let text = percent_encoding::percent_decode_str(value.ok_or_else(missing)?);
    Ok(text.decode_utf8().map_err(|_| missing())?.into_owned())
}

/// PCCS gives lists as DER or as the digits of it.
fn digits(body: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(body).ok().map(str::trim);
    text.and_then(|text| hex::decode(text).ok()).unwrap_or_else(|| body.to_vec())
}

fn get(fetch: &dyn Fetch, url: &str) -> Result<Answer, StoreError> {
    let failed = |why: String| StoreError::Fetch { url: url.into(), why };
    let answer = fetch.get(url).map_err(failed)?;
    if answer.body.len() > ANSWER_MAX {
        return Err(failed(format!("{} bytes, at most {ANSWER_MAX} are read", answer.body.len())));
    }
    Ok(answer)
}

fn write(path: &Path, value: &impl Serialize) -> Result<(), StoreError> {
    let bytes = serde_json::to_vec_pretty(value)
        .map_err(|error| disk(path, std::io::Error::other(error)))?;
    put(path, &bytes)
}

/// Writes a whole file or nothing.
fn put(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    use std::io::Write as _;
    let draft = path.with_extension("draft");
    let whole = || -> std::io::Result<()> {
        let mut file = std::fs::File::create(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&draft, path)
    };
    whole().map_err(|error| disk(path, error))
}

fn disk(path: &Path, error: std::io::Error) -> StoreError {
    StoreError::Disk(path.to_owned(), error)
}
