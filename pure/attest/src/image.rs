//! Measured boot predicted from the image alone: what a TPM must hold if exactly this image was
//! started.
//!
//! Pure functions over the bytes of a disk image, a unified kernel image (UKI) or a kernel with its
//! initrd; the result is a [`Prediction`], which [`compare()`] holds against PCR values that a
//! verified quote vouches for. Not here: verifying quotes and replaying event logs (`tpm`), building
//! or starting images, checking that an image is signed.
//!
//! # `sotto image predict FILE`
//!
//! The command reads a raw disk image (GPT, a FAT system partition with
//! `\EFI\BOOT\BOOTX64.EFI`) or a bare UKI and prints the PCRs for the banks `sha1`, `sha256` and
//! `sha384`, with every event that leads to them, as text or as JSON. The JSON can be published beside a release and
//! given to `sotto evidence verify --image F` in place of the image.
//!
//! What each PCR holds when the firmware (OVMF) starts a UKI with systemd-stub, H being the bank's
//! hash:
//!
//! | PCR | holds, in this order | demand |
//! |---|---|---|
//! | 0 | the firmware; depends on memory size and number of CPUs | reference boot, one per VM shape |
//! | 1 | boot variables and devices of this VM | ignored |
//! | 2, 3, 6 | a separator, `H(00000000)` | predicted (no option ROM) |
//! | 4 | `H("Calling EFI Application from Boot Option")`, separator, Authenticode hash of the UKI, Authenticode hash of the kernel in `.linux` (only with Secure Boot off) | predicted |
//! | 5 | separator, the GPT (header, number of used entries, used entries), `H("Exit Boot Services Invocation")`, `H("Exit Boot Services Returned with Success")` | predicted from a disk; reference boot for a bare UKI |
//! | 7 | `SecureBoot`, `PK`, `KEK`, `db`, `dbx` as variables, separator; with Secure Boot on the `db` entry that vouched for the UKI | predicted without keys, or from the keys given; else reference boot |
//! | 8, 14 | nothing | must be zero |
//! | 9 | by the kernel (Linux 6.1 or later): `H(command line in UTF-16 with NUL)`, `H(initrd)` | predicted; reference boot with `.pcrsig` or `.pcrpkey` |
//! | 10 | IMA's aggregate of PCRs 0 to 9 | derived from the others |
//! | 11 | for each section in the stub's order: `H(name with NUL)`, `H(content)` | predicted |
//! | 12, 13 | nothing; a changed command line or a credential put beside the image (12), a system extension (13) | must be zero |
//! | 15 | what the application extends itself | predicted if told, else must be zero |
//!
//! The zeros matter as much as the rest: a credential smuggled onto the system partition leaves
//! PCRs 4 and 11 as they are and shows in 9 and 12 alone.
//!
//! The stub's version decides which sections are measured (from 254 on `.uname` and `.sbat` too)
//! and is read from the image. Versions 252 to 255 are known; later ones load the kernel and treat
//! microcode and profiles otherwise, and are refused.
//!
//! A kernel started directly by QEMU (`-kernel`, `-initrd`, `-append`) has no UKI: PCR 4 holds the
//! kernel as QEMU patches it, which depends on memory and initrd size, then the action; PCR 9 the
//! command line with ` initrd=initrd` and the initrd; PCR 11 stays zero. That holds for machine
//! `q35` and is what [`Shape::Direct`] predicts.

mod boot;
mod compare;
mod direct;
mod document;
mod fat;
mod gpt;
mod pe;
mod read;
#[cfg(test)]
mod tests;
mod uki;

pub use compare::{Log, Quoted, compare, compare_banks, compare_claims};

use crate::hash::Hash;
use std::collections::BTreeMap;

/// The banks that are predicted.
pub const BANKS: [Hash; 3] = [Hash::Sha1, Hash::Sha256, Hash::Sha384];

