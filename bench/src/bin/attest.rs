//! `attest`: judging evidence of every kind, each with cold and with known certificate chains, and
//! TDX against bare dcap-qvl. `docs/bench/attest.md` says how to read it.
//!
//! The evidence is genuine and not part of the repository: a folder named by `SOTTO_EVIDENCE`, or
//! `shared/evidence` beside the checkout. Without it every row is missing.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sotto_attest::{
    Anchors, Appraisal, Endorsements, Evidence, Expected, Parts, Policy, Status, appraise, nvidia,
    x509::Cache,
};
use sotto_bench::Result;
use sotto_bench::measure::{Entry, Interleaved, timed};
use sotto_bench::options::Options;
use sotto_bench::report::Report;
use sotto_types::{TeeKind, Time};

const ROUNDS: usize = 200;

fn main() -> Result<()> {
    let options = Options::from_args()?;
    let mut report = Report::new("attest");
    match folder() {
        Some(folder) => measure(&samples(&folder)?, &options, &mut report)?,
        None => report.missing("all", "us", "no evidence folder (SOTTO_EVIDENCE)"),
    }
    report.print(options.json);
    Ok(())
}

fn folder() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/evidence");
    let named = std::env::var_os("SOTTO_EVIDENCE").map(PathBuf::from);
    named.into_iter().chain([beside]).find(|folder| folder.join("index.json").is_file())
}

/// One piece of evidence, all that goes with it, and a moment at which it is good.
struct Sample {
    kind: TeeKind,
    evidence: Evidence,
    endorsements: Endorsements,
    at: Time,
}

impl Sample {
    fn judge(&self, policy: &Policy, cache: &mut Cache) -> Appraisal {
        let unbound = Expected::DangerouslyUnbound;
        appraise(&self.evidence, &self.endorsements, &unbound, policy, self.at, cache)
    }
}

/// The first row of the index for each kind that a default policy takes, or may take.
fn samples(folder: &Path) -> Result<Vec<Sample>> {
    let index: Value = serde_json::from_slice(&fs::read(folder.join("index.json"))?)?;
    let rows = index["evidence"].as_array().ok_or("the index has no rows")?;
    let mut samples = Vec::new();
    for kind in TeeKind::ALL {
        let fits = |row: &&Value| {
            row["kind"] == kind.name()
                && row["expect"]["authentic"] == true
                && row["expect"]["accept"] != false
        };
        if let Some(row) = rows.iter().find(fits) {
            samples.push(sample(folder, kind, row)?);
        }
    }
    Ok(samples)
}

fn sample(folder: &Path, kind: TeeKind, row: &Value) -> Result<Sample> {
    let named = |field: &str| row[field].as_str().map(|name| fs::read(folder.join(name)));
    let bytes = named("file").ok_or("a row without a file")??;
    let mut endorsements =
        Endorsements { signer: named("signer").transpose()?, ..Default::default() };
    if let Some(text) = named("collateral").transpose()? {
        endorsements.collateral = Some(serde_json::from_slice(&text)?);
    }
    let parts = match kind {
        TeeKind::Nvidia => nvidia::from_json(&bytes)?.into_iter().next().ok_or("no device")?.parts,
        TeeKind::Tpm => Parts {
            quote: bytes,
            signature: named("signature").transpose()?,
            ak: named("ak").transpose()?,
            pcrs: named("pcrs").transpose()?,
            ..Parts::default()
        },
        _ => Parts { quote: bytes, ..Parts::default() },
    };
    Ok(Sample { kind, evidence: Evidence { kind, parts }, endorsements, at: moment(row)? })
}

/// A moment inside the row's window, or one at which all the other rows' chains are good.
fn moment(row: &Value) -> Result<Time> {
    let window = row["window"].as_str().or(row["signer_valid"].as_str());
    let Some(start) = window.and_then(|window| window.split("..").next()) else {
        return Ok(Time(1_764_547_200)); // 2025-12-01
    };
    let text = match start.len() {
        10 => format!("{start}T12:00:00Z"),
        16 => format!("{start}:59Z"),
        _ => format!("{}:59Z", start.trim_end_matches('Z')),
    };
    sotto_attest::date::parse(&text).ok_or_else(|| format!("{text} is no moment").into())
}

