//! A TPM of the tests' own: keys, quotes, logs and lists in the forms of real ones. Not here: any
//! check.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::{algorithm_of, log::kind};
use crate::hash::Hash;
use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use rsa::{BigUint, Pkcs1v15Sign, Pss, RsaPrivateKey, traits::PublicKeyParts as _};

/// The primes of an RSA key of the tests.
const P: &str = "eab849ae3d3b7aff2f1f7f7b2cdf9e4c289feb2f95b8e8cb41f7576f72d49b6fc525d83eca44f54c08aa76f21f766253288550d2dbb65d8641c69357d731b2b6005dbeee426134a41594f0553b4cf5f3abd776e836eb22d64e101c9daa3d796639be485cc3ea52610e0c6f8ea37389085f4157dfbf09e16cf18262fae8cd9c41";
const Q: &str = "e6a6505f01033daabc5ebac6b8967a2b7d8e60925c6ba352bc4ac1f72750b8a5ae3b8caf626ba7c8ee198f9b911c0a2b93061e6b0094207ab3ee1916d0d552863e35c72536f11f65f2ac07d5a464e281104b05c260f4aa0a009067950949d27ef16c45c36e5db0cda8e0b1360b6f6e89857a796f16211373a5208aac61761617";

/// The attributes of a good attestation key.
pub(crate) const ATTESTS: u32 = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 16 | 1 << 18;
/// Those of an endorsement key.
pub(crate) const ENDORSES: u32 = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 16 | 1 << 17;

/// How a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    P256,
    P384,
    Rsassa,
    Rsapss,
}

pub(crate) const WAYS: [Way; 4] = [Way::P256, Way::P384, Way::Rsassa, Way::Rsapss];

pub(crate) fn p256() -> p256::ecdsa::SigningKey {
    p256::ecdsa::SigningKey::from_slice(&[3; 32]).unwrap()
}

pub(crate) fn p384() -> p384::ecdsa::SigningKey {
    p384::ecdsa::SigningKey::from_slice(&[3; 48]).unwrap()
}

pub(crate) fn rsa() -> RsaPrivateKey {
    let number = |text: &str| BigUint::from_bytes_be(&hex::decode(text).unwrap());
    RsaPrivateKey::from_p_q(number(P), number(Q), BigUint::from(65_537_u32)).unwrap()
}

/// A `TPM2B`.
pub(crate) fn sized(bytes: &[u8]) -> Vec<u8> {
    let size = u16::try_from(bytes.len()).unwrap().to_be_bytes();
    [&size, bytes].concat()
}

