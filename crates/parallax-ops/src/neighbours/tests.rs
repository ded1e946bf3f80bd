//! Cells of 32 bits and blocks that are cut in time: the same answers as without.

use std::sync::Arc;

use parallax_events::{EventBatch, EventBlock, Meta, OpState, Pool, Result, SharedPool};

use super::{AnyTimes, LastTimes, Rule, Shape, Times};

const SIZE: (u16, u16) = (31, 70);

/// So many events from a time on, so many ticks apart.
fn events(seed: u64, count: u64, from: i64, apart: u64) -> Result<EventBatch> {
    let mix = |index: u64| {
        let mixed = (index + (seed << 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 20
    };
    let t: Vec<i64> = (0..count).map(|index| from + (index * apart) as i64).collect();
    let x: Vec<u16> = (0..count)
        .map(|index| (mix(index) % u64::from(SIZE.0)) as u16)
        .collect();
    // The second half of the events lies below the first, so that whoever saw one knows nothing of the other.
    let row = |index| (mix(index + count) % u64::from(SIZE.1 / 2) + index / (count / 2) * 35) as u16;
    let y: Vec<u16> = (0..count).map(row).collect();
    let p: Vec<u8> = (0..count).map(|index| (mix(index) >> 30 & 1) as u8).collect();
    let meta = Arc::new(Meta::with_geometry(SIZE.0, SIZE.1)?);
    EventBatch::try_new(t, x, y, p, meta)
}

fn block_of(batch: &EventBatch) -> EventBlock {
    let mut block = EventBlock::default();
    block.load(batch);
    // What was dropped before is neither seen nor a neighbour.
    block.retain(|event| event.x != 3);
    block
}

#[test]
fn a_block_cut_in_time_keeps_what_one_thread_keeps() -> Result<()> {
    let long = 60_000;
    let blocks = [
        (events(1, long, -5000, 3)?, true),
        // From a time at which what was before still counts, past the middle.
        (events(2, long, 60_000, 1)?, false),
        (events(3, long, 1_000_000, 2)?, true),
        // All at once and short ones are not cut, but go on with the same cells.
        (events(4, long, 2_000_000, 0)?, true),
        (events(5, 1000, 2_000_000, 1)?, true),
        (events(6, long, 2_001_000, 1)?, true),
        // Neighbours of the block before still count.
        (events(7, long, 2_061_000, 1)?, true),
        (events(8, 1000, 2_121_000, 1)?, true),
        // Time goes back to where that block was.
        (events(9, long, 2_121_500, 1)?, false),
    ];
    for threads in [2, 3] {
        let shared = SharedPool::new(threads)?;
        for (shape, radius, least, own) in [
            (Shape::Diamond, 1, 1, false),
            (Shape::Square, 1, 3, true),
            (Shape::Square, 2, 5, false),
        ] {
            let rule = Rule {
                within: 700,
                least,
                own,
            };
            let meta = Meta::with_geometry(SIZE.0, SIZE.1)?;
            let new = || LastTimes::new(&meta, "test", shape, radius, rule);
            let (mut alone, mut together) = (new()?, new()?);
            for (number, (batch, is_cut)) in blocks.iter().enumerate() {
                let (mut one, mut several) = (block_of(batch), block_of(batch));
                alone.retain(&mut one, Pool::serial())?;
                together.retain(&mut several, shared.pool())?;
                assert_eq!(together.times.is_cut(), *is_cut, "block {number}");
                let meta = batch.meta();
                assert!(one.kept() > 0 && one.kept() < batch.len(), "block {number}");
                assert_eq!(
                    one.to_batch(meta)?.columns(),
                    several.to_batch(meta)?.columns(),
                    "block {number}"
                );
                assert_eq!(alone.save(), together.save(), "block {number}");
            }
        }
    }
    Ok(())
}

const HOUR: i64 = 3_600_000_000;

/// Events of three pixels next to each other at these times.
fn block_at(times: &[i64]) -> Result<EventBlock> {
    let x = (0..times.len())
        .map(|index| (index % 3) as u16)
        .collect::<Vec<_>>();
    let zeros = vec![0; times.len()];
    let y = vec![0_u16; times.len()];
    let meta = Arc::new(Meta::with_geometry(3, 1)?);
    let mut block = EventBlock::default();
    block.load(&EventBatch::try_new(times.to_vec(), x, y, zeros, meta)?);
    Ok(block)
}

fn kept(last: &mut LastTimes, times: &[i64]) -> Result<Vec<i64>> {
    let mut block = block_at(times)?;
    last.retain(&mut block, Pool::serial())?;
    Ok(block.packed().t.to_vec())
}

#[test]
fn what_does_not_fit_into_32_bits_makes_cells_long_and_answers_stay() -> Result<()> {
    let meta = Meta::with_geometry(3, 1)?;
    for within in [1, 700, 2 * HOUR, i64::MAX] {
        let rule = Rule {
            within,
            least: 1,
            own: true,
        };
        // Blocks of a stream, and whether its times still fit.
        let blocks: [(&[i64], bool); 6] = [
            (&[], true),
            (&[0, 1, 2, 600, 699, 700, 1399, 1400, 2200], true),
            // Late by as much as there is slack for.
            (&[1 - (1 << 30), 2 - (1 << 30), 1500], true),
            (&[HOUR / 2, HOUR / 2 + 1, HOUR / 2 + 2], true),
            (&[2 * HOUR, 2 * HOUR + 1, 2 * HOUR + 700], false),
            (
                &[
                    i64::MIN + 1,
                    i64::MIN + 2,
                    3,
                    2 * HOUR + 701,
                    i64::MAX,
                    i64::MAX - 1,
                ],
                false,
            ),
        ];
        let new = || LastTimes::new(&meta, "test", Shape::Square, 1, rule);
        let (mut short, mut long, mut restored) = (new()?, new()?, new()?);
        long.times = AnyTimes::Long(Times::new(long.times.len())?);
        for (times, fits) in blocks {
            let wanted = kept(&mut long, times)?;
            assert_eq!(kept(&mut short, times)?, wanted, "{within} {times:?}");
            assert_eq!(
                matches!(short.times, AnyTimes::Short(_)),
                fits,
                "{within} {times:?}"
            );
            assert_eq!(short.save(), long.save(), "{within} {times:?}");
            // What was saved goes on as what went on.
            assert_eq!(kept(&mut restored, times)?, wanted, "{within} {times:?}");
            restored.restore(&long.save())?;
            assert_eq!(restored.save(), long.save(), "{within} {times:?}");
        }
        short.reset();
        assert_eq!(kept(&mut short, &[5, 6])?, kept(&mut new()?, &[5, 6])?);
    }
    Ok(())
}
