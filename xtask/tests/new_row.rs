//! A toy format, a toy operator and a toy element, each added as one file and one line, to a copy of the tree.
//!
//! In: this checkout. Out: for each kind, that `xtask new` made exactly one file and one line, and that the copy then
//! builds and keeps the laws with the toys in it.
//! The copy lies in a fixed place, so what has not changed since the last run is not built again. It builds into a
//! target folder of its own: cargo names what it builds by the path inside the workspace and goes by dates, so in one
//! folder it would take the copy's crates for ours.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's own steps must not fail"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const TOYS: &[(&str, &str, &str)] = &[
    ("format", "toy_format", "crates/parallax-formats/src/formats"),
    ("op", "toy_op", "crates/parallax-ops/src/transform"),
    ("element", "toy_element", "crates/parallax-elements/src/elements"),
];

#[test]
fn a_plug_in_is_one_file_and_one_line() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("new-row");
    fs::create_dir_all(&scratch).unwrap();
    // Two runs at once would write the same copy.
    let lock = fs::File::create(scratch.join("lock")).unwrap();
    lock.lock().unwrap();
    let copy = scratch.join("tree");
    let original = tree(root);
    mirror(&original, &copy);

    for (kind, id, folder) in TOYS {
        let before = tree(&copy);
        let new = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .current_dir(&copy)
            .args(["new", kind, id])
            .output()
            .unwrap();
        assert!(new.status.success(), "{}", String::from_utf8_lossy(&new.stderr));
        let after = tree(&copy);
        let added: Vec<_> = after.keys().filter(|path| !before.contains_key(*path)).collect();
        assert_eq!(
            added,
            [&Path::new(folder).join(format!("{id}.rs"))],
            "one new file"
        );
        let changed: Vec<_> = before
            .iter()
            .filter(|(path, text)| after.get(*path) != Some(text))
            .collect();
        let [(list, text)] = changed.as_slice() else {
            panic!("{} files changed, not one", changed.len())
        };
        assert_eq!(**list, Path::new(folder).join("mod.rs"));
        let lines = |text: &[u8]| {
            String::from_utf8_lossy(text)
                .lines()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let (old, new) = (lines(text), lines(&after[*list]));
        let mine: Vec<_> = new.iter().filter(|line| !old.contains(line)).collect();
        let [mine] = mine.as_slice() else {
            panic!("{} new lines, not one", mine.len())
        };
        assert_eq!(new.len(), old.len() + 1);
        assert_eq!(mine.trim().trim_end_matches(','), *id);
    }

    let target = scratch.join("target");
    let run = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command
            .current_dir(&copy)
            .env("CARGO_TARGET_DIR", &target)
            .args(arguments);
        // What is skipped there is skipped by the same tests here, and counted here.
        command.env_remove("PARALLAX_SKIPS");
        let output = command.output().unwrap();
        let text = [output.stdout, output.stderr]
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .concat();
        (output.status.success(), text)
    };
    for (_, id, folder) in TOYS {
        let file = format!("{folder}/{id}.rs");
        let (formatted, text) = run("rustfmt", &["--check", "--edition", "2024", &file]);
        assert!(formatted, "{text}");
    }
    // The suites print each row that they hold a law over, and each breach. Breaches by other rows are not ours to
    // judge: their own suites fail.
    let (_, text) = run(
        env!("CARGO"),
        &[
            "test",
            "--workspace",
            "--test",
            "laws",
            "--no-fail-fast",
            "--",
            "--show-output",
        ],
    );
    for row in ["format toy_format", "operator toy_op", "element toy_element"] {
        let held = |line: &str| line.starts_with("law ") && line.contains(row);
        assert!(
            text.lines().any(held),
            "no law was held over {row}; cargo says\n{text}"
        );
        let broken: Vec<_> = text
            .lines()
            .filter(|line| line.contains(&format!("broken by {row}")))
            .collect();
        assert!(broken.is_empty(), "{}", broken.join("\n"));
    }
}

/// Every file of the project by its path inside it. What builds made, what was fetched, and git's own are left out.
fn tree(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let path = entry.path();
            let name = entry.file_name();
            let left_out = [".git", "recordings", "demo-out"]
                .iter()
                .any(|known| name == *known);
            let kind = entry.file_type().unwrap();
            if kind.is_dir() && !left_out && !path.join("CACHEDIR.TAG").exists() {
                folders.push(path);
            } else if kind.is_file() && !left_out {
                files.insert(
                    path.strip_prefix(root).unwrap().to_path_buf(),
                    fs::read(&path).unwrap(),
                );
            }
        }
    }
    files
}

/// Makes `copy` hold exactly these files. One that is right already is not touched: cargo goes by its date.
fn mirror(files: &BTreeMap<PathBuf, Vec<u8>>, copy: &Path) {
    fs::create_dir_all(copy).unwrap();
    let there = tree(copy);
    for path in there.keys().filter(|path| !files.contains_key(*path)) {
        fs::remove_file(copy.join(path)).unwrap();
    }
    for (path, bytes) in files
        .iter()
        .filter(|(path, bytes)| there.get(*path) != Some(bytes))
    {
        let target = copy.join(path);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(target, bytes).unwrap();
    }
}
