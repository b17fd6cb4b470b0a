//! Counts tests from the closing lines that test runners print.

/// Tests that passed and tests that failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Tally {
    /// Adds what a line says, if it is a closing line of cargo's or forge's test runner:
    /// `test result: ok. 3 passed; 0 failed; ...` and `Suite result: ok. 3 passed; 0 failed; ...`.
    pub(crate) fn read(&mut self, line: &str) {
        let line = line.trim();
        if !line.starts_with("test result: ") && !line.starts_with("Suite result: ") {
            return;
        }
        self.passed += number_before(line, " passed;").unwrap_or(0);
        self.failed += number_before(line, " failed;").unwrap_or(0);
    }

    /// Whether no closing line was read, or only empty ones.
    pub(crate) fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// Adds another count.
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

fn number_before(line: &str, word: &str) -> Option<u64> {
    let head = line.split_once(word)?.0;
    head.rsplit(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_are_counted_and_nothing_else() {
        let mut tally = Tally::default();
        for line in [
            "running 3 tests",
            "test a ... ok",
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out",
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
            "Suite result: ok. 5 passed; 0 failed; 0 skipped; finished in 1.00ms",
            "the sentence 9 passed; 9 failed; is no closing line",
        ] {
            tally.read(line);
        }
        assert_eq!(tally, Tally { passed: 18, failed: 2 });
    }

    #[test]
    fn a_broken_closing_line_counts_nothing() {
        let mut tally = Tally::default();
        tally.read("test result: ok. many passed; none failed;");
        assert!(tally.is_empty());
    }
}
