//! What a device's certificate says of its firmware: TCG DICE extensions. Not here: the chain above.

use crate::x509::Certificate;
use der::{
    Decode as _, Reader as _, SliceReader, Tag, TagNumber, Tagged as _,
    asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef},
};

/// `CompositeDeviceID` as GH100 and LS10 have it: version, device key, FWID.
const COMPOSITE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.5.4.1");
/// `DiceTcbInfo` (TCG DICE Attestation Architecture, §6.1.1) as GB100 has it.
const TCB_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.5.4.1.1");
const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");

/// The firmware behind a certificate's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Firmware {
    /// SHA-384 of the first layer that holds the key.
    pub(super) fwid: Vec<u8>,
    /// `OperationalFlags`, where the extension has them.
    pub(super) flags: Option<Flags>,
}

/// `OperationalFlags` that are read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flags {
    /// Bit 1: the environment is not secure.
    pub(super) not_secure: bool,
    /// Bit 2: it is in recovery.
    pub(super) recovery: bool,
    /// Bit 3: it can be debugged.
    pub(super) debug: bool,
}

#[derive(der::Sequence)]
struct Composite<'a> {
    version: u8,
    key: AnyRef<'a>,
    fwid: Fwid<'a>,
}

#[derive(der::Sequence)]
struct Fwid<'a> {
    algorithm: ObjectIdentifier,
    digest: OctetStringRef<'a>,
}

/// What the certificate says; `None` when it has no such extension or another form of it.
pub(super) fn firmware(certificate: &Certificate) -> Option<Firmware> {
    match (certificate.extension(COMPOSITE), certificate.extension(TCB_INFO)) {
        (Some(bytes), None) => {
            let composite = Composite::from_der(bytes).ok()?;
            let fits = composite.version == 1 && composite.key.tag() == Tag::Sequence;
            let fwid = digest(&composite.fwid).filter(|_| fits)?;
            Some(Firmware { fwid, flags: None })
        }
        (None, Some(bytes)) => tcb_info(bytes),
        _ => None,
    }
}

fn digest(fwid: &Fwid<'_>) -> Option<Vec<u8>> {
    let bytes = fwid.digest.as_bytes();
    (fwid.algorithm == SHA384 && bytes.len() == 48).then(|| bytes.to_vec())
}

/// Fields 6 (FWIDs, of which the first counts) and 7 (flags).
fn tcb_info(bytes: &[u8]) -> Option<Firmware> {
    let outer = AnyRef::from_der(bytes).ok()?;
    if outer.tag() != Tag::Sequence {
        return None;
    }
    let mut reader = SliceReader::new(outer.value()).ok()?;
    let (mut fwid, mut flags, mut last) = (None, None, None);
    while !reader.is_finished() {
        let field = reader.decode::<AnyRef<'_>>().ok()?;
        let Tag::ContextSpecific { number, .. } = field.tag() else { return None };
        if last.is_some_and(|last: TagNumber| last.value() >= number.value()) {
            return None;
        }
        last = Some(number);
        match number.value() {
            6 => {
                let mut list = SliceReader::new(field.value()).ok()?;
                fwid = Some(digest(&list.decode::<Fwid<'_>>().ok()?)?);
            }
            7 => flags = Some(operational(field.value())?),
            _ => {}
        }
    }
    Some(Firmware { fwid: fwid?, flags })
}

fn operational(value: &[u8]) -> Option<Flags> {
    let (unused, bits) = value.split_first()?;
    let bits = BitStringRef::new(*unused, bits).ok()?;
    let bit = |at: usize| bits.bits().nth(at).unwrap_or(false);
    Some(Flags { not_secure: bit(1), recovery: bit(2), debug: bit(3) })
}
