//! The HCL report: what Azure's paravisor leaves in the virtual TPM's NV index 0x01400001.
//!
//! Little-endian: a header of 32 bytes (`HCLA`, version, bytes used, request type, status, zeros);
//! 1,184 bytes with an SNP report, or a TD report and zeros; a header of 20 bytes (size with it,
//! version, type of report, type of hash, bytes of data); runtime data in JSON; zeros to the index's
//! end. The hash of the runtime data is the hardware report's data. Not here: the hardware's
//! signature.

use super::AzureError;
use crate::{hash::Hash, signature::PublicKey};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::Deserialize;
use sotto_types::TeeKind;

/// Bytes of an HCL report, at most.
const HCL_MAX: usize = 4096;
const HEADER: usize = 32;
const HARDWARE: usize = 1184;
const DATA_HEADER: usize = 20;
/// Bytes of user data, at most.
const USER_DATA_MAX: usize = 64;

/// An HCL report, taken apart; nothing in it is believed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hcl {
    /// [`TeeKind::AzureSnp`] or [`TeeKind::AzureTdx`].
    pub kind: TeeKind,
    /// The SNP report, or the TD report and zeros.
    pub hardware: Vec<u8>,
    /// The hash that binds the runtime data.
    pub hash: Hash,
    /// The runtime data (JSON).
    pub runtime: Vec<u8>,
}

/// What runtime data say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runtime {
    /// The virtual TPM's attestation key.
    pub ak: PublicKey,
    /// The VM's name (a UUID), 16 bytes in the order in which it is written.
    pub vm_id: Vec<u8>,
    /// The VM is configured to start securely.
    pub secure_boot: Option<bool>,
    /// What the guest wanted in the hardware report, at most 64 bytes.
    pub user_data: Vec<u8>,
}

/// Exactly one HCL report.
///
/// # Errors
/// [`AzureError`].
pub fn parse(bytes: &[u8]) -> Result<Hcl, AzureError> {
    if bytes.len() > HCL_MAX {
        let got = bytes.len();
        return Err(AzureError::TooLarge { what: "HCL report", got, max: HCL_MAX });
    }
    let short = AzureError::Hcl("cut short");
    let (header, rest) = bytes.split_at_checked(HEADER).ok_or(short.clone())?;
    let (hardware, rest) = rest.split_at_checked(HARDWARE).ok_or(short.clone())?;
    let (data_header, rest) = rest.split_at_checked(DATA_HEADER).ok_or(short.clone())?;
    let [magic, version, used, request, status, zeros @ ..] = numbers::<8>(header);
    let [size, data_version, report, hash, length] = numbers::<5>(data_header);
    if magic != u32::from_le_bytes(*b"HCLA") {
        return Err(AzureError::Hcl("it does not begin with HCLA"));
    }
    if !(1..=2).contains(&version) {
        return Err(AzureError::Version { what: "HCL report", value: version });
    }
    if data_version != 1 {
        return Err(AzureError::Version { what: "HCL runtime data", value: data_version });
    }
    if (request, status) != (2, 0) || zeros != [0; 3] {
        return Err(AzureError::Hcl("another request, status or reserved field"));
    }
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let (runtime, padding) = rest.split_at_checked(length).ok_or(short)?;
    let sizes = [DATA_HEADER + length, HEADER + HARDWARE + DATA_HEADER + length];
    if [size, used].map(usize::try_from) != sizes.map(Ok) {
        return Err(AzureError::Hcl("sizes that do not add up"));
    }
    if padding.iter().any(|byte| *byte != 0) {
        return Err(AzureError::Hcl("bytes behind the runtime data"));
    }
    let kind = match report {
        2 => TeeKind::AzureSnp,
        4 => TeeKind::AzureTdx,
        _ => return Err(AzureError::Hcl("neither of SNP nor of TDX")),
    };
    let hash = match hash {
        1 => Hash::Sha256,
        2 => Hash::Sha384,
        3 => Hash::Sha512,
        _ => return Err(AzureError::Hcl("a hash not spoken here")),
    };
    Ok(Hcl { kind, hardware: hardware.to_vec(), hash, runtime: runtime.to_vec() })
}

fn numbers<const N: usize>(bytes: &[u8]) -> [u32; N] {
    let mut numbers = [0; N];
    for (number, chunk) in numbers.iter_mut().zip(bytes.chunks_exact(4)) {
        *number = u32::from_le_bytes(chunk.try_into().unwrap_or_default());
    }
    numbers
}

#[derive(Deserialize)]
struct Json {
    keys: Vec<Jwk>,
    #[serde(rename = "vm-configuration")]
    configuration: Configuration,
    /// Early paravisors had none.
    #[serde(rename = "user-data", default)]
    user_data: String,
}

#[derive(Deserialize)]
struct Jwk {
    kid: String,
    kty: String,
    n: Option<String>,
    e: Option<String>,
}

#[derive(Deserialize)]
struct Configuration {
    #[serde(rename = "secure-boot")]
    secure_boot: Option<bool>,
    #[serde(rename = "vmUniqueId")]
    vm_id: String,
}

impl Hcl {
    /// The runtime data, read.
    ///
    /// # Errors
    /// [`AzureError`] for other JSON, and for none or several keys named `HCLAkPub`.
    pub fn runtime(&self) -> Result<Runtime, AzureError> {
        let json: Json = serde_json::from_slice(&self.runtime)
            .map_err(|error| runtime_is_not(&error.to_string()))?;
        let mut named = json.keys.iter().filter(|key| key.kid == "HCLAkPub");
        let (Some(key), None) = (named.next(), named.next()) else {
            return Err(AzureError::Runtime("not one HCLAkPub"));
        };
        let user_data = hex::decode(&json.user_data).ok();
        let vm_id = hex::decode(json.configuration.vm_id.replace('-', "")).ok();
        Ok(Runtime {
            ak: key.read().ok_or(AzureError::Runtime("HCLAkPub is no RSA key"))?,
            vm_id: vm_id
                .filter(|id| id.len() == 16)
                .ok_or(AzureError::Runtime("vmUniqueId is no UUID"))?,
            secure_boot: json.configuration.secure_boot,
            user_data: user_data
                .filter(|data| data.len() <= USER_DATA_MAX)
                .ok_or(AzureError::Runtime("user-data are no 64 bytes in hex"))?,
        })
    }

    /// The fields by name, for people. Nothing here is believed.
    pub fn describe(&self) -> Vec<(String, String)> {
        let mut fields = vec![
            ("hcl_kind".to_owned(), self.kind.name().to_owned()),
            ("runtime_hash".to_owned(), hex::encode(self.hash.digest(&[&self.runtime]))),
        ];
        if let Ok(runtime) = self.runtime() {
            fields.push(("vm_id".to_owned(), hex::encode(&runtime.vm_id)));
            fields.push(("ak".to_owned(), hex::encode(crate::tpm::fingerprint(&runtime.ak))));
            fields.push(("user_data".to_owned(), hex::encode(&runtime.user_data)));
        }
        fields
    }
}

impl Jwk {
    fn read(&self) -> Option<PublicKey> {
        if self.kty != "RSA" {
            return None;
        }
        let number = |text: &Option<String>| Base64UrlUnpadded::decode_vec(text.as_ref()?).ok();
        PublicKey::from_rsa(&number(&self.n)?, &number(&self.e)?).ok()
    }
}

/// The parser repeats what it was given: a refusal stays short, whatever that was.
fn runtime_is_not(why: &str) -> AzureError {
    AzureError::Json { what: "runtime data", why: why.chars().take(300).collect() }
}
