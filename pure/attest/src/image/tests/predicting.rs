//! Predictions against values computed by hand.

use super::fixture::{self, CMDLINE, INITRD, OSREL, STUB, pcr, wide};
use crate::hash::Hash;
use crate::image::{
    BANKS, Demand, Direct, Keys, Options, Prediction, SecureBoot, Shape, direct, predict,
};
use std::collections::BTreeMap;

const NUL: &[u8] = &[0; 4];
const CALLING: &[u8] = b"Calling EFI Application from Boot Option";
const EXIT: &[u8] = b"Exit Boot Services Invocation";
const EXITED: &[u8] = b"Exit Boot Services Returned with Success";
const GLOBAL: &[u8] = b"\x61\xdf\xe4\x8b\xca\x93\xd2\x11\xaa\x0d\x00\xe0\x98\x03\x2b\x8c";
const DATABASE: &[u8] = b"\xcb\xb2\x19\xd7\x3a\x3d\x96\x45\xa3\xbc\xda\xd0\x0e\x67\x65\x6f";

fn disk() -> Vec<u8> {
    fixture::disk(&fixture::volume(&fixture::uki().file, true, 1).bytes)
}

fn bare(uki: &[u8], options: &Options) -> Prediction {
    predict(uki, Shape::Uki, options).unwrap()
}

fn value(prediction: &Prediction, hash: Hash, pcr: u8) -> Vec<u8> {
    prediction.banks[&hash].pcrs[&pcr].clone()
}

fn variable(vendor: &[u8], name: &str, data: &[u8]) -> Vec<u8> {
    let lengths = [name.len() as u64, data.len() as u64].map(u64::to_le_bytes).concat();
    [vendor, &lengths, &wide(name), data].concat()
}

fn gpt_event(disk: &[u8]) -> Vec<u8> {
    let entries = [&disk[1024..1152], &disk[1280..1408]].concat();
    [&disk[512..604], &2u64.to_le_bytes()[..], &entries].concat()
}

fn options_wide() -> Vec<u8> {
    [wide(CMDLINE), vec![0, 0]].concat()
}

/// Every predicted PCR of the disk, from nothing but the pieces it was built of.
fn by_hand(hash: Hash, disk: &[u8]) -> BTreeMap<u8, Vec<u8>> {
    let (uki, kernel) = (fixture::uki().hashed, fixture::kernel());
    let no_keys = [
        variable(GLOBAL, "SecureBoot", &[0]),
        variable(GLOBAL, "PK", b""),
        variable(GLOBAL, "KEK", b""),
        variable(DATABASE, "db", b""),
        variable(DATABASE, "dbx", b""),
    ];
    let mut seven: Vec<&[u8]> = no_keys.iter().map(Vec::as_slice).collect();
    seven.push(NUL);
    let sections: [&[u8]; 8] = [
        b".linux\0",
        &kernel.file,
        b".osrel\0",
        OSREL,
        b".cmdline\0",
        CMDLINE.as_bytes(),
        b".initrd\0",
        INITRD,
    ];
    let zero = vec![0; hash.size()];
    let mut pcrs: BTreeMap<u8, Vec<u8>> = [8, 12, 13, 14, 15].map(|pcr| (pcr, zero.clone())).into();
    pcrs.extend([2, 3, 6].map(|n| (n, pcr(hash, &[NUL]))));
    pcrs.insert(4, pcr(hash, &[CALLING, NUL, &uki, &kernel.hashed]));
    pcrs.insert(5, pcr(hash, &[NUL, &gpt_event(disk), EXIT, EXITED]));
    pcrs.insert(7, pcr(hash, &seven));
    pcrs.insert(9, pcr(hash, &[&options_wide(), INITRD]));
    pcrs.insert(11, pcr(hash, &sections));
    pcrs
}

#[test]
fn a_disk_gives_the_pcrs_computed_by_hand() {
    let disk = disk();
    let prediction = predict(&disk, Shape::Disk, &Options::default()).unwrap();
    assert_eq!(prediction.banks.keys().copied().collect::<Vec<_>>(), BANKS);
    for hash in BANKS {
        assert_eq!(prediction.banks[&hash].pcrs, by_hand(hash, &disk), "{}", hash.name());
    }
    let demands = prediction.policy.iter().map(|(pcr, demand)| (*pcr, *demand));
    let zero = [8, 12, 13, 14, 15].map(|pcr| (pcr, Demand::Zero));
    let others = [(0, Demand::Reference), (1, Demand::Ignored), (10, Demand::Derived)];
    for (pcr, demand) in demands {
        let special = zero.iter().chain(&others).find(|(n, _)| *n == pcr);
        assert_eq!(demand, special.map_or(Demand::Must, |(_, demand)| *demand), "PCR {pcr}");
    }
    assert_eq!(prediction.policy.len(), 16);
    assert_eq!(prediction.about.stub, Some(252));
    assert_eq!(prediction.about.cmdline.as_deref(), Some(CMDLINE));
    assert_eq!(prediction.about.osrel.as_deref(), Some("ID=demo\n"));
}

