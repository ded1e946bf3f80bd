//! The large files: real recordings one after the other, shifted in time.
//!
//! `make FOLDER TILES` writes the events of faery/evt3.raw so many times in every format, and the dense words of
//! expelliarmus/evt3_sample.raw as they are, with another time. A file that is there already stays.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use parallax_events::{EventBatch, Result};
use parallax_formats::{EventReader, OutputFile, ReadOptions, WriteOptions};
use parallax_testkit::recordings;

use super::{Columns, plain};

/// Text is larger and slower: a part of the tiles.
const TEXT: usize = 4;

/// The dense recording is shorter.
const DENSE: usize = 6;

pub(crate) fn make(folder: &Path, tiles: usize) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let path = recordings::folder().join("faery/evt3.raw");
    let all = EventReader::open(&path, &ReadOptions::default())?.read_all()?;
    for (name, format, tiles) in [
        ("ordinary.evt3.raw", "evt3", tiles),
        ("evt2.raw", "evt2", tiles),
        ("gen4.dat", "dat", tiles),
        ("dvs.es", "es", tiles),
        ("lz4.aedat4", "aedat4", tiles),
        ("text.csv", "csv", tiles.div_ceil(TEXT)),
        ("text.rpg.txt", "rpg", tiles.div_ceil(TEXT)),
    ] {
        let target = folder.join(name);
        // A format that is not written here is left out; whoever reads the folder sees that.
        let known = parallax_formats::format(format).is_ok_and(|format| format.create.is_some());
        if target.exists() || !known {
            continue;
        }
        let part = folder.join("part");
        tile(&all, tiles, &part, format)?;
        std::fs::rename(part, target)?;
    }
    let target = folder.join("dense.evt3.raw");
    if !target.exists() {
        let part = folder.join("part");
        dense(tiles * DENSE, &part)?;
        std::fs::rename(part, target)?;
    }
    Ok(())
}

fn tile(all: &EventBatch, tiles: usize, path: &Path, format: &str) -> Result<()> {
    let columns = all.columns();
    let (Some(first), Some(last)) = (columns.t.first(), columns.t.last()) else {
        return Ok(());
    };
    let options = WriteOptions {
        format: Some(format.to_owned()),
    };
    let output = Box::new(BufWriter::with_capacity(OutputFile::PIECE, File::create(path)?));
    let mut writer = parallax_formats::create(output, None, all.meta(), &options)?;
    for round in 0..tiles as i64 {
        let shift = round * (last - first + 100) - first;
        let times: Vec<i64> = columns.t.iter().map(|t| t + shift).collect();
        let (x, y, p) = (columns.x.to_vec(), columns.y.to_vec(), columns.p.to_vec());
        writer.write(&EventBatch::try_new(times, x, y, p, Arc::clone(all.meta()))?)?;
    }
    writer.finish()
}

/// The words from the first TIME_HIGH on, again and again; only the content of TIME_HIGH words changes.
fn dense(tiles: usize, path: &Path) -> Result<()> {
    let bytes = std::fs::read(recordings::folder().join("expelliarmus/evt3_sample.raw"))?;
    let words: Vec<u16> = plain::payload(&bytes)
        .chunks_exact(2)
        .map(|word| u16::from_le_bytes([word[0], word[1]]))
        .collect();
    let is_time = |word: &u16| word >> 12 == 8;
    let words = &words[words.iter().position(is_time).unwrap()..];
    let mut output = BufWriter::with_capacity(OutputFile::PIECE, File::create(path)?);
    output.write_all(b"% evt 3.0\n% format EVT3;height=720;width=1280\n% geometry 1280x720\n% end\n")?;
    for round in 0..tiles {
        for word in words {
            let later = word.wrapping_add(3 * round as u16) & 0xFFF;
            let word = if is_time(word) { 0x8000 | later } else { *word };
            output.write_all(&word.to_le_bytes())?;
        }
    }
    Ok(output.flush()?)
}

/// The same events with as few words as EVT3 allows without vectors, as other encoders write them: a time or a row
/// only where it changes. This is what the 50 M-event files of published comparisons are made of.
pub(crate) fn without_extras(bytes: &[u8]) -> Vec<u8> {
    let mut from = Columns::of(bytes.len());
    let count = plain::evt3(bytes, &mut from);
    let mut words = Vec::new();
    let (mut high, mut low, mut row) = (None, None, None);
    for i in 0..count {
        let (new_high, new_low) = ((from.t[i] >> 12 & 0xFFF) as u16, (from.t[i] & 0xFFF) as u16);
        if high.replace(new_high) != Some(new_high) {
            words.push(0x8000 | new_high);
            low = None;
        }
        if low.replace(new_low) != Some(new_low) {
            words.push(0x6000 | new_low);
        }
        if row.replace(from.y[i]) != Some(from.y[i]) {
            words.push(from.y[i]);
        }
        words.push(0x2000 | u16::from(from.p[i]) << 11 | from.x[i]);
    }
    let header = b"% evt 3.0\n% geometry 1280x720\n% end\n";
    header
        .iter()
        .copied()
        .chain(words.into_iter().flat_map(u16::to_le_bytes))
        .collect()
}
