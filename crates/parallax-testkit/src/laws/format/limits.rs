//! Limits hold, whatever the input claims.

use parallax_events::{ErrorKind, Limits};
use parallax_formats::ReadOptions;

use super::damage::tight;
use super::{Door, FormatRow};
use crate::laws::{Broken, Lawful, caught, ensure, prefix_of, same_events};

/// The most memory that a small file may make a reader take, with blocks limited to 4 KiB and 1 MiB.
const MEMORY: usize = 64 << 20;

/// With a limit of N events exactly the first N are handed out, then comes an error of kind `Limit`; without more than N
/// there is none. How the output is cut changes nothing.
pub fn event_limit(row: &FormatRow) -> Lawful {
    for input in row.inputs()? {
        let whole = row.read(&input, &row.options(), Door::Bytes)?.events;
        let n = whole.len();
        for limit in [0, 1, n / 2, n - 1, n] {
            for (chunk, door) in [
                (4096, Door::Bytes),
                (1, Door::Bytes),
                (7, Door::Push(50)),
                (4096, Door::Plain),
            ] {
                let limits = Limits {
                    events: limit as u64,
                    ..Limits::default()
                };
                let found = row.read(
                    &input,
                    &ReadOptions {
                        limits,
                        chunk,
                        ..row.options()
                    },
                    door,
                )?;
                let who = format!("limit of {limit} of {n} events, batches of {chunk}, {door:?}");
                prefix_of(&found.events, &whole, &who)?;
                let kind = found.error.as_ref().map(|error| error.kind());
                let wanted = (limit < n).then_some(ErrorKind::Limit);
                ensure!(kind == wanted, "{who}: ends with {kind:?} instead of {wanted:?}");
                ensure!(
                    found.events.len() == limit,
                    "{who}: {} events were handed out",
                    found.events.len()
                );
            }
        }
    }
    Ok(())
}

/// A memory limit makes batches smaller and changes nothing else.
pub fn memory_limit(row: &FormatRow) -> Lawful {
    for input in row.inputs()? {
        let wanted = row.read(&input, &row.options(), Door::Bytes)?;
        for limit in [0_u64, 13, 100, 13 * 50] {
            let options = ReadOptions {
                memory_limit: Some(limit),
                ..row.options()
            };
            for door in [Door::Bytes, Door::Push(300)] {
                let found = row.read(&input, &options, door)?;
                found.agree(&wanted, &format!("a memory limit of {limit} bytes, {door:?}"))?;
                let most = (limit as usize / 13).max(1);
                ensure!(
                    found.largest <= most,
                    "a batch has {} events, {most} are allowed",
                    found.largest
                );
            }
        }
    }
    Ok(())
}

/// Tiny limits of blocks, headers and sensor size: an error of kind `Limit`, or the whole answer.
pub fn small_limits(row: &FormatRow) -> Lawful {
    let sample = row.sample();
    let base = Limits::default();
    let cases = [
        (
            "block_bytes=16",
            Limits {
                block_bytes: 16,
                ..base
            },
        ),
        (
            "header_bytes=4",
            Limits {
                header_bytes: 4,
                ..base
            },
        ),
        (
            "geometry=1x1",
            Limits {
                geometry: (1, 1),
                ..base
            },
        ),
    ];
    for (case, limits) in cases {
        for door in [Door::Bytes, Door::Push(10)] {
            let found = row.read(
                &sample.bytes,
                &ReadOptions {
                    limits,
                    ..row.options()
                },
                door,
            )?;
            let who = format!("{case}, {door:?}");
            match found.error {
                Some(error) => ensure!(error.kind() == ErrorKind::Limit, "{who}: the error is {error:?}"),
                None => same_events(&found.events, &sample.events, &who)?,
            }
        }
    }
    Ok(())
}

/// Reading the sample takes less than 64 MiB of heap, as it is and with every single place overwritten by numbers that
/// claim to be huge. `peak_of` runs the work and says how many bytes it had allocated at most; it belongs to the test
/// program, whose allocator counts.
pub fn bounded_memory(row: &FormatRow, peak_of: &dyn Fn(&mut dyn FnMut()) -> usize) -> Lawful {
    let sample = row.sample().bytes;
    let mut options = ReadOptions {
        limits: tight(),
        ..row.options()
    };
    let check = |bytes: &[u8], options: &ReadOptions, who: &str| -> Lawful {
        let mut outcome: Result<(), Broken> = Ok(());
        let peak = peak_of(&mut || {
            outcome = caught(|| row.read(bytes, options, Door::Bytes)).map(|_| ());
        });
        outcome.map_err(|broken| Broken(format!("{who}: {broken}")))?;
        ensure!(peak < MEMORY, "{who}: {} MiB were allocated", peak >> 20);
        Ok(())
    };
    for at in 0..sample.len() {
        for (width, fill) in [(1, 0xFF), (4, 0x7F), (8, 0xFF)] {
            let mut bytes = sample.clone();
            bytes
                .iter_mut()
                .skip(at)
                .take(width)
                .for_each(|byte| *byte = fill);
            check(&bytes, &options, &format!("{width} bytes of {fill:#x} at {at}"))?;
        }
    }
    check(&sample, &options, "the sample")?;
    options.limits.block_bytes = 4096;
    check(&sample, &options, "the sample in blocks of 4 KiB")
}
