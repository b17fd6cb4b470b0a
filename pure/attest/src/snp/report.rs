//! The report as bytes: 1,184 of them, little-endian (AMD 56860, `ATTESTATION_REPORT`).
//!
//! Bytes that must be zero are, for bytes without a meaning would let one report have two forms;
//! what the signature does not cover is refused unless it is zero. Not here: any verdict.

use crate::Code;

/// Bytes of a report.
pub const SIZE: usize = 1184;
/// Bytes that the signature covers.
const SIGNED: usize = 0x2a0;
/// Bytes of r and of s in the signature, little-endian; a P-384 scalar fills the first 48.
const SCALAR: usize = 72;

/// Why bytes are no report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// Another length.
    #[error("an SNP report has {SIZE} bytes, not {0}")]
    Length(usize),
    /// A version not spoken here.
    #[error("SNP report version {0} is not spoken, only 2 to 5")]
    Version(u32),
    /// Not signed by ECDSA on P-384 with SHA-384.
    #[error("signature algorithm {0} is not spoken, only 1 (ECDSA P-384 with SHA-384)")]
    Algorithm(u32),
    /// A `SIGNING_KEY` that means nothing.
    #[error("signing key {0} is none of VCEK (0), VLEK (1) and none (7)")]
    SigningKey(u32),
    /// A byte or bit that must be zero is not.
    #[error("a reserved part at {0:#x} is not zero")]
    Reserved(usize),
}

impl ReportError {
    /// The finding it is.
    pub const fn code(self) -> Code {
        match self {
            Self::Version(_) => Code::UnknownVersion,
            _ => Code::Malformed,
        }
    }
}

/// Which key the firmware says it signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningKey {
    /// The chip's.
    Vcek,
    /// The cloud's.
    Vlek,
    /// It did not sign.
    None,
}

impl SigningKey {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vcek => "VCEK",
            Self::Vlek => "VLEK",
            Self::None => "none",
        }
    }
}

/// The guest's policy (AMD 56860, `GUEST_POLICY`): what the host may do with the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuestPolicy(pub u64);

impl GuestPolicy {
    const fn bit(self, bit: u32) -> bool {
        self.0 >> bit & 1 == 1
    }

    /// The oldest firmware interface it runs on (major, minor).
    pub const fn abi(self) -> (u8, u8) {
        let [minor, major, ..] = self.0.to_le_bytes();
        (major, minor)
    }

    /// SMT is allowed.
    pub const fn smt(self) -> bool {
        self.bit(16)
    }

    /// A migration agent is allowed.
    pub const fn migratable(self) -> bool {
        self.bit(18)
    }

    /// Debugging is allowed: the host may read the guest's memory.
    pub const fn debug(self) -> bool {
        self.bit(19)
    }

    /// One socket only.
    pub const fn single_socket(self) -> bool {
        self.bit(20)
    }

    /// Bit 17 is one and the bits from 26 are zero, as they must be.
    pub const fn reserved_as_specified(self) -> bool {
        self.bit(17) && self.0 >> 26 == 0
    }
}

/// A processor by `CPUID` function 1: base and extended values combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cpuid {
    /// Family.
    pub family: u8,
    /// Model.
    pub model: u8,
    /// Stepping.
    pub stepping: u8,
}

/// A version of the firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Firmware {
    /// Major interface version.
    pub major: u8,
    /// Minor interface version.
    pub minor: u8,
    /// Build.
    pub build: u8,
}

