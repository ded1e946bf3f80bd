//! The program under test: how it is run, and a folder with small files for it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// Three events and their canonical order, written by hand.
pub(crate) const CSV: &str = "t,x@8,y@6,on\n100,1,2,1\n250,7,5,0\n250,7,5,1\n900,0,0,1\n";

/// What a run left behind.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parallax"));
    command
        .stdin(Stdio::null())
        .env_remove("LC_ALL")
        .env_remove("LC_CTYPE")
        .env("LANG", "C.UTF-8");
    command
}

pub(crate) fn run<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Ran {
    ran(command().args(arguments).output().unwrap())
}

pub(crate) fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Ran {
    /// Stdout, after having held the exit code to 0.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.err);
        self.out
    }

    /// Stderr, after having held the exit code to `code`.
    pub(crate) fn fails(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        assert!(
            self.err.lines().any(|line| line.starts_with("error: ")),
            "{}",
            self.err
        );
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self.err
    }
}

/// A folder that goes when the test ends.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// The names in it, so that what should leave nothing behind can be held to it.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

/// An absolute path as an argument.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// SHA-256 and count of these events, by the test kit's independent implementation.
pub(crate) fn expected_digest(events: &[parallax::Event]) -> (String, u64) {
    let batch = parallax::EventBatch::from_events(events, Default::default()).unwrap();
    let digest = parallax_testkit::digest(batch.columns());
    (digest.sha256, digest.n)
}

/// The recordings whose format is in the list, with what independent decoders say about them.
pub(crate) fn goldens() -> Vec<parallax_testkit::Golden> {
    let is_listed = |format: &str| format == "text" || parallax::formats::format(format).is_ok();
    parallax_testkit::oracle()
        .unwrap()
        .into_iter()
        .filter(|golden| is_listed(&golden.format))
        .collect()
}

/// The lines of a CSV that `synth` or `convert` wrote, as numbers, without the header.
pub(crate) fn rows(csv: &str) -> Vec<[i64; 4]> {
    let numbers = |line: &str| {
        line.split(',')
            .map(|field| field.parse().unwrap())
            .collect::<Vec<i64>>()
    };
    csv.lines()
        .skip(1)
        .map(|line| numbers(line).try_into().unwrap())
        .collect()
}

/// Runs a script of `tests/python` on `path` if `PARALLAX_PYTHON` names a Python with the packages for it.
pub(crate) fn python(test: &str, script: &str, path: &Path) {
    let Some(python) = std::env::var_os("PARALLAX_PYTHON").filter(|python| !python.is_empty()) else {
        let reason = "PARALLAX_PYTHON names no Python with numpy, pyarrow and duckdb";
        parallax_testkit::recordings::skip(test, reason);
        return;
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python");
    let ran = ran(Command::new(python)
        .arg(folder.join(script))
        .arg(path)
        .output()
        .unwrap());
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
}
