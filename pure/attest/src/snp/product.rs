//! The three products and in what they differ: their names, their processors, the layout of a TCB.
//! Not here: which of them a policy takes.

use super::{Cpuid, Firmware};

/// A generation of EPYC processors with SEV-SNP; each has a root key of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Product {
    /// Third generation.
    Milan,
    /// Fourth generation, with Bergamo and Siena.
    Genoa,
    /// Fifth generation.
    Turin,
}

/// The bytes of a `TCB_VERSION` on Milan and Genoa (AMD 56860): name, and the last arc of the
/// certificate extension that holds the same value (AMD 57230).
const LEGACY: [(&str, u32); 8] = [
    ("bootloader", 1),
    ("tee", 2),
    ("spl4", 4),
    ("spl5", 5),
    ("spl6", 6),
    ("spl7", 7),
    ("snp", 3),
    ("microcode", 8),
];

/// The same on Turin.
const TURIN: [(&str, u32); 8] = [
    ("fmc", 9),
    ("bootloader", 1),
    ("tee", 2),
    ("snp", 3),
    ("spl5", 5),
    ("spl6", 6),
    ("spl7", 7),
    ("microcode", 8),
];

impl Product {
    /// Every product.
    pub const ALL: [Self; 3] = [Self::Milan, Self::Genoa, Self::Turin];

    /// AMD's name of it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Milan => "Milan",
            Self::Genoa => "Genoa",
            Self::Turin => "Turin",
        }
    }

    /// The class that policies speak of.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Milan => "snp-milan",
            Self::Genoa => "snp-genoa",
            Self::Turin => "snp-turin",
        }
    }

    /// The product of that name; a stepping may follow (`Milan-B0`).
    pub fn by_name(name: &str) -> Option<Self> {
        let stem = name.split_once('-').map_or(name, |(stem, _)| stem);
        Self::ALL.into_iter().find(|product| product.name() == stem)
    }

    /// The product of a processor by its combined family and model.
    pub const fn by_cpuid(cpuid: Cpuid) -> Option<Self> {
        match (cpuid.family, cpuid.model) {
            (0x19, 0x00..=0x0f) => Some(Self::Milan),
            (0x19, 0x10..=0x1f | 0xa0..=0xaf) => Some(Self::Genoa),
            (0x1a, 0x00..=0x1f) => Some(Self::Turin),
            _ => None,
        }
    }

    /// Name and extension of each byte of a TCB.
    pub(super) const fn layout(self) -> &'static [(&'static str, u32); 8] {
        match self {
            Self::Milan | Self::Genoa => &LEGACY,
            Self::Turin => &TURIN,
        }
    }

    /// Bytes of a chip's name in its certificate.
    pub(super) const fn chip_id_size(self) -> usize {
        match self {
            Self::Milan | Self::Genoa => 64,
            Self::Turin => 8,
        }
    }

    /// Whether this firmware reports its check for aliased memory (AMD-SB-3015: from 1.55.22 on
    /// Milan and 1.55.38 on Genoa; on Turin with the reports that have the bit, version 3).
    pub(super) fn reports_alias_check(self, firmware: Firmware, report_version: u32) -> bool {
        let since = |build| firmware >= Firmware { major: 1, minor: 55, build };
        match self {
            Self::Milan => since(22),
            Self::Genoa => since(38),
            Self::Turin => report_version >= 3,
        }
    }
}
