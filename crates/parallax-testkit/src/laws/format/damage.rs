//! Damaged input: cut off anywhere, bytes changed anywhere, or nothing like the format at all.

use parallax_events::{Limits, Philox};
use parallax_formats::ReadOptions;

use super::{Door, FormatRow, Outcome};
use crate::laws::{Broken, Lawful, caught, ensure, prefix_of};

/// How many damaged versions of a sample are read.
const VERSIONS: u64 = 3000;

/// Every truncation of the sample gives a clean error or a beginning of the answer, and the same through both
/// doors.
pub fn truncation(row: &FormatRow) -> Lawful {
    let sample = row.sample();
    for len in 0..sample.bytes.len() {
        let who = format!("the first {len} of {} bytes", sample.bytes.len());
        let cut = &sample.bytes[..len];
        let named = |broken: Broken| Broken(format!("{who}: {broken}"));
        let found = caught(|| row.read(cut, &row.options(), Door::Bytes)).map_err(named)?;
        prefix_of(&found.events, &sample.events, &who)?;
        clean(&found, &who)?;
        let pushed = caught(|| row.read(cut, &row.options(), Door::Push(97))).map_err(named)?;
        pushed.agree(&found, &format!("{who}, pushed"))?;
        // As a user would meet it: by its name, without the format named.
        let options = ReadOptions {
            format: None,
            ..row.options()
        };
        let extension = row.format.extensions.first().copied();
        let met = caught(|| (row.read)(cut, extension, &options, Door::Bytes)).map_err(named)?;
        clean(&met, &who)?;
    }
    Ok(())
}

/// Thousands of damaged versions of the sample, the same every time: none panics, none yields an unsound batch
/// (reading checks every one), and both doors agree.
pub fn byte_flips(row: &FormatRow) -> Lawful {
    let sample = row.sample().bytes;
    let random = Philox::new(1, row.format.id());
    for version in 0..VERSIONS {
        let damaged = damage(&sample, &random, version);
        let who = format!("damaged version {version}");
        let named = |broken: Broken| Broken(format!("{who}: {broken}"));
        let options = ReadOptions {
            limits: tight(),
            ..row.options()
        };
        let found = caught(|| row.read(&damaged, &options, Door::Bytes)).map_err(named)?;
        clean(&found, &who)?;
        if version % 16 == 0 {
            let pushed = caught(|| row.read(&damaged, &options, Door::Push(61))).map_err(named)?;
            pushed.agree(&found, &format!("{who}, pushed"))?;
        }
    }
    Ok(())
}

/// Nothing, one byte, a few bytes of the same value, another format's beginning: an error or no events, no panic.
pub fn hostile_beginnings(row: &FormatRow) -> Lawful {
    let mut inputs: Vec<Vec<u8>> = vec![Vec::new(), b"%".to_vec(), b"\n".to_vec(), b"PAR1".to_vec()];
    inputs.extend([0_u8, 0xFF, b'%', b',', b'9', b'\n'].map(|byte| vec![byte; 20_000]));
    inputs.push(b"% evt 3.0\n".repeat(300));
    inputs.push([b"ARROW1\0\0".as_slice(), &[0xFF; 64]].concat());
    inputs.push([&[0; 64], b"\xFF\xFF\xFF\x7FPAR1".as_slice()].concat());
    let random = Philox::new(2, row.format.id());
    inputs.push(
        (0..5000)
            .flat_map(|index| random.at(index))
            .flat_map(u32::to_le_bytes)
            .collect(),
    );
    for input in inputs {
        let shown = &input[..input.len().min(12)];
        let who = format!(
            "{} bytes that begin {:?}",
            input.len(),
            String::from_utf8_lossy(shown)
        );
        let named = |broken: Broken| Broken(format!("{who}: {broken}"));
        let options = ReadOptions {
            limits: tight(),
            ..row.options()
        };
        let found = caught(|| row.read(&input, &options, Door::Bytes)).map_err(named)?;
        clean(&found, &who)?;
        let pushed = caught(|| row.read(&input, &options, Door::Push(4096))).map_err(named)?;
        pushed.agree(&found, &format!("{who}, pushed"))?;
    }
    Ok(())
}

/// An error about the data is the data's, not a defect's; a message is there.
pub(crate) fn clean(outcome: &Outcome, who: &str) -> Lawful {
    let Some(error) = &outcome.error else {
        return Ok(());
    };
    ensure!(
        error.kind() != parallax_events::ErrorKind::Internal,
        "{who}: a defect is reported: {error:?}"
    );
    ensure!(!error.message().is_empty(), "{who}: the error has no message");
    Ok(())
}

/// Small enough that a lie costs little time.
pub(crate) fn tight() -> Limits {
    Limits {
        events: 1 << 16,
        block_bytes: 1 << 20,
        ..Limits::default()
    }
}

/// One to four changes: a bit turned, a byte set, a number made large, a stretch cut out, doubled or zeroed.
pub(crate) fn damage(sample: &[u8], random: &Philox, version: u64) -> Vec<u8> {
    let mut bytes = sample.to_vec();
    let changes = 1 + random.at(version)[0] % 4;
    for change in 1..=changes {
        let [kind, place, value, length] = random.block(version, change);
        let at = place as usize % bytes.len().max(1);
        let end = (at + 1 + length as usize % 16).min(bytes.len());
        let Some(byte) = bytes.get_mut(at) else { break };
        match kind % 8 {
            0..=2 => *byte ^= 1 << (value % 8),
            3 => *byte = [0, 0xFF, 0x7F, 0x80][value as usize % 4],
            4 => bytes[at..end].fill(0xFF),
            5 => {
                bytes.drain(at..end);
            }
            6 => {
                let doubled = bytes[at..end].to_vec();
                bytes.splice(at..at, doubled);
            }
            _ => bytes[at..end].fill(0),
        }
    }
    bytes
}