/// What a TPM holds after exactly one image was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prediction {
    /// The values and events by bank.
    pub banks: BTreeMap<Hash, Bank>,
    /// What is asked of each PCR, 0 to 15.
    pub policy: BTreeMap<u8, Demand>,
    /// What the image says about itself.
    pub about: About,
}

/// One bank of a prediction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bank {
    /// The value of each predicted PCR, as many bytes as the bank's hash.
    pub pcrs: BTreeMap<u8, Vec<u8>>,
    /// The events that give them, in order.
    pub events: Vec<Event>,
}

/// One extension of a PCR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Which PCR.
    pub pcr: u8,
    /// What it was extended with.
    pub digest: Vec<u8>,
    /// What that is, for people.
    pub what: String,
}

/// What is asked of a PCR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Demand {
    /// It holds the predicted value.
    Must,
    /// Nothing was ever extended into it.
    Zero,
    /// The image does not give it: compare it with a reference boot.
    Reference,
    /// It follows from other PCRs (IMA's aggregate).
    Derived,
    /// It says nothing about the image.
    Ignored,
}

impl Demand {
    const ALL: [Self; 5] = [Self::Must, Self::Zero, Self::Reference, Self::Derived, Self::Ignored];

    /// Its name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Must => "must",
            Self::Zero => "zero",
            Self::Reference => "reference",
            Self::Derived => "derived",
            Self::Ignored => "ignored",
        }
    }

    /// The demand of that name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|demand| demand.name() == name)
    }
}

/// What an image says about itself; nothing of it is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// Version of systemd-stub.
    pub stub: Option<u32>,
    /// Predicted for Secure Boot.
    pub secure_boot: bool,
    /// The kernel's command line.
    pub cmdline: Option<String>,
    /// The text of `.osrel`.
    pub osrel: Option<String>,
}

/// What the bytes are and how they are started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape<'a> {
    /// A raw disk image: GPT with 512-byte sectors, one system partition with FAT16 or FAT32.
    Disk,
    /// A bare UKI, as it lies on some disk that is not at hand: PCR 5 is not predicted.
    Uki,
    /// A kernel that QEMU's machine `q35` starts itself.
    Direct(Direct<'a>),
}

impl Shape<'_> {
    /// What the bytes look like: a disk or a PE file. The guess of a command, never of a verifier.
    pub fn of(image: &[u8]) -> Option<Self> {
        if gpt::is_disk(image) {
            return Some(Self::Disk);
        }
        image.starts_with(b"MZ").then_some(Self::Uki)
    }
}

/// The rest of a direct boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Direct<'a> {
    /// The file given with `-initrd`.
    pub initrd: &'a [u8],
    /// The text given with `-append`.
    pub cmdline: &'a str,
    /// The VM's memory (`-m`), in MiB.
    pub memory_mib: u32,
}

/// What the image does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The version of systemd-stub, where its text is not in the image. It must be the image's
    /// own where both are there.
    pub stub: Option<u32>,
    /// The firmware's Secure Boot.
    pub secure_boot: SecureBoot,
    /// What the application extends itself (`TPM2_PCR_Event`), in order: a PCR from 8 to 15 and the
    /// bytes.
    pub extended: Vec<(u8, Vec<u8>)>,
}

/// The firmware's Secure Boot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SecureBoot {
    /// Off, no key enrolled.
    #[default]
    NoKeys,
    /// On; PCR 7 is not predicted.
    On,
    /// On, with these variables.
    Keys(Keys),
}

/// The variables of Secure Boot, as the firmware measures them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// Content of `PK`.
    pub pk: Vec<u8>,
    /// Content of `KEK`.
    pub kek: Vec<u8>,
    /// Content of `db`.
    pub db: Vec<u8>,
    /// Content of `dbx`.
    pub dbx: Vec<u8>,
    /// The entry of `db` that vouches for the image: `EFI_SIGNATURE_DATA` (owner, certificate).
    pub authority: Vec<u8>,
}

