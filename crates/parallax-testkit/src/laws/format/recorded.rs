//! Real recordings, cut off and damaged at places drawn by a seed.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use parallax_events::Philox;
use parallax_formats::{Probe, ReadOptions, recognise};

use super::damage::{clean, damage};
use super::{Door, FormatRow};
use crate::laws::{Broken, Lawful, caught, ensure, prefix_of};
use crate::{oracle, recordings};

/// Most cuts lie within so many bytes, so that they are cheap to read.
const NEAR: usize = 256 << 10;
const NEAR_CUTS: u64 = 60;
const FAR_CUTS: u64 = 4;

/// 64 seeded cuts of every recording of this format: a clean error or a beginning of what the whole recording
/// gives. The recordings are those in the oracle that are recognised as this format.
pub fn recorded_cuts(row: &FormatRow) -> Lawful {
    each_recording("recorded_cuts", row, cuts_of)
}

/// 64 seeded damages of every recording of this format, most of them near its beginning: nothing panics, every batch
/// is sound, errors are the data's, and both doors agree.
pub fn recorded_flips(row: &FormatRow) -> Lawful {
    each_recording("recorded_flips", row, flips_of)
}

fn each_recording(law: &str, row: &FormatRow, check: fn(&Path, &FormatRow) -> Lawful) -> Lawful {
    let mut missing = Vec::new();
    for golden in oracle()? {
        let path = recordings::folder().join(&golden.id);
        if !path.is_file() {
            missing.push(golden.id);
            continue;
        }
        if is_recording_of(&path, row)? {
            let held = check(&path, row);
            held.map_err(|broken| Broken(format!("{}: {broken}", golden.id)))?;
        }
    }
    if !missing.is_empty() {
        recordings::skip(
            law,
            &format!("not here: {}; see `cargo xtask recordings`", missing.join(", ")),
        );
    }
    Ok(())
}

pub(crate) fn is_recording_of(path: &Path, row: &FormatRow) -> Result<bool, Broken> {
    let mut head = Vec::new();
    File::open(path)?
        .take(Probe::BYTES as u64)
        .read_to_end(&mut head)?;
    let extension = path.extension().and_then(|extension| extension.to_str());
    let probe = Probe {
        head: &head,
        whole: head.len() < Probe::BYTES,
        extension,
    };
    Ok(recognise(&probe).is_some_and(|(format, _)| format.id() == row.format.id()))
}

fn cuts_of(path: &Path, row: &FormatRow) -> Lawful {
    let bytes = std::fs::read(path)?;
    let options = ReadOptions {
        chunk: 1 << 20,
        ..row.options()
    };
    let whole = row.read(&bytes, &options, Door::Bytes)?;
    ensure!(
        whole.error.is_none(),
        "the whole recording ends with {:?}",
        whole.error
    );
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let random = Philox::new(3, &name);
    let options = ReadOptions {
        chunk: 1 << 14,
        ..row.options()
    };
    for cut in 0..NEAR_CUTS + FAR_CUTS {
        let [low, high, ..] = random.at(cut);
        let reach = if cut < NEAR_CUTS {
            bytes.len().min(NEAR)
        } else {
            bytes.len()
        };
        let len = ((u64::from(high) << 32 | u64::from(low)) % reach as u64) as usize;
        let who = format!("its first {len} bytes");
        let door = if cut % 2 == 0 {
            Door::Bytes
        } else {
            Door::Push(4093)
        };
        let found = caught(|| row.read(&bytes[..len], &options, door));
        let found = found.map_err(|broken| Broken(format!("{who}: {broken}")))?;
        prefix_of(&found.events, &whole.events, &who)?;
    }
    Ok(())
}

fn flips_of(path: &Path, row: &FormatRow) -> Lawful {
    let bytes = std::fs::read(path)?;
    let near = &bytes[..bytes.len().min(NEAR)];
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let random = Philox::new(4, &name);
    let options = ReadOptions {
        chunk: 1 << 14,
        ..row.options()
    };
    for flip in 0..NEAR_CUTS + FAR_CUTS {
        let damaged = damage(if flip < NEAR_CUTS { near } else { &bytes }, &random, flip);
        let who = format!("damaged version {flip}");
        let named = |broken: Broken| Broken(format!("{who}: {broken}"));
        let found = caught(|| row.read(&damaged, &options, Door::Bytes)).map_err(named)?;
        clean(&found, &who)?;
        if flip % 16 == 0 {
            let pushed = caught(|| row.read(&damaged, &options, Door::Push(4093))).map_err(named)?;
            pushed.agree(&found, &format!("{who}, pushed"))?;
        }
    }
    Ok(())
}
