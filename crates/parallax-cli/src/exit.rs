//! Exit codes: one table from the kind of an error to a number, and the line on stderr.

use std::fmt::Write as _;
use std::process::ExitCode;

use parallax::{Error, ErrorKind};

use crate::streams;

/// What a shell sees for each kind of error. 2 is also what wrong arguments give.
const CODES: [(ErrorKind, u8, &str); 10] = [
    (
        ErrorKind::Param,
        2,
        "wrong arguments, or a parameter that is unknown, missing or out of range",
    ),
    (
        ErrorKind::Io,
        3,
        "the operating system refused: permissions, a full disk, a broken device",
    ),
    (
        ErrorKind::Malformed,
        4,
        "the input is damaged; what was readable was printed or written",
    ),
    (
        ErrorKind::Unsupported,
        5,
        "the format is not recognised, or cannot be read or written here",
    ),
    (ErrorKind::Limit, 6, "a limit was met"),
    (ErrorKind::NotFound, 7, "no such file, format or operator"),
    (ErrorKind::Timeout, 8, "it did not happen in time"),
    (ErrorKind::Peer, 9, "another process broke the protocol or died"),
    (ErrorKind::Internal, 70, "a defect of parallax: please report it"),
    (
        ErrorKind::Closed,
        130,
        "stopped by Ctrl-C or a signal; no output was left half-written",
    ),
];

/// What a check returns that ran and did not pass.
const NOT_PASSED: u8 = 1;

/// The exit code of a check.
pub(crate) fn of_check(passed: bool) -> ExitCode {
    if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_PASSED)
    }
}

/// A kind that a later library has and this table has not.
const UNKNOWN: u8 = 70;

/// The exit code for `kind`.
fn of_kind(kind: ErrorKind) -> u8 {
    CODES
        .iter()
        .find(|(known, ..)| *known == kind)
        .map_or(UNKNOWN, |(_, code, _)| *code)
}

/// The kind behind `error`; whatever is not the library's comes from the operating system.
pub(crate) fn kind(error: &anyhow::Error) -> ErrorKind {
    error
        .chain()
        .find_map(|cause| cause.downcast_ref::<Error>())
        .map_or(ErrorKind::Io, Error::kind)
}

/// Says on stderr what went wrong, and returns the exit code. A reader of stdout that has gone away is no error.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if streams::is_closed() {
        return ExitCode::SUCCESS;
    }
    streams::tell(&format!("error: {error:#}"));
    ExitCode::from(of_kind(kind(error)))
}

/// The examples, and the table of exit codes below.
pub(crate) fn long_help(examples: &str) -> String {
    let mut text = format!(
        "{examples}\n\nExit codes:\n    0  done\n    {NOT_PASSED}  a check did not pass: the chain does not conform, a golden trace differs\n"
    );
    for (_, code, meaning) in CODES {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {code:>3}  {meaning}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_code_of_its_own() {
        let mut codes: Vec<u8> = ErrorKind::ALL.into_iter().map(of_kind).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ErrorKind::ALL.len());
        assert!(!codes.contains(&0) && !codes.contains(&1));
    }

    #[test]
    fn the_librarys_kind_is_found_below_a_context() {
        let error = anyhow::Error::new(Error::malformed("x")).context("while reading");
        assert_eq!(kind(&error), ErrorKind::Malformed);
        assert_eq!(
            kind(&anyhow::Error::new(std::io::Error::other("x"))),
            ErrorKind::Io
        );
    }
}
