//! What a program can see of the rules about source files: where unsafe code is, and how files are called.
//!
//! In: every `.rs` file of the workspace's crates. Out: one sentence per breach.
//! Unsafe code is found as a word outside comments, strings and character literals; the compiler's own
//! `forbid(unsafe_code)` must stand in the root of every crate that is no place for it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::graph::Crate;

const FORBID: &str = "#![forbid(unsafe_code)]";
const NAMELESS: &[&str] = &["util", "utils", "common", "helper", "helpers"];

/// A Rust file of the workspace.
#[derive(Debug)]
pub(crate) struct Source {
    /// Relative to the root, with forward slashes.
    path: String,
    text: String,
    /// The root of a library or program.
    is_root: bool,
}

/// Every Rust file in the crates' folders.
pub(crate) fn read(root: &Path, crates: &[Crate]) -> Result<Vec<Source>> {
    let mut files = Vec::new();
    let mut folders: Vec<_> = crates
        .iter()
        .map(|known| Path::new(&known.folder).to_path_buf())
        .collect();
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
        for entry in entries {
            let path = entry
                .with_context(|| format!("cannot list {}", folder.display()))?
                .path();
            if path.is_dir() {
                // A nested target folder is no source.
                if !path.join("CACHEDIR.TAG").exists() {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text =
                    fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
                let is_root = crates
                    .iter()
                    .flat_map(|known| &known.roots)
                    .any(|root| Path::new(root) == path);
                let inside = path.strip_prefix(root).unwrap_or(&path);
                files.push(Source {
                    path: inside.to_string_lossy().replace('\\', "/"),
                    text,
                    is_root,
                });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// Every file that breaks a rule.
pub(crate) fn breaches(unsafe_places: &[String], files: &[Source]) -> Vec<String> {
    let mut breaches = Vec::new();
    for file in files {
        let path = &file.path;
        if path
            .split('/')
            .any(|part| NAMELESS.contains(&part.trim_end_matches(".rs")))
        {
            breaches.push(format!("{path}: the name says nothing; name the idea"));
        }
        if unsafe_places.iter().any(|place| covers(place, path)) {
            continue;
        }
        if let Some(line) = first_unsafe(&file.text) {
            breaches.push(format!(
                "{path}:{line}: unsafe code outside the places that ARCHITECTURE.md lists"
            ));
        }
        let crate_has_a_place = unsafe_places.iter().any(|place| same_crate(place, path));
        if file.is_root && !crate_has_a_place && !file.text.contains(FORBID) {
            breaches.push(format!("{path}: a crate root without {FORBID}"));
        }
    }
    breaches
}

/// Whether a pattern covers a path: a `*` stands for one name, a slash at the end for all below.
fn covers(pattern: &str, path: &str) -> bool {
    let below = pattern.ends_with('/');
    let pattern: Vec<&str> = pattern.trim_end_matches('/').split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    let long_enough = if below {
        path.len() > pattern.len()
    } else {
        path.len() == pattern.len()
    };
    long_enough
        && pattern
            .iter()
            .zip(&path)
            .all(|(wanted, part)| *wanted == "*" || wanted == part)
}

/// Whether a pattern is about the crate (`crates/NAME`) that a file is in.
fn same_crate(pattern: &str, path: &str) -> bool {
    pattern.split('/').take(2).eq(path.split('/').take(2))
}

/// The line, from 1, of the first word `unsafe` in code.
fn first_unsafe(text: &str) -> Option<usize> {
    let code = code_only(text);
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    code.lines()
        .position(|line| line.split(|c| !is_word(c)).any(|word| word == "unsafe"))
        .map(|line| line + 1)
}

/// The text with comments, strings and character literals taken out; line breaks stay.
fn code_only(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let hidden = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => quoted(rest, '"'),
            '\'' => character(rest),
            'r' if !code.ends_with(|c: char| c.is_alphanumeric() || c == '_') => raw_string(rest),
            _ => 0,
        };
        let taken = if hidden > 0 { hidden } else { c.len_utf8() };
        let (part, after) = rest.split_at(taken);
        if hidden > 0 {
            code.push(' ');
            code.extend(part.chars().filter(|&c| c == '\n'));
        } else {
            code.push_str(part);
        }
        rest = after;
    }
    code
}

/// Length of the block comment at the start; they nest.
fn block_comment(text: &str) -> usize {
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// Length of the quoted text at the start, escapes obeyed.
fn quoted(text: &str, mark: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == mark => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Length of the character literal at the start; 0 for a lifetime.
fn character(text: &str) -> usize {
    let mut inner = text.chars().skip(1);
    match (inner.next(), inner.next()) {
        (Some('\\'), _) => quoted(text, '\''),
        (Some(c), Some('\'')) => c.len_utf8() + 2,
        _ => 0,
    }
}

/// Length of the raw string (`r"`, `r#"`) at the start; 0 for a word that begins with r.
fn raw_string(text: &str) -> usize {
    let hashes = text.chars().skip(1).take_while(|&c| c == '#').count();
    let Some(body) = text.get(1 + hashes..).and_then(|rest| rest.strip_prefix('"')) else {
        return 0;
    };
    let end = format!("\"{}", "#".repeat(hashes));
    body.find(&end)
        .map_or(text.len(), |at| 2 + hashes + at + end.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source {
            path: path.to_owned(),
            text: text.to_owned(),
            is_root: path.ends_with("lib.rs"),
        }
    }

    fn check(path: &str, text: &str) -> Vec<String> {
        let places = [
            "crates/memory/".to_owned(),
            "crates/simd/src/*/x86_64.rs".to_owned(),
        ];
        breaches(&places, &[source(path, text)])
    }

    #[test]
    fn unsafe_code_is_only_where_it_may_be() {
        let text = "fn f() {\n    unsafe { g() }\n}\n";
        assert_eq!(check("crates/ops/src/f.rs", text).len(), 1);
        assert!(check("crates/ops/src/f.rs", text)[0].contains("f.rs:2"));
        assert_eq!(check("crates/ops/tests/f.rs", text).len(), 1);
        assert_eq!(check("crates/simd/src/sort/mod.rs", text).len(), 1);
        assert!(check("crates/simd/src/sort/x86_64.rs", text).is_empty());
        assert!(check("crates/memory/src/deep/er.rs", text).is_empty());
    }

    #[test]
    fn a_root_forbids_it_unless_its_crate_has_a_place() {
        assert_eq!(check("crates/ops/src/lib.rs", "").len(), 1);
        assert!(check("crates/ops/src/lib.rs", FORBID).is_empty());
        assert!(check("crates/simd/src/lib.rs", "").is_empty());
    }

    #[test]
    fn a_nameless_file_is_a_breach() {
        for path in [
            "crates/ops/src/utils.rs",
            "crates/ops/tests/common/mod.rs",
            "xtask/src/helpers.rs",
        ] {
            assert_eq!(check(path, "").len(), 1, "{path}");
        }
        assert!(check("crates/ops/src/uncommon.rs", "").is_empty());
    }

    #[test]
    fn the_word_counts_in_code_alone() {
        let innocent = r####"
// unsafe
/* unsafe /* nested */ unsafe */
const A: &str = "unsafe \" unsafe";
const B: &str = r#"unsafe " unsafe"#;
const C: char = '"'; const D: char = '\''; fn f<'a>(unsafe_code: &'a str) {}
"####;
        assert_eq!(first_unsafe(innocent), None, "{}", code_only(innocent));
        assert_eq!(first_unsafe("// a\n'\"'; unsafe {}"), Some(2));
        assert_eq!(first_unsafe("/* \n */ #[unsafe(no_mangle)]"), Some(2));
    }
}
