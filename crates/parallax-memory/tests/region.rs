//! What a [`Region`] promises: zeroed, aligned, growing with its contents, an error when memory is out.

use parallax_memory::{ALIGNMENT, HUGE_PAGE, Region, RegionKind};

const SIZES: [usize; 9] = [
    0,
    1,
    63,
    4096,
    65_537,
    (1 << 20) - 1,
    1 << 20,
    HUGE_PAGE,
    5 * HUGE_PAGE + 123,
];

type Make = fn(usize) -> std::io::Result<Region>;
const MAKERS: [Make; 3] = [Region::new, Region::heap, Region::huge];
/// Regions whose first bytes may be anything.
const ALL_MAKERS: [Make; 4] = [Region::new, Region::heap, Region::huge, Region::stale];

/// A pattern that no shifted or zeroed copy of itself equals.
fn pattern(index: usize) -> u8 {
    (index.wrapping_mul(2_654_435_761) >> 7) as u8 | 1
}

#[test]
fn fresh_bytes_are_zero_and_aligned() {
    for make in MAKERS {
        for size in SIZES {
            let region = make(size).unwrap();
            assert_eq!(region.len(), size);
            assert_eq!(region.is_empty(), size == 0);
            assert_eq!(region.as_slice().as_ptr().addr() % ALIGNMENT, 0);
            assert!(region.as_slice().iter().all(|&byte| byte == 0));
        }
    }
}

#[test]
fn growth_keeps_contents_and_new_bytes_are_zero() {
    for make in ALL_MAKERS {
        for pair in SIZES.windows(2) {
            let mut region = make(pair[0]).unwrap();
            for (index, byte) in region.as_mut_slice().iter_mut().enumerate() {
                *byte = pattern(index);
            }
            region.grow(pair[1]).unwrap();
            assert_eq!(region.len(), pair[1]);
            assert_eq!(region.as_slice().as_ptr().addr() % ALIGNMENT, 0);
            let (old, new) = region.as_slice().split_at(pair[0]);
            assert!(
                old.iter()
                    .enumerate()
                    .all(|(index, &byte)| byte == pattern(index))
            );
            assert!(new.iter().all(|&byte| byte == 0));
        }
    }
}

#[test]
fn bytes_cut_off_do_not_come_back() {
    for make in ALL_MAKERS {
        for size in SIZES {
            for keep in [0, 1, size / 3, size / 2 + 1, size.saturating_sub(1)] {
                let mut region = make(size).unwrap();
                region.as_mut_slice().fill(0xAB);
                region.shrink(keep);
                assert_eq!(region.len(), keep.min(size));
                let kept = region.len();
                region.grow(size).unwrap();
                assert!(region.as_slice()[..kept].iter().all(|&byte| byte == 0xAB));
                assert!(region.as_slice()[kept..].iter().all(|&byte| byte == 0));
            }
        }
    }
}

#[test]
fn growing_step_by_step_with_a_neighbour_in_the_way() {
    let mut region = Region::new(HUGE_PAGE).unwrap();
    let mut neighbours = Vec::new();
    for step in 1..12 {
        let old_len = region.len();
        region.as_mut_slice()[old_len - 1] = step;
        neighbours.push(Region::new(HUGE_PAGE).unwrap());
        region
            .grow(old_len + HUGE_PAGE + 4096 * usize::from(step))
            .unwrap();
        assert_eq!(region.as_slice()[old_len - 1], step);
        assert_eq!(region.as_slice()[old_len], 0);
        if region.kind() == RegionKind::HugePages {
            assert_eq!(region.as_slice().as_ptr().addr() % HUGE_PAGE, 0);
        }
    }
    assert!(
        neighbours
            .iter()
            .all(|neighbour| neighbour.as_slice().iter().all(|&byte| byte == 0))
    );
}

#[test]
fn grow_and_shrink_in_the_wrong_direction_do_nothing() {
    let mut region = Region::new(100).unwrap();
    region.grow(50).unwrap();
    assert_eq!(region.len(), 100);
    region.shrink(200);
    assert_eq!(region.len(), 100);
}

#[test]
fn memory_that_cannot_be_had_is_an_error() {
    for size in [
        usize::MAX,
        usize::MAX - 5000,
        usize::MAX / 2 + 1,
        usize::MAX / 2,
        1 << 60,
    ] {
        for make in MAKERS {
            let error = make(size).unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::OutOfMemory, "{size}: {error}");
        }
        for start in [10, 1 << 20, 4 << 20] {
            let mut region = Region::new(start).unwrap();
            region.as_mut_slice().fill(3);
            let error = region.grow(size).unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::OutOfMemory, "{size}: {error}");
            assert!(region.len() == start && region.as_slice().iter().all(|&byte| byte == 3));
        }
    }
}

#[test]
fn prefault_changes_nothing() {
    for make in MAKERS {
        for size in SIZES {
            let mut region = make(size).unwrap();
            if let Some(last) = region.as_mut_slice().last_mut() {
                *last = 9;
            }
            region.prefault();
            assert_eq!(
                region.as_slice().iter().map(|&byte| u64::from(byte)).sum::<u64>(),
                9 * u64::from(size > 0)
            );
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn kinds_follow_the_size() {
    assert_eq!(Region::new(100).unwrap().kind(), RegionKind::Heap);
    assert_eq!(Region::new(1 << 20).unwrap().kind(), RegionKind::Pages);
    assert_eq!(Region::heap(8 << 20).unwrap().kind(), RegionKind::Heap);
    // A kernel without huge pages gives plain ones.
    assert_ne!(Region::huge(1).unwrap().kind(), RegionKind::Heap);
}
