//! The bytes of a report: request, measurement blocks, opaque fields. Nothing is believed here. Not
//! here: certificates and signatures.

use std::collections::BTreeMap;

/// Bytes of a report, at most. Genuine ones have about 4 KiB.
const REPORT_MAX: usize = 64 << 10;
/// Bytes of the signature: r ‖ s on P-384.
pub const SIGNATURE_LEN: usize = 96;
const NONCE_LEN: usize = 32;

/// Why bytes are no report, or a file holds none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NvidiaError {
    /// Larger than any report.
    #[error("{got} bytes, at most {max}")]
    TooLong {
        /// Bytes given.
        got: usize,
        /// The limit.
        max: usize,
    },
    /// It ends within a field.
    #[error("cut short in {0}")]
    CutShort(&'static str),
    /// Bytes after the end.
    #[error("{bytes} bytes left over after {what}")]
    LeftOver {
        /// After what.
        what: &'static str,
        /// How many.
        bytes: usize,
    },
    /// A version that is not spoken here.
    #[error("{what} has version {version:#x}")]
    Version {
        /// Of what.
        what: &'static str,
        /// Which.
        version: u64,
    },
    /// A field without the value it must have.
    #[error("{what} is {value:#x}")]
    Field {
        /// Which field.
        what: &'static str,
        /// Its value.
        value: u64,
    },
    /// An index or type that stands there twice.
    #[error("{what} {number} stands there twice")]
    Twice {
        /// Measurement or opaque field.
        what: &'static str,
        /// Its number.
        number: u16,
    },
    /// Not the text form that was said.
    #[error("not {0}")]
    Text(&'static str),
}

/// One measurement (DSP0274, DMTF specification format).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// `DMTFSpecMeasurementValueType`: the kind of what was measured; bit 7 says raw bytes instead
    /// of a digest.
    pub kind: u8,
    /// The value.
    pub value: Vec<u8>,
}

/// A report: one request and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The request's nonce: the verifier's challenge.
    pub nonce: [u8; NONCE_LEN],
    /// The certificate slot asked for.
    pub slot: u8,
    /// The device's own nonce.
    pub device_nonce: [u8; NONCE_LEN],
    /// Measurements by SPDM index, from 1.
    pub blocks: BTreeMap<u8, Block>,
    /// Opaque fields by NVIDIA's type number.
    pub opaque: BTreeMap<u16, Vec<u8>>,
    /// r ‖ s over all bytes before it.
    pub signature: [u8; SIGNATURE_LEN],
}

/// NVIDIA's numbers of opaque fields that are read here (NVIDIA/attestation-sdk,
/// `gpu_opaque_data_parser.hpp` and `switch_opaque_data_parser.hpp`).
pub(super) mod field {
    pub(in super::super) const DRIVER_VERSION: u16 = 3;
    pub(in super::super) const VBIOS_VERSION: u16 = 6;
    pub(in super::super) const NVDEC0_STATUS: u16 = 11;
    pub(in super::super) const FWID: u16 = 20;
    pub(in super::super) const PDI: u16 = 22;
    pub(in super::super) const VERSION: u16 = 34;
    pub(in super::super) const CHIP_INFO: u16 = 35;
}

/// Exactly one report.
///
/// # Errors
/// [`NvidiaError`]: anything but an SPDM 1.1 request for all measurements with a signature, its
/// answer, and nothing after it.
pub fn parse(bytes: &[u8]) -> Result<Report, NvidiaError> {
    if bytes.len() > REPORT_MAX {
        return Err(NvidiaError::TooLong { got: bytes.len(), max: REPORT_MAX });
    }
    let mut reader = Reader(bytes);
    let (nonce, slot) = request(&mut reader)?;
    let count = response_head(&mut reader, slot)?;
    let length = reader.number(3, "measurement record length")?;
    let blocks = blocks(reader.take(length, "measurement record")?, count)?;
    let device_nonce = reader.array("device nonce")?;
    let length = reader.number(2, "opaque length")?;
    let opaque = opaque(reader.take(length, "opaque data")?)?;
    let signature = reader.array("signature")?;
    reader.end("the signature")?;
    Ok(Report { nonce, slot, device_nonce, blocks, opaque, signature })
}

