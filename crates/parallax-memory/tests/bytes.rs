//! What [`Bytes`] promises: the same addresses all the way into Arrow, and an owner that goes with the last handle.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow_buffer::{Buffer, ScalarBuffer};
use parallax_memory::{Bytes, HUGE_PAGE, Region};

/// Bytes held inline, so that moving the owner would move them, and a count of drops.
struct Counted {
    bytes: [u8; 64],
    drops: Arc<AtomicUsize>,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.drops.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn the_owner_goes_with_the_last_handle() {
    let drops = Arc::new(AtomicUsize::new(0));
    let bytes = Bytes::from_owner(Counted {
        bytes: [5; 64],
        drops: Arc::clone(&drops),
    });
    let slice = bytes.slice(8..16);
    let arrow = slice.clone().into_arrow(2..4);
    let of_arrow = arrow.slice(1);
    drop(bytes);
    drop(slice);
    drop(arrow);
    assert_eq!(drops.load(Ordering::SeqCst), 0);
    assert_eq!(of_arrow.as_slice(), [5]);
    drop(of_arrow);
    assert_eq!(drops.load(Ordering::SeqCst), 1);
}

#[test]
fn arrow_sees_the_same_bytes() {
    for size in [64, 4096, HUGE_PAGE + 64] {
        let mut region = Region::new(size).unwrap();
        for (index, byte) in region.as_mut_slice().iter_mut().enumerate() {
            *byte = index as u8;
        }
        let address = region.as_slice().as_ptr();
        let bytes = region.seal();
        assert_eq!(bytes.as_ptr(), address);
        assert_eq!(bytes.clone().as_ptr(), address);
        let buffer = bytes.clone().into_arrow(8..24);
        assert_eq!(buffer.as_ptr().addr(), address.addr() + 8);
        assert_eq!(buffer.as_slice(), &bytes[8..24]);
        let typed = ScalarBuffer::<i64>::new(buffer, 0, 2);
        assert_eq!(typed[0], i64::from_le_bytes([8, 9, 10, 11, 12, 13, 14, 15]));
        let whole: Buffer = bytes.into();
        assert_eq!(whole.as_ptr(), address);
        assert_eq!(whole.len(), size);
        // Arrow must not think that it can write or free this memory itself.
        assert!(whole.into_mutable().is_err());
    }
}

#[test]
fn slices_are_of_the_same_memory() {
    let bytes = Bytes::from((0..100).collect::<Vec<u8>>());
    let slice = bytes.slice(10..=19).slice(1..);
    assert_eq!(slice.as_ptr(), bytes[11..].as_ptr());
    assert_eq!(&slice[..], &(11..20).collect::<Vec<u8>>()[..]);
    assert_eq!(bytes.slice(..), bytes);
    assert!(bytes.slice(100..).is_empty());
    assert_eq!(bytes.get(90..100).unwrap(), bytes.slice(90..));
    #[expect(clippy::reversed_empty_ranges, reason = "a range that is not inside")]
    let inverted = 5..4;
    for range in [90..101, 101..101, inverted, 0..usize::MAX] {
        assert!(bytes.get(range).is_none());
    }
    assert!(bytes.get(..=usize::MAX).is_none());
    assert!(Bytes::default().is_empty());
}

#[test]
#[should_panic(expected = "out of range")]
fn a_slice_outside_panics() {
    let _ = Bytes::from(vec![0; 10]).slice(5..11);
}

#[test]
fn the_last_handle_gives_the_region_back() {
    let mut region = Region::new(HUGE_PAGE).unwrap();
    region.as_mut_slice()[7] = 42;
    let address = region.as_slice().as_ptr();
    let bytes = region.seal();
    let arrow = bytes.clone().into_arrow(0..8);
    let slice = bytes.slice(0..1);
    drop(bytes);
    let slice = slice.try_into_region().unwrap_err();
    assert_eq!((slice.len(), slice.as_ptr()), (1, address));
    assert_eq!(arrow[7], 42);
    drop(arrow);
    let region = slice.try_into_region().unwrap();
    assert_eq!((region.len(), region.as_slice().as_ptr()), (HUGE_PAGE, address));
    assert_eq!(region.as_slice()[7], 42);

    let vector = Bytes::from(vec![1, 2, 3]).try_into_region().unwrap_err();
    assert_eq!(&vector[..], [1, 2, 3]);
}

#[test]
fn handles_cross_threads() {
    let bytes = Region::new(1 << 20).unwrap().seal();
    let threads: Vec<_> = (0..4)
        .map(|index| {
            let part = bytes.slice(index * 1000..(index + 1) * 1000);
            std::thread::spawn(move || part.into_arrow(..).iter().filter(|&&byte| byte != 0).count())
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), 0);
    }
    assert!(bytes.try_into_region().is_ok());
}
