//! What it takes to forge evidence of a class of platforms, as published. A perfect quote proves
//! software, not custody: whoever holds the machine may hold its attestation key. Not here: the
//! single platform (allow and deny lists), who has it in custody (`custody`).

/// What it takes to take a platform's attestation key, the graver the later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exposure {
    /// Nobody but the vendor has such machines, and no way in is published.
    Operated,
    /// Physical access is enough; software alone is not, as far as is published.
    Physical,
    /// Software alone is enough: evidence proves nothing to a stranger.
    Software,
}

impl Exposure {
    /// Every exposure.
    pub const ALL: [Self; 3] = [Self::Operated, Self::Physical, Self::Software];

    /// Its name in policies and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Operated => "operated",
            Self::Physical => "physical",
            Self::Software => "software",
        }
    }

    /// The exposure of that name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|exposure| exposure.name() == name)
    }

    /// What is published of a class, by its name or by the longest part of it that is listed;
    /// `None` for a class of which nothing is known here.
    pub fn of(class: &str) -> Option<Self> {
        let known = |(name, _): &&(&str, Self)| {
            class.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        let found = PUBLISHED.iter().filter(known).max_by_key(|(name, _)| name.len());
        found.map(|(_, exposure)| *exposure)
    }
}

const PUBLISHED: [(&str, Exposure); 14] = [
    // Anybody may sign as the simulated TEE.
    ("simulated", Exposure::Software),
    // BadFuse (MilanLaunchy), 2026, arXiv 2605.12990: software alone reads the seed of Milan's
    // VCEK, so any report at any TCB can be forged, an Azure guest's too. A product that is not
    // named may be Milan.
    ("snp", Exposure::Software),
    ("azure-snp", Exposure::Software),
    // Battering RAM, 2025 (DDR4), and TEE.fail, 2025 (DDR5): an interposer on the memory bus.
    ("snp-genoa", Exposure::Physical),
    ("snp-turin", Exposure::Physical),
    ("azure-snp-genoa", Exposure::Physical),
    ("azure-snp-turin", Exposure::Physical),
    // WireTap and Battering RAM, 2025 (DDR4), and TEE.fail, 2025 (DDR5).
    ("sgx", Exposure::Physical),
    ("tdx", Exposure::Physical),
    ("azure-tdx", Exposure::Physical),
    // A GPU is as trustworthy as the processor that speaks for it (TEE.fail, 2025). A discrete
    // TPM's bus can be read and driven, and no TPM protects memory from its host. No silicon of Arm
    // CCA is public: nothing better is known.
    ("nvidia", Exposure::Physical),
    ("tpm", Exposure::Physical),
    ("cca", Exposure::Physical),
    // AWS alone runs Nitro cards: there is no machine to buy.
    ("nitro", Exposure::Operated),
];
