//! In the steady state a chain allocates nothing: a longer run allocates no more than a short one.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking, in their helpers too")]

use std::alloc::System;

use parallax_elements::parse;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How many allocations a run of so many packets takes, from the text to the end.
fn allocations(text: &str, packets: usize) -> usize {
    let region = Region::new(COUNTING);
    let mut pipeline = parse(&text.replace("PACKETS", &packets.to_string())).unwrap();
    pipeline.run().unwrap();
    drop(pipeline);
    region.change().allocations
}

/// How many allocations each further batch of a recording takes, in a chain that a program would write so.
fn allocations_a_batch(folder: &std::path::Path) -> (usize, u64) {
    let mut taken = [0; 2];
    let mut in_own_memory = 0;
    for (taken, batches) in taken.iter_mut().zip([50, 250]) {
        // EVT2: a word of time, then events of one pixel each.
        let words = (0..batches * 1000_u32).flat_map(|index| {
            let event = (1 << 28) | ((index % 64) << 22) | ((index % 640) << 11) | (index % 480);
            [(8 << 28) | (index / 64), event].map(u32::to_le_bytes)
        });
        let path = folder.join(format!("{batches}.raw"));
        let header = b"% evt 2.0\n% geometry 640x480\n% end\n".to_vec();
        std::fs::write(
            &path,
            words.fold(header, |mut bytes, word| {
                bytes.extend(word);
                bytes
            }),
        )
        .unwrap();
        let text = format!(
            "filesrc location={} ! evt2dec batch=1000 ! region x=0 y=0 w=320 h=480 ! refractory period=10us ! fakesink",
            path.display()
        );
        let region = Region::new(COUNTING);
        let mut pipeline = parse(&text).unwrap();
        pipeline.run().unwrap();
        let stats = pipeline.stats();
        let decoder = stats
            .elements
            .iter()
            .position(|element| element.name == "evt2dec0")
            .unwrap();
        assert_eq!(stats.elements[decoder + 1].packets, u64::from(batches));
        in_own_memory = stats.pools.iter().map(|(_, pool)| pool.exhausted).sum();
        drop(pipeline);
        *taken = region.change().allocations;
    }
    ((taken[1] - taken[0]) / 200, in_own_memory)
}

/// One test, so that nobody else allocates meanwhile.
#[test]
fn a_longer_run_allocates_no_more() {
    for text in [
        "fakesrc num_buffers=PACKETS ! identity ! fakesink",
        "fakesrc num_buffers=PACKETS ! tee name=t ! valve skip=3 ! fakesink t. ! bytes ! nullsink",
        "fakesrc num_buffers=PACKETS ! queue ! identity ! queue leaky=downstream ! fakesink",
    ] {
        // The first run makes what is made once for all.
        allocations(text, 10);
        let (short, long) = (allocations(text, 1_000), allocations(text, 100_000));
        // Threads that wait register themselves; that is not once a packet.
        assert!(
            long <= short + 50,
            "{text}: {short} allocations for 1,000 packets, {long} for 100,000"
        );
    }
    // Not the columns, which lie in slots, but Arrow's handles to them: two for each batch, and one for the packet.
    let folder = tempfile::tempdir().unwrap();
    allocations_a_batch(folder.path());
    let (each, in_own_memory) = allocations_a_batch(folder.path());
    assert!(
        each <= 9,
        "{each} allocations for a batch through a decoder and two operators"
    );
    assert_eq!(in_own_memory, 0);
}
