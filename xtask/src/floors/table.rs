//! Reads the two tables that a program obeys out of ARCHITECTURE.md.
//!
//! In: Markdown with `<!-- floors -->` and `<!-- unsafe -->` before the tables. Out: the floor of every crate, and
//! the path patterns where unsafe code may be. Names and patterns stand in backticks; the rest of a cell is prose.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

/// Where a crate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Floor {
    /// Counted from the ground, 0.
    At(u32),
    /// Tools and test kits: outside the floors, so that no crate may build on them.
    Outside,
}

/// The floor of every crate in the table after `<!-- floors -->`.
///
/// The first cell is a number, or words for crates outside the floors; the last cell has the crates.
pub(crate) fn floors(text: &str) -> Result<BTreeMap<String, Floor>> {
    let mut floors = BTreeMap::new();
    for row in rows(text, "<!-- floors -->")? {
        let (Some(first), Some(last)) = (row.first(), row.last()) else {
            continue;
        };
        let floor = first.parse().map_or(Floor::Outside, Floor::At);
        for name in in_backticks(last) {
            if floors.insert(name.to_owned(), floor).is_some() {
                bail!("ARCHITECTURE.md: `{name}` stands on two floors");
            }
        }
    }
    Ok(floors)
}

/// The path patterns in the table after `<!-- unsafe -->`.
pub(crate) fn unsafe_places(text: &str) -> Result<Vec<String>> {
    let rows = rows(text, "<!-- unsafe -->")?;
    Ok(rows
        .iter()
        .filter_map(|row| row.first())
        .flat_map(|cell| in_backticks(cell))
        .map(str::to_owned)
        .collect())
}

/// The cells of the first table after `marker`, without its head.
fn rows<'a>(text: &'a str, marker: &str) -> Result<Vec<Vec<&'a str>>> {
    let Some((_, after)) = text.split_once(marker) else {
        bail!("ARCHITECTURE.md: no `{marker}` before a table");
    };
    let rows: Vec<Vec<&str>> = after
        .lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| line.trim().trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    if rows.is_empty() {
        bail!("ARCHITECTURE.md: the table after `{marker}` has no rows");
    }
    Ok(rows)
}

fn in_backticks(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
<!-- floors -->
| floor | name | crates |
| --- | --- | --- |
| 1 | nouns | `b` words |
| 0 | ground | `a`, `c` |
| outside | tools | `t` |

| not | ours |
| --- | --- |
| 9 | `z` |

<!-- unsafe -->
| place | why |
| --- | --- |
| `crates/a/` | because `q` |
";

    #[test]
    fn the_tables_are_read_and_other_tables_are_not() {
        let floors = floors(TEXT).unwrap();
        let seen: Vec<_> = floors
            .iter()
            .map(|(name, floor)| (name.as_str(), *floor))
            .collect();
        let expected = [
            ("a", Floor::At(0)),
            ("b", Floor::At(1)),
            ("c", Floor::At(0)),
            ("t", Floor::Outside),
        ];
        assert_eq!(seen, expected);
        assert_eq!(unsafe_places(TEXT).unwrap(), ["crates/a/"]);
    }

    #[test]
    fn a_missing_table_or_a_crate_on_two_floors_is_an_error() {
        assert!(floors("no table").is_err());
        assert!(floors("<!-- floors -->\n| f | c |\n| - | - |\n").is_err());
        assert!(floors(&TEXT.replace("`c`", "`b`")).is_err());
    }
}