fn measure(samples: &[Sample], options: &Options, report: &mut Report) -> Result<()> {
    let anchors = Anchors::pinned().and(Anchors::development());
    let policy = Policy { anchors, ..Policy::base() };
    if let Some(times) = options.repeat {
        let mut cache = Cache::default();
        for _ in 0..times {
            samples.iter().for_each(|sample| drop(black_box(sample.judge(&policy, &mut cache))));
        }
        return Ok(());
    }
    let mut turns = Interleaved::default();
    let mut entries: Vec<(TeeKind, Entry, Entry)> = Vec::new();
    for sample in samples {
        let verdict = sample.judge(&policy, &mut Cache::default());
        if verdict.authentic != Some(true) || verdict.status == Status::Contraindicated {
            return Err(format!("{}: {:?}", sample.kind.name(), verdict.reasons).into());
        }
        let (policy, cold) = (&policy, turns_cold(&mut turns, sample, &policy));
        let mut cache = Cache::default();
        let warm = turns.add(move || timed(|| Ok(sample.judge(policy, &mut cache))));
        entries.push((sample.kind, cold, warm));
    }
    let tdx = samples.iter().find(|sample| sample.kind == TeeKind::Tdx);
    let bare = tdx.map(|sample| bare(&mut turns, sample)).transpose()?;
    let measured = turns.run(options.rounds.unwrap_or(ROUNDS))?;
    for (kind, cold, warm) in &entries {
        let name = kind.name();
        let (cold, warm) = (&measured[*cold], &measured[*warm]);
        report.ratio(format!("cached_{}", name.replace('-', "_")), cold.median / warm.median);
        report.measured(format!("{name}: cold"), cold, "no certificate was seen before");
        report.measured(format!("{name}: cached"), warm, "its certificates were seen before");
        report.computed(format!("{name}: per second and core"), 1e6 / warm.median, "/s", "cached");
        report.computed(format!("{name}: cold per second and core"), 1e6 / cold.median, "/s", "");
    }
    let ours = entries.iter().find(|(kind, ..)| *kind == TeeKind::Tdx);
    if let (Some((_, cold, _)), Some(bare)) = (ours, bare) {
        report.ratio("tdx_vs_dcap_qvl", measured[bare].median / measured[*cold].median);
        report.measured("tdx: dcap-qvl alone", &measured[bare], "the same quote and collateral");
    }
    Ok(())
}

fn turns_cold<'a>(turns: &mut Interleaved<'a>, sample: &'a Sample, policy: &'a Policy) -> Entry {
    turns.add(move || timed(|| Ok(sample.judge(policy, &mut Cache::default()))))
}

/// dcap-qvl by itself: it parses the collateral, looks at the dates and verifies.
fn bare<'a>(turns: &mut Interleaved<'a>, sample: &'a Sample) -> Result<Entry> {
    let ours = sample.endorsements.collateral.as_ref().ok_or("TDX without collateral")?;
    let ours = ours.clone();
    let collateral = dcap_qvl::QuoteCollateralV3 {
        pck_crl_issuer_chain: ours.pck_crl_issuer_chain,
        root_ca_crl: ours.root_ca_crl,
        pck_crl: ours.pck_crl,
        tcb_info_issuer_chain: ours.tcb_info_issuer_chain,
        tcb_info: ours.tcb_info,
        tcb_info_signature: ours.tcb_info_signature,
        qe_identity_issuer_chain: ours.qe_identity_issuer_chain,
        qe_identity: ours.qe_identity,
        qe_identity_signature: ours.qe_identity_signature,
        pck_certificate_chain: ours.pck_certificate_chain,
    };
    let quote = sample.evidence.parts.quote.as_slice();
    let verify = move || {
        dcap_qvl::verify::ring::verify(quote, &collateral, sample.at.0)
            .map_err(|error| format!("dcap-qvl: {error:#}").into())
    };
    verify()?;
    Ok(turns.add(move || timed(&verify)))
}
