//! Damage everywhere: no panic, bounded work, and nothing that is measured can change unseen.

use super::fixture::{self, CHECKSUM, HEADERS, STUB, SYSTEM_START};
use crate::hash::Hash;
use crate::image::{Direct, ImageError, Options, Prediction, Shape, predict};
use proptest::prelude::*;

fn disk() -> Vec<u8> {
    fixture::disk(&fixture::volume(&fixture::uki().file, true, 2).bytes)
}

fn same(shape: Shape<'_>, bytes: &[u8], good: &Prediction) -> bool {
    let found = predict(bytes, shape, &Options::default());
    found.is_ok_and(|found| found.banks[&Hash::Sha256].pcrs == good.banks[&Hash::Sha256].pcrs)
}

/// Flipping a byte of a signed UKI (each of the headers, every other one behind them) changes the
/// prediction or is refused, but where Authenticode looks away: CheckSum and the certificate table.
/// The table's entry in the headers is not hashed either; it is refused unless it ends the file.
#[test]
fn every_flipped_byte_of_a_uki_is_noticed() {
    let file = fixture::uki_with(STUB, &[], &[0x5a; 24]).file;
    let good = predict(&file, Shape::Uki, &Options::default()).unwrap();
    let table = file.len() - 24;
    for at in (0..HEADERS).chain((HEADERS..table).step_by(2)).chain(table..file.len()) {
        let mut bad = file.clone();
        bad[at] ^= 0xff;
        let unseen = (CHECKSUM..CHECKSUM + 4).contains(&at) || at >= table;
        assert_eq!(same(Shape::Uki, &bad, &good), unseen, "byte {at}");
    }
}

#[test]
fn every_truncation_of_a_uki_is_noticed() {
    let file = fixture::uki().file;
    let good = predict(&file, Shape::Uki, &Options::default()).unwrap();
    for length in 0..file.len() {
        assert!(!same(Shape::Uki, &file[..length], &good), "length {length}");
    }
    let mut long = file;
    long.push(0);
    assert!(!same(Shape::Uki, &long, &good));
}

/// On a disk only what leads to the file, the partition table and the file itself count. Flips in
/// the table and in the parts that lead to the file are refused or show.
#[test]
fn flipped_bytes_of_a_disk_never_panic_and_never_change_the_table_unseen() {
    let disk = disk();
    let good = predict(&disk, Shape::Disk, &Options::default()).unwrap();
    let system = SYSTEM_START * 512;
    let leading = (512..604).chain(1024..1408).chain(system..system + 512);
    let everywhere = (0..disk.len()).step_by((disk.len() / 512).max(1));
    for at in leading.chain(everywhere) {
        let mut bad = disk.clone();
        bad[at] ^= 0xff;
        let same = same(Shape::Disk, &bad, &good);
        // The header's 92 bytes and the used entries are measured.
        let measured = (512..604).contains(&at) || (1024..1024 + 384).contains(&at);
        assert!(!(same && measured), "byte {at}");
    }
}

#[test]
fn every_truncation_of_a_disk_is_refused_up_to_the_end_of_its_system_partition() {
    let disk = disk();
    let good = predict(&disk, Shape::Disk, &Options::default()).unwrap();
    let end = disk.len() - 8 * 512;
    for length in (0..end).step_by(487).chain(end - 512..end) {
        let refused = predict(&disk[..length], Shape::Disk, &Options::default());
        assert!(matches!(refused, Err(ImageError::Truncated { .. })), "length {length}");
    }
    assert!(same(Shape::Disk, &disk[..end], &good));
}

#[test]
fn flipped_and_shortened_kernels_never_panic() {
    let kernel = fixture::kernel().file;
    let shape = Shape::Direct(Direct { initrd: b"initrd", cmdline: "quiet", memory_mib: 512 });
    let good = predict(&kernel, shape, &Options::default()).unwrap();
    // What QEMU writes over, and what it only reads to decide where things go.
    let overwritten = [0x210..0x211, 0x218..0x220, 0x224..0x226, 0x228..0x22c];
    for at in 0..kernel.len() {
        let mut bad = kernel.clone();
        bad[at] ^= 0xff;
        let unseen = (CHECKSUM..CHECKSUM + 4).contains(&at)
            || overwritten.iter().any(|range| range.contains(&at));
        assert_eq!(same(shape, &bad, &good), unseen, "byte {at:#x}");
        assert!(!same(shape, &kernel[..at], &good), "length {at}");
    }
}

#[test]
fn flipped_and_shortened_predictions_never_panic() {
    let prediction = predict(&fixture::uki().file, Shape::Uki, &Options::default()).unwrap();
    let json = prediction.to_json().unwrap().into_bytes();
    for at in (0..json.len()).step_by(23) {
        let mut bad = json.clone();
        bad[at] ^= 1;
        if let Ok(read) = Prediction::from_json(&bad) {
            assert_eq!(read.policy, prediction.policy);
            let good = &prediction.banks[&Hash::Sha256].pcrs;
            assert!(read.banks[&Hash::Sha256].pcrs.iter().all(|(n, value)| good[n] == *value));
        }
        assert!(Prediction::from_json(&json[..at]).is_err());
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..4096)) {
        let options = Options::default();
        let direct = Direct { initrd: b"i", cmdline: "c", memory_mib: 512 };
        for shape in [Shape::Disk, Shape::Uki, Shape::Direct(direct)] {
            prop_assert!(predict(&bytes, shape, &options).is_err());
        }
        prop_assert!(Prediction::from_json(&bytes).is_err());
    }

    #[test]
    fn arbitrary_damage_to_a_volume_never_panics(
        damage in prop::collection::vec((0usize..16_384, any::<u8>()), 1..64)
    ) {
        let mut disk = disk();
        for (at, byte) in damage {
            disk[SYSTEM_START * 512 + at] = byte;
        }
        _ = predict(&disk, Shape::Disk, &Options::default());
    }
}
