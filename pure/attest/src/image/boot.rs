//! The events of a boot in their order, and the PCRs they give (TCG PC Client Platform Firmware
//! Profile §3.3; systemd-stub; the kernel's EFI stub). Not here: reading the image.

use super::{
    About, BANKS, Bank, Demand, Direct, Event, ImageError, Keys, Options, Prediction, SecureBoot,
    direct, fat::Fat, gpt::Gpt, pe::Pe, uki, uki::Uki,
};
use crate::hash::Hash;
use std::collections::{BTreeMap, BTreeSet};

const PATH: [&[u8; 11]; 3] = [b"EFI        ", b"BOOT       ", b"BOOTX64 EFI"];
const PATH_SHOWN: &str = r"\EFI\BOOT\BOOTX64.EFI";
const SEPARATOR: &[u8] = &[0; 4];
const CALLING: &str = "Calling EFI Application from Boot Option";
const EXITS: [&str; 2] =
    ["Exit Boot Services Invocation", "Exit Boot Services Returned with Success"];
/// 8BE4DF61-93CA-11D2-AA0D-00E098032B8C.
const GLOBAL: [u8; 16] = [
    0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c,
];
/// D719B2CB-3D3A-4596-A3BC-DAD00E67656F.
const DATABASE: [u8; 16] = [
    0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45, 0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f,
];

/// Takes events down for every bank at once.
struct Recorder {
    banks: BTreeMap<Hash, Bank>,
}

impl Recorder {
    fn new() -> Self {
        Self { banks: BANKS.into_iter().map(|hash| (hash, Bank::default())).collect() }
    }

    fn measure(&mut self, pcr: u8, what: impl Into<String>, parts: &[&[u8]]) {
        let what = what.into();
        for (hash, bank) in &mut self.banks {
            let digest = hash.digest(parts);
            bank.events.push(Event { pcr, digest, what: what.clone() });
        }
    }

    fn separators(&mut self, pcrs: impl IntoIterator<Item = u8>) {
        for pcr in pcrs {
            self.measure(pcr, "separator", &[SEPARATOR]);
        }
    }

    fn action(&mut self, pcr: u8, text: &str) {
        self.measure(pcr, text, &[text.as_bytes()]);
    }

    /// A variable as `UEFI_VARIABLE_DATA`: vendor, length of name and data, both.
    fn variable(&mut self, what: &str, vendor: &[u8; 16], name: &str, data: &[u8]) {
        let wide = utf16(name);
        let name_len = (wide.len() as u64 / 2).to_le_bytes();
        let data_len = (data.len() as u64).to_le_bytes();
        self.measure(7, what, &[vendor, &name_len, &data_len, &wide, data]);
    }

    /// The prediction, once every event is taken down. `open` are PCRs that the image leaves open.
    fn finish(mut self, open: &BTreeSet<u8>, about: About) -> Prediction {
        let mut policy = BTreeMap::new();
        for (hash, bank) in &mut self.banks {
            bank.events.retain(|event| !open.contains(&event.pcr));
            for pcr in 0..16 {
                let touched = bank.events.iter().any(|event| event.pcr == pcr);
                let demand = demand(pcr, touched, open);
                if matches!(demand, Demand::Must | Demand::Zero) {
                    bank.pcrs.insert(pcr, bank.replay(*hash, pcr));
                }
                policy.insert(pcr, demand);
            }
        }
        Prediction { banks: self.banks, policy, about }
    }
}

fn demand(pcr: u8, touched: bool, open: &BTreeSet<u8>) -> Demand {
    match pcr {
        0 => Demand::Reference,
        1 => Demand::Ignored,
        10 => Demand::Derived,
        _ if open.contains(&pcr) => Demand::Reference,
        _ if touched => Demand::Must,
        _ => Demand::Zero,
    }
}

impl Bank {
    /// The value of one PCR after this bank's events.
    pub(super) fn replay(&self, hash: Hash, pcr: u8) -> Vec<u8> {
        let events = self.events.iter().filter(|event| event.pcr == pcr);
        events.fold(vec![0; hash.size()], |value, event| hash.digest(&[&value, &event.digest]))
    }
}

pub(super) fn disk(image: &[u8], options: &Options) -> Result<Prediction, ImageError> {
    let gpt = Gpt::parse(image)?;
    let file = Fat::parse(gpt.system)?.file(&PATH, PATH_SHOWN)?;
    stub(&file, Some(&gpt), options)
}

pub(super) fn uki(image: &[u8], options: &Options) -> Result<Prediction, ImageError> {
    stub(image, None, options)
}

