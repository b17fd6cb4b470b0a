//! A TPM 2.0: measured boot, a quote over it, and a key that cannot leave.
//!
//! Spoken to by commands in bytes (TCG TPM 2.0 Library, part 3), through the kernel's resource
//! manager or a software TPM's socket. No C library stands between. Not here: judging a quote
//! (`attest`), and memory encryption, which no TPM gives: it says what was started, not who can
//! look in.

mod command;
#[cfg(test)]
pub(crate) mod made;
#[cfg(test)]
mod tests;
mod transport;

use crate::{TeeError, device};
use command::{Command, Reply};
use sotto_attest::{Parts, hash::Hash, tpm::pcrs};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
pub use transport::{Device, Socket, Transport};
use zeroize::Zeroizing;

/// Permanent handles (part 2, §7.4).
const OWNER: u32 = 0x4000_0001;
const NULL: u32 = 0x4000_0007;
const ENDORSEMENT: u32 = 0x4000_000B;
/// The certificate of the RSA endorsement key (TCG EK Credential Profile, §2.2.1.4).
const RSA_EK_CERTIFICATE: u32 = 0x01C0_0002;
/// Bytes of NV read at once: every TPM allows it.
const NV_CHUNK: u16 = 512;
/// Bytes of a certificate in NV, at most.
const NV_MAX: u16 = 4096;
/// PCRs of a bank (PC Client Platform TPM Profile, §4.6.2).
const PCRS: u8 = 24;
/// Algorithms (part 2, §6.3).
const SHA1: u16 = 0x0004;
const AES: u16 = 0x0006;
const SHA256: u16 = 0x000B;
const SHA384: u16 = 0x000C;
const SHA512: u16 = 0x000D;
const NONE: u16 = 0x0010;
const ECDSA: u16 = 0x0018;

/// A TPM.
pub struct Tpm {
    transport: Mutex<Box<dyn Transport>>,
}

/// A key in the TPM; its handle is to be flushed.
struct Key {
    handle: u32,
    /// `TPMT_PUBLIC`.
    public: Vec<u8>,
}

impl Tpm {
    /// Through any transport.
    pub fn new(transport: impl Transport + 'static) -> Self {
        Self { transport: Mutex::new(Box::new(transport)) }
    }

    /// The kernel's resource manager, `/dev/tpmrm0`.
    ///
    /// # Errors
    /// [`TeeError::Device`].
    pub fn system() -> Result<Self, TeeError> {
        Ok(Self::new(Device::open("/dev/tpmrm0")?))
    }

    /// Extends a PCR of one bank by a digest of that bank's size.
    ///
    /// # Errors
    /// [`TeeError::Device`].
    pub fn extend(&self, pcr: u8, bank: Hash, digest: &[u8]) -> Result<(), TeeError> {
        let command = Command::new(0x0182)
            .handle(pcr.into())
            .password()
            .u32(1)
            .u16(algorithm(bank))
            .bytes(digest);
        self.say(command).map(drop)
    }

    /// The values of some PCRs of one bank.
    ///
    /// # Errors
    /// [`TeeError::Device`], also for none and for a PCR above 23.
    pub fn pcrs(
        &self,
        bank: Hash,
        which: &BTreeSet<u8>,
    ) -> Result<BTreeMap<u8, Vec<u8>>, TeeError> {
        let which = selectable(which)?;
        let mut values = BTreeMap::new();
        // A TPM gives at most eight at once, in ascending order.
        for some in which.chunks(8) {
            let mut reply = self.say(Command::new(0x017E).selection(algorithm(bank), some))?;
            reply.u32()?;
            reply.selection()?;
            let count = reply.u32()?;
            if usize::try_from(count) != Ok(some.len()) {
                return Err(device(format!("{count} of {} PCRs in that bank", some.len())));
            }
            for pcr in some {
                values.insert(*pcr, reply.sized()?.to_vec());
            }
            reply.end()?;
        }
        Ok(values)
    }

