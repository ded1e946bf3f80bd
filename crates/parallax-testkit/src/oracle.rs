//! What independent decoders agree on: the digests that recordings must have.
//!
//! They come from `oracle.json` in the folder of the recordings; where there is none, from the table below, which
//! pins those of the files that anybody can fetch. Digests are facts about files; none of them is ours.

use std::fs;

use parallax_events::{Error, Result};
use serde_json::Value;

use crate::{Digest, recordings};

/// One recording and its digest, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Golden {
    /// Its name in the folder of the recordings: `faery/evt3.raw`.
    pub id: String,
    /// The oracle's word for the format: `evt3`, `text`, `csv`, `dat`.
    pub format: String,
    /// How many events it has.
    pub n: u64,
    /// The SHA-256 of its events.
    pub sha256: String,
    /// The other facts: name in [`Digest`] and value, sums modulo 2⁶⁴.
    pub facts: Vec<(&'static str, i128)>,
}

/// id, format, n, SHA-256 of the events.
const PINNED: &[(&str, &str, u64, &str)] = &[
    (
        "faery/atis.es",
        "es",
        473_225,
        "2ef78e6aa24b61bf31c42873acbe627a1f3be75fc1a88006691b4baaa7c1afe0",
    ),
    (
        "faery/davis346.aedat4",
        "aedat4",
        78_830,
        "1311822986a2fd4ee9ad0ec3f9991deea38c9d8975680710a3f761a0b37dfd2a",
    ),
    (
        "faery/dvs.csv",
        "csv",
        473_225,
        "2ef78e6aa24b61bf31c42873acbe627a1f3be75fc1a88006691b4baaa7c1afe0",
    ),
    (
        "faery/dvs.es",
        "es",
        473_225,
        "2ef78e6aa24b61bf31c42873acbe627a1f3be75fc1a88006691b4baaa7c1afe0",
    ),
    (
        "faery/evt2.raw",
        "evt2",
        521_252,
        "cc4f712b190a45a99307f6690c7f9529cd25defde3a8a83fcd6c33b67244d6ad",
    ),
    (
        "faery/evt3.raw",
        "evt3",
        1_218_618,
        "d200a017c73b3e10b83071abcfec98bf0154d6ad2d8241f99f9900e4ccbe262c",
    ),
    (
        "faery/gen4.dat",
        "dat",
        1_218_618,
        "0a9dd5278f03b41c39422e9d82402fa803a9a3f55103b364bccc2e1daa790e22",
    ),
    (
        "rpg/slider_depth_events.txt",
        "text",
        1_078_541,
        "b47831e13b6c337300253b1ba5025a0c0365243ff6a5d38f4c3e2c7af4d99ecb",
    ),
];

const FACTS: [&str; 11] = [
    "sum_t", "sum_x", "sum_y", "n_on", "t_first", "t_last", "ordsum_t", "ordsum_x", "ordsum_y", "x_max",
    "y_max",
];

impl Golden {
    /// Says which facts `digest` differs in; the cheapest to interpret come first.
    ///
    /// # Errors
    /// All differences in one line.
    pub fn check(&self, digest: &Digest) -> Result<(), String> {
        let mut wrong = Vec::new();
        let mut compare = |name: &str, found: i128, wanted: i128| {
            if found != wanted {
                wrong.push(format!("{name} is {found}, not {wanted}"));
            }
        };
        compare("n", digest.n.into(), self.n.into());
        for (name, wanted) in &self.facts {
            compare(name, fact(digest, name), *wanted);
        }
        if digest.sha256 != self.sha256 {
            wrong.push(format!("sha256 is {}, not {}", digest.sha256, self.sha256));
        }
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(wrong.join(", "))
        }
    }
}

/// Every recording that the oracle knows; whether the files are there is another question.
///
/// # Errors
/// If there is an `oracle.json` that cannot be read.
pub fn oracle() -> Result<Vec<Golden>> {
    let path = recordings::folder().join("oracle.json");
    if !path.exists() {
        return Ok(pinned());
    }
    let wrong = |what: String| Error::malformed(what).with_context("file", path.display());
    let text = fs::read_to_string(&path)?;
    let Value::Object(entries) = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?
    else {
        return Err(wrong("not an object".to_owned()));
    };
    let entries = entries.iter().filter(|(id, _)| !id.starts_with('_'));
    entries
        .map(|(id, entry)| golden(id, entry).ok_or_else(|| wrong(format!("the entry {id} is incomplete"))))
        .collect()
}

fn pinned() -> Vec<Golden> {
    let row = |&(id, format, n, sha256): &(&str, &str, u64, &str)| Golden {
        id: id.to_owned(),
        format: format.to_owned(),
        n,
        sha256: sha256.to_owned(),
        facts: Vec::new(),
    };
    PINNED.iter().map(row).collect()
}

fn golden(id: &str, entry: &Value) -> Option<Golden> {
    let text = |key: &str| entry.get(key)?.as_str().map(str::to_owned);
    let number = |key: &str| {
        let value = entry.get(key)?;
        value
            .as_i64()
            .map(i128::from)
            .or_else(|| value.as_u64().map(i128::from))
    };
    Some(Golden {
        id: id.to_owned(),
        format: text("format")?,
        n: entry.get("n")?.as_u64()?,
        sha256: text("sha256_txyp_i8")?,
        facts: FACTS
            .into_iter()
            .filter_map(|name| Some((name, number(name)?)))
            .collect(),
    })
}

fn fact(digest: &Digest, name: &str) -> i128 {
    match name {
        "sum_t" => digest.sum_t.into(),
        "sum_x" => digest.sum_x.into(),
        "sum_y" => digest.sum_y.into(),
        "n_on" => digest.n_on.into(),
        "t_first" => digest.t_first.into(),
        "t_last" => digest.t_last.into(),
        "ordsum_t" => digest.ordsum_t.into(),
        "ordsum_x" => digest.ordsum_x.into(),
        "ordsum_y" => digest.ordsum_y.into(),
        "x_max" => digest.x_max.into(),
        _ => digest.y_max.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pinned_table_says_what_the_oracle_says() {
        let all = oracle().unwrap();
        for pin in pinned() {
            let known = all.iter().find(|golden| golden.id == pin.id).unwrap();
            assert_eq!(
                (&known.format, known.n, &known.sha256),
                (&pin.format, pin.n, &pin.sha256),
                "{}",
                pin.id
            );
        }
    }
}