/// `GET_MEASUREMENTS`: all measurements, with a signature.
fn request(reader: &mut Reader<'_>) -> Result<([u8; NONCE_LEN], u8), NvidiaError> {
    version(reader, "request")?;
    reader.exactly(0xe0, "request code")?;
    // A request for less than all would let a device keep measurements back.
    reader.exactly(0x01, "request attributes")?;
    reader.exactly(0xff, "measurement operation")?;
    let nonce = reader.array("nonce")?;
    let slot = reader.byte("slot")?;
    if slot > 7 {
        return Err(NvidiaError::Field { what: "slot", value: slot.into() });
    }
    Ok((nonce, slot))
}

/// `MEASUREMENTS` up to the number of blocks.
fn response_head(reader: &mut Reader<'_>, slot: u8) -> Result<u8, NvidiaError> {
    version(reader, "response")?;
    reader.exactly(0x60, "response code")?;
    reader.exactly(0, "response parameter 1")?;
    reader.exactly(slot, "response slot")?;
    match reader.byte("number of blocks")? {
        0 => Err(NvidiaError::Field { what: "number of blocks", value: 0 }),
        count => Ok(count),
    }
}

fn version(reader: &mut Reader<'_>, what: &'static str) -> Result<(), NvidiaError> {
    match reader.byte("version")? {
        0x11 => Ok(()),
        version => Err(NvidiaError::Version { what, version: version.into() }),
    }
}

fn blocks(record: &[u8], count: u8) -> Result<BTreeMap<u8, Block>, NvidiaError> {
    let mut reader = Reader(record);
    let mut blocks = BTreeMap::new();
    for _ in 0..count {
        let index = reader.byte("measurement index")?;
        if index == 0 {
            return Err(NvidiaError::Field { what: "measurement index", value: 0 });
        }
        reader.exactly(0x01, "measurement specification")?;
        let size = reader.number(2, "measurement size")?;
        let mut inner = Reader(reader.take(size, "measurement")?);
        let kind = inner.byte("measurement type")?;
        let size = inner.number(2, "measurement value size")?;
        let value = inner.take(size, "measurement value")?.to_vec();
        inner.end("a measurement")?;
        if blocks.insert(index, Block { kind, value }).is_some() {
            return Err(NvidiaError::Twice { what: "measurement", number: index.into() });
        }
    }
    reader.end("the measurements")?;
    Ok(blocks)
}

fn opaque(data: &[u8]) -> Result<BTreeMap<u16, Vec<u8>>, NvidiaError> {
    let mut reader = Reader(data);
    let mut fields = BTreeMap::new();
    while !reader.0.is_empty() {
        let number = reader.short("opaque type")?;
        let size = reader.number(2, "opaque size")?;
        let value = reader.take(size, "opaque field")?.to_vec();
        if fields.insert(number, value).is_some() {
            return Err(NvidiaError::Twice { what: "opaque field", number });
        }
    }
    // NVIDIA's own verifier knows no later version than 1 either.
    match fields.get(&field::VERSION).map(Vec::as_slice) {
        None | Some([0 | 1, 0]) => Ok(fields),
        Some(other) => {
            let version = other.iter().take(8).rev().fold(0, |n, b| n << 8 | u64::from(*b));
            Err(NvidiaError::Version { what: "opaque data", version })
        }
    }
}

impl Report {
    /// The driver's version, where the device names one (a switch does not).
    pub fn driver_version(&self) -> Option<String> {
        text(self.opaque.get(&field::DRIVER_VERSION)?)
    }

    /// The version of VBIOS or BIOS in the field's form, as `96.00.A5.00.01`.
    pub fn vbios_version(&self) -> Option<String> {
        let bytes = self.opaque.get(&field::VBIOS_VERSION)?;
        // GPUs: four bytes little-endian, then the fifth; switches: text.
        if let [a, b, c, d, e, _, _, _] = bytes.as_slice() {
            return Some(format!("{d:02X}.{c:02X}.{b:02X}.{a:02X}.{e:02X}"));
        }
        text(bytes)
    }

