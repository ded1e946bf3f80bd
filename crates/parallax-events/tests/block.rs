//! Blocks of a stream on their way into a batch: what is appended to room larger than the caches, which goes past them, is
//! what is appended to little room.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::sync::Arc;

use parallax_events::{BatchBuilder, EventBatch, EventBlock, Geometry, Meta, Pool, SharedPool};

/// More room than this is larger than the caches.
const LARGE: usize = 4 << 20;

fn batch(count: usize) -> EventBatch {
    let numbers = || (0..count).map(|i| i.wrapping_mul(2_654_435_761) >> 7);
    EventBatch::try_new(
        (0..count).map(|i| 7 + 3 * i as i64).collect::<Vec<_>>(),
        numbers().map(|number| (number % 640) as u16).collect::<Vec<_>>(),
        numbers().map(|number| (number % 479) as u16).collect::<Vec<_>>(),
        numbers().map(|number| (number % 2) as u8).collect::<Vec<_>>(),
        Arc::new(Meta::with_geometry(640, 480).unwrap()),
    )
    .unwrap()
}

#[test]
fn large_room_gets_the_same_events() {
    let meta = Arc::new(Meta::with_geometry(640, 480).unwrap());
    let two = SharedPool::new(2).unwrap();
    for pool in [Pool::serial(), two.pool()] {
        for room in [0, LARGE + 500_000] {
            let mut out = BatchBuilder::growing().unwrap();
            out.reserve(room.max(1)).unwrap();
            let mut block = EventBlock::default();
            // Places that are no borders of lines, and enough events for both threads; then with some dropped.
            let parts = [batch(13), batch(300_001), batch(1)];
            for part in &parts {
                block.load(part);
                block.append_to(&mut out, &meta, pool).unwrap();
            }
            block.load(&parts[1]);
            block.retain(|event| event.p == 1);
            block.append_to(&mut out, &meta, pool).unwrap();

            let mut wanted: Vec<_> = parts.iter().flat_map(events).collect();
            wanted.extend(events(&parts[1]).into_iter().filter(|event| event.3 == 1));
            let found = out.finish(&meta).unwrap();
            assert!(
                events(&found) == wanted,
                "room for {room}, {} threads",
                pool.threads()
            );
        }
    }
}

type Row = (i64, u16, u16, u8);

/// What may happen to a block, and the same to a list of its events.
type Step = (fn(&mut EventBlock, Pool<'_>), fn(&mut Vec<Row>));

/// Each step keeps pixels inside and polarities 0 or 1.
const STEPS: [Step; 8] = [
    (
        |block, pool| {
            block.change_pixels_within(pool, Geometry::new(640, 480).unwrap(), |before, pixels| {
                for ((x, y), index) in pixels.x.iter_mut().zip(pixels.y).zip(before..) {
                    (*x, *y) = (
                        *x + u16::from(index % 90 == 7) * 600,
                        *y + u16::from(index % 1000 == 30) * 480,
                    );
                }
            });
        },
        |rows| {
            for (index, row) in rows.iter_mut().enumerate() {
                row.1 += u16::from(index % 90 == 7) * 600;
                row.2 += u16::from(index % 1000 == 30) * 480;
            }
            rows.retain(|row| row.1 < 640 && row.2 < 480);
        },
    ),
    (
        |block, pool| {
            block.change_pixels(pool, |before, pixels| {
                for ((x, y), index) in pixels.x.iter_mut().zip(pixels.y).zip(before..) {
                    (*x, *y) = ((usize::from(*x) + index) as u16 % 640, 479 - *y);
                }
            });
        },
        |rows| {
            for (index, row) in rows.iter_mut().enumerate() {
                (row.1, row.2) = ((usize::from(row.1) + index) as u16 % 640, 479 - row.2);
            }
        },
    ),
    (
        |block, pool| {
            block.change_times(pool, |before, t| {
                t.iter_mut()
                    .zip(before..)
                    .for_each(|(t, index)| *t += index as i64);
            });
        },
        |rows| {
            rows.iter_mut()
                .enumerate()
                .for_each(|(index, row)| row.0 += index as i64);
        },
    ),
    (
        |block, _| block.retain(|event| event.t % 5 != 1),
        |rows| rows.retain(|row| row.0 % 5 != 1),
    ),
    (
        |block, _| block.pixels_mut().p.iter_mut().for_each(|p| *p = 1 - *p),
        |rows| rows.iter_mut().for_each(|row| row.3 = 1 - row.3),
    ),
    (
        |block, _| block.times_mut().iter_mut().for_each(|t| *t -= 3),
        |rows| rows.iter_mut().for_each(|row| row.0 -= 3),
    ),
    (
        |block, _| {
            block
                .rewrite(|events, out| {
                    out.extend(events.slice(1..events.len()));
                    Ok(())
                })
                .unwrap();
        },
        |rows| drop(rows.drain(..rows.len().min(1))),
    ),
    (
        |block, _| {
            block.packed();
        },
        |_| {},
    ),
];

/// Columns become the block's own one after the other, in whatever order operators ask for them.
#[test]
fn columns_that_change_and_those_that_do_not_stay_together() {
    let meta = Arc::new(Meta::with_geometry(640, 480).unwrap());
    let two = SharedPool::new(2).unwrap();
    // One block for all: what an earlier stretch left in its memory must not come back.
    let mut block = EventBlock::default();
    let mut number = 1_u64;
    for round in 0..600 {
        let pool = if round % 2 == 0 {
            Pool::serial()
        } else {
            two.pool()
        };
        let batch = batch([0, 1, 70, 20_000, 50_001][round % 5]);
        let mut rows = events(&batch);
        block.load(&batch);
        let mut done = Vec::new();
        for _ in 0..round % 6 {
            number = number
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let step = (number >> 33) as usize % STEPS.len();
            done.push(step);
            STEPS[step].0(&mut block, pool);
            STEPS[step].1(&mut rows);
        }
        assert_eq!(block.kept(), rows.len(), "{done:?}");
        let mut seen = Vec::new();
        block.for_each(|event| seen.push((event.t, event.x, event.y, event.p)));
        assert!(seen == rows, "{done:?}");
        let mut out = BatchBuilder::growing().unwrap();
        block.append_to(&mut out, &meta, pool).unwrap();
        let found = if out.is_empty() {
            Vec::new()
        } else {
            events(&out.finish(&meta).unwrap())
        };
        assert!(found == rows, "{done:?}");
    }
}

fn events(batch: &EventBatch) -> Vec<Row> {
    let columns = batch.columns();
    let pixels = columns.x.iter().zip(columns.y).zip(columns.p);
    columns
        .t
        .iter()
        .zip(pixels)
        .map(|(&t, ((&x, &y), &p))| (t, x, y, p))
        .collect()
}
