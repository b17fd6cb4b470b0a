//! A report in words. Not here: whether anything of it is true.

use super::{Cpuid, Product, Report};

/// Bits of the guest's policy with their names (AMD 56860, `GUEST_POLICY`).
const POLICY_FLAGS: [(u32, &str); 10] = [
    (16, "SMT"),
    (18, "MIGRATE_MA"),
    (19, "DEBUG"),
    (20, "SINGLE_SOCKET"),
    (21, "CXL_ALLOW"),
    (22, "MEM_AES_256_XTS"),
    (23, "RAPL_DIS"),
    (24, "CIPHERTEXT_HIDING_DRAM"),
    (25, "PAGE_SWAP_DISABLE"),
    (17, "reserved (one)"),
];

/// Bits of `PLATFORM_INFO` with their names (AMD 56860, `PLATFORM_INFO`).
const PLATFORM_FLAGS: [(u32, &str); 7] = [
    (0, "SMT_EN"),
    (1, "TSME_EN"),
    (2, "ECC_EN"),
    (3, "RAPL_DIS"),
    (4, "CIPHERTEXT_HIDING_DRAM_EN"),
    (5, "ALIAS_CHECK_COMPLETE"),
    (7, "TIO_EN"),
];

impl Report {
    /// Every field by its name, for people; nothing of it is verified.
    pub fn describe(&self) -> Vec<(String, String)> {
        let (major, minor) = self.policy.abi();
        let flags = flags(self.policy.0, &POLICY_FLAGS);
        let mut fields = vec![
            ("VERSION", self.version.to_string()),
            ("GUEST_SVN", self.guest_svn.to_string()),
            ("POLICY", format!("{:#x}: ABI {major}.{minor}, {flags}", self.policy.0)),
            ("FAMILY_ID", hex::encode(self.family_id)),
            ("IMAGE_ID", hex::encode(self.image_id)),
            ("VMPL", self.vmpl.to_string()),
            ("PLATFORM_INFO", platform(self.platform_info)),
            ("AUTHOR_KEY_EN", self.author_key.to_string()),
            ("MASK_CHIP_KEY", self.mask_chip_key.to_string()),
            ("SIGNING_KEY", self.signing_key.name().into()),
            ("REPORT_DATA", hex::encode(self.report_data)),
            ("MEASUREMENT", hex::encode(self.measurement)),
            ("HOST_DATA", hex::encode(self.host_data)),
            ("ID_KEY_DIGEST", hex::encode(self.id_key_digest)),
            ("AUTHOR_KEY_DIGEST", hex::encode(self.author_key_digest)),
            ("REPORT_ID", hex::encode(self.report_id)),
            ("REPORT_ID_MA", hex::encode(self.report_id_ma)),
            ("REPORTED_TCB", self.tcb(&self.reported_tcb)),
            ("CURRENT_TCB", self.tcb(&self.current_tcb)),
            ("COMMITTED_TCB", self.tcb(&self.committed_tcb)),
            ("LAUNCH_TCB", self.tcb(&self.launch_tcb)),
            ("CHIP_ID", hex::encode(self.chip_id)),
            ("CURRENT_VERSION", self.current.to_string()),
            ("COMMITTED_VERSION", self.committed.to_string()),
        ];
        if let Some(cpuid) = self.cpuid {
            let product = Product::by_cpuid(cpuid).map_or("unknown", Product::name);
            let Cpuid { family, model, stepping } = cpuid;
            let text =
                format!("family {family:#x} model {model:#x} stepping {stepping} ({product})");
            fields.push(("CPUID", text));
        }
        if let Some((launch, current)) = self.mitigations {
            fields.push(("LAUNCH_MIT_VECTOR", format!("{launch:#x}")));
            fields.push(("CURRENT_MIT_VECTOR", format!("{current:#x}")));
        }
        fields.into_iter().map(|(name, value)| (name.into(), value)).collect()
    }

    /// A TCB in words where the report names its processor, else as its bytes.
    fn tcb(&self, tcb: &[u8; 8]) -> String {
        self.cpuid
            .and_then(Product::by_cpuid)
            .map_or_else(|| hex::encode(tcb), |product| words(product, tcb))
    }
}

/// A TCB in words: `bootloader 4, tee 0, snp 24, microcode 219`.
pub(super) fn words(product: Product, tcb: &[u8; 8]) -> String {
    let named = product.layout().iter().zip(tcb);
    let spoken = named.filter(|((name, _), value)| !name.starts_with("spl") || **value != 0);
    spoken.map(|((name, _), value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
}

fn flags(bits: u64, names: &[(u32, &str)]) -> String {
    let set = names.iter().filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, name)| *name);
    set.collect::<Vec<_>>().join(" ")
}

fn platform(bits: u64) -> String {
    format!("{bits:#x}: {}", flags(bits, &PLATFORM_FLAGS))
}
