//! The platform's certificate (PCK) and the way from it to Intel's root. Not here: what the PCK
//! signs, and revocation, which needs collateral.

use super::quote::{CERT_CHAIN, Quote};
use crate::{
    Anchor, Code, Collateral, Reason, Window,
    signature::PublicKey,
    x509::{Cache, Certificate, X509Error, verify_path},
};
use dcap_qvl::intel::{PckExtension, parse_pck_extension};
use der::pem::{LineEnding, decode_vec, encode_string};

/// Bytes of a chain in PEM, at most, and certificates in it.
const CHAIN_MAX: usize = 32 << 10;
const CERTIFICATES_MAX: usize = 4;

/// A PCK under one of the anchors.
#[derive(Debug)]
pub(super) struct Pck<'a> {
    pub(super) leaf: Certificate,
    pub(super) authority: Certificate,
    pub(super) root: Certificate,
    pub(super) anchor: &'a Anchor,
    pub(super) key: PublicKey,
    /// What Intel says of the platform (OID 1.2.840.113741.1.13.1).
    pub(super) platform: PckExtension,
}

impl<'a> Pck<'a> {
    /// The PCK of a quote: from the chain it carries, or, where it names it by an encrypted PPID,
    /// from the collateral.
    pub(super) fn verify(
        quote: &Quote,
        collateral: Option<&Collateral>,
        anchors: &'a [Anchor],
        cache: &mut Cache,
    ) -> Result<Self, Reason> {
        let chain = chain(quote, collateral)?;
        let [leaf, authority, rest @ ..] = chain.as_slice() else {
            return Err(invalid("the PCK's chain is too short"));
        };
        let [leaf, authority] = [leaf, authority].map(|der| Certificate::from_der(der));
        let (leaf, authority) = (leaf.map_err(refused)?, authority.map_err(refused)?);
        let path = verify_path(leaf, &[authority], anchors, &[], cache).map_err(refused)?;
        // PCK, PCK CA, root: Intel has no other form, and what else hangs under the root (the
        // signer of TCB info) is no platform.
        let [leaf, authority] = <[Certificate; 2]>::try_from(path.certificates)
            .map_err(|_| invalid("the PCK is not two steps below the root"))?;
        match rest {
            [] => {}
            [der] if der == path.root.der() => {}
            [_] => return Err(Reason::new(Code::UntrustedRoot, "the chain carries another root")),
            _ => return Err(invalid("the PCK's chain goes on after the root")),
        }
        let platform = parse_pck_extension(leaf.der())
            .map_err(|error| invalid(&format!("the PCK does not say its platform: {error:#}")))?;
        let key = leaf.public_key().map_err(refused)?;
        Ok(Self { leaf, authority, root: path.root, anchor: path.anchor, key, platform })
    }

    pub(super) fn windows(&self) -> [Window; 3] {
        [
            self.leaf.window("PCK certificate"),
            self.authority.window("PCK CA certificate"),
            self.root.window("root certificate"),
        ]
    }
}

fn invalid(detail: &str) -> Reason {
    Reason::new(Code::ChainInvalid, detail)
}

fn refused(error: X509Error) -> Reason {
    let code = match error {
        X509Error::NoAnchor(_) => Code::UntrustedRoot,
        _ => Code::ChainInvalid,
    };
    Reason::new(code, error.to_string())
}

fn chain(quote: &Quote, collateral: Option<&Collateral>) -> Result<Vec<Vec<u8>>, Reason> {
    let vouching = &quote.vouching;
    if vouching.certification == CERT_CHAIN {
        let malformed = || Reason::new(Code::Malformed, "the PCK's chain is not canonical PEM");
        let chain = from_pem(&vouching.certificates).ok_or_else(malformed)?;
        // The text is not signed: only one text may stand for these certificates.
        return if canonical(&chain, &vouching.certificates) {
            Ok(chain)
        } else {
            Err(malformed())
        };
    }
    let text = collateral.and_then(|collateral| collateral.pck_certificate_chain.as_ref());
    let text = text.ok_or_else(|| {
        Reason::new(Code::SignerMissing, "the quote names its PCK by an encrypted PPID")
    })?;
    from_pem(text.as_bytes()).ok_or_else(|| invalid("the collateral's PCK chain is not PEM"))
}

/// The certificates (DER) of a text of PEM blocks and nothing else but white space and zeros at
/// its end.
pub(super) fn from_pem(text: &[u8]) -> Option<Vec<Vec<u8>>> {
    const END: &[u8] = b"-----END CERTIFICATE-----";
    if text.len() > CHAIN_MAX {
        return None;
    }
    let mut rest = text;
    let mut chain = Vec::new();
    while let Some(at) = rest.windows(END.len()).position(|window| window == END) {
        let (block, after) = rest.split_at_checked(at.checked_add(END.len())?)?;
        let (_, der) = decode_vec(block.trim_ascii_start()).ok()?;
        chain.push(der);
        rest = after;
        if chain.len() > CERTIFICATES_MAX {
            return None;
        }
    }
    let blank = rest.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0);
    (blank && !chain.is_empty()).then_some(chain)
}

/// Whether `text` is these certificates as Intel's quoting libraries write them: blocks of lines of
/// 64 ended by line feeds, and after the last at most one zero byte.
fn canonical(chain: &[Vec<u8>], text: &[u8]) -> bool {
    let mut rest = text;
    for der in chain {
        let block = encode_string("CERTIFICATE", LineEnding::LF, der);
        let Some(after) = block.ok().and_then(|block| rest.strip_prefix(block.as_bytes())) else {
            return false;
        };
        rest = after;
    }
    matches!(rest, [] | [0])
}
