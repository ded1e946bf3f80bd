//! Which crate uses which, and whether it may.
//!
//! In: `cargo metadata` and the floors. Out: one sentence per breach. Dependencies behind a feature count as well:
//! `cargo metadata` lists them all.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::Value;

use super::table::Floor;

/// A workspace crate as `cargo metadata` describes it.
#[derive(Debug, Default)]
pub(crate) struct Crate {
    pub(crate) name: String,
    /// The folder of its Cargo.toml.
    pub(crate) folder: String,
    /// Names of the crates that it uses in normal and build dependencies.
    pub(crate) uses: Vec<String>,
    /// The root files of its libraries and programs.
    pub(crate) roots: Vec<String>,
}

/// The crates of the workspace.
pub(crate) fn crates(metadata: &Value) -> Result<Vec<Crate>> {
    let packages = list(metadata, "packages");
    packages
        .iter()
        .map(|package| read(package).context("cargo metadata: a package without a name"))
        .collect()
}

fn read(package: &Value) -> Option<Crate> {
    let manifest = text(package, "manifest_path")?;
    // `kind` is null for a normal dependency.
    let counted = |dependency: &&Value| dependency.get("kind").and_then(Value::as_str) != Some("dev");
    let shipped = |target: &&Value| {
        list(target, "kind")
            .iter()
            .filter_map(Value::as_str)
            .any(|kind| kind == "bin" || kind.ends_with("lib"))
    };
    Some(Crate {
        name: text(package, "name")?,
        folder: manifest.trim_end_matches("Cargo.toml").to_owned(),
        uses: list(package, "dependencies")
            .iter()
            .filter(counted)
            .filter_map(|d| text(d, "name"))
            .collect(),
        roots: list(package, "targets")
            .iter()
            .filter(shipped)
            .filter_map(|t| text(t, "src_path"))
            .collect(),
    })
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().map(str::to_owned)
}

/// Every place where the workspace and the table disagree.
pub(crate) fn breaches(floors: &BTreeMap<String, Floor>, crates: &[Crate]) -> Vec<String> {
    let mut breaches = Vec::new();
    for name in floors.keys() {
        if !crates.iter().any(|known| known.name == *name) {
            breaches.push(format!(
                "ARCHITECTURE.md puts `{name}` on a floor, but the workspace has no such crate"
            ));
        }
    }
    for user in crates {
        let Some(own) = floors.get(&user.name) else {
            breaches.push(format!(
                "`{}` is in the workspace but on no floor in ARCHITECTURE.md",
                user.name
            ));
            continue;
        };
        for used in &user.uses {
            // A crate that is no floor's is someone else's, or was named above.
            let Some(floor) = floors.get(used) else { continue };
            match (own, floor) {
                (_, Floor::Outside) => breaches.push(format!(
                    "`{}` uses `{used}`, which is outside the floors: only dev-dependencies may",
                    user.name
                )),
                (Floor::At(own), Floor::At(floor)) if floor >= own => breaches.push(format!(
                    "`{}` (floor {own}) uses `{used}` (floor {floor}): move the shared part to a floor below {own}",
                    user.name
                )),
                _ => {}
            }
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floors() -> BTreeMap<String, Floor> {
        let floors = [
            ("ground", Floor::At(0)),
            ("nouns", Floor::At(1)),
            ("kit", Floor::Outside),
        ];
        floors.map(|(name, floor)| (name.to_owned(), floor)).into()
    }

    fn using(name: &str, uses: &[&str]) -> Crate {
        let uses = uses.iter().map(|&name| name.to_owned()).collect();
        Crate {
            name: name.to_owned(),
            uses,
            ..Crate::default()
        }
    }

    fn house(ground: &[&str], nouns: &[&str]) -> Vec<String> {
        breaches(
            &floors(),
            &[
                using("ground", ground),
                using("nouns", nouns),
                using("kit", &["nouns", "ground"]),
            ],
        )
    }

    #[test]
    fn downwards_is_fine_upwards_sideways_and_the_kit_are_not() {
        assert!(house(&["serde"], &["ground"]).is_empty());
        assert_eq!(house(&["nouns"], &[]).len(), 1);
        assert_eq!(house(&[], &["nouns"]).len(), 1);
        assert!(house(&[], &["kit"])[0].contains("outside the floors"));
    }

    #[test]
    fn the_table_and_the_workspace_name_the_same_crates() {
        let missing = breaches(&floors(), &[using("ground", &[]), using("kit", &[])]);
        assert!(missing[0].contains("`nouns`"), "{missing:?}");
        let unknown = breaches(&BTreeMap::new(), &[using("ground", &[])]);
        assert!(unknown[0].contains("on no floor"), "{unknown:?}");
    }

    #[test]
    fn metadata_gives_normal_and_build_dependencies_and_the_roots() {
        let metadata = serde_json::json!({"packages": [{
            "name": "nouns",
            "manifest_path": "/r/crates/nouns/Cargo.toml",
            "dependencies": [
                {"name": "ground", "kind": null},
                {"name": "gen", "kind": "build"},
                {"name": "kit", "kind": "dev"}
            ],
            "targets": [
                {"kind": ["lib"], "src_path": "/r/crates/nouns/src/lib.rs"},
                {"kind": ["test"], "src_path": "/r/crates/nouns/tests/laws.rs"}
            ]
        }]});
        let crates = crates(&metadata).unwrap();
        assert_eq!(crates[0].uses, ["ground", "gen"]);
        assert_eq!(crates[0].roots, ["/r/crates/nouns/src/lib.rs"]);
        assert_eq!(crates[0].folder, "/r/crates/nouns/");
    }
}