#[test]
fn a_file_in_pieces_and_on_fat16_is_the_same_file() {
    let uki = fixture::uki().file;
    let whole = bare(&uki, &Options::default());
    for (wide, stride) in [(true, 1), (true, 3), (false, 1), (false, 2)] {
        let disk = fixture::disk(&fixture::volume(&uki, wide, stride).bytes);
        let prediction = predict(&disk, Shape::Disk, &Options::default()).unwrap();
        for hash in BANKS {
            for pcr in [4, 9, 11] {
                assert_eq!(value(&prediction, hash, pcr), value(&whole, hash, pcr));
            }
        }
    }
}

#[test]
fn the_shape_is_guessed_from_the_bytes() {
    assert_eq!(Shape::of(&disk()), Some(Shape::Disk));
    assert_eq!(Shape::of(&fixture::uki().file), Some(Shape::Uki));
    assert_eq!(Shape::of(b"{\"predicted\": {}}"), None);
}

#[test]
fn a_bare_uki_leaves_the_partition_table_open() {
    let (disk, uki) = (disk(), fixture::uki().file);
    let from_disk = predict(&disk, Shape::Disk, &Options::default()).unwrap();
    let mut expected = from_disk.banks[&Hash::Sha256].pcrs.clone();
    expected.remove(&5);
    let prediction = bare(&uki, &Options::default());
    assert_eq!(prediction.banks[&Hash::Sha256].pcrs, expected);
    assert_eq!(prediction.policy[&5], Demand::Reference);
    assert!(prediction.banks[&Hash::Sha256].events.iter().all(|event| event.pcr != 5));
}

#[test]
fn a_signature_does_not_change_the_prediction() {
    let signed = fixture::uki_with(STUB, &[], &[0x5a; 24]).file;
    let plain = fixture::uki().file;
    assert_eq!(signed.len(), plain.len() + 24);
    let options = Options::default();
    assert_eq!(bare(&signed, &options), bare(&plain, &options));
}

#[test]
fn stub_254_measures_uname_and_sbat_before_pcrpkey() {
    let more: [(&str, &[u8]); 2] = [(".pcrpkey", b"key"), (".uname", b"6.1")];
    let newer = b"#### LoaderInfo: systemd-stub v254.1 ####";
    let uki = fixture::uki_with(newer, &more, b"").file;
    let kernel = fixture::kernel().file;
    let older = fixture::uki_with(STUB, &more, b"").file;
    let head: [&[u8]; 8] = [
        b".linux\0",
        &kernel,
        b".osrel\0",
        OSREL,
        b".cmdline\0",
        CMDLINE.as_bytes(),
        b".initrd\0",
        INITRD,
    ];
    let key: [&[u8]; 2] = [b".pcrpkey\0", b"key"];
    let middle: [&[u8]; 4] = [b".uname\0", b"6.1", b".sbat\0", b"sbat,1\n"];
    let newer = [&head[..], &middle, &key].concat();
    let older_events = [&head[..], &key].concat();
    let options = Options::default();
    for hash in BANKS {
        assert_eq!(value(&bare(&uki, &options), hash, 11), pcr(hash, &newer));
        assert_eq!(value(&bare(&older, &options), hash, 11), pcr(hash, &older_events));
    }
}

#[test]
fn a_policy_key_in_the_image_leaves_pcr_9_to_a_reference_boot() {
    for section in [".pcrsig", ".pcrpkey"] {
        let uki = fixture::uki_with(STUB, &[(section, b"x")], b"").file;
        let prediction = bare(&uki, &Options::default());
        assert_eq!(prediction.policy[&9], Demand::Reference);
        assert!(!prediction.banks[&Hash::Sha256].pcrs.contains_key(&9));
    }
}

#[test]
fn the_caller_may_name_the_stub_of_an_image_that_does_not() {
    let silent = fixture::uki_with(b"no text", &[], b"").file;
    let told = Options { stub: Some(252), ..Options::default() };
    assert_eq!(bare(&silent, &told).about.stub, Some(252));
}

