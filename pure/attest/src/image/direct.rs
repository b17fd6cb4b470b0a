//! A kernel as QEMU hands it to the firmware: machine `q35` of QEMU 7.2 patches the setup header
//! (Linux, Documentation/arch/x86/boot.rst; QEMU, `x86_load_linux`). Not here: other machines.

use super::{Direct, ImageError, read::Bytes};

/// The highest memory below which `q35` splits nothing, and what it leaves below 4 GiB above that.
const SPLIT: u64 = 0xb000_0000;
const LOW: u64 = 0x8000_0000;
/// Memory that QEMU keeps for ACPI tables.
const ACPI: u64 = 0x2_8000;
const REAL_MODE: u32 = 0x1_0000;
const CMDLINE: u32 = 0x2_0000;

/// The kernel with its patched header.
pub(super) fn patched(kernel: &[u8], direct: &Direct<'_>) -> Result<Vec<u8>, ImageError> {
    let header = Bytes::new("kernel", kernel);
    header.check(header.slice(0x202, 4)? == b"HdrS", "it has no setup header")?;
    let recent = header.u16(0x206)? >= 0x20c && header.u8(0x211)? & 1 == 1;
    if !recent || direct.initrd.is_empty() {
        let why = "only kernels of boot protocol 2.12 or later with an initrd";
        return Err(ImageError::Unsupported { part: "kernel", why });
    }
    let (address, length) = initrd(&header, direct)?;
    let heap_end = u16::try_from(CMDLINE - REAL_MODE - 0x200).unwrap_or(u16::MAX);
    let mut patched = kernel.to_vec();
    for (at, bytes) in [
        (0x210, &[0xb0][..]),
        (0x211, &[header.u8(0x211)? | 0x80]),
        (0x218, &address.to_le_bytes()),
        (0x21c, &length.to_le_bytes()),
        (0x224, &heap_end.to_le_bytes()),
        (0x228, &CMDLINE.to_le_bytes()),
    ] {
        let place = patched.get_mut(at..at + bytes.len());
        place.ok_or(ImageError::Truncated { part: "kernel" })?.copy_from_slice(bytes);
    }
    Ok(patched)
}

/// Where QEMU puts the initrd, and its length.
fn initrd(header: &Bytes<'_>, direct: &Direct<'_>) -> Result<(u32, u32), ImageError> {
    let memory = u64::from(direct.memory_mib) << 20;
    let below = if memory >= SPLIT { LOW } else { memory };
    let above_4g = header.u16(0x236)? & 2 != 0;
    let highest = if above_4g { u64::from(u32::MAX) } else { header.u32(0x22c)?.into() };
    let room = |below: u64| {
        let limit = below.checked_sub(ACPI + 1)?.min(highest);
        let length = direct.initrd.len() as u64;
        let address = limit.checked_sub(length)? & !0xfff;
        Some((u32::try_from(address).ok()?, u32::try_from(length).ok()?))
    };
    let why = "the initrd does not fit into the memory";
    room(below).ok_or(ImageError::Malformed { part: "initrd", why })
}
