//! Why evidence got the status it got: one code for each thing that can be wrong.
//!
//! Every check that fails is named, not only the first. Not here: which check failed when.

use core::fmt;

/// What a reason does to a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Worth saying; the status stays.
    Note,
    /// The status is at best a warning.
    Warning,
    /// The status is contraindicated.
    Contraindicated,
    /// Without something that was not at hand nobody can tell whether it is genuine.
    Unknown,
    /// It is not genuine.
    Forged,
}

impl Effect {
    /// Its name in policies.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Contraindicated => "contraindicated",
            Self::Unknown => "unknown",
            Self::Forged => "forged",
        }
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason {
    /// Which check.
    pub code: Code,
    /// What exactly, in words for people: names, dates, values.
    pub detail: String,
}

impl Reason {
    /// A reason with its detail.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.detail)
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident $name:literal $effect:ident,)*) => {
        /// Every finding there is. The name is what JSON and policies call it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code { $($(#[$doc])* $variant,)* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its name in JSON and in policies.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it does to a verdict unless a policy is stricter.
            pub const fn effect(self) -> Effect {
                match self { $(Self::$variant => Effect::$effect,)* }
            }

            /// The code of that name.
            pub fn by_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.name() == name)
            }
        }
    };
}

codes! {
    // Not genuine.
    /// Not the kind's format, or bytes left over.
    Malformed "malformed" Forged,
    /// A version this verifier does not know.
    UnknownVersion "unknown_version" Forged,
    /// A signature over the evidence does not verify.
    SignatureInvalid "signature_invalid" Forged,
    /// A certificate chain does not verify.
    ChainInvalid "chain_invalid" Forged,
    /// The chain ends in no anchor that the policy names.
    UntrustedRoot "untrusted_root" Forged,
    /// A certificate of the chain was revoked.
    CertificateRevoked "certificate_revoked" Forged,
    /// Two parts do not belong together: a key whose hash is elsewhere, a signer of another chip.
    PartsNotBound "parts_not_bound" Forged,
    /// A signed statement about a platform does not verify, or cannot be read.
    CollateralInvalid "collateral_invalid" Forged,
    /// Intel: the quoting enclave's vendor is not Intel.
    QeVendor "qe_vendor" Forged,
    /// Intel: an attestation key of a type that nobody has.
    AttestationKeyType "attestation_key_type" Forged,
    /// The quoting enclave is none of the vendor's.
    QeIdentity "qe_identity" Forged,
    /// The certificate names another TCB than the report (VCEK extensions against REPORTED_TCB).
    SignerTcbMismatch "signer_tcb_mismatch" Forged,
    /// The certificate names another chip than the report.
    SignerChipMismatch "signer_chip_mismatch" Forged,
    /// A TPM quote was not made by a TPM (`TPM_GENERATED` is missing) or is no quote.
    NotAQuote "not_a_quote" Forged,
    /// The PCR values given do not hash to the quoted digest.
    PcrDigest "pcr_digest_mismatch" Forged,
    /// Replaying the event log does not give the quoted PCRs.
    EventLogReplay "event_log_replay" Forged,
    /// An event's data is not what its digest says.
    EventData "event_data_mismatch" Forged,

    // Cannot be told.
    /// No collateral for this platform was given: none, or another platform's.
    CollateralMissing "collateral_missing" Unknown,
    /// The certificate or key of the signer was not given.
    SignerMissing "signer_missing" Unknown,
    /// A signature algorithm or curve that this verifier does not speak.
    AlgorithmUnsupported "algorithm_unsupported" Unknown,
    /// A part that this kind needs was not given.
    PartMissing "part_missing" Unknown,

    // Genuine, and not to be trusted.
    /// The policy does not take this kind.
    KindNotAccepted "kind_not_accepted" Contraindicated,
    /// Bound to another challenge.
    NonceMismatch "nonce_mismatch" Contraindicated,
    /// Bound to other data.
    ReportDataMismatch "report_data_mismatch" Contraindicated,
    /// Some certificate or statement has ended.
    Expired "expired" Contraindicated,
    /// Some certificate or statement is not good yet.
    NotYetValid "not_yet_valid" Contraindicated,
    /// Made too long ago, or in the future.
    Stale "stale" Contraindicated,
    /// A debugger may look in.
    Debug "debug" Contraindicated,
    /// The vendor's status of the platform is not accepted.
    TcbStatusRefused "tcb_status" Contraindicated,
    /// No level of the vendor's list fits: older than any it knows.
    TcbLevelMissing "tcb_level_missing" Contraindicated,
    /// The vendor revoked the platform's TCB.
    TcbRevoked "tcb_revoked" Contraindicated,
    /// The vendor's evaluation is older than the policy takes.
    EvaluationTooOld "evaluation_too_old" Contraindicated,
    /// An advisory that the policy does not take applies.
    AdvisoryDenied "advisory_denied" Contraindicated,
    /// Security versions are below the policy's minimum.
    TcbBelowMinimum "tcb_below_minimum" Contraindicated,
    /// SNP: the report was asked for at a lower privilege level than the policy takes.
    Vmpl "vmpl" Contraindicated,
    /// SNP, TDX: a migration agent may move the guest.
    Migratable "migratable" Contraindicated,
    /// SNP: aliased memory was not checked for (BadRAM).
    AliasCheck "alias_check" Contraindicated,
    /// SNP: the guest's policy allows what the relying party does not: SMT, several sockets, an
    /// old firmware interface.
    GuestPolicy "guest_policy" Contraindicated,
    /// SNP: a version of the report that the policy does not take.
    ReportVersion "report_version" Contraindicated,
    /// SNP: AUTHOR_KEY_EN and the author key's digest contradict each other.
    AuthorKey "author_key" Contraindicated,
    /// SNP: the chip's name is masked.
    ChipIdMasked "chip_id_masked" Note,
    /// SNP: reported, committed and current TCB or firmware are not in this order.
    TcbInconsistent "tcb_inconsistent" Contraindicated,
    /// TDX: bound to a service TD.
    ServiceTd "service_td" Contraindicated,
    /// TDX: `SEPT_VE_DISABLE` is off.
    SeptVeDisable "sept_ve_disable" Contraindicated,
    /// TDX, SGX or SNP: an attribute bit that must be zero is set, or one that must be set is not.
    ReservedAttribute "reserved_attribute" Contraindicated,
    /// TDX: the module is not the vendor's.
    TdxModule "tdx_module" Contraindicated,
    /// Nitro: PCRs 0 to 2 are zero, as in debug mode.
    DebugPcrs "debug_pcrs" Contraindicated,
    /// Nitro: the document lies outside its leaf certificate's three hours.
    LeafLifetime "leaf_lifetime" Contraindicated,
    /// TPM: no PCR, or not those that the policy demands, were quoted.
    PcrSelection "pcr_selection" Contraindicated,
    /// TPM: nothing shows that the attestation key lives in the TPM of that endorsement key.
    AkNotBound "ak_not_bound" Warning,
    /// TPM: the attestation key is not restricted to signing what the TPM made.
    AkAttributes "ak_attributes" Contraindicated,
    /// TPM: the clock was reset or is not safe.
    TpmClock "tpm_clock" Warning,
    /// Measured boot differs from what the image gives.
    ImageMismatch "image_mismatch" Contraindicated,
    /// A measurement is none of the reference values.
    MeasurementMismatch "measurement_mismatch" Contraindicated,
    /// The platform is on the deny list, or not on the allow list.
    PlatformDenied "platform_denied" Contraindicated,
    /// CCA: the platform or realm is not in the "secured" state.
    Lifecycle "lifecycle" Contraindicated,
    /// NVIDIA: a measurement differs from the vendor's manifest.
    RimMismatch "rim_mismatch" Contraindicated,
    /// NVIDIA: a manifest that was given is not the vendor's.
    RimInvalid "rim_invalid" Contraindicated,
    /// The responder that was asked about a certificate does not know it.
    OcspUnknown "ocsp_unknown" Contraindicated,
    /// Parts of a composite are not bound to one nonce.
    CompositeNonce "composite_nonce" Contraindicated,

    /// Something that nobody signed follows the evidence in its file.
    TrailingBytes "trailing_bytes" Contraindicated,

    // Genuine, and less than one would wish.
    /// Nobody said what it should be bound to.
    NotBound "not_bound" Warning,
    /// The challenge's field is empty. It meets no expectation: then a mismatch stands beside it.
    ChallengeMissing "challenge_missing" Warning,
    /// TPM: the certificate of the endorsement or attestation key ends in no anchor that the policy
    /// names, and vouches for nothing: as if there were none.
    EkUntrusted "ek_untrusted" Warning,
    /// TPM: values rest on SHA-1.
    WeakHash "weak_hash" Warning,
    /// Azure TDX: without collateral neither the platform's TCB nor its revocation can be told.
    TcbNotJudged "tcb_not_judged" Warning,
    /// Azure TDX: `SEPT_VE_DISABLE` is off, and the paravisor answers for it.
    ParavisorVe "paravisor_ve" Warning,
    /// The anchor is good for development only.
    DevelopmentAnchor "development_anchor" Warning,
    /// The vendor's status is less than `UpToDate`, and taken for a while.
    TcbGrace "tcb_grace" Note,
    /// Nothing says which measurements are good.
    NoReferenceValues "no_reference_values" Note,
    /// Acceptance of this kind depends on reference values, and none were given.
    ReferenceValuesNeeded "reference_values_needed" Warning,
    /// No revocation list for the signer's issuer was given.
    CrlMissing "crl_missing" Note,
    /// No OCSP answer was given.
    OcspMissing "ocsp_missing" Note,
    /// No vendor manifest was given, so measurements were not compared.
    RimMissing "rim_missing" Note,
    /// Intel: components below the vendor's newest TCB level.
    TcbBehind "tcb_behind" Note,
    /// Intel: packages may be added to the platform.
    DynamicPlatform "dynamic_platform" Note,
    /// Intel: the vendor's registration service keeps the platform's root keys.
    CachedKeys "cached_keys" Note,
    /// Intel: simultaneous multithreading is on.
    SmtEnabled "smt_enabled" Note,
    /// TPM: a quoted PCR holds something that the log does not tell.
    PcrNotInLog "pcr_not_in_log" Note,
    /// One device stands in a composite more than once.
    DeviceRepeated "device_repeated" Note,
    /// SNP: the firmware is too old to tell whether it checked for aliased memory (BadRAM).
    AliasCheckUnknown "alias_check_unknown" Note,
    /// An advisory applies.
    Advisory "advisory" Note,
}