/// Why an image gives no prediction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// Something ends before what it names.
    #[error("{part} is cut short")]
    Truncated {
        /// Which structure.
        part: &'static str,
    },
    /// Something is not as its format says.
    #[error("{part}: {why}")]
    Malformed {
        /// Which structure.
        part: &'static str,
        /// What is wrong.
        why: &'static str,
    },
    /// Well formed, and nobody has shown how it is measured.
    #[error("{part} cannot be predicted: {why}")]
    Unsupported {
        /// Which structure.
        part: &'static str,
        /// What is unknown.
        why: &'static str,
    },
    /// The disk has no system partition, or several.
    #[error("the disk has {0} EFI system partitions, not one")]
    SystemPartitions(usize),
    /// The system partition has no such file or directory.
    #[error("`{0}` is not on the system partition")]
    FileMissing(&'static str),
    /// A section that a UKI needs is missing, or there twice.
    #[error("section {name} is there {count} times, not once")]
    Section {
        /// Its name.
        name: &'static str,
        /// How often it is there.
        count: usize,
    },
    /// A section that this stub treats in a way nobody has shown.
    #[error("section {0} is not known for this version of systemd-stub")]
    SectionUnknown(&'static str),
    /// Neither the image nor the caller says which systemd-stub it is.
    #[error("the image does not say its version of systemd-stub")]
    StubUnknown,
    /// A version of systemd-stub whose measurements are not known.
    #[error("systemd-stub {0} is not known, only 252 to 255")]
    StubVersion(u32),
    /// The image says another version than the caller.
    #[error("the image has systemd-stub {image}, not {told}")]
    StubDiffers {
        /// The image's version.
        image: u32,
        /// The caller's version.
        told: u32,
    },
    /// Only PCRs 8 to 15 are the application's to extend.
    #[error("PCR {0} is not one that an application extends")]
    Extended(u8),
    /// A prediction in JSON that is none.
    #[error("the prediction is not usable: {0}")]
    Document(String),
}

impl Prediction {
    /// What `--image F` takes: a disk image or a UKI, from which is predicted, or a prediction in
    /// JSON. For a command; a verifier says which it expects.
    ///
    /// # Errors
    /// As [`predict`] and [`Prediction::from_json`].
    pub fn read(file: &[u8], options: &Options) -> Result<Self, ImageError> {
        match Shape::of(file) {
            Some(shape) => predict(file, shape, options),
            None => Self::from_json(file),
        }
    }

    /// Name and value of everything in it, for people.
    pub fn describe(&self) -> Vec<(String, String)> {
        let About { stub, secure_boot, cmdline, osrel } = &self.about;
        let mut lines = vec![("secure boot".to_string(), secure_boot.to_string())];
        lines.extend(stub.map(|version| ("systemd-stub".into(), version.to_string())));
        lines.extend(cmdline.iter().map(|text| ("command line".into(), text.clone())));
        lines.extend(osrel.iter().map(|text| ("os-release".into(), text.trim_end().into())));
        for (pcr, demand) in &self.policy {
            let values: Vec<_> = self
                .banks
                .iter()
                .filter_map(|(bank, values)| Some((bank, values.pcrs.get(pcr)?)))
                .collect();
            if values.is_empty() {
                lines.push((format!("PCR {pcr}"), demand.name().into()));
            }
            for (bank, value) in values {
                let name = format!("PCR {pcr} {} ({})", bank.name(), demand.name());
                lines.push((name, hex::encode(value)));
            }
        }
        lines
    }
}

/// The PCRs after `image` was started.
///
/// # Errors
/// The first thing about the image that is malformed, or that would make a prediction a guess.
pub fn predict(
    image: &[u8],
    shape: Shape<'_>,
    options: &Options,
) -> Result<Prediction, ImageError> {
    match shape {
        Shape::Disk => boot::disk(image, options),
        Shape::Uki => boot::uki(image, options),
        Shape::Direct(direct) => boot::direct(image, &direct, options),
    }
}
