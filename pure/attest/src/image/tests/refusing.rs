//! Every refusal, provoked.

use super::fixture::{self, CERTIFICATES, CMDLINE, FILE, INITRD, SECTION_TABLE, STUB, Volume};
use crate::image::{Direct, ImageError, Options, SecureBoot, Shape, predict};

fn malformed(part: &'static str, why: &'static str) -> ImageError {
    ImageError::Malformed { part, why }
}

fn truncated(part: &'static str) -> ImageError {
    ImageError::Truncated { part }
}

fn unsupported(part: &'static str, why: &'static str) -> ImageError {
    ImageError::Unsupported { part, why }
}

fn uki_error(file: &[u8], options: &Options) -> ImageError {
    predict(file, Shape::Uki, options).unwrap_err()
}

fn disk_error(disk: &[u8]) -> ImageError {
    predict(disk, Shape::Disk, &Options::default()).unwrap_err()
}

fn set(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

type Edit = fn(&mut Vec<u8>);

#[test]
fn pe_files_that_are_none_are_refused() {
    let edits: [(Edit, ImageError); 16] = [
        (|f| f[0] = 0, malformed("UKI", "no DOS header")),
        (|f| set(f, 0x3c, 0x3f), malformed("UKI", "the PE header lies in the DOS header")),
        (|f| f[0x41] = 0, malformed("UKI", "no PE header")),
        (|f| f[0x46] = 97, malformed("UKI", "too many sections")),
        (|f| f[0x58] = 0, malformed("UKI", "no PE32 or PE32+")),
        (|f| f[0x58 + 108] = 17, malformed("UKI", "too many data directories")),
        (|f| f[0x54] = 230, malformed("UKI", "data directories past the header")),
        (
            |f| set(f, 0x58 + 60, 0x100),
            malformed("UKI", "the section table lies behind the headers"),
        ),
        (|f| set(f, 0x58 + 60, u32::MAX), truncated("UKI")),
        (|f| set(f, 0x3c, u32::MAX), truncated("UKI")),
        (|f| set(f, SECTION_TABLE + 16, u32::MAX), truncated("UKI")),
        (|f| set(f, SECTION_TABLE + 20, 0x200), malformed("UKI", "sections overlap")),
        (
            |f| set(f, CERTIFICATES + 4, 8),
            malformed("UKI", "the certificate table does not end the file"),
        ),
        (|f| set(f, CERTIFICATES, 8), malformed("UKI", "a certificate table without length")),
        (
            |f| {
                set(f, CERTIFICATES, 4);
                set(f, CERTIFICATES + 4, 8);
            },
            malformed("UKI", "the certificate table is not aligned"),
        ),
        (
            |f| {
                let length = f.len() as u32;
                set(f, CERTIFICATES, length - 8);
                set(f, CERTIFICATES + 4, 8);
            },
            malformed("UKI", "the certificate table overlaps a section"),
        ),
    ];
    for (index, (edit, expected)) in edits.into_iter().enumerate() {
        let mut file = fixture::uki().file;
        edit(&mut file);
        assert_eq!(uki_error(&file, &Options::default()), expected, "edit {index}");
    }
}

#[test]
fn a_broken_kernel_inside_a_uki_is_refused() {
    let sections: [(&str, &[u8]); 3] =
        [(".sdmagic", STUB), (".cmdline", b"quiet"), (".linux", b"MZ, but short")];
    let file = fixture::pe(&sections, b"", b"").file;
    assert_eq!(uki_error(&file, &Options::default()), truncated("kernel"));
}

#[test]
fn ukis_that_cannot_be_predicted_are_refused() {
    let kernel = fixture::kernel().file;
    let full: Vec<(&str, &[u8])> =
        vec![(".sdmagic", STUB), (".cmdline", b"quiet"), (".linux", &kernel)];
    let without = |name: &str| {
        let mut sections = full.clone();
        sections.retain(|(found, _)| *found != name);
        sections
    };
    let with = |name, content| [full.clone(), vec![(name, content)]].concat();
    let stub = |text| [without(".sdmagic"), vec![(".sdmagic", text)]].concat();
    let line = |text| [without(".cmdline"), vec![(".cmdline", text)]].concat();
    let ends = "it is not plain printable ASCII without white space at its ends";
    type Sections<'a> = Vec<(&'a str, &'a [u8])>;
    let cases: [(Sections<'_>, ImageError); 14] = [
        (without(".linux"), ImageError::Section { name: ".linux", count: 0 }),
        (without(".cmdline"), ImageError::Section { name: ".cmdline", count: 0 }),
        (with(".linux", b"MZ"), ImageError::Section { name: ".linux", count: 2 }),
        (with(".ucode", b"x"), ImageError::SectionUnknown(".ucode")),
        (with(".profile", b"x"), ImageError::SectionUnknown(".profile")),
        (without(".sdmagic"), ImageError::StubUnknown),
        (stub(b"#### LoaderInfo: systemd-stub x ####"), ImageError::StubUnknown),
        (stub(b"#### LoaderInfo: systemd-stub 251 ####"), ImageError::StubVersion(251)),
        (stub(b"#### LoaderInfo: systemd-stub 256 ####"), ImageError::StubVersion(256)),
        (line(b"quiet\n"), unsupported("command line", ends)),
        (line(b"quiet\0"), unsupported("command line", ends)),
        (line(b" quiet"), unsupported("command line", ends)),
        (line(b"quiet\tfast"), unsupported("command line", ends)),
        (line("caf\u{e9}".as_bytes()), unsupported("command line", ends)),
    ];
    for (sections, expected) in cases {
        let file = fixture::pe(&sections, b"", b"").file;
        assert_eq!(uki_error(&file, &Options::default()), expected);
    }
    let told = Options { stub: Some(254), ..Options::default() };
    let differs = ImageError::StubDiffers { image: 252, told: 254 };
    assert_eq!(uki_error(&fixture::uki().file, &told), differs);
}

#[test]
fn a_section_that_is_larger_in_memory_than_in_the_file_is_refused() {
    let mut file = fixture::uki().file;
    // The fourth section is .osrel.
    set(&mut file, SECTION_TABLE + 3 * 40 + 8, 513);
    assert_eq!(uki_error(&file, &Options::default()), truncated("UKI section"));
}

#[test]
fn only_the_applications_pcrs_can_be_extended() {
    for pcr in [0, 4, 7, 10, 16, u8::MAX] {
        let options = Options { extended: vec![(pcr, vec![1])], ..Options::default() };
        assert_eq!(uki_error(&fixture::uki().file, &options), ImageError::Extended(pcr));
    }
}

type TableEdit = fn(&mut [u8]);

fn table(edit: TableEdit, sealed: bool) -> ImageError {
    let volume = fixture::volume(&fixture::uki().file, true, 1);
    let mut disk = fixture::disk(&volume.bytes);
    edit(&mut disk);
    if sealed {
        fixture::seal(&mut disk);
    }
    disk_error(&disk)
}

#[test]
fn partition_tables_that_are_none_are_refused() {
    let gpt = |why| malformed("GPT", why);
    let edits: [(TableEdit, bool, ImageError); 13] = [
        (|d| d[512] = 0, true, gpt("no GPT header in the second sector")),
        (|d| d[520] = 1, true, gpt("unknown revision")),
        (|d| d[524] = 91, true, gpt("the header has a wrong length")),
        (|d| d[525] = 3, true, gpt("the header has a wrong length")),
        (|d| d[536] = 2, true, gpt("the header is meant for another sector")),
        (|d| d[570] ^= 1, false, gpt("the header's checksum is wrong")),
        (|d| d[1024 + 56] ^= 1, false, gpt("the entries' checksum is wrong")),
        (|d| d[512 + 84] = 96, true, gpt("entries have a wrong length")),
        (|d| d[512 + 83] = 1, true, gpt("too many entries")),
        (|d| d[512 + 78] = 1, true, truncated("GPT")),
        (|d| d[1024] ^= 1, true, ImageError::SystemPartitions(0)),
        (
            |d| {
                let (head, tail) = d.split_at_mut(1024 + 256);
                tail[..16].copy_from_slice(&head[1024..1040]);
            },
            true,
            ImageError::SystemPartitions(2),
        ),
        (
            |d| d[1024 + 40..1024 + 48].fill(0),
            true,
            gpt("the system partition ends before it begins"),
        ),
    ];
    for (index, (edit, sealed, expected)) in edits.into_iter().enumerate() {
        assert_eq!(table(edit, sealed), expected, "edit {index}");
    }
    let past: TableEdit = |d| d[1024 + 47] = 0xff;
    assert_eq!(table(past, true), truncated("GPT"));
    let short = &fixture::disk(&[0; 512])[..1000];
    assert_eq!(disk_error(short), truncated("GPT"));
}

type VolumeEdit = fn(&mut Volume);

fn in_volume(wide: bool, edit: VolumeEdit) -> ImageError {
    let mut volume = fixture::volume(&fixture::uki().file, wide, 1);
    edit(&mut volume);
    disk_error(&fixture::disk(&volume.bytes))
}

#[test]
fn volumes_that_are_none_are_refused() {
    let fat = |why| malformed("FAT volume", why);
    let missing = || ImageError::FileMissing(r"\EFI\BOOT\BOOTX64.EFI");
    let edits: [(VolumeEdit, ImageError); 20] = [
        (|v| v.bytes[510] = 0, fat("no boot sector")),
        (|v| v.bytes[12] = 3, fat("impossible sectors")),
        (|v| v.bytes[12] = 1, fat("impossible sectors")),
        (|v| v.bytes[13] = 0, fat("impossible sectors")),
        (|v| v.bytes[13] = 3, fat("impossible sectors")),
        (|v| v.bytes[14] = 0, fat("impossible tables")),
        (|v| v.bytes[16] = 3, fat("impossible tables")),
        (|v| set(&mut v.bytes, 32, 20), truncated("FAT volume")),
        (|v| set(&mut v.bytes, 32, 1 << 20), truncated("FAT volume")),
        (|v| v.bytes[40] = 0x80, fat("its tables are not mirrored")),
        (|v| v.bytes[36] -= 1, fat("its table is too short")),
        (|v| v.bytes[44] = 1, fat("a chain leaves the volume")),
        (|v| set(&mut v.bytes, 44, 1 << 20), fat("a chain leaves the volume")),
        (|v| v.link(FILE, 0x0fff_ffff), fat("a file ends before its length")),
        (|v| v.link(FILE, 0x0fff_fff7), fat("a chain leaves the volume")),
        (|v| v.link(FILE, 0), fat("a chain leaves the volume")),
        (
            |v| {
                let at = v.cluster(4) + 28;
                set(&mut v.bytes, at, u32::MAX);
            },
            fat("a file is larger than its volume"),
        ),
        (
            |v| {
                let at = v.cluster(4) + 7;
                v.bytes[at] = b'X';
            },
            missing(),
        ),
        (
            |v| {
                let at = v.cluster(4) + 11;
                v.bytes[at] = 0x10;
            },
            missing(),
        ),
        (
            |v| {
                let at = v.cluster(3) + 11;
                v.bytes[at] = 0x20;
            },
            missing(),
        ),
    ];
    for (index, (edit, expected)) in edits.into_iter().enumerate() {
        assert_eq!(in_volume(true, edit), expected, "edit {index}");
    }
    // An empty file is no PE file.
    let empty: VolumeEdit = |v| {
        let at = v.cluster(4) + 28;
        set(&mut v.bytes, at, 0);
    };
    assert_eq!(in_volume(true, empty), truncated("UKI"));
}

#[test]
fn fat12_is_refused() {
    let small: VolumeEdit = |v| {
        let sectors = (v.data / 512 + 4085) as u32;
        set(&mut v.bytes, 32, sectors);
    };
    assert_eq!(in_volume(false, small), unsupported("FAT volume", "it is FAT12"));
}

#[test]
fn a_directory_that_loops_does_not_loop_the_reader() {
    let endless: VolumeEdit = |v| {
        let (start, end) = (v.cluster(2), v.cluster(3));
        let label = *b"LABEL      \x08";
        for at in (start..end).step_by(32) {
            v.bytes[at..at + 12].copy_from_slice(&label);
        }
        v.link(2, 2);
    };
    let expected = malformed("FAT volume", "a directory does not end");
    assert_eq!(in_volume(true, endless), expected);
}

#[test]
fn a_file_that_loops_is_read_to_its_length_and_no_further() {
    let looped: VolumeEdit = |v| v.link(FILE + 1, FILE as u32);
    // The headers come over and over: the stub's text is not where the first of them says.
    assert_eq!(in_volume(true, looped), ImageError::StubUnknown);
}

#[test]
fn kernels_that_qemu_would_start_otherwise_are_refused() {
    let start = |kernel: &[u8], initrd, cmdline, memory_mib, options: &Options| {
        let shape = Shape::Direct(Direct { initrd, cmdline, memory_mib });
        predict(kernel, shape, options).unwrap_err()
    };
    let none = Options::default();
    let good = fixture::kernel().file;
    let edited = |at: usize, value: u8| {
        let mut kernel = good.clone();
        kernel[at] = value;
        kernel
    };
    let old = unsupported("kernel", "only kernels of boot protocol 2.12 or later with an initrd");
    let no_header = malformed("kernel", "it has no setup header");
    assert_eq!(start(&edited(0x202, 0), INITRD, CMDLINE, 512, &none), no_header);
    assert_eq!(start(&edited(0x206, 0x0b), INITRD, CMDLINE, 512, &none), old);
    assert_eq!(start(&edited(0x211, 0), INITRD, CMDLINE, 512, &none), old);
    assert_eq!(start(&good, b"", CMDLINE, 512, &none), old);
    let small = malformed("initrd", "the initrd does not fit into the memory");
    assert_eq!(start(&good, INITRD, CMDLINE, 0, &none), small);
    let large = vec![0; 1 << 20];
    assert_eq!(start(&good, &large, CMDLINE, 1, &none), small);
    assert_eq!(start(&good[..0x240], INITRD, CMDLINE, 512, &none), truncated("kernel"));
    let ends = "it is not plain printable ASCII without white space at its ends";
    let line = unsupported("command line", ends);
    assert_eq!(start(&good, INITRD, "quiet ", 512, &none), line);
    let on = Options { secure_boot: SecureBoot::On, ..Options::default() };
    let refused = unsupported("kernel", "started by QEMU itself under Secure Boot");
    assert_eq!(start(&good, INITRD, CMDLINE, 512, &on), refused);
}
