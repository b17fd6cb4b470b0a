//! NVIDIA's manifests of good measurements against what a device measured. Not here: fetching them.

mod manifest;
mod xml;

use self::manifest::Manifest;
use super::{NvidiaError, Report, field, idle, spdm::measurement};
use crate::{Code, Context, Reason, Vendor, Window, x509::verify_path};

/// Of this measurement (NVDEC0's firmware) the device measures nothing while NVDEC0 is off.
const NVDEC0: u8 = 35;
const NVDEC0_OFF: u8 = 0x55;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Manifests {
    /// What differs or is missing.
    pub(super) reasons: Vec<Reason>,
    /// The dates of the signers' certificates.
    pub(super) windows: Vec<Window>,
}

/// What a manifest says, for people, by name. Untrusted.
///
/// # Errors
/// [`NvidiaError::Text`] for bytes that are no manifest in NVIDIA's form.
pub fn describe_manifest(bytes: &[u8]) -> Result<Vec<(String, String)>, NvidiaError> {
    let manifest = Manifest::read(bytes).ok_or(NvidiaError::Text("a manifest in NVIDIA's form"))?;
    let mut lines = vec![
        ("product".to_owned(), manifest.product.clone()),
        ("version".to_owned(), manifest.version.clone()),
        ("signature holds".to_owned(), manifest.is_signed().to_string()),
    ];
    let signers = manifest.chain.iter();
    lines.extend(signers.map(|certificate| ("certificate".to_owned(), certificate.subject())));
    for (index, values) in &manifest.good {
        lines.extend(values.iter().map(|value| (format!("m{index:02}"), hex::encode(value))));
    }
    Ok(lines)
}

/// Compares a report with the manifests given. Each given must be NVIDIA's; those about other chips
/// or versions count for nothing.
pub(super) fn check(report: &Report, chip: &str, context: &mut Context<'_>) -> Manifests {
    let mut found = Manifests::default();
    let mut manifests = Vec::new();
    for bytes in &context.endorsements.rims {
        match Manifest::read(bytes) {
            Some(manifest) => {
                let windows = found.vouched(&manifest, context);
                manifests.push((manifest, windows));
            }
            None => found.say(Code::RimInvalid, "not a manifest in NVIDIA's form".into()),
        }
    }
    let info = report.chip_info();
    let is_chip = |product: &str| product == chip || info.as_deref() == Some(product);
    let mut used: Vec<&Manifest> = Vec::new();
    let versions = [("driver", report.driver_version()), ("VBIOS", report.vbios_version())];
    if versions.iter().all(|(_, version)| version.is_none()) {
        found.say(Code::RimMissing, "the report names no version to find a manifest by".into());
    }
    for (what, version) in versions {
        let Some(version) = version else { continue };
        let about = |m: &Manifest| m.version == version && is_chip(&m.product);
        let Some((manifest, windows)) = manifests.iter().find(|(m, _)| about(m)) else {
            let detail = format!("no manifest for {what} {version} of {chip} was given");
            found.say(Code::RimMissing, detail);
            continue;
        };
        found.windows.extend(windows.iter().cloned());
        found.compare(report, manifest);
        used.push(manifest);
    }
    if let [driver, vbios] = used.as_slice()
        && let Some(index) = driver.good.keys().find(|index| vbios.good.contains_key(index))
    {
        let detail = format!("driver's and VBIOS's manifest both name m{index:02}");
        found.say(Code::RimMismatch, detail);
    }
    found
}

impl Manifests {
    fn say(&mut self, code: Code, detail: String) {
        self.reasons.push(Reason::new(code, detail));
    }

    /// Says so unless NVIDIA signed the manifest; the dates of who did.
    fn vouched(&mut self, manifest: &Manifest, context: &mut Context<'_>) -> Vec<Window> {
        let name = format!("manifest {} {}", manifest.product, manifest.version);
        if !manifest.is_signed() {
            self.say(Code::RimInvalid, format!("the signature of {name} does not verify"));
        }
        let Some((leaf, above)) = manifest.chain.split_first() else { return vec![] };
        let anchors = context.anchors.of(Vendor::NvidiaManifests);
        match verify_path(leaf.clone(), above, anchors, &[], context.cache) {
            Ok(path) if idle(&path, &manifest.chain) => {
                self.say(Code::RimInvalid, format!("{name} has certificates it does not need"));
                vec![]
            }
            Ok(path) => path
                .windows()
                .into_iter()
                .map(|window| Window { what: format!("{name}: {}", window.what), ..window })
                .collect(),
            Err(error) => {
                self.say(Code::RimInvalid, format!("{name}: {error}"));
                vec![]
            }
        }
    }

    fn compare(&mut self, report: &Report, manifest: &Manifest) {
        let off =
            report.opaque.get(&field::NVDEC0_STATUS).map(Vec::as_slice) == Some(&[NVDEC0_OFF]);
        for (index, good) in &manifest.good {
            if *index == NVDEC0 && off {
                continue;
            }
            // Manifests number from zero, SPDM from one.
            let spdm = index.checked_add(1);
            let measured = spdm.and_then(|spdm| report.blocks.get(&spdm)).map(|block| &block.value);
            if measured.is_some_and(|value| good.contains(value)) {
                continue;
            }
            let name = spdm.map(measurement).unwrap_or_default();
            let value = measured.map_or_else(|| "not there".into(), hex::encode);
            let detail = format!("{name} is {value}, none of {}'s good ones", manifest.version);
            self.say(Code::RimMismatch, detail);
        }
    }
}