/// A report, read and not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// `VERSION`, 2 to 5.
    pub version: u32,
    /// `GUEST_SVN`, from the guest's ID block.
    pub guest_svn: u32,
    /// `POLICY`.
    pub policy: GuestPolicy,
    /// `FAMILY_ID`, from the ID block.
    pub family_id: [u8; 16],
    /// `IMAGE_ID`, from the ID block.
    pub image_id: [u8; 16],
    /// `VMPL` of whoever asked, 0 the most privileged; all ones when the host did.
    pub vmpl: u32,
    /// `CURRENT_TCB`: what runs now.
    pub current_tcb: [u8; 8],
    /// `PLATFORM_INFO`.
    pub platform_info: u64,
    /// `AUTHOR_KEY_EN`: an author key signed the ID key.
    pub author_key: bool,
    /// `MASK_CHIP_KEY`: the host keeps the firmware from signing with the chip's key.
    pub mask_chip_key: bool,
    /// `SIGNING_KEY`.
    pub signing_key: SigningKey,
    /// `REPORT_DATA`, the guest's own.
    pub report_data: [u8; 64],
    /// `MEASUREMENT` of what was launched.
    pub measurement: [u8; 48],
    /// `HOST_DATA`, given by the host at launch.
    pub host_data: [u8; 32],
    /// `ID_KEY_DIGEST`: SHA-384 of the key that signed the ID block.
    pub id_key_digest: [u8; 48],
    /// `AUTHOR_KEY_DIGEST`: SHA-384 of the key that signed the ID key.
    pub author_key_digest: [u8; 48],
    /// `REPORT_ID` of the guest.
    pub report_id: [u8; 32],
    /// `REPORT_ID_MA` of its migration agent; all ones without one.
    pub report_id_ma: [u8; 32],
    /// `REPORTED_TCB`: what the signing key was derived for.
    pub reported_tcb: [u8; 8],
    /// The processor, from version 3 on.
    pub cpuid: Option<Cpuid>,
    /// `CHIP_ID`; zero when the host masks it.
    pub chip_id: [u8; 64],
    /// `COMMITTED_TCB`: what the platform cannot go back below.
    pub committed_tcb: [u8; 8],
    /// The firmware that runs now.
    pub current: Firmware,
    /// The firmware it cannot go back below.
    pub committed: Firmware,
    /// `LAUNCH_TCB`: what ran when the guest was launched or taken in.
    pub launch_tcb: [u8; 8],
    /// `LAUNCH_MIT_VECTOR` and `CURRENT_MIT_VECTOR`, from version 5 on.
    pub mitigations: Option<(u64, u64)>,
    signed: Vec<u8>,
    signature: [u8; 96],
}

impl Report {
    /// The bytes that the signature covers.
    pub fn signed(&self) -> &[u8] {
        &self.signed
    }

    /// r ‖ s, big-endian, 48 bytes each.
    pub const fn signature(&self) -> &[u8; 96] {
        &self.signature
    }

    /// Whether the host masked the chip's name.
    pub fn chip_id_masked(&self) -> bool {
        self.chip_id == [0; 64]
    }

    /// Whether the firmware says that it checked for aliased memory and found none.
    pub const fn alias_checked(&self) -> bool {
        self.platform_info >> 5 & 1 == 1
    }
}

impl core::fmt::Display for Firmware {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.build)
    }
}

/// A place in the report; it stands in bounds, for the length was checked.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn slice(&mut self, size: usize) -> Result<&'a [u8], ReportError> {
        let end = self.at.saturating_add(size);
        let slice = self.bytes.get(self.at..end).ok_or(ReportError::Length(self.bytes.len()))?;
        self.at = end;
        Ok(slice)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ReportError> {
        self.slice(N)?.try_into().map_err(|_| ReportError::Length(self.bytes.len()))
    }

    fn u32(&mut self) -> Result<u32, ReportError> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, ReportError> {
        self.array().map(u64::from_le_bytes)
    }

    /// Zeros up to the offset `end`.
    fn zeros(&mut self, end: usize) -> Result<(), ReportError> {
        let start = self.at;
        let zeros = self.slice(end.saturating_sub(start))?;
        let odd = zeros.iter().position(|b| *b != 0);
        odd.map_or(Ok(()), |odd| Err(ReportError::Reserved(start + odd)))
    }

    fn firmware(&mut self) -> Result<Firmware, ReportError> {
        let [build, minor, major] = self.array()?;
        self.zeros(self.at + 1)?;
        Ok(Firmware { major, minor, build })
    }

    /// A scalar of the signature, big-endian.
    fn scalar(&mut self) -> Result<[u8; 48], ReportError> {
        let end = self.at + SCALAR;
        let mut scalar: [u8; 48] = self.array()?;
        scalar.reverse();
        self.zeros(end)?;
        Ok(scalar)
    }
}

