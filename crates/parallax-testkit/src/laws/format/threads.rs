//! How many threads decode changes nothing.

use std::ops::ControlFlow;
use std::sync::Arc;

use parallax_events::{Error, ErrorKind, Limits, OrderPolicy, SharedPool};
use parallax_formats::ReadOptions;

use super::{Door, FormatRow};
use crate::laws::{Lawful, ensure, prefix_of};

/// Parts of a few bytes on 2 and 5 threads give the events, facts, report and error that one thread gives: of whole inputs,
/// truncated and damaged ones, lenient and strict, as recorded and sorted, with a limit of events.
pub fn threads_agree(row: &FormatRow) -> Lawful {
    let pools = [SharedPool::new(2)?, SharedPool::new(5)?];
    for input in row.inputs()? {
        for (what, bytes) in variants(&input) {
            for (setting, options) in settings(row) {
                let wanted = row.read(&bytes, &options, Door::Mapped)?;
                for (pool, part) in pools.iter().zip([97, 1]).chain(pools.iter().zip([1000, 8])) {
                    let options = ReadOptions {
                        pool: pool.clone(),
                        part,
                        ..options.clone()
                    };
                    let found = row.read(&bytes, &options, Door::Mapped)?;
                    let threads = pool.pool().threads();
                    found.agree(
                        &wanted,
                        &format!("{what}, {setting}, parts of {part} bytes on {threads} threads"),
                    )?;
                }
            }
        }
    }
    Ok(())
}

/// A call-back that says stop ends a read on many threads with an error of kind `Closed` and a beginning of the events.
pub fn threads_stop(row: &FormatRow) -> Lawful {
    let pool = SharedPool::new(3)?;
    for input in row.inputs()? {
        let whole = row.read(&input, &row.options(), Door::Bytes)?;
        for after in [0_u64, 1, 60, 1000] {
            let options = ReadOptions {
                pool: pool.clone(),
                part: 50,
                progress: Some(Arc::new(move |progress| {
                    if progress.events >= after {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    }
                })),
                ..row.options()
            };
            let found = row.read(&input, &options, Door::Mapped)?;
            let kind = found.error.as_ref().map(Error::kind);
            let must = after <= whole.events.len() as u64;
            ensure!(
                (kind == Some(ErrorKind::Closed)) == must,
                "stopped after {after} events, the error is {kind:?}"
            );
            prefix_of(
                &found.events,
                &whole.events,
                &format!("stopped after {after} events"),
            )?;
        }
    }
    Ok(())
}

/// The input, cut, and with bytes flipped.
fn variants(input: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut all = vec![("whole".to_owned(), input.to_vec())];
    for cut in [1, 2, 3, 5, input.len() / 3] {
        all.push((
            format!("without the last {cut} bytes"),
            input[..input.len().saturating_sub(cut)].to_vec(),
        ));
    }
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for round in 0..24 {
        let mut bytes = input.to_vec();
        for _ in 0..=round / 4 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let at = (state >> 33) as usize % bytes.len().max(1);
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << (state >> 20 & 7);
            }
        }
        all.push((format!("with bytes flipped, round {round}"), bytes));
    }
    all
}

fn settings(row: &FormatRow) -> Vec<(&'static str, ReadOptions)> {
    let base = ReadOptions {
        limits: super::damage::tight(),
        ..row.options()
    };
    let limits = Limits {
        events: 30,
        ..base.limits
    };
    vec![
        ("as it is", base.clone()),
        (
            "strict",
            ReadOptions {
                strict: true,
                ..base.clone()
            },
        ),
        (
            "sorted",
            ReadOptions {
                order: OrderPolicy::Strict,
                ..base.clone()
            },
        ),
        (
            "order checked",
            ReadOptions {
                order: OrderPolicy::Check,
                ..base.clone()
            },
        ),
        (
            "with triggers",
            ReadOptions {
                triggers: true,
                ..base.clone()
            },
        ),
        ("at most 30 events", ReadOptions { limits, ..base }),
    ]
}
