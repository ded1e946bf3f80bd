//! How the input and the output are cut changes nothing.

use parallax_formats::ReadOptions;

use super::{Door, FormatRow};
use crate::laws::{Lawful, ensure};

/// Every door gives the same events, facts, report and error: lent columns, batches or all at once, from memory, a
/// mapped file, a file that is read, or pushed.
pub fn doors_agree(row: &FormatRow) -> Lawful {
    for input in row.inputs()? {
        // Whole, and cut where something is left over.
        for bytes in [
            input.as_slice(),
            &input[..input.len() - input.len() / 3],
            &input[..input.len() / 2 + 1],
        ] {
            let wanted = row.read(bytes, &row.options(), Door::Bytes)?;
            for door in [
                Door::Mapped,
                Door::Plain,
                Door::Push(usize::MAX),
                Door::Push(1000),
            ] {
                let found = row.read(bytes, &row.options(), door)?;
                found.agree(
                    &wanted,
                    &format!("{} of {} bytes through {door:?}", bytes.len(), input.len()),
                )?;
            }
        }
    }
    Ok(())
}

/// Pieces of 1, 3, 4096 and all bytes, batches of 1, 7, 1000 and 1 Mi events, give the same events and report.
pub fn cut_anyhow(row: &FormatRow) -> Lawful {
    for input in row.inputs()? {
        let wanted = row.read(&input, &row.options(), Door::Bytes)?;
        for chunk in [1, 7, 1000, 1 << 20] {
            let options = ReadOptions {
                chunk,
                ..row.options()
            };
            let doors = [
                Door::Bytes,
                Door::Push(1),
                Door::Push(3),
                Door::Push(4096),
                Door::Push(usize::MAX),
            ];
            for door in doors {
                let found = row.read(&input, &options, door)?;
                found.agree(
                    &wanted,
                    &format!("{} bytes through {door:?} in batches of {chunk}", input.len()),
                )?;
                ensure!(
                    found.largest <= chunk,
                    "a batch has {} events, asked for {chunk}",
                    found.largest
                );
            }
        }
    }
    Ok(())
}
