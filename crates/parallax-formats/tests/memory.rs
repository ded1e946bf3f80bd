//! Limits hold under a counting allocator. Alone in its program: other tests would be counted too.

use parallax_testkit::laws::format::{FormatRow, bounded_memory};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

#[test]
fn bounded() {
    let counted = peak_of(&mut || drop(std::hint::black_box(vec![1_u8; 9 << 20])));
    assert!(counted >= 9 << 20, "the allocator does not count: {counted}");
    let rows = FormatRow::all(parallax_formats::FORMATS);
    parallax_testkit::laws::hold("bounded_memory", &rows, |row| bounded_memory(row, &peak_of));
}

/// The most bytes that were allocated at once while `work` ran, over what was allocated before.
fn peak_of(work: &mut dyn FnMut()) -> usize {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    work();
    ALLOCATOR.peak_usage().saturating_sub(before)
}
