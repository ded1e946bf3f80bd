//! One SIMD level per process: a test runs itself again under each, and the answers must be the same.
//!
//! The level is chosen once per process, by `PARALLAX_SIMD`. So the parent starts its own test program again with
//! that variable set, asks for the one test, and reads the answer from what it prints.

use std::process::Command;

use parallax_simd::Level;

use super::{Broken, Lawful, ensure};

/// Set for the child: it prints its answer and returns.
const CHILD: &str = "PARALLAX_LAW_CHILD";
const MARK: &str = "law-answer ";

/// Runs the test called `test` of this test program again under every level and compares what `answer` (one line
/// of text) is there with what it is here.
///
/// # Errors
/// If an answer differs, or a child fails.
pub fn across_levels(test: &str, answer: impl Fn() -> Result<String, Broken>) -> Lawful {
    let here = answer()?;
    if std::env::var_os(CHILD).is_some() {
        // On a line of its own: the harness may have begun one.
        println!("\n{MARK}{here}");
        return Ok(());
    }
    let program = std::env::current_exe()?;
    for level in Level::available() {
        let level = level.name();
        let mut child = Command::new(&program);
        child.args(["--exact", test, "--nocapture", "--test-threads", "1"]);
        let output = child.env("PARALLAX_SIMD", level).env(CHILD, "1").output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let there = text.lines().find_map(|line| line.strip_prefix(MARK));
        let Some(there) = there.filter(|_| output.status.success()) else {
            let errors = String::from_utf8_lossy(&output.stderr);
            return Err(Broken(format!(
                "the test {test} gave no answer under PARALLAX_SIMD={level}: {text}{errors}"
            )));
        };
        ensure!(
            there == here,
            "PARALLAX_SIMD={level} gives {there}, the default level {here}"
        );
    }
    Ok(())
}
