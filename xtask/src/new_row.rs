//! `cargo xtask new format|op|element ID`: adds a plug-in as one file and one line.
//!
//! In: a kind and an id. Out: `<folder>/<id>.rs` made from `xtask/templates/<kind>.rs.txt`, and one line in the list
//! in `<folder>/mod.rs`. What the template makes is a toy that works: it builds and keeps the laws, so the author
//! starts from green. Nothing is written unless both can be.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::Outcome;
use crate::workspace::Workspace;

/// A list that a plug-in can be added to.
struct Kind {
    name: &'static str,
    package: &'static str,
    folder: &'static str,
    template: &'static str,
}

const KINDS: &[Kind] = &[
    Kind {
        name: "format",
        package: "parallax-formats",
        folder: "crates/parallax-formats/src/formats",
        template: include_str!("../templates/format.rs.txt"),
    },
    Kind {
        name: "op",
        package: "parallax-ops",
        folder: "crates/parallax-ops/src/transform",
        template: include_str!("../templates/op.rs.txt"),
    },
    Kind {
        name: "element",
        package: "parallax-elements",
        folder: "crates/parallax-elements/src/elements",
        template: include_str!("../templates/element.rs.txt"),
    },
];

const USAGE: &str = "usage: cargo xtask new format|op|element ID";

/// Words that Rust keeps for itself and that look like an id.
const KEYWORDS: &[&str] = &[
    "as", "async", "await", "box", "break", "const", "continue", "crate", "do", "dyn", "else", "enum",
    "extern", "false", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true", "try",
    "type", "unsafe", "use", "where", "while", "yield",
];

/// `cargo xtask new`.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    let [kind, id] = arguments else { bail!(USAGE) };
    let kind = KINDS.iter().find(|known| known.name == kind).context(USAGE)?;
    check_id(id)?;
    add(&workspace.root, kind, id)?;
    // Where a line breaks depends on the length of the id. Without rustfmt it stays as the template has it.
    let file = format!("{}/{id}.rs", kind.folder);
    let _ = workspace
        .command("rustfmt")
        .args(["--edition", "2024"])
        .arg(file)
        .status();
    println!("new   {}/{id}.rs", kind.folder);
    println!("line  `{id}` in {}/mod.rs", kind.folder);
    println!(
        "It is a toy that works. `cargo test --package {}` runs the laws over it.",
        kind.package
    );
    println!("`cargo xtask docs` puts it into the documentation.");
    Ok(true)
}

/// An id is a name everywhere: file, Rust module, pipeline string, command, Python, SQL.
fn check_id(id: &str) -> Result<()> {
    let starts = id.starts_with(|c: char| c.is_ascii_lowercase());
    let word = id
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !starts || !word || id == "mod" || KEYWORDS.contains(&id) {
        bail!(
            "`{id}` cannot be an id: use lower-case letters, digits and `_`, first a letter, no Rust keyword"
        );
    }
    Ok(())
}

fn add(root: &Path, kind: &Kind, id: &str) -> Result<()> {
    let folder = root.join(kind.folder);
    let file = folder.join(format!("{id}.rs"));
    if file.exists() {
        bail!("{} is there already", file.display());
    }
    let list = folder.join("mod.rs");
    let text = fs::read_to_string(&list).with_context(|| format!("cannot read {}", list.display()))?;
    let longer = with_line(&text, id).with_context(|| list.display().to_string())?;
    fs::write(&file, filled(kind.template, id))
        .with_context(|| format!("cannot write {}", file.display()))?;
    fs::write(&list, longer).with_context(|| format!("cannot write {}", list.display()))
}

/// The template with the id and the type's name put in.
fn filled(template: &str, id: &str) -> String {
    template.replace("{{id}}", id).replace("{{Name}}", &type_name(id))
}

/// `hot_pixel` becomes `HotPixel`.
fn type_name(id: &str) -> String {
    let mut name = String::with_capacity(id.len());
    for part in id.split('_') {
        let mut letters = part.chars();
        name.extend(letters.next().map(|c| c.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}

/// The list with one more line, in its place by the alphabet.
///
/// The list is the first call of a macro that stands at the start of a line, such as `formats! {`, with one
/// id per line, each with a comma or none, and `}` alone at its end.
fn with_line(text: &str, id: &str) -> Result<String> {
    let lines: Vec<&str> = text.lines().collect();
    let open = lines
        .iter()
        .position(|line| line.ends_with("! {") && line.starts_with(|c: char| c.is_ascii_lowercase()))
        .context("no list: expected a line such as `formats! {`")?;
    let length = lines
        .iter()
        .skip(open)
        .position(|line| *line == "}")
        .context("the list has no end")?;
    let entry = |line: &str| line.trim().trim_end_matches(',').to_owned();
    let ids: Vec<String> = lines
        .iter()
        .skip(open + 1)
        .take(length - 1)
        .map(|line| entry(line))
        .collect();
    if ids.iter().any(|known| known == id) {
        bail!("`{id}` is in the list already");
    }
    // After the last entry that comes before it; comments stay with what follows them.
    let before = ids
        .iter()
        .rposition(|known| !known.starts_with("//") && known.as_str() < id)
        .map_or(0, |at| at + 1);
    let at = open + 1 + before;
    let mut longer: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
    let comma = if lines
        .iter()
        .skip(open + 1)
        .take(length - 1)
        .any(|line| line.ends_with(','))
    {
        ","
    } else {
        ""
    };
    longer.insert(at, format!("    {id}{comma}"));
    Ok(longer.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str =
        "macro_rules! registry {\n    ($($id:ident),*) => {};\n}\n\nregistry! {\n    csv,\n    evt3,\n}\n";

    #[test]
    fn the_line_goes_where_the_alphabet_has_it() {
        for (id, place) in [
            ("aedat", "{\n    aedat,\n    csv"),
            ("dat", "csv,\n    dat,\n    evt3"),
            ("toy", "evt3,\n    toy,\n}"),
        ] {
            let longer = with_line(LIST, id).unwrap();
            assert!(longer.contains(place), "{longer}");
            assert_eq!(longer.lines().count(), LIST.lines().count() + 1);
        }
        assert!(
            with_line(&LIST.replace(',', ""), "dat")
                .unwrap()
                .contains("csv\n    dat\n    evt3\n}")
        );
        assert!(with_line(LIST, "csv").is_err());
        assert!(with_line("no list\n", "toy").is_err());
    }

    #[test]
    fn an_id_is_a_name_in_every_place() {
        for good in ["toy", "evt21", "hot_pixel"] {
            check_id(good).unwrap();
        }
        for bad in ["", "Toy", "2d", "hot-pixel", "../toy", "mod", "type", "_x"] {
            assert!(check_id(bad).is_err(), "{bad}");
        }
        assert_eq!(type_name("hot_pixel_2"), "HotPixel2");
    }
}
