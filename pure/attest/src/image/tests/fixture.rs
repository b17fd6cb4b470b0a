//! Images built from nothing, with what is hashed of them taken down while they are built. Not
//! here: any code of the reader under test.

use crate::hash::Hash;

pub(super) const HEADERS: usize = 0x400;
pub(super) const CHECKSUM: usize = 0x98;
pub(super) const CERTIFICATES: usize = 0xe8;
pub(super) const SECTION_TABLE: usize = 0x148;
pub(super) const CMDLINE: &str = "console=ttyS0 quiet";
pub(super) const OSREL: &[u8] = b"ID=demo\n";
pub(super) const INITRD: &[u8] = b"070701 an initrd, odd length.";
pub(super) const STUB: &[u8] = b"#### LoaderInfo: systemd-stub 252.39-1~deb12u2 ####\0";
pub(super) const SYSTEM_START: usize = 40;

/// A PE file and the bytes that Authenticode hashes of it.
pub(super) struct Made {
    pub(super) file: Vec<u8>,
    pub(super) hashed: Vec<u8>,
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

fn padded(bytes: &[u8], to: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.resize(bytes.len().next_multiple_of(to), 0);
    bytes
}

/// A PE32+ file: headers, sections in that order, bytes behind them, a certificate table.
pub(super) fn pe(sections: &[(&str, &[u8])], behind: &[u8], certificates: &[u8]) -> Made {
    let mut header = vec![0; HEADERS];
    put(&mut header, 0, b"MZ");
    put(&mut header, 0x3c, &0x40u32.to_le_bytes());
    put(&mut header, 0x40, b"PE\0\0");
    put(&mut header, 0x46, &(sections.len() as u16).to_le_bytes());
    put(&mut header, 0x54, &240u16.to_le_bytes());
    put(&mut header, 0x58, &0x20bu16.to_le_bytes());
    put(&mut header, 0x58 + 60, &(HEADERS as u32).to_le_bytes());
    put(&mut header, CHECKSUM, &0xdead_beefu32.to_le_bytes());
    put(&mut header, 0x58 + 108, &16u32.to_le_bytes());
    let mut body = Vec::new();
    for (index, (name, content)) in sections.iter().enumerate() {
        let raw = padded(content, 512);
        let at = SECTION_TABLE + index * 40;
        put(&mut header, at, name.as_bytes());
        put(&mut header, at + 8, &(content.len() as u32).to_le_bytes());
        put(&mut header, at + 16, &(raw.len() as u32).to_le_bytes());
        put(&mut header, at + 20, &((HEADERS + body.len()) as u32).to_le_bytes());
        body.extend(raw);
    }
    body.extend(behind);
    let body = if certificates.is_empty() { body } else { padded(&body, 8) };
    if !certificates.is_empty() {
        put(&mut header, CERTIFICATES, &((HEADERS + body.len()) as u32).to_le_bytes());
        put(&mut header, CERTIFICATES + 4, &(certificates.len() as u32).to_le_bytes());
    }
    let mut hashed = header[..CHECKSUM].to_vec();
    hashed.extend(&header[CHECKSUM + 4..CERTIFICATES]);
    hashed.extend(&header[CERTIFICATES + 8..]);
    hashed.extend(&body);
    let file = [header, body, certificates.to_vec()].concat();
    Made { file, hashed }
}

/// A kernel with a setup header for QEMU.
pub(super) fn kernel() -> Made {
    let mut made = pe(&[(".text", b"the kernel itself"), (".data", &[7; 600])], b"tail", b"");
    // The setup header lies in the headers, behind the fields that are not hashed.
    let setup = [
        (0x202, &b"HdrS"[..]),
        (0x206, &[0x0f, 0x02]),
        (0x211, &[0x01]),
        (0x22c, &[0xff, 0xff, 0xff, 0x7f]),
        (0x236, &[0x7f, 0x00]),
    ];
    for (at, bytes) in setup {
        put(&mut made.file, at, bytes);
        put(&mut made.hashed, at - 12, bytes);
    }
    made
}

pub(super) fn uki_with(stub: &[u8], more: &[(&str, &[u8])], certificates: &[u8]) -> Made {
    let kernel = kernel().file;
    let mut sections: Vec<(&str, &[u8])> = vec![
        (".text", b"the stub"),
        (".sbat", b"sbat,1\n"),
        (".sdmagic", stub),
        (".osrel", OSREL),
        (".cmdline", CMDLINE.as_bytes()),
        (".linux", &kernel),
        (".initrd", INITRD),
    ];
    sections.extend(more);
    pe(&sections, b"", certificates)
}

pub(super) fn uki() -> Made {
    uki_with(STUB, &[], b"")
}

/// Where a system partition's parts lie, for tests that damage them.
pub(super) struct Volume {
    pub(super) bytes: Vec<u8>,
    pub(super) table: usize,
    pub(super) data: usize,
    pub(super) wide: bool,
}

impl Volume {
    /// Sets the table's word for a cluster.
    pub(super) fn link(&mut self, cluster: usize, next: u32) {
        if self.wide {
            put(&mut self.bytes, self.table + cluster * 4, &next.to_le_bytes());
        } else {
            put(&mut self.bytes, self.table + cluster * 2, &(next as u16).to_le_bytes());
        }
    }

