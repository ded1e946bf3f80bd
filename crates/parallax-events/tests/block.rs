//! Blocks of a stream on their way into a batch: what is appended to room larger than the caches, which goes past them, is
//! what is appended to little room.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::sync::Arc;

use parallax_events::{BatchBuilder, EventBatch, EventBlock, Meta, Pool, SharedPool};

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

fn events(batch: &EventBatch) -> Vec<(i64, u16, u16, u8)> {
    let columns = batch.columns();
    let pixels = columns.x.iter().zip(columns.y).zip(columns.p);
    columns
        .t
        .iter()
        .zip(pixels)
        .map(|(&t, ((&x, &y), &p))| (t, x, y, p))
        .collect()
}
