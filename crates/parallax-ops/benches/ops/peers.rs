//! The same operations by the libraries of others, in a Python process of their own.

use std::process::Command;

use parallax_events::{DvsColumns, EventBatch};

/// What a peer says.
pub(crate) struct Answer {
    pub(crate) case: String,
    /// The best of its runs: what it needs when nothing disturbs it.
    pub(crate) ms: f64,
    pub(crate) kept: usize,
    pub(crate) digest: u64,
    /// Whether it means the same as we do, event by event.
    pub(crate) compares: bool,
}

/// A sum over the kept events that does not depend on their order, since some peers give none.
pub(crate) fn digest(events: DvsColumns<'_>) -> u64 {
    let mixed = events.iter().map(|e| {
        let pixel = u64::from(e.y) << 17 | u64::from(e.x) << 1 | u64::from(e.p);
        let word = e.t.cast_unsigned().wrapping_mul(0x9E37_79B9_7F4A_7C15)
            ^ pixel.wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
        word ^ word >> 29
    });
    mixed.fold(0, u64::wrapping_add)
}

/// Runs every peer on the events; none if there is no Python that has them.
pub(crate) fn run(batch: &EventBatch) -> Vec<Answer> {
    let Some(python) = std::env::var_os("PARALLAX_PEERS") else {
        println!("PARALLAX_PEERS names no Python with evlib, tonic and polars: no peers");
        return Vec::new();
    };
    let folder = std::env::temp_dir().join(format!("parallax-ops-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let DvsColumns { t, x, y, p } = batch.columns();
    let write = |name: &str, bytes: Vec<u8>| std::fs::write(folder.join(name), bytes).unwrap();
    write("t", t.iter().flat_map(|t| t.to_le_bytes()).collect());
    write("x", x.iter().flat_map(|x| x.to_le_bytes()).collect());
    write("y", y.iter().flat_map(|y| y.to_le_bytes()).collect());
    write("p", p.to_vec());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/ops/peers.py");
    let output = Command::new(python).arg(script).arg(&folder).output().unwrap();
    let _ = std::fs::remove_dir_all(&folder);
    if !output.status.success() {
        println!("the peers failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter_map(answer).collect()
}

/// `case ms kept digest compares`
fn answer(line: &str) -> Option<Answer> {
    let mut words = line.split_whitespace();
    Some(Answer {
        case: words.next()?.to_owned(),
        ms: words.next()?.parse().ok()?,
        kept: words.next()?.parse().ok()?,
        digest: words.next()?.parse().ok()?,
        compares: words.next()? == "yes",
    })
}