#[test]
fn secure_boot_without_keys_at_hand_leaves_pcr_7_open_and_the_inner_kernel_out() {
    let uki = fixture::uki();
    let on = Options { secure_boot: SecureBoot::On, ..Options::default() };
    let prediction = bare(&uki.file, &on);
    assert_eq!(prediction.policy[&7], Demand::Reference);
    assert!(prediction.about.secure_boot);
    for hash in BANKS {
        assert_eq!(value(&prediction, hash, 4), pcr(hash, &[CALLING, NUL, &uki.hashed]));
        assert!(!prediction.banks[&hash].pcrs.contains_key(&7));
    }
}

#[test]
fn secure_boot_with_keys_gives_pcr_7() {
    let keys = Keys {
        pk: b"platform".to_vec(),
        kek: b"exchange".to_vec(),
        db: b"allowed".to_vec(),
        dbx: b"denied".to_vec(),
        authority: b"entry".to_vec(),
    };
    let events = [
        variable(GLOBAL, "SecureBoot", &[1]),
        variable(GLOBAL, "PK", b"platform"),
        variable(GLOBAL, "KEK", b"exchange"),
        variable(DATABASE, "db", b"allowed"),
        variable(DATABASE, "dbx", b"denied"),
        NUL.to_vec(),
        variable(DATABASE, "db", b"entry"),
    ];
    let events: Vec<&[u8]> = events.iter().map(Vec::as_slice).collect();
    let options = Options { secure_boot: SecureBoot::Keys(keys), ..Options::default() };
    let prediction = bare(&fixture::uki().file, &options);
    for hash in BANKS {
        assert_eq!(value(&prediction, hash, 7), pcr(hash, &events));
    }
}

#[test]
fn what_the_application_extends_is_predicted_too() {
    let extended = vec![(15, b"config".to_vec()), (15, b"more".to_vec())];
    let options = Options { extended, ..Options::default() };
    let prediction = bare(&fixture::uki().file, &options);
    assert_eq!(prediction.policy[&15], Demand::Must);
    for hash in BANKS {
        assert_eq!(value(&prediction, hash, 15), pcr(hash, &[b"config", b"more"]));
    }
}

#[test]
fn qemu_patches_six_places_of_a_kernel_that_it_starts_itself() {
    let kernel = fixture::kernel().file;
    let initrd = vec![1; 427_520];
    for (memory_mib, address) in [
        (512, 0x1ff6_f000u32),
        (1024, 0x3ff6_f000),
        (2815, 0xaff6_f000 - 0x10_0000),
        (2816, 0x7ff6_f000),
        (8192, 0x7ff6_f000),
    ] {
        let shape = Direct { initrd: &initrd, cmdline: CMDLINE, memory_mib };
        let mut expected = kernel.clone();
        expected[0x210] = 0xb0;
        expected[0x211] = 0x81;
        expected[0x218..0x21c].copy_from_slice(&address.to_le_bytes());
        expected[0x21c..0x220].copy_from_slice(&427_520u32.to_le_bytes());
        expected[0x224..0x226].copy_from_slice(&[0x00, 0xfe]);
        expected[0x228..0x22c].copy_from_slice(&[0, 0, 2, 0]);
        assert_eq!(direct::patched(&kernel, &shape).unwrap(), expected, "{memory_mib} MiB");
    }
}

#[test]
fn a_direct_boot_gives_the_pcrs_computed_by_hand() {
    let kernel = fixture::kernel();
    let shape = Direct { initrd: INITRD, cmdline: CMDLINE, memory_mib: 512 };
    let patched = direct::patched(&kernel.file, &shape).unwrap();
    let mut hashed = kernel.hashed.clone();
    // The headers are hashed without 12 bytes that lie before the setup header.
    hashed[0x210 - 12..0x22c - 12].copy_from_slice(&patched[0x210..0x22c]);
    let prediction = predict(&kernel.file, Shape::Direct(shape), &Options::default()).unwrap();
    let seen = [wide(&format!("{CMDLINE} initrd=initrd")), vec![0, 0]].concat();
    for hash in BANKS {
        assert_eq!(value(&prediction, hash, 4), pcr(hash, &[&hashed, CALLING, NUL]));
        assert_eq!(value(&prediction, hash, 5), pcr(hash, &[NUL, EXIT, EXITED]));
        assert_eq!(value(&prediction, hash, 9), pcr(hash, &[&seen, INITRD]));
        assert_eq!(value(&prediction, hash, 11), vec![0; hash.size()]);
    }
    assert_eq!(prediction.policy[&11], Demand::Zero);
}
