//! In the steady state a chain allocates nothing. Alone in its program: other tests would be counted too.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use parallax_events::{BatchBuilder, Pool};
use parallax_ops::Compose;
use parallax_testkit::Scene;
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// The most bytes that were allocated at once while `work` ran, over what was allocated before.
fn peak_of(work: impl FnOnce()) -> usize {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    work();
    ALLOCATOR.peak_usage().saturating_sub(before)
}

#[test]
fn in_the_steady_state_nothing_is_allocated() {
    let counted = peak_of(|| drop(std::hint::black_box(vec![1_u8; 1 << 10])));
    assert!(counted >= 1 << 10, "the allocator does not count: {counted}");

    let scene = Scene::builder().seed(3).noise_rate(100.0).build().unwrap();
    let batch = scene.batch();
    for text in [
        "polarity keep=on",
        "time range=+1ms..+90ms ! region x=4 y=4 w=40 h=30 ! polarity keep=off ! refractory period=1ms",
        "refractory ! polarity keep=on ! region w=30",
        "background_activity ! refractory since=seen ! knoise",
        "spatial_jitter ! time_jitter ! drop_event",
        "crop w=30 ! flip_x ! decimate n=2 ! rotate ! transpose",
        "mask pixels=\"3,4 20,21\" ! stc ! fast_decay",
    ] {
        let mut run = Compose::parse(text).unwrap().start(batch.meta()).unwrap();
        let mut out = BatchBuilder::growing().unwrap();
        // Chance may keep more the next time; columns and those they move to have changed places by the second.
        out.reserve(batch.len()).unwrap();
        run.push(batch, Pool::serial(), &mut out).unwrap();
        assert!(!out.is_empty());
        out.clear();
        run.push(batch, Pool::serial(), &mut out).unwrap();
        out.clear();
        let allocated = peak_of(|| run.push(batch, Pool::serial(), &mut out).unwrap());
        assert_eq!(allocated, 0, "{text}");
    }
}
