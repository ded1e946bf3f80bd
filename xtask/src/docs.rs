//! `cargo xtask docs [--check]`: writes generated tables into the documents.
//!
//! In: Markdown files at the root and under `docs/` with pairs of markers, and who knows the table:
//! `<!-- generated: formats -->` gets what `parallax formats --markdown` prints, `verbs` and `checks` come from
//! xtask itself. Out: the same files with what stands between the markers replaced; with `--check` nothing is
//! written, and a file that would change is named.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::Outcome;
use crate::workspace::Workspace;

const OPEN: &str = "<!-- generated: ";
const OPEN_END: &str = " -->";
const CLOSE: &str = "<!-- end of generated -->";

/// `cargo xtask docs`.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    let check = match arguments {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => bail!("usage: cargo xtask docs [--check]"),
    };
    let mut program: Option<PathBuf> = None;
    let mut stale = 0;
    let mut tables = 0;
    for path in documents(workspace)? {
        let name = path
            .strip_prefix(&workspace.root)
            .unwrap_or(&path)
            .display()
            .to_string();
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {name}"))?;
        let fresh = replaced(&text, |table| {
            tables += 1;
            match table {
                "verbs" => Ok(crate::verbs_markdown()),
                "checks" => Ok(crate::checks::markdown()),
                "formats" | "ops" | "inspect" => {
                    if program.is_none() {
                        program = Some(workspace.parallax(false)?);
                    }
                    let program = program.as_ref().context("the program was just built")?;
                    asked(workspace, program, table)
                }
                _ => bail!("nobody generates a table called `{table}`"),
            }
        })
        .with_context(|| name.clone())?;
        if fresh == text {
            continue;
        }
        stale += 1;
        if check {
            println!("stale: {name}; `cargo xtask docs` writes it");
        } else {
            fs::write(&path, fresh).with_context(|| format!("cannot write {name}"))?;
            println!("wrote {name}");
        }
    }
    if stale == 0 {
        println!("{tables} generated tables are fresh");
    }
    Ok(stale == 0 || !check)
}

/// The Markdown files that may hold tables.
fn documents(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for folder in [workspace.root.clone(), workspace.root.join("docs")] {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry
                .with_context(|| format!("cannot list {}", folder.display()))?
                .path();
            if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// What `parallax TABLE --markdown` prints.
fn asked(workspace: &Workspace, program: &PathBuf, table: &str) -> Result<String> {
    let output = workspace
        .command(program)
        .args([table, "--markdown"])
        .stderr(std::process::Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run {}", program.display()))?;
    if !output.status.success() {
        bail!("`parallax {table} --markdown` failed");
    }
    String::from_utf8(output.stdout).context("parallax printed something that is not UTF-8")
}

/// The text with every generated part made anew.
fn replaced(text: &str, mut generate: impl FnMut(&str) -> Result<String>) -> Result<String> {
    let mut fresh = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(OPEN) {
        let (table, after) = after
            .split_once(OPEN_END)
            .context("a generated table's marker has no end")?;
        let (_, after) = after
            .split_once(CLOSE)
            .with_context(|| format!("`{OPEN}{table}{OPEN_END}` has no `{CLOSE}`"))?;
        let content = generate(table)?;
        fresh.push_str(&format!(
            "{before}{OPEN}{table}{OPEN_END}\n{}\n{CLOSE}",
            content.trim_end()
        ));
        rest = after;
    }
    fresh.push_str(rest);
    Ok(fresh)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_between_the_markers_is_replaced_and_nothing_else() {
        let text = "a\n<!-- generated: x -->\nold\n<!-- end of generated -->\nb\n";
        let fresh = replaced(text, |table| Ok(format!("new {table}\n"))).unwrap();
        assert_eq!(
            fresh,
            "a\n<!-- generated: x -->\nnew x\n<!-- end of generated -->\nb\n"
        );
        assert_eq!(replaced(&fresh, |_| Ok("new x".to_owned())).unwrap(), fresh);
    }

    #[test]
    fn an_open_marker_without_its_end_is_an_error() {
        assert!(replaced("<!-- generated: x -->\nold", |_| Ok(String::new())).is_err());
    }
}