    /// A quote of `which` PCRs of `bank` over `challenge` by this TPM's attestation key, with all
    /// that goes with it. A challenge may have two bytes more than the TPM's widest digest: 34 for
    /// certain. The values are read just before: if a PCR is extended between, they are not what
    /// was quoted, and the verifier says so.
    ///
    /// # Errors
    /// [`TeeError::Device`], also for none and for a PCR above 23.
    pub fn quote(
        &self,
        challenge: &[u8],
        bank: Hash,
        which: &BTreeSet<u8>,
    ) -> Result<Parts, TeeError> {
        let values = self.pcrs(bank, which)?;
        let key = self.attestation_key()?;
        let command = Command::new(0x0158)
            .handle(key.handle)
            .password()
            .sized(challenge)
            .u16(NONE)
            .selection(algorithm(bank), &selectable(which)?);
        let reply = self.say(command);
        self.flush(key.handle)?;
        let mut reply = reply?;
        reply.parameters()?;
        let quote = reply.sized()?.to_vec();
        let signature = reply.rest()?.to_vec();
        Ok(Parts {
            quote,
            signature: Some(signature),
            ak: Some(key.public),
            pcrs: Some(pcrs::to_text(&[(bank, values)].into()).into_bytes()),
            ek_cert: self.ek_certificate().ok(),
            ..Parts::default()
        })
    }

    /// The certificate of the RSA endorsement key (DER), as its maker left it in NV.
    ///
    /// # Errors
    /// [`TeeError::Device`] when there is none.
    pub fn ek_certificate(&self) -> Result<Vec<u8>, TeeError> {
        let mut public = self.say(Command::new(0x0169).raw_handle(RSA_EK_CERTIFICATE))?;
        let area = public.sized()?;
        let size = area.last_chunk::<2>().map(|size| u16::from_be_bytes(*size));
        let size = size.filter(|size| *size <= NV_MAX);
        let size = size.ok_or_else(|| device("the certificate's size in NV makes no sense"))?;
        let mut certificate = Vec::new();
        let mut offset = 0;
        while offset < size {
            let length = NV_CHUNK.min(size - offset);
            let command = Command::new(0x014E)
                .handle(OWNER)
                .raw_handle(RSA_EK_CERTIFICATE)
                .password()
                .u16(length)
                .u16(offset);
            let mut reply = self.say(command)?;
            reply.parameters()?;
            let read = reply.sized()?;
            if read.len() != usize::from(length) {
                return Err(device(format!("{} of {length} bytes read from NV", read.len())));
            }
            certificate.extend_from_slice(read);
            offset += length;
        }
        // Some makers fill the rest of the index.
        certificate.truncate(der_length(&certificate).unwrap_or(certificate.len()));
        Ok(certificate)
    }

