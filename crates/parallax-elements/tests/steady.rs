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
}
