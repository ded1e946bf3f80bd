//! `cargo xtask floors`: the house keeps its order.
//!
//! In: the tables in ARCHITECTURE.md, `cargo metadata`, and every Rust file of the workspace. Out: a list of
//! breaches, each with what to do.
//! - A crate uses only crates on floors strictly below its own. Dev-dependencies are free.
//! - The floors table and the workspace name the same crates.
//! - Unsafe code is only in the places that ARCHITECTURE.md lists; every other crate root forbids it.
//! - No file or folder is called utils, common or helpers.

mod graph;
mod sources;
mod table;

use std::fs;

use anyhow::Context;

use crate::Outcome;
use crate::workspace::Workspace;

/// `cargo xtask floors`.
pub(crate) fn run(workspace: &Workspace, _arguments: &[String]) -> Outcome {
    let text =
        fs::read_to_string(workspace.root.join("ARCHITECTURE.md")).context("cannot read ARCHITECTURE.md")?;
    let floors = table::floors(&text)?;
    let unsafe_places = table::unsafe_places(&text)?;
    let crates = graph::crates(&workspace.metadata()?)?;
    let mut breaches = graph::breaches(&floors, &crates);
    let files = sources::read(&workspace.root, &crates)?;
    breaches.extend(sources::breaches(&unsafe_places, &files));
    if breaches.is_empty() {
        println!(
            "{} crates keep to their floors; {} files keep to the rules",
            crates.len(),
            files.len()
        );
        return Ok(true);
    }
    for breach in &breaches {
        println!("breach: {breach}");
    }
    println!("{} breaches; the rules are in ARCHITECTURE.md", breaches.len());
    Ok(false)
}
