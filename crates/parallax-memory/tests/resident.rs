//! How much memory the process holds: taken when touched, given back when shrunk, evicted or dropped.
//!
//! The figures are the whole process's, so these tests have a file (a process) of their own, and each looks at
//! another kind of page. The margins are wide: the test runner's own memory is in the figure.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test cannot go on without /proc")]

use parallax_memory::{MappedFile, Region};

const LEN: usize = 256 << 20;

/// Bytes of this process in memory, by the name that `/proc/self/status` gives their kind.
fn resident(kind: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(kind)).unwrap();
    let kib = line.trim_start_matches(':').trim_end_matches("kB").trim();
    kib.parse::<usize>().unwrap() << 10
}

#[test]
fn memory_is_taken_when_touched_and_given_back() {
    const MARGIN: usize = 64 << 20;
    let before = resident("RssAnon");
    let mut region = Region::new(LEN).unwrap();
    assert!(resident("RssAnon") < before + MARGIN, "fresh pages cost nothing");
    region.prefault();
    assert!(
        resident("RssAnon") > before + LEN - MARGIN,
        "prefaulted pages are there"
    );
    region.shrink(1000);
    assert!(
        resident("RssAnon") < before + MARGIN,
        "shrinking gives pages back"
    );
    region.grow(LEN).unwrap();
    region.prefault();
    assert!(
        resident("RssAnon") > before + LEN - MARGIN,
        "prefaulted pages are there again"
    );
    region.grow(2 * LEN).unwrap();
    assert!(
        resident("RssAnon") < before + LEN + MARGIN,
        "growing copies nothing"
    );
    drop(region);
    assert!(resident("RssAnon") < before + MARGIN, "dropping gives pages back");
}

#[test]
fn streaming_a_long_file_takes_little_memory() {
    const STEP: usize = 4 << 20;
    let file = tempfile::tempfile().unwrap();
    // A hole: long, and nothing on the disk.
    file.set_len(LEN as u64).unwrap();
    let mapped = MappedFile::open(&file).unwrap();
    mapped.advise_sequential().unwrap();
    // A temporary folder in memory counts as another kind than one on a disk.
    let now = || resident("RssFile") + resident("RssShmem");
    let before = now();
    let mut peak = before;
    for start in (0..LEN).step_by(STEP) {
        let chunk = mapped.chunk(start..start + STEP).unwrap();
        assert!(chunk.iter().all(|&byte| byte == 0));
        peak = peak.max(now());
        mapped.evict(start..start + STEP).unwrap();
    }
    assert!(peak > before, "the figure is the one that matters");
    assert!(peak - before < 64 << 20, "{} MiB", (peak - before) >> 20);
}
