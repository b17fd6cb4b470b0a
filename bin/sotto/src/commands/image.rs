//! `sotto image`: what a TPM will hold after an image was started, from the image alone. Not here:
//! building images.

use crate::screen::Screen;
use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use sotto_attest::image::{Demand, Direct, Options, Prediction, SecureBoot, Shape, predict};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Images and what they measure.
#[derive(Subcommand)]
pub(crate) enum Image {
    /// Predict the PCRs of a disk image, a unified kernel image, or a kernel that QEMU starts
    Predict(Predict),
}

/// Predict PCRs.
#[derive(Args)]
pub(crate) struct Predict {
    /// A raw disk image (GPT), a UKI (.efi), or with --initrd a kernel
    file: PathBuf,

    /// The version of systemd-stub, where the image does not say
    #[arg(long, value_name = "N")]
    stub: Option<u32>,

    /// The firmware's Secure Boot is on (PCR 7 is then not predicted)
    #[arg(long)]
    secure_boot: bool,

    /// The initrd of a kernel that QEMU starts itself
    #[arg(long, value_name = "FILE", requires = "memory")]
    initrd: Option<PathBuf>,

    /// That kernel's command line
    #[arg(long, value_name = "TEXT", default_value = "", requires = "initrd")]
    append: String,

    /// That virtual machine's memory, in MiB
    #[arg(long, value_name = "MIB", requires = "initrd")]
    memory: Option<u32>,
}

impl Image {
    pub(crate) fn run(self, screen: &Screen) -> Result<ExitCode> {
        match self {
            Self::Predict(predict) => predict.run(screen),
        }
    }
}

impl Predict {
    fn run(self, screen: &Screen) -> Result<ExitCode> {
        let image = read(&self.file)?;
        let secure_boot = if self.secure_boot { SecureBoot::On } else { SecureBoot::NoKeys };
        let options = Options { stub: self.stub, secure_boot, extended: vec![] };
        let prediction = match (&self.initrd, self.memory) {
            (Some(initrd), Some(memory_mib)) => {
                let initrd = read(initrd)?;
                let direct = Direct { initrd: &initrd, cmdline: &self.append, memory_mib };
                predict(&image, Shape::Direct(direct), &options)
            }
            _ => predict(&image, shape(&self.file, &image)?, &options),
        }
        .with_context(|| format!("{} gives no prediction", self.file.display()))?;
        tell(&prediction, screen);
        screen.object(&serde_json::from_str(&prediction.to_json()?)?);
        Ok(ExitCode::SUCCESS)
    }
}

fn tell(prediction: &Prediction, screen: &Screen) {
    for (hash, bank) in &prediction.banks {
        screen.say(format!("bank {}", hash.name()));
        for (pcr, demand) in &prediction.policy {
            let value = match (demand, bank.pcrs.get(pcr)) {
                (Demand::Must | Demand::Zero, Some(value)) => hex::encode(value),
                (Demand::Zero, None) => "0".repeat(2 * hash.size()),
                (Demand::Reference, _) => "from a reference boot".into(),
                (Demand::Derived, _) => "follows from the others (IMA)".into(),
                (Demand::Ignored | Demand::Must, _) => "says nothing about the image".into(),
            };
            screen.say(format!("  {pcr:2}  {value}"));
        }
    }
}

/// What a file predicts: an image, or a prediction in JSON.
pub(crate) fn predicted(path: &Path) -> Result<Prediction> {
    let bytes = read(path)?;
    if bytes.trim_ascii_start().starts_with(b"{") {
        return Prediction::from_json(&bytes)
            .with_context(|| format!("{} is no prediction", path.display()));
    }
    predict(&bytes, shape(path, &bytes)?, &Options::default())
        .with_context(|| format!("{} gives no prediction", path.display()))
}

fn shape<'a>(path: &Path, image: &'a [u8]) -> Result<Shape<'a>> {
    match Shape::of(image) {
        Some(shape) => Ok(shape),
        None => bail!("{} is neither a GPT disk image nor a PE file", path.display()),
    }
}

/// Bytes of an image, at most.
const IMAGE_MAX: u64 = 4 << 30;

fn read(path: &Path) -> Result<Vec<u8>> {
    let shown = path.display();
    let size = std::fs::metadata(path).with_context(|| format!("cannot read {shown}"))?.len();
    anyhow::ensure!(size <= IMAGE_MAX, "{shown} has {size} bytes, at most {IMAGE_MAX} are read");
    std::fs::read(path).with_context(|| format!("cannot read {shown}"))
}