fn words(words: &[u16]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

impl Way {
    /// The hash of its signatures.
    pub(crate) fn hash(self) -> Hash {
        if self == Self::P384 { Hash::Sha384 } else { Hash::Sha256 }
    }

    /// The key as `TPMT_PUBLIC`; a storage key protects by AES.
    pub(crate) fn public(self, attributes: u32) -> Vec<u8> {
        let hash = algorithm_of(self.hash());
        let storage = attributes & (1 << 17) != 0;
        let (kind, scheme) = match self {
            Self::P256 | Self::P384 => (0x23, 0x18),
            Self::Rsassa => (1, 0x14),
            Self::Rsapss => (1, 0x16),
        };
        let aes = if self == Self::P384 { 256 } else { 128 };
        let symmetric =
            if storage { words(&[6, aes, 0x43, 0x10]) } else { words(&[0x10, scheme, hash]) };
        let unique = match self {
            Self::P256 => {
                let point = p256().verifying_key().to_encoded_point(false);
                [words(&[3, 0x10]), sized(point.x().unwrap()), sized(point.y().unwrap())].concat()
            }
            Self::P384 => {
                let point = p384().verifying_key().to_encoded_point(false);
                [words(&[4, 0x10]), sized(point.x().unwrap()), sized(point.y().unwrap())].concat()
            }
            _ => [words(&[2048, 0, 0]), sized(&rsa().n().to_bytes_be())].concat(),
        };
        let head = [words(&[kind, hash]), attributes.to_be_bytes().to_vec(), words(&[0])].concat();
        [head, symmetric, unique].concat()
    }

    /// A `TPMT_SIGNATURE`.
    pub(crate) fn sign(self, message: &[u8]) -> Vec<u8> {
        let digest = self.hash().digest(&[message]);
        let hash = algorithm_of(self.hash());
        match self {
            Self::P256 => {
                let signature: p256::ecdsa::Signature = p256().sign_prehash(&digest).unwrap();
                let (r, s) = signature.split_bytes();
                [words(&[0x18, hash]), sized(&r), sized(&s)].concat()
            }
            Self::P384 => {
                let signature: p384::ecdsa::Signature = p384().sign_prehash(&digest).unwrap();
                let (r, s) = signature.split_bytes();
                [words(&[0x18, hash]), sized(&r), sized(&s)].concat()
            }
            Self::Rsassa => {
                let signature = rsa().sign(Pkcs1v15Sign::new::<sha2::Sha256>(), &digest).unwrap();
                [words(&[0x14, hash]), sized(&signature)].concat()
            }
            Self::Rsapss => {
                let mut chance = ChaCha20Rng::seed_from_u64(1);
                let padding = Pss::new::<sha2::Sha256>();
                let signature = rsa().sign_with_rng(&mut chance, padding, &digest).unwrap();
                [words(&[0x16, hash]), sized(&signature)].concat()
            }
        }
    }
}

/// What goes into a quote.
#[derive(Clone)]
pub(crate) struct Statement {
    pub(crate) magic: u32,
    pub(crate) kind: u16,
    pub(crate) extra: Vec<u8>,
    pub(crate) safe: u8,
    /// Banks and their PCRs.
    pub(crate) selection: Vec<(Hash, Vec<u8>)>,
    pub(crate) digest: Vec<u8>,
}

impl Statement {
    /// `TPMS_ATTEST`.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = [&self.magic.to_be_bytes()[..], &self.kind.to_be_bytes()].concat();
        bytes.extend(sized(&[&[0, 0x0b][..], &[9; 32]].concat()));
        bytes.extend(sized(&self.extra));
        bytes.extend(123_456_u64.to_be_bytes());
        bytes.extend(5_u32.to_be_bytes());
        bytes.extend(6_u32.to_be_bytes());
        bytes.push(self.safe);
        bytes.extend(0x2024_u64.to_be_bytes());
        bytes.extend(u32::try_from(self.selection.len()).unwrap().to_be_bytes());
        for (bank, pcrs) in &self.selection {
            bytes.extend(algorithm_of(*bank).to_be_bytes());
            let bits = pcrs.iter().fold(0_u32, |bits, pcr| bits | 1 << pcr);
            bytes.push(3);
            bytes.extend(&bits.to_le_bytes()[..3]);
        }
        bytes.extend(sized(&self.digest));
        bytes
    }
}

/// A machine's boot: what was measured, as a log in `banks`.
#[derive(Clone)]
pub(crate) struct Boot {
    pub(crate) banks: Vec<Hash>,
    /// PCR, type, what was hashed, data.
    pub(crate) events: Vec<(u32, u32, Vec<u8>, Vec<u8>)>,
    /// Data of IMA's entries (template `ima-sig`).
    pub(crate) ima: Vec<Vec<u8>>,
}

/// `UEFI_VARIABLE_DATA` of a global variable.
pub(crate) fn variable(name: &str, value: &[u8]) -> Vec<u8> {
    let vendor = hex::decode("61dfe48bca93d211aa0d00e098032b8c").unwrap();
    let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let sizes = [name.len() / 2, value.len()].map(|n| u64::try_from(n).unwrap().to_le_bytes());
    [vendor, sizes.concat(), name, value.to_vec()].concat()
}

impl Boot {
    /// A plain boot, Secure Boot on.
    pub(crate) fn new(banks: &[Hash]) -> Self {
        let same = |pcr: u32, kind: u32, data: &[u8]| (pcr, kind, data.to_vec(), data.to_vec());
        let secure = variable("SecureBoot", &[1]);
        let order = variable("BootOrder", &[1, 0]);
        Self {
            banks: banks.to_vec(),
            events: vec![
                (0, 8, b"firmware".to_vec(), b"version".to_vec()),
                same(7, kind::EFI_VARIABLE_DRIVER_CONFIG, &secure),
                (1, kind::EFI_VARIABLE_BOOT, vec![1, 0], order.clone()),
                same(1, kind::EFI_VARIABLE_BOOT2, &order),
                same(4, kind::EFI_ACTION, b"Calling EFI Application from Boot Option"),
                same(4, kind::SEPARATOR, &[0; 4]),
                same(5, kind::EFI_GPT_EVENT, b"EFI PART and the rest"),
                (4, 0x8000_0003, b"image".to_vec(), b"device path".to_vec()),
                (11, 0x0d, b"section".to_vec(), b"label".to_vec()),
                same(5, kind::ACTION, b"an action"),
            ],
            ima: vec![],
        }
    }

