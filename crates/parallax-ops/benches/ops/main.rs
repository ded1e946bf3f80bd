//! Operators on real events, beside the libraries of others and the copy that nobody can beat:
//! `cargo xtask bench ops [--quick] [--recorded] [WORD..]`.
//!
//! In goes `faery/evt3.raw` of the folder that `PARALLAX_RECORDINGS` names, repeated until there are 10 M events
//! (1280 x 720), and the same folded onto 640 x 480 pixels (`x % 640`, `y % 480`). Out come tables in Markdown:
//! milliseconds, the median of five runs after one that warms up. Before anything is timed, two threads must give the
//! answer of one, and where a peer means the same as we do, its answer must be ours. A peer that got fewer events than we
//! is compared by its time for an event; it does with its tensors what our call-back does with ours.
//!
//! The peers run first, by `peers.py` in the Python that `PARALLAX_PEERS` names (`cargo xtask bench ops` makes one). What
//! they answer is kept, and `--recorded` takes it from the last time. `--quick` takes 1 M events. With WORDs, only the
//! rows that have one of them in their name or chain; `floors` stands for the work that cannot be left out, and for what two
//! cores give to halves that share nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a bench that cannot go on ends"
)]

mod answers;
mod measure;
mod peers;
mod recording;
mod rows;
mod tables;

use std::path::PathBuf;

use recording::Recordings;
use rows::ROWS;

fn main() {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let has = |option: &str| words.iter().any(|word| word == option);
    let events = if has("--quick") { 1_000_000 } else { 10_000_000 };
    let wanted: Vec<&String> = words.iter().filter(|word| !word.starts_with("--")).collect();
    let rows: Vec<_> = ROWS
        .iter()
        .filter(|row| {
            wanted.is_empty()
                || wanted
                    .iter()
                    .any(|word| row.name.contains(word.as_str()) || row.chain.contains(word.as_str()))
        })
        .collect();

    let Some(recordings) = Recordings::read(events) else {
        println!("PARALLAX_RECORDINGS names no folder with faery/evt3.raw");
        return;
    };
    let folder = std::env::var_os("PARALLAX_BENCH_FILES").map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = folder.join(format!("ops-{events}"));
    let peers = peers::answers(&folder, &recordings, &rows, has("--recorded"));

    println!("{events} events of faery/evt3.raw, repeated; ms, medians of five\n");
    tables::beside_peers(&rows, &recordings, &peers);
    if wanted.is_empty() || has("floors") {
        tables::floors(&recordings);
        tables::halves(&recordings);
    }
    if wanted.is_empty() {
        tables::scaling(&recordings);
        tables::fused(&recordings);
    }
}
