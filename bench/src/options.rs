//! What a benchmark is told on its command line.

use crate::Result;

/// The options all benchmarks take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `--json`: one JSON object instead of a table.
    pub json: bool,
    /// `--rounds N`: how often everything is measured.
    pub rounds: Option<usize>,
    /// `--repeat N`: nothing is measured; what the benchmark is about is done N times, for a
    /// profiler to look at.
    pub repeat: Option<usize>,
}

impl Options {
    /// Reads the program's own arguments.
    ///
    /// # Errors
    /// A sentence about the one that is not known or has no number.
    pub fn from_args() -> Result<Options> {
        Options::parse(std::env::args().skip(1))
    }

    fn parse(mut args: impl Iterator<Item = String>) -> Result<Options> {
        let mut options = Options::default();
        while let Some(arg) = args.next() {
            let mut number = || -> Result<Option<usize>> {
                let text = args.next().ok_or_else(|| format!("{arg} needs a number"))?;
                match text.parse() {
                    Ok(number) if number > 0 => Ok(Some(number)),
                    _ => Err(format!("{arg} needs a number above zero, not {text:?}").into()),
                }
            };
            match arg.as_str() {
                "--json" => options.json = true,
                "--rounds" => options.rounds = number()?,
                "--repeat" => options.repeat = number()?,
                _ => {
                    let known = "--json, --rounds N, --repeat N";
                    return Err(format!("{arg:?} is not known; there are: {known}").into());
                }
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
    use super::*;

    fn parse(line: &str) -> Result<Options> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_read_and_strangers_refused() {
        assert_eq!(parse("").unwrap(), Options::default());
        let all = Options { json: true, rounds: Some(7), repeat: Some(3) };
        assert_eq!(parse("--json --rounds 7 --repeat 3").unwrap(), all);
        for (line, named) in [("--rounds", "needs"), ("--rounds 0", "\"0\""), ("--jsn", "--jsn")] {
            assert!(parse(line).unwrap_err().to_string().contains(named), "{line}");
        }
    }
}