    fn digests(&self, what: &[u8]) -> Vec<u8> {
        let one =
            |bank: &Hash| [&algorithm_of(*bank).to_le_bytes()[..], &bank.digest(&[what])].concat();
        self.banks.iter().flat_map(one).collect()
    }

    /// The crypto-agile log, IMA's list behind it.
    pub(crate) fn log(&self) -> Vec<u8> {
        let count = u32::try_from(self.banks.len()).unwrap().to_le_bytes();
        let mut id = b"Spec ID Event03\0".to_vec();
        id.extend([0, 0, 0, 0, 0, 2, 0, 2]);
        id.extend(count);
        for bank in &self.banks {
            id.extend(algorithm_of(*bank).to_le_bytes());
            id.extend(u16::try_from(bank.size()).unwrap().to_le_bytes());
        }
        id.push(0);
        let mut log = event(0, kind::NO_ACTION, &[0; 20], &id);
        for (pcr, kind, what, data) in &self.events {
            let digests = [&count[..], &self.digests(what)].concat();
            log.extend(event(*pcr, *kind, &digests, data));
        }
        for data in &self.ima {
            log.extend(ima(data));
        }
        log
    }

    /// The older log, SHA-1 alone.
    pub(crate) fn legacy(&self) -> Vec<u8> {
        let events = self.events.iter().flat_map(|(pcr, kind, what, data)| {
            event(*pcr, *kind, &Hash::Sha1.digest(&[what]), data)
        });
        events.collect()
    }

    /// The value of one PCR after this boot; IMA's entries `padded` or not.
    pub(crate) fn pcr(&self, bank: Hash, pcr: u8, padded: bool) -> Vec<u8> {
        let fill = if (17..=22).contains(&pcr) { 0xff } else { 0 };
        let mut value = vec![fill; bank.size()];
        for event in self.events.iter().filter(|event| event.0 == u32::from(pcr)) {
            if event.1 != kind::NO_ACTION {
                value = bank.digest(&[&value, &bank.digest(&[&event.2])]);
            }
        }
        for data in self.ima.iter().filter(|_| pcr == 10) {
            let mut digest = bank.digest(&[data]);
            if padded {
                digest = Hash::Sha1.digest(&[data]);
                digest.resize(bank.size(), 0);
            }
            value = bank.digest(&[&value, &digest]);
        }
        value
    }
}

fn event(pcr: u32, kind: u32, digests: &[u8], data: &[u8]) -> Vec<u8> {
    let size = u32::try_from(data.len()).unwrap().to_le_bytes();
    [&pcr.to_le_bytes()[..], &kind.to_le_bytes(), digests, &size, data].concat()
}

/// An IMA record.
pub(crate) fn ima(data: &[u8]) -> Vec<u8> {
    let size = u32::try_from(data.len()).unwrap().to_le_bytes();
    let sha1 = Hash::Sha1.digest(&[data]);
    [&[10, 0, 0, 0][..], &sha1, &[7, 0, 0, 0], b"ima-sig", &size, data].concat()
}

/// tpm2-tools' binary form of one bank.
pub(crate) fn serialised(bank: Hash, values: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = 1_u32.to_le_bytes().to_vec();
    bytes.extend(algorithm_of(bank).to_le_bytes());
    let bits = values.iter().fold(0_u32, |bits, (pcr, _)| bits | 1 << pcr);
    bytes.push(3);
    bytes.extend(&bits.to_le_bytes()[..3]);
    bytes.resize(4 + 16 * 8, 0);
    let lists: Vec<&[(u8, Vec<u8>)]> = values.chunks(8).collect();
    bytes.extend(u32::try_from(lists.len()).unwrap().to_le_bytes());
    for list in lists {
        bytes.extend(u32::try_from(list.len()).unwrap().to_le_bytes());
        let start = bytes.len();
        for (_, value) in list {
            let at = bytes.len();
            bytes.extend(u16::try_from(value.len()).unwrap().to_le_bytes());
            bytes.extend(value);
            bytes.resize(at + 66, 0);
        }
        bytes.resize(start + 8 * 66, 0);
    }
    bytes
}