/// A report from exactly its bytes.
///
/// # Errors
/// [`ReportError`].
pub fn parse(bytes: &[u8]) -> Result<Report, ReportError> {
    if bytes.len() != SIZE {
        return Err(ReportError::Length(bytes.len()));
    }
    let mut r = Reader { bytes, at: 0 };
    let version = r.u32()?;
    if !(2..=5).contains(&version) {
        return Err(ReportError::Version(version));
    }
    let guest_svn = r.u32()?;
    let policy = GuestPolicy(r.u64()?);
    let (family_id, image_id) = (r.array()?, r.array()?);
    let vmpl = r.u32()?;
    let algorithm = r.u32()?;
    if algorithm != 1 {
        return Err(ReportError::Algorithm(algorithm));
    }
    let (current_tcb, platform_info) = (r.array()?, r.u64()?);
    let (author_key, mask_chip_key, signing_key) = key_info(r.u32()?)?;
    r.zeros(0x50)?;
    let report_data = r.array()?;
    let (measurement, host_data) = (r.array()?, r.array()?);
    let (id_key_digest, author_key_digest) = (r.array()?, r.array()?);
    let (report_id, report_id_ma) = (r.array()?, r.array()?);
    let reported_tcb = r.array()?;
    let cpuid = if version >= 3 { Some(cpuid(&mut r)?) } else { None };
    r.zeros(0x1a0)?;
    let (chip_id, committed_tcb) = (r.array()?, r.array()?);
    let (current, committed) = (r.firmware()?, r.firmware()?);
    let launch_tcb = r.array()?;
    let mitigations = if version >= 5 { Some((r.u64()?, r.u64()?)) } else { None };
    r.zeros(SIGNED)?;
    let signature = [r.scalar()?, r.scalar()?].concat();
    r.zeros(SIZE)?;
    Ok(Report {
        version,
        guest_svn,
        policy,
        family_id,
        image_id,
        vmpl,
        current_tcb,
        platform_info,
        author_key,
        mask_chip_key,
        signing_key,
        report_data,
        measurement,
        host_data,
        id_key_digest,
        author_key_digest,
        report_id,
        report_id_ma,
        reported_tcb,
        cpuid,
        chip_id,
        committed_tcb,
        current,
        committed,
        launch_tcb,
        mitigations,
        signed: bytes.get(..SIGNED).unwrap_or_default().to_vec(),
        signature: signature.try_into().map_err(|_| ReportError::Length(bytes.len()))?,
    })
}

fn cpuid(r: &mut Reader<'_>) -> Result<Cpuid, ReportError> {
    let [family, model, stepping] = r.array()?;
    Ok(Cpuid { family, model, stepping })
}

/// `AUTHOR_KEY_EN`, `MASK_CHIP_KEY` and `SIGNING_KEY` (offset 0x48).
fn key_info(bits: u32) -> Result<(bool, bool, SigningKey), ReportError> {
    if bits >> 5 != 0 {
        return Err(ReportError::Reserved(0x48));
    }
    let signing_key = match bits >> 2 & 7 {
        0 => SigningKey::Vcek,
        1 => SigningKey::Vlek,
        7 => SigningKey::None,
        other => return Err(ReportError::SigningKey(other)),
    };
    Ok((bits & 1 == 1, bits & 2 == 2, signing_key))
}