    /// The chip by the name that Blackwell reports carry.
    pub(super) fn chip_info(&self) -> Option<String> {
        text(self.opaque.get(&field::CHIP_INFO)?)
    }

    /// Every field for people, by name. Untrusted.
    pub fn describe(&self) -> Vec<(String, String)> {
        let mut lines = vec![
            ("nonce".into(), hex::encode(self.nonce)),
            ("slot".into(), self.slot.to_string()),
            ("device nonce".into(), hex::encode(self.device_nonce)),
            ("driver version".into(), self.driver_version().unwrap_or_default()),
            ("VBIOS version".into(), self.vbios_version().unwrap_or_default()),
        ];
        for (number, value) in &self.opaque {
            let name = OPAQUE.iter().find(|(known, _)| known == number);
            let name = name.map_or_else(|| format!("opaque {number}"), |(_, n)| (*n).into());
            lines.push((name, hex::encode(value)));
        }
        for (index, block) in &self.blocks {
            lines.push((measurement(*index), hex::encode(&block.value)));
        }
        lines.push(("signature".into(), hex::encode(self.signature)));
        lines
    }
}

/// The name of the measurement with SPDM index `index`: numbered from zero, as NVIDIA's manifests
/// and its service do.
pub(super) fn measurement(index: u8) -> String {
    format!("m{:02}", index.saturating_sub(1))
}

/// Names of opaque fields that differ between GPU and switch carry both.
const OPAQUE: [(u16, &str); 24] = [
    (4, "GPU info"),
    (7, "manufacturer"),
    (8, "tamper detection"),
    (9, "SMC"),
    (10, "VPR"),
    (11, "NVDEC0 status"),
    (12, "measurement counts"),
    (13, "CPR info"),
    (14, "board"),
    (15, "chip SKU"),
    (16, "chip SKU modifier"),
    (17, "project"),
    (18, "project SKU"),
    (19, "project SKU modifier"),
    (20, "FWID"),
    (21, "protected PCIe status"),
    (22, "switch PDIs, or own PDI"),
    (23, "floorswept or disabled ports"),
    (24, "position"),
    (25, "switch lock status"),
    (26, "PDIs of GPUs"),
    (33, "system enable status"),
    (34, "opaque version"),
    (36, "feature flag"),
];

/// Printable ASCII before zeros.
fn text(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().rposition(|b| *b != 0)? + 1;
    let bytes = bytes.get(..end)?;
    bytes.iter().all(u8::is_ascii_graphic).then(|| bytes.iter().map(|b| char::from(*b)).collect())
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize, what: &'static str) -> Result<&'a [u8], NvidiaError> {
        let (head, tail) = self.0.split_at_checked(count).ok_or(NvidiaError::CutShort(what))?;
        self.0 = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], NvidiaError> {
        self.take(N, what)?.try_into().map_err(|_| NvidiaError::CutShort(what))
    }

    fn byte(&mut self, what: &'static str) -> Result<u8, NvidiaError> {
        self.array::<1>(what).map(|[byte]| byte)
    }

    fn short(&mut self, what: &'static str) -> Result<u16, NvidiaError> {
        self.array(what).map(u16::from_le_bytes)
    }

    /// `width` bytes, little-endian.
    fn number(&mut self, width: usize, what: &'static str) -> Result<usize, NvidiaError> {
        Ok(self.take(width, what)?.iter().rev().fold(0, |n, b| n << 8 | usize::from(*b)))
    }

    fn exactly(&mut self, want: u8, what: &'static str) -> Result<(), NvidiaError> {
        match self.byte(what)? {
            got if got == want => Ok(()),
            got => Err(NvidiaError::Field { what, value: got.into() }),
        }
    }

    fn end(self, what: &'static str) -> Result<(), NvidiaError> {
        match self.0.len() {
            0 => Ok(()),
            bytes => Err(NvidiaError::LeftOver { what, bytes }),
        }
    }
}