fn stub(file: &[u8], gpt: Option<&Gpt<'_>>, options: &Options) -> Result<Prediction, ImageError> {
    let uki = Uki::parse(file, options.stub)?;
    let kernel = Pe::parse("kernel", uki.linux)?;
    let mut recorder = Recorder::new();
    let mut open = BTreeSet::new();
    keys(&mut recorder, &options.secure_boot, &mut open);
    recorder.action(4, CALLING);
    recorder.separators(2..=6);
    authority(&mut recorder, &options.secure_boot);
    match gpt {
        Some(gpt) => recorder.measure(5, "GPT", &gpt.event(&gpt.count())),
        None => _ = open.insert(5),
    }
    recorder.measure(4, "Authenticode hash of the UKI", uki.pe.authenticode());
    for (name, content) in &uki.measured {
        recorder.measure(11, format!("name {name}"), &[name.as_bytes(), &[0]]);
        let what = format!("contents of {name} ({} bytes)", content.len());
        recorder.measure(11, what, &[content]);
    }
    // With Secure Boot on the stub vouches for its kernel itself, and the firmware measures none.
    if options.secure_boot == SecureBoot::NoKeys {
        let what = "Authenticode hash of .linux, loaded by the stub";
        recorder.measure(4, what, kernel.authenticode());
    }
    kernel_events(&mut recorder, uki.cmdline, uki.section(".initrd"));
    if uki.initrd_added {
        open.insert(9);
    }
    extended(&mut recorder, options)?;
    let about = About {
        stub: Some(uki.stub),
        secure_boot: options.secure_boot != SecureBoot::NoKeys,
        cmdline: Some(uki.cmdline.into()),
        osrel: uki.section(".osrel").map(|text| String::from_utf8_lossy(text).into_owned()),
    };
    Ok(recorder.finish(&open, about))
}

pub(super) fn direct(
    kernel: &[u8],
    direct: &Direct<'_>,
    options: &Options,
) -> Result<Prediction, ImageError> {
    if options.secure_boot != SecureBoot::NoKeys {
        let why = "started by QEMU itself under Secure Boot";
        return Err(ImageError::Unsupported { part: "kernel", why });
    }
    let cmdline = uki::cmdline(direct.cmdline.as_bytes())?;
    let patched = direct::patched(kernel, direct)?;
    let pe = Pe::parse("kernel", &patched)?;
    let mut recorder = Recorder::new();
    let mut open = BTreeSet::new();
    recorder.measure(4, "Authenticode hash of the kernel as patched by QEMU", pe.authenticode());
    recorder.action(4, CALLING);
    recorder.separators(2..=6);
    let cmdline_seen = format!("{cmdline} initrd=initrd");
    kernel_events(&mut recorder, &cmdline_seen, Some(direct.initrd));
    keys(&mut recorder, &options.secure_boot, &mut open);
    extended(&mut recorder, options)?;
    let about = About { cmdline: Some(cmdline.into()), ..About::default() };
    Ok(recorder.finish(&open, about))
}

/// PCR 7 up to its separator.
fn keys(recorder: &mut Recorder, secure_boot: &SecureBoot, open: &mut BTreeSet<u8>) {
    let none = Keys::default();
    let (on, keys, note) = match secure_boot {
        SecureBoot::NoKeys => (0, &none, " (absent)"),
        SecureBoot::Keys(keys) => (1, keys, ""),
        SecureBoot::On => {
            open.insert(7);
            return;
        }
    };
    let state = if on == 0 { "SecureBoot (no keys: Secure Boot off)" } else { "SecureBoot" };
    recorder.variable(state, &GLOBAL, "SecureBoot", &[on]);
    for (vendor, name, data) in [
        (&GLOBAL, "PK", &keys.pk),
        (&GLOBAL, "KEK", &keys.kek),
        (&DATABASE, "db", &keys.db),
        (&DATABASE, "dbx", &keys.dbx),
    ] {
        recorder.variable(&format!("{name}{note}"), vendor, name, data);
    }
    recorder.separators([7]);
}

/// The entry of `db` that vouched for the image (`EV_EFI_VARIABLE_AUTHORITY`).
fn authority(recorder: &mut Recorder, secure_boot: &SecureBoot) {
    if let SecureBoot::Keys(keys) = secure_boot {
        recorder.variable("db entry that vouches for the UKI", &DATABASE, "db", &keys.authority);
    }
}

/// What the kernel's EFI stub measures (Linux 6.1 and 6.12 do), and the firmware as it is left.
fn kernel_events(recorder: &mut Recorder, cmdline: &str, initrd: Option<&[u8]>) {
    let mut options = utf16(cmdline);
    options.extend([0, 0]);
    recorder.measure(9, "load options seen by the kernel EFI stub", &[&options]);
    if let Some(initrd) = initrd {
        recorder.measure(9, "initrd seen by the kernel EFI stub", &[initrd]);
    }
    for text in EXITS {
        recorder.action(5, text);
    }
}

fn extended(recorder: &mut Recorder, options: &Options) -> Result<(), ImageError> {
    for (pcr, data) in &options.extended {
        if !(8..=15).contains(pcr) || *pcr == 10 {
            return Err(ImageError::Extended(*pcr));
        }
        recorder.measure(*pcr, "extended by the application", &[data]);
    }
    Ok(())
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}