    pub(super) fn cluster(&self, cluster: usize) -> usize {
        self.data + (cluster - 2) * 512
    }
}

/// The first cluster of the file in every volume.
pub(super) const FILE: usize = 10;

fn entry(name: &[u8; 11], attributes: u8, cluster: usize, length: usize) -> Vec<u8> {
    let mut entry = vec![0; 32];
    put(&mut entry, 0, name);
    entry[11] = attributes;
    put(&mut entry, 20, &((cluster >> 16) as u16).to_le_bytes());
    put(&mut entry, 26, &(cluster as u16).to_le_bytes());
    put(&mut entry, 28, &(length as u32).to_le_bytes());
    entry
}

/// FAT32 or FAT16 with `\EFI\BOOT\BOOTX64.EFI`, whose clusters lie `stride` apart. Beside it a
/// volume label of the same name, a deleted entry and a part of a long name.
pub(super) fn volume(file: &[u8], wide: bool, stride: usize) -> Volume {
    let needed = file.len().div_ceil(512);
    let clusters = (FILE + needed * stride).max(if wide { 64 } else { 4100 });
    let table_sectors = ((clusters + 2) * if wide { 4 } else { 2 }).div_ceil(512);
    let (reserved, root_entries) = if wide { (32, 0) } else { (1, 16) };
    let table = reserved * 512;
    let root = table + 2 * table_sectors * 512;
    let data = root + root_entries * 32;
    let total = data / 512 + clusters;
    let mut bytes = vec![0; total * 512];
    put(&mut bytes, 11, &512u16.to_le_bytes());
    bytes[13] = 1;
    put(&mut bytes, 14, &(reserved as u16).to_le_bytes());
    bytes[16] = 2;
    put(&mut bytes, 17, &(root_entries as u16).to_le_bytes());
    put(&mut bytes, 32, &(total as u32).to_le_bytes());
    if wide {
        put(&mut bytes, 36, &(table_sectors as u32).to_le_bytes());
        put(&mut bytes, 44, &2u32.to_le_bytes());
    } else {
        put(&mut bytes, 22, &(table_sectors as u16).to_le_bytes());
    }
    put(&mut bytes, 510, &[0x55, 0xaa]);
    let mut volume = Volume { bytes, table, data, wide };
    let top = [
        entry(b"EFI        ", 0x08, 0, 0),
        entry(b"\xe5FI        ", 0x10, 5, 0),
        entry(b"EFI        ", 0x0f, 5, 0),
        entry(b"EFI        ", 0x10, 3, 0),
    ];
    let root = if wide { volume.cluster(2) } else { root };
    put(&mut volume.bytes, root, &top.concat());
    let boot = entry(b"BOOT       ", 0x10, 4, 0);
    let at = volume.cluster(3);
    put(&mut volume.bytes, at, &boot);
    let at = volume.cluster(4);
    put(&mut volume.bytes, at, &entry(b"BOOTX64 EFI", 0x20, FILE, file.len()));
    for cluster in 2..5 {
        volume.link(cluster, 0x0fff_ffff);
    }
    for (index, part) in file.chunks(512).enumerate() {
        let cluster = FILE + index * stride;
        let at = volume.cluster(cluster);
        put(&mut volume.bytes, at, part);
        let last = index + 1 == needed;
        volume.link(cluster, if last { 0x0fff_ffff } else { (cluster + stride) as u32 });
    }
    volume
}

/// The CRC of UEFI, by a table.
pub(super) fn crc(bytes: &[u8]) -> u32 {
    let table: Vec<u32> = (0..256u32)
        .map(|byte| {
            (0..8).fold(byte, |c, _| if c & 1 == 1 { 0xedb8_8320 ^ (c >> 1) } else { c >> 1 })
        })
        .collect();
    !bytes
        .iter()
        .fold(!0, |crc, byte| table[((crc ^ u32::from(*byte)) & 0xff) as usize] ^ (crc >> 8))
}

/// Recomputes the checksums of a partition table with 128 entries.
pub(super) fn seal(disk: &mut [u8]) {
    let entries = crc(&disk[1024..1024 + 128 * 128]);
    put(disk, 512 + 88, &entries.to_le_bytes());
    put(disk, 512 + 16, &[0; 4]);
    let header = crc(&disk[512..512 + 92]);
    put(disk, 512 + 16, &header.to_le_bytes());
}

/// A disk with that system partition and a second partition of another type.
pub(super) fn disk(system: &[u8]) -> Vec<u8> {
    let sectors = system.len() / 512;
    let mut disk = vec![0; (SYSTEM_START + sectors + 8) * 512];
    put(&mut disk, 512, b"EFI PART\0\0\x01\0\x5c\0\0\0");
    for (at, value) in [(24, 1), (40, 34), (72, 2)] {
        put(&mut disk, 512 + at, &u64::to_le_bytes(value));
    }
    put(&mut disk, 512 + 80, &128u32.to_le_bytes());
    put(&mut disk, 512 + 84, &128u32.to_le_bytes());
    let kind = b"\x28\x73\x2a\xc1\x1f\xf8\xd2\x11\xba\x4b\x00\xa0\xc9\x3e\xc9\x3b";
    put(&mut disk, 1024, kind);
    put(&mut disk, 1024 + 16, &[0x66; 16]);
    put(&mut disk, 1024 + 32, &(SYSTEM_START as u64).to_le_bytes());
    put(&mut disk, 1024 + 40, &((SYSTEM_START + sectors - 1) as u64).to_le_bytes());
    put(&mut disk, 1024 + 2 * 128, &[0x77; 128]);
    seal(&mut disk);
    put(&mut disk, SYSTEM_START * 512, system);
    disk
}

/// A PCR after these extensions, each the concatenation of some bytes.
pub(super) fn pcr(hash: Hash, events: &[&[u8]]) -> Vec<u8> {
    let digests = events.iter().map(|event| hash.digest(&[event]));
    digests.fold(vec![0; hash.size()], |value, digest| hash.digest(&[&[value, digest].concat()]))
}

/// A text in UTF-16.
pub(super) fn wide(text: &str) -> Vec<u8> {
    text.chars().flat_map(|letter| [letter as u8, 0]).collect()
}
