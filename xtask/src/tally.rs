//! Counts what a test run did, from the lines that `cargo test` prints.
//!
//! In: its output, line by line, and the lines of the skip file. Out: a [`Tally`].
//!
//! A test that cannot run here (no recording, no Python) returns early, so cargo calls it passed. Such a test adds
//! the line `<test>: <why>` to the file that `PARALLAX_SKIPS` names; it then counts as skipped, once per test name,
//! and not as passed. Tests that cargo ignores count as skipped too.

use std::collections::BTreeMap;

/// How many tests passed, failed and were skipped.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    /// The names of the failed tests.
    pub(crate) failed: Vec<String>,
    /// The names of the skipped tests, each with the reason.
    pub(crate) skipped: BTreeMap<String, String>,
    /// What to give to `cargo test` to run the failed test programs alone: `-p parallax-events --lib`.
    pub(crate) reruns: Vec<String>,
    /// The test program that is running.
    program: String,
}

impl Tally {
    /// Takes one line that `cargo test` printed.
    ///
    /// The harness's `test result:` line carries the numbers, single `test NAME ... ` lines carry the names.
    pub(crate) fn line(&mut self, line: &str) {
        if let Some(program) = running(line) {
            self.program = program;
        } else if let Some(result) = line.strip_prefix("test result: ") {
            self.passed += number_before(result, " passed");
        } else if let Some(test) = line.strip_prefix("test ")
            && let Some((name, verdict)) = test.rsplit_once(" ... ")
        {
            let name = format!("{} {name}", self.program);
            if verdict == "FAILED" {
                self.failed.push(name);
            } else if let Some(reason) = verdict.strip_prefix("ignored") {
                let reason = reason.trim_start_matches(", ");
                let reason = if reason.is_empty() { "ignored" } else { reason };
                self.skipped.insert(name, reason.to_owned());
            }
        } else if let Some(program) = line
            .strip_prefix("    `-p ")
            .and_then(|line| line.strip_suffix('`'))
        {
            self.reruns.push(format!("-p {program}"));
        }
    }

    /// Takes one line that `pytest -rfEs` printed: names from its summary, numbers from the last line.
    pub(crate) fn pytest_line(&mut self, line: &str) {
        if let Some(name) = line
            .strip_prefix("FAILED ")
            .or_else(|| line.strip_prefix("ERROR "))
        {
            let name = name.split_once(" - ").map_or(name, |(name, _)| name);
            self.failed.push(name.to_owned());
        } else if let Some(skipped) = line.strip_prefix("SKIPPED ") {
            let (place, why) = skipped.split_once(": ").unwrap_or((skipped, "no reason given"));
            let place = place.split_once("] ").map_or(place, |(_, place)| place);
            self.skip(place, why);
        } else if line.contains(" in ") && (line.contains(" passed") || line.contains(" failed")) {
            self.passed += number_before(line, " passed");
        }
    }

    /// Takes something that could not run.
    pub(crate) fn skip(&mut self, name: &str, why: &str) {
        self.skipped.insert(name.to_owned(), why.to_owned());
    }

    /// Takes the skip file, one `<test>: <why>` per line.
    ///
    /// Test names hold `::`, so the first colon that a space follows ends the name.
    pub(crate) fn skips(&mut self, text: &str) {
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let (name, why) = line.split_once(": ").unwrap_or((line, "no reason given"));
            if self.skipped.insert(name.to_owned(), why.to_owned()).is_none() {
                self.passed = self.passed.saturating_sub(1);
            }
        }
    }

    /// Takes a check that runs no tests: it counts as one.
    pub(crate) fn count(&mut self, name: &str, held: bool) {
        if held {
            self.passed += 1;
        } else {
            self.failed.push(name.to_owned());
        }
    }

    /// Adds the counts of another run.
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed.extend(other.failed);
        self.skipped.extend(other.skipped);
        self.reruns.extend(other.reruns);
    }

    /// `N passed, N failed, N skipped`: the line that a test run closes with.
    pub(crate) fn closing_line(&self) -> String {
        format!(
            "{} passed, {} failed, {} skipped",
            self.passed,
            self.failed.len(),
            self.skipped.len()
        )
    }
}

/// The test program that a line of cargo's announces: its file name without the hash, or the crate of the doctests.
fn running(line: &str) -> Option<String> {
    if let Some(name) = line.strip_prefix("   Doc-tests ") {
        return Some(format!("{name} (documentation)"));
    }
    let (_, path) = line.strip_prefix("     Running ")?.rsplit_once('(')?;
    let file = path.trim_end_matches(')').rsplit(['/', '\\']).next()?;
    Some(file.rsplit_once('-').map_or(file, |(name, _)| name).to_owned())
}

/// The number right before `label`, 0 if there is none.
fn number_before(text: &str, label: &str) -> usize {
    let Some((before, _)) = text.split_once(label) else {
        return 0;
    };
    before
        .rsplit(' ')
        .next()
        .and_then(|word| word.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "
     Running unittests src/lib.rs (target/debug/deps/parallax_events-0f)
running 4 tests
test window::tests::empty ... ok
test window::tests::late ... FAILED
test slow ... ignored, takes an hour
test crates/a/src/lib.rs - a::f (line 3) ... ok

test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s
running 2 tests
test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 3 filtered out; finished in 1.00s
error: 1 target failed:
    `-p parallax-events --lib`
";

    #[test]
    fn counts_and_names_come_from_cargos_lines() {
        let mut tally = Tally::default();
        OUTPUT.lines().for_each(|line| tally.line(line));
        assert_eq!(tally.closing_line(), "14 passed, 1 failed, 1 skipped");
        assert_eq!(tally.failed, ["parallax_events window::tests::late"]);
        assert_eq!(tally.skipped["parallax_events slow"], "takes an hour");
        assert_eq!(tally.reruns, ["-p parallax-events --lib"]);
    }

    #[test]
    fn pytest_is_counted_too() {
        let mut tally = Tally::default();
        for line in [
            "..F.s [100%]",
            "FAILED tests/test_a.py::test_b[x] - ValueError: 3 passed in vain",
            "SKIPPED [1] tests/conftest.py:29: no recording faery/evt3.raw",
            "1 failed, 364 passed, 1 skipped in 35.71s",
        ] {
            tally.pytest_line(line);
        }
        assert_eq!(tally.closing_line(), "364 passed, 1 failed, 1 skipped");
        assert_eq!(tally.failed, ["tests/test_a.py::test_b[x]"]);
        assert_eq!(
            tally.skipped["tests/conftest.py:29"],
            "no recording faery/evt3.raw"
        );
    }

    #[test]
    fn a_skip_is_taken_off_the_passed_once_per_name() {
        let mut tally = Tally {
            passed: 3,
            ..Tally::default()
        };
        tally.skips("a::b: no recording x\na::b: no recording y\n\nc: no Python\n");
        assert_eq!(tally.closing_line(), "1 passed, 0 failed, 2 skipped");
    }
}
