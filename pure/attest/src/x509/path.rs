//! The way from a signer's certificate to an anchor. Not here: dates (they are handed on).

use super::{Cache, Certificate, X509Error};
use crate::{Anchor, Window};
use x509_cert::spki::ObjectIdentifier;

/// Certificates between a signer and an anchor, at most.
const DEPTH_MAX: usize = 8;

/// Certificates of one name that are tried as an issuer, at most.
const NAMESAKES_MAX: usize = 4;

/// A verified way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path<'a> {
    /// From the signer's certificate to the last one under the anchor.
    pub certificates: Vec<Certificate>,
    /// The anchor's own certificate.
    pub root: Certificate,
    /// The anchor.
    pub anchor: &'a Anchor,
}

impl Path<'_> {
    /// The issuer of the certificate at `index` of the path.
    pub fn issuer(&self, index: usize) -> &Certificate {
        self.certificates.get(index + 1).unwrap_or(&self.root)
    }

    /// When each certificate is good, the root's too, each named by its subject.
    pub fn windows(&self) -> Vec<Window> {
        let all = self.certificates.iter().chain([&self.root]);
        all.map(|c| c.window(format!("certificate `{}`", c.subject()))).collect()
    }
}

/// The way from `leaf` through `offered`, by name and signature, to one of `anchors` (each a root
/// certificate). Critical extensions in `also` are the caller's to look at.
///
/// # Errors
/// The first [`X509Error`] on the way.
pub fn verify_path<'a>(
    leaf: Certificate,
    offered: &[Certificate],
    anchors: &'a [Anchor],
    also: &[ObjectIdentifier],
    cache: &mut Cache,
) -> Result<Path<'a>, X509Error> {
    leaf.understood(also)?;
    // An anchor that is a bare key has no path; its kind verifies under it itself.
    let roots = anchors.iter().filter_map(|anchor| {
        Certificate::from_der(&anchor.der).ok().map(|certificate| (certificate, anchor))
    });
    let roots: Vec<_> = roots.collect();
    let mut path = vec![leaf];
    while let Some(last) = path.last() {
        if let Some((root, anchor)) = anchored(last, &roots, path.len() - 1, cache)? {
            let root = root.clone();
            return Ok(Path { certificates: path, root, anchor });
        }
        let issuer = issuer_of(last, &path, offered, cache)?.clone();
        path.push(issuer);
    }
    Err(X509Error::Malformed("path"))
}

/// The one of `offered` that signed the last certificate of `path`. Authorities may share a name;
/// of those with the right one a few are tried.
fn issuer_of<'a>(
    last: &Certificate,
    path: &[Certificate],
    offered: &'a [Certificate],
    cache: &mut Cache,
) -> Result<&'a Certificate, X509Error> {
    let below = path.len() - 1;
    let mut first_error = None;
    let named = offered.iter().filter(|offer| last.names_issuer(offer) && !path.contains(offer));
    for offer in named.take(NAMESAKES_MAX) {
        match issues(offer, last, below, cache) {
            Ok(()) if below >= DEPTH_MAX => return Err(X509Error::TooLong(offer.subject())),
            Ok(()) => return Ok(offer),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    Err(first_error.unwrap_or_else(|| X509Error::NoAnchor(last.subject())))
}

/// Whether `issuer` may sign and signed `last`, with `below` certificates under that.
fn issues(
    issuer: &Certificate,
    last: &Certificate,
    below: usize,
    cache: &mut Cache,
) -> Result<(), X509Error> {
    let allowed = issuer.authority()?;
    if allowed.is_some_and(|allowed| usize::from(allowed) < below) {
        return Err(X509Error::TooLong(issuer.subject()));
    }
    issuer.understood(&[])?;
    last.verify_signed_by(issuer, cache)
}

/// The anchor that signed `last` or is it, with `below` certificates under `last`.
fn anchored<'a, 'r>(
    last: &Certificate,
    roots: &'r [(Certificate, &'a Anchor)],
    below: usize,
    cache: &mut Cache,
) -> Result<Option<(&'r Certificate, &'a Anchor)>, X509Error> {
    for (root, anchor) in roots {
        // Roots share names (AMD's do not, test roots may): another root's signature decides.
        if !last.names_issuer(root) || last.verify_signed_by(root, cache).is_err() {
            continue;
        }
        let allowed = root.authority()?;
        if allowed.is_some_and(|allowed| usize::from(allowed) < below) {
            return Err(X509Error::TooLong(root.subject()));
        }
        return Ok(Some((root, anchor)));
    }
    Ok(None)
}
