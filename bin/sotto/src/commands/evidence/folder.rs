//! Evidence as a folder of parts, by the names that TPM tools give them: `quote…` with its
//! signature, `ak…`, `pcrs…`, `eventlog…`, `ima…`, `ek…cert…`. A folder may hold several quotes
//! (by an ECC and an RSA key, of several banks); the words between dots, dashes and underscores
//! tell which parts belong together.

use super::input::{self, Found, Item};
use anyhow::{Context as _, Result};
use sotto_attest::Parts;
use sotto_types::TeeKind;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A file and the words of its name.
struct Named {
    path: PathBuf,
    name: String,
    words: BTreeSet<String>,
}

/// The items of a folder.
pub(super) fn read(folder: &Path, kind: Option<TeeKind>) -> Result<Found> {
    let files = files(folder)?;
    let quotes: Vec<_> = files.iter().filter(|file| file.is_quote()).collect();
    if quotes.is_empty() {
        anyhow::bail!("{} holds no file whose name begins with `quote`", folder.display());
    }
    let items = quotes.into_iter().map(|quote| item(quote, &files, kind)).collect::<Result<_>>()?;
    Ok(Found { items, devices: vec![] })
}

fn files(folder: &Path) -> Result<Vec<Named>> {
    let shown = folder.display();
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {shown}"))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        if path.is_file() {
            let words = name.split(['.', '_', '-']).map(str::to_owned).collect();
            files.push(Named { path, name, words });
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

impl Named {
    fn is(&self, start: &str) -> bool {
        self.name.split("__").last().is_some_and(|name| name.starts_with(start))
    }

    fn is_signature(&self) -> bool {
        self.words.iter().any(|word| word == "sig" || word == "signature")
    }

    fn is_quote(&self) -> bool {
        self.is("quote") && !self.is_signature() && !self.words.contains("pcrs")
    }

    fn is_pcrs(&self) -> bool {
        self.is("pcrs") || (self.is("quote") && self.words.contains("pcrs"))
    }

    fn is_ek_certificate(&self) -> bool {
        self.is("ek") && self.words.contains("cert")
    }

    /// How many words it shares with a quote, and that it contradicts it in none of those that
    /// tell keys and banks apart.
    fn fits(&self, quote: &Self) -> Option<usize> {
        const APART: [&[&str]; 2] = [&["ecc", "rsa"], &["sha1", "sha256", "sha384", "sha512"]];
        for group in APART {
            let of = |named: &Self| group.iter().position(|word| named.words.contains(*word));
            if let (Some(mine), Some(its)) = (of(self), of(quote))
                && mine != its
            {
                return None;
            }
        }
        Some(self.words.intersection(&quote.words).count())
    }
}

fn item(quote: &Named, files: &[Named], kind: Option<TeeKind>) -> Result<Item> {
    let part = |wanted: &dyn Fn(&Named) -> bool| -> Result<Option<Vec<u8>>> {
        let fitting = files.iter().filter(|file| wanted(file));
        let best =
            fitting.filter_map(|f| Some((f.fits(quote)?, f))).max_by_key(|(n, f)| (*n, prefer(f)));
        best.map(|(_, file)| input::bytes(&file.path)).transpose()
    };
    let chain = files.iter().filter(|file| file.is("chain") || file.is("ca"));
    // The verifier takes IMA's list behind the firmware's log.
    let logs = [
        part(&|f| f.is("eventlog") || f.is("event_log"))?,
        part(&|f| f.is("ima") && f.words.contains("bin"))?,
    ];
    let parts = Parts {
        quote: input::bytes(&quote.path)?,
        signature: part(&|f| f.is_signature() && f.is("quote"))?,
        ak: part(&|f| f.is("ak"))?,
        pcrs: part(&Named::is_pcrs)?,
        event_log: logs.into_iter().flatten().reduce(|log, list| [log, list].concat()),
        ek_cert: part(&Named::is_ek_certificate)?,
        ..Parts::default()
    };
    let mut item = input::item_of(quote.name.clone(), kind, parts)?;
    for file in chain {
        input::file_under(&mut item.endorsements, &input::bytes(&file.path)?)?;
    }
    Ok(item)
}

/// Of two files that fit equally, the TPM's own structure: it names attributes, PEM does not.
fn prefer(file: &Named) -> bool {
    file.words.contains("tpmt") || file.words.contains("public")
}