    /// The secret of a credential that was made for this TPM's attestation key
    /// (`TPM2B_ID_OBJECT`, `TPM2B_ENCRYPTED_SECRET`): whoever returns it has both keys in one TPM.
    ///
    /// # Errors
    /// [`TeeError::Device`], also for a credential made for another key.
    pub fn activate(
        &self,
        id_object: &[u8],
        encrypted_secret: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, TeeError> {
        let endorsement = self.primary(&rsa_ek_template())?;
        let attestation = match self.attestation_key() {
            Ok(key) => key,
            Err(error) => {
                self.flush(endorsement.handle)?;
                return Err(error);
            }
        };
        let secret = self.activated(&attestation, &endorsement, &[id_object, encrypted_secret]);
        self.flush(attestation.handle)?;
        self.flush(endorsement.handle)?;
        secret
    }

    fn activated(
        &self,
        attestation: &Key,
        endorsement: &Key,
        credential: &[&[u8]; 2],
    ) -> Result<Zeroizing<Vec<u8>>, TeeError> {
        let session = self.endorsement_session()?;
        let command = Command::new(0x0147)
            .handle(attestation.handle)
            .handle(endorsement.handle)
            .password()
            .session(session)
            .bytes(&credential.concat());
        let reply = self.say(command);
        if reply.is_err() {
            // A session that was used successfully is gone; after a failure it is not.
            self.flush(session)?;
        }
        let mut reply = reply?;
        reply.parameters()?;
        Ok(Zeroizing::new(reply.sized()?.to_vec()))
    }

    /// A policy session that may use the endorsement key: its policy asks for the endorsement
    /// hierarchy's secret.
    fn endorsement_session(&self) -> Result<u32, TeeError> {
        let command = Command::new(0x0176)
            .raw_handle(NULL)
            .raw_handle(NULL)
            .sized(&[0; 16])
            .sized(&[])
            .bytes(&[1])
            .u16(NONE)
            .u16(SHA256);
        let session = self.say(command)?.u32()?;
        let secret = Command::new(0x0151)
            .handle(ENDORSEMENT)
            .raw_handle(session)
            .password()
            .sized(&[])
            .sized(&[])
            .sized(&[])
            .u32(0);
        match self.say(secret) {
            Ok(_) => Ok(session),
            Err(error) => {
                self.flush(session)?;
                Err(error)
            }
        }
    }

    /// The attestation key: a primary key from a fixed template, so the same after each start.
    fn attestation_key(&self) -> Result<Key, TeeError> {
        self.primary(&ecc_ak_template())
    }

    /// The public part of the attestation key (`TPMT_PUBLIC`).
    ///
    /// # Errors
    /// [`TeeError::Device`].
    pub fn attestation_public(&self) -> Result<Vec<u8>, TeeError> {
        let key = self.attestation_key()?;
        self.flush(key.handle)?;
        Ok(key.public)
    }

    /// The public part of the RSA endorsement key (`TPMT_PUBLIC`).
    ///
    /// # Errors
    /// [`TeeError::Device`].
    pub fn endorsement_public(&self) -> Result<Vec<u8>, TeeError> {
        let key = self.primary(&rsa_ek_template())?;
        self.flush(key.handle)?;
        Ok(key.public)
    }

    fn primary(&self, template: &[u8]) -> Result<Key, TeeError> {
        let command = Command::new(0x0131)
            .handle(ENDORSEMENT)
            .password()
            // No password and no data of our own.
            .sized(&[0; 4])
            .sized(template)
            .sized(&[])
            .u32(0);
        let mut reply = self.say(command)?;
        let handle = reply.u32()?;
        reply.parameters()?;
        Ok(Key { handle, public: reply.sized()?.to_vec() })
    }

    fn flush(&self, handle: u32) -> Result<(), TeeError> {
        self.say(Command::new(0x0165).raw_handle(handle)).map(drop)
    }

    fn say(&self, command: Command) -> Result<Reply, TeeError> {
        let bytes = command.finish();
        let mut transport = self.transport.lock().unwrap_or_else(PoisonError::into_inner);
        let reply = transport.transact(&bytes).map_err(|error| device(error.to_string()))?;
        Reply::parse(reply)
    }
}

/// The default template of an RSA endorsement key (EK Credential Profile, template L-1): its use
/// asks for PolicySecret of the endorsement hierarchy.
fn rsa_ek_template() -> Vec<u8> {
    const POLICY: [u8; 32] = [
        0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7,
        0x24, 0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14,
        0x69, 0xaa,
    ];
    let mut template = Vec::new();
    template.extend([0x0001, SHA256].map(u16::to_be_bytes).concat());
    template.extend(0x0003_00B2_u32.to_be_bytes());
    template.extend(32_u16.to_be_bytes());
    template.extend(POLICY);
    // AES-128 in CFB, no scheme, 2,048 bits, the default exponent, a modulus of zeros.
    template.extend([AES, 128, 0x0043, NONE, 2048].map(u16::to_be_bytes).concat());
    template.extend(0_u32.to_be_bytes());
    template.extend(256_u16.to_be_bytes());
    template.extend([0; 256]);
    template
}

/// An ECDSA key on P-256 that signs only what the TPM made: fixedTPM, fixedParent,
/// sensitiveDataOrigin, userWithAuth, noDA, restricted, sign.
fn ecc_ak_template() -> Vec<u8> {
    let mut template = Vec::new();
    template.extend([0x0023, SHA256].map(u16::to_be_bytes).concat());
    template.extend(0x0005_0472_u32.to_be_bytes());
    // No policy, no symmetric part, ECDSA with SHA-256, P-256, no KDF, an empty point.
    template.extend([0, NONE, ECDSA, SHA256, 0x0003, NONE, 0, 0].map(u16::to_be_bytes).concat());
    template
}

/// The PCRs of a selection that a TPM has and that says something: a quote over none is genuine and
/// worthless (CVE-2022-0317).
fn selectable(which: &BTreeSet<u8>) -> Result<Vec<u8>, TeeError> {
    match which.last() {
        None => Err(device("no PCR was named")),
        Some(last) if *last >= PCRS => Err(device(format!("there is no PCR {last}"))),
        Some(_) => Ok(which.iter().copied().collect()),
    }
}

/// How long the DER sequence at the start of `bytes` is, where it has a length in two bytes.
fn der_length(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [0x30, 0x82, high, low, ..] => {
            let length = 4 + usize::from(u16::from_be_bytes([*high, *low]));
            (length <= bytes.len()).then_some(length)
        }
        _ => None,
    }
}

const fn algorithm(bank: Hash) -> u16 {
    match bank {
        Hash::Sha1 => SHA1,
        Hash::Sha256 => SHA256,
        Hash::Sha384 => SHA384,
        Hash::Sha512 => SHA512,
    }
}
