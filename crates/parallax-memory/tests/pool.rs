//! Pools, loans and buffers: what is counted, what is shared, what comes back, and what a bad request says.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking, in their helpers too")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use parallax_memory::{Buffer, Bytes, LoanError, MemoryKind, MemoryPool, PoolConfig};

fn pool(slots: usize, bytes: usize) -> MemoryPool {
    MemoryPool::new(&PoolConfig::new(slots, bytes)).unwrap()
}

#[test]
fn an_exhausted_pool_is_an_error_at_once_and_a_returned_slot_mends_it() {
    let pool = pool(2, 100);
    let first = pool.loan().unwrap();
    let second = pool.loan().unwrap().seal();
    assert_eq!(
        pool.loan().unwrap_err(),
        LoanError::Exhausted {
            slots: 2,
            slot_bytes: 100
        }
    );
    drop(first);
    let third = pool.loan().unwrap();
    assert_ne!(Some(third.id()), second.slot_id());
    let stats = pool.stats();
    assert_eq!(
        (stats.in_use, stats.high_water, stats.loans, stats.exhausted),
        (2, 2, 3, 1)
    );
    drop((second, third));
    assert_eq!(pool.stats().in_use, 0);
}

/// Loans and returns in an order of their own, now more of these, now of those.
#[test]
fn the_high_water_mark_is_the_most_that_were_out_at_once() {
    for slots in [1, 2, 61, 62, 63, 64, 130, 1100] {
        let pool = pool(slots, 8);
        let mut out = Vec::new();
        let mut most = 0;
        let mut state = 88_172_645_463_325_252_u64;
        for step in 0..20_000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let loans_of_eight = [6, 3, 5, 2, 7, 1][step / 400 % 6];
            if state % 8 < loans_of_eight {
                out.extend(pool.loan().ok());
            } else if !out.is_empty() {
                out.swap_remove((state >> 8) as usize % out.len());
            }
            most = most.max(out.len());
            let stats = pool.stats();
            assert_eq!(
                (stats.in_use, stats.high_water),
                (out.len(), most),
                "{slots} slots, step {step}"
            );
        }
    }
}

#[test]
fn a_use_of_a_slot_has_a_generation_of_its_own() {
    let pool = pool(1, 8);
    let first = pool.loan().unwrap().id();
    let second = pool.loan().unwrap().id();
    assert_eq!((first.slot, second.slot), (0, 0));
    assert_eq!(second.generation, first.generation + 1);
}

#[test]
fn clones_and_slices_share_the_slot_and_the_last_one_returns_it() {
    let pool = pool(1, 64);
    let mut loan = pool.loan().unwrap();
    loan.write_bytes(&[1, 2, 3]).unwrap();
    loan.write_bytes(&[4]).unwrap();
    let whole = loan.seal();
    let tail = whole.slice(2..);
    assert_eq!(tail.as_ptr(), whole[2..].as_ptr());
    assert!(whole.get(3..6).is_none());
    let clone = tail.clone();
    drop((whole, tail));
    assert_eq!((&clone[..], pool.stats().in_use), (&[3_u8, 4][..], 1));
    drop(clone);
    assert_eq!(pool.stats().in_use, 0);
}

#[test]
fn what_does_not_fit_is_refused_with_both_numbers() {
    let pool = pool(1, 4);
    let mut loan = pool.loan().unwrap();
    assert_eq!(
        loan.write_bytes(&[0; 5]),
        Err(LoanError::TooLarge {
            needed: 5,
            available: 4
        })
    );
    assert_eq!(
        loan.set_len(5),
        Err(LoanError::TooLarge {
            needed: 5,
            available: 4
        })
    );
    assert!(loan.is_empty());
    assert!(loan.write(0_u64).is_err());
    #[repr(align(128))]
    struct Strict(#[allow(dead_code)] [u8; 128]);
    let pool = self::pool(1, 1024);
    let error = pool.loan().unwrap().write(Strict([0; 128])).unwrap_err();
    assert_eq!(error, LoanError::Alignment { wanted: 128 });
    assert_eq!(pool.stats().in_use, 0);
    assert!(MemoryPool::new(&PoolConfig::new(0, 8)).is_err());
    assert!(MemoryPool::new(&PoolConfig::new(8, usize::MAX / 2)).is_err());
}

/// Counts how often it is dropped.
struct Counted(Arc<AtomicUsize>, String);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_value_moved_in_is_shared_as_it_is_and_dropped_once() {
    let drops = Arc::new(AtomicUsize::new(0));
    let pool = pool(1, 64);
    for round in 1..4 {
        let value = pool
            .loan()
            .unwrap()
            .write(Counted(Arc::clone(&drops), format!("frame {round}")))
            .unwrap();
        let other = value.clone();
        drop(value);
        let name: Buffer<str> = other.try_map(|frame| Ok::<_, ()>(frame.1.as_str())).unwrap();
        assert_eq!(
            (&*name, drops.load(Ordering::Relaxed)),
            (format!("frame {round}").as_str(), round - 1)
        );
        thread::spawn(move || drop(name)).join().unwrap();
        assert_eq!((drops.load(Ordering::Relaxed), pool.stats().in_use), (round, 0));
    }
    // Bytes in a slot that held a value are bytes: nothing is dropped again.
    drop(pool.loan().unwrap().seal());
    assert_eq!(drops.load(Ordering::Relaxed), 3);
}

#[test]
fn a_value_whose_drop_panics_still_gives_the_slot_back() {
    struct Sore;
    impl Drop for Sore {
        fn drop(&mut self) {
            panic!("on purpose");
        }
    }
    let pool = pool(1, 8);
    let value = pool.loan().unwrap().write(Sore).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(move || drop(value))).is_err());
    assert_eq!(pool.stats().in_use, 0);
    assert!(pool.loan().is_ok());
}

#[test]
fn the_memory_outlives_the_pool_while_a_buffer_does() {
    let pool = pool(2, 64);
    let buffer = pool.loan().unwrap().write([7_u32; 4]).unwrap();
    let numbers: Buffer<[u32]> = buffer.try_map(|value| Ok::<_, ()>(value.as_slice())).unwrap();
    let half = numbers.slice(1..3);
    drop((pool, numbers));
    assert_eq!(&half[..], &[7, 7]);
}

#[test]
fn a_slot_returns_when_the_last_arrow_buffer_over_it_is_gone() {
    let pool = pool(1, 64);
    let mut loan = pool.loan().unwrap();
    loan.write_bytes(&[1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
    let address = loan.as_slice().as_ptr();
    let whole = loan.seal().into_arrow(..);
    let part = whole.slice_with_length(2, 2);
    drop(whole);
    assert_eq!(
        (part.as_slice(), part.as_ptr().addr()),
        (&[3_u8, 4][..], address.addr() + 2)
    );
    assert_eq!(pool.stats().in_use, 1);
    thread::spawn(move || drop(part)).join().unwrap();
    assert_eq!(pool.stats().in_use, 0);
}

#[test]
fn plain_numbers_are_cast_where_they_are() {
    let pool = pool(1, 64);
    let mut loan = pool.loan().unwrap();
    loan.write_bytes(&[1, 0, 2, 0, 3]).unwrap();
    let bytes = loan.seal();
    assert_eq!(
        &bytes.slice(..4).cast::<u16>().unwrap()[..],
        &[1_u16.to_le(), 2_u16.to_le()]
    );
    assert!(bytes.slice(1..3).cast::<u16>().is_err());
    assert!(bytes.cast::<u16>().is_err());
}

#[derive(rkyv::Archive, rkyv::Serialize)]
struct Detection {
    label: String,
    box_px: [u16; 4],
}

#[test]
fn an_archive_is_validated_once_and_read_in_place() {
    let pool = pool(1, 256);
    let detection = Detection {
        label: "pedestrian".to_owned(),
        box_px: [1, 2, 30, 40],
    };
    let bytes = pool.loan().unwrap().write_archived(&detection).unwrap();
    let address = bytes.as_ptr().addr();
    let typed = bytes.clone().archived::<Detection>().unwrap();
    let shared = typed.clone();
    assert_eq!(
        (shared.label.as_str(), shared.box_px[3].to_native()),
        ("pedestrian", 40)
    );
    assert!((address..address + 256).contains(&std::ptr::from_ref(&*typed).addr()));
    // Too short for the root is refused; no truncation panics. (The root is at the end, so a
    // shorter text may well be an archive of something else.)
    for len in 0..bytes.len() {
        let cut = bytes.slice(..len).archived::<Detection>();
        assert!(
            cut.is_err() || len >= size_of::<ArchivedDetection>(),
            "{len} bytes"
        );
    }
    // The root alone: its label would lie before the first byte.
    let root = bytes.slice(bytes.len() - size_of::<ArchivedDetection>()..);
    assert!(Bytes::from_bytes(root.to_vec()).archived::<Detection>().is_err());
    drop((bytes, typed, shared, root));
    // Too large for the slot: an error, and the slot is back.
    let large = Detection {
        label: "x".repeat(1000),
        box_px: [0; 4],
    };
    assert_eq!(
        pool.loan().unwrap().write_archived(&large).unwrap_err(),
        LoanError::Archive
    );
    assert_eq!(pool.stats().in_use, 0);
}

#[test]
fn who_waits_gets_the_slot_that_comes_back() {
    let pool = pool(1, 8);
    let held = pool.loan().unwrap();
    assert!(pool.loan_timeout(Duration::from_millis(1)).is_err());
    let waiting = pool.clone();
    let thread = thread::spawn(move || pollster::block_on(waiting.loan_async()).id());
    thread::sleep(Duration::from_millis(20));
    drop(held);
    assert_eq!(thread.join().unwrap().slot, 0);
    assert!(pool.loan_timeout(Duration::ZERO).is_ok());
}

#[test]
fn many_threads_lose_and_double_nothing() {
    const THREADS: usize = 4;
    let rounds = if cfg!(miri) { 30 } else { 20_000 };
    // Fewer slots than threads, so some always wait.
    let pool = pool(3, 16);
    thread::scope(|scope| {
        for number in 0..THREADS as u64 {
            let pool = &pool;
            scope.spawn(move || {
                for round in 0..rounds {
                    let loan = match round % 3 {
                        0 => pool.loan_timeout(Duration::from_secs(60)).unwrap(),
                        1 => pollster::block_on(pool.loan_async()),
                        _ => match pool.loan() {
                            Ok(loan) => loan,
                            Err(_) => continue,
                        },
                    };
                    let mark = [number, round];
                    let value = loan.write(mark).unwrap();
                    let clone = value.clone();
                    assert_eq!((*value, *clone), (mark, mark));
                }
            });
        }
    });
    let stats = pool.stats();
    assert!(
        stats.in_use == 0 && (1..=3).contains(&stats.high_water),
        "{stats:?}"
    );
    let all: Vec<_> = (0..3).map(|_| pool.loan().unwrap()).collect();
    assert!(pool.loan().is_err());
    drop(all);
}

#[test]
fn many_threads_share_one_slot() {
    let rounds = if cfg!(miri) { 5 } else { 2_000 };
    let pool = pool(1, 64);
    for round in 0..rounds {
        let drops = Arc::new(AtomicUsize::new(0));
        let value = pool
            .loan()
            .unwrap()
            .write(Counted(Arc::clone(&drops), String::new()))
            .unwrap();
        thread::scope(|scope| {
            for _ in 0..3 {
                let mine = value.clone();
                scope.spawn(move || {
                    for _ in 0..10 {
                        let _again = mine.clone();
                    }
                });
            }
            drop(value);
        });
        assert_eq!(
            (drops.load(Ordering::Relaxed), pool.stats().in_use),
            (1, 0),
            "round {round}"
        );
    }
}

#[test]
#[cfg(all(target_os = "linux", not(miri)))]
fn every_kind_of_memory_is_zeroed_writable_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let kinds = [
        MemoryKind::Heap,
        MemoryKind::Huge,
        MemoryKind::Shared,
        MemoryKind::File(folder.path().to_owned()),
    ];
    for kind in kinds {
        let pool = MemoryPool::new(&PoolConfig::new(3, 5000).with_memory(kind.clone())).unwrap();
        assert_eq!(
            pool.segment().fd().is_some(),
            matches!(kind, MemoryKind::Shared | MemoryKind::File(_))
        );
        let mut loans: Vec<_> = (0..3).map(|_| pool.loan().unwrap()).collect();
        for (mark, loan) in loans.iter_mut().enumerate() {
            assert!(loan.as_slice().iter().all(|&byte| byte == 0), "{kind:?}");
            assert_eq!(loan.as_slice().as_ptr().addr() % 64, 0);
            loan.as_mut_slice().fill(mark as u8 + 1);
        }
        for (mark, loan) in loans.iter().enumerate() {
            assert!(
                loan.as_slice().iter().all(|&byte| byte == mark as u8 + 1),
                "{kind:?}"
            );
        }
    }
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        0,
        "the file has no name"
    );
    let nowhere = MemoryKind::File("/nowhere/at/all".into());
    assert!(MemoryPool::new(&PoolConfig::new(1, 1).with_memory(nowhere)).is_err());
}

/// What a peer gets is the descriptor: it can neither cut the memory short nor write it.
#[test]
#[cfg(all(target_os = "linux", not(miri)))]
fn a_shared_segment_is_sealed() {
    use rustix::fs::{fcntl_get_seals, ftruncate};
    use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

    let pool = MemoryPool::new(&PoolConfig::new(1, 4096).with_memory(MemoryKind::Shared)).unwrap();
    let fd = pool.segment().fd().unwrap();
    assert!(ftruncate(fd, 0).is_err());
    assert!(ftruncate(fd, 1 << 20).is_err());
    assert!(!fcntl_get_seals(fd).unwrap().is_empty());
    let map = |access| {
        // SAFETY: the kernel chooses a free place; the mapping is only looked at as a whole below.
        unsafe { mmap(std::ptr::null_mut(), 4096, access, MapFlags::SHARED, fd, 0) }
    };
    assert!(
        map(ProtFlags::READ | ProtFlags::WRITE).is_err(),
        "a new writable mapping"
    );
    let seen = map(ProtFlags::READ).unwrap();
    let mut loan = pool.loan().unwrap();
    loan.write_bytes(b"hello").unwrap();
    // SAFETY: mapped for reading above; the loan that writes it is not used while this looks.
    let peer = unsafe { std::slice::from_raw_parts(seen.cast::<u8>(), 5) };
    assert_eq!(peer, b"hello");
    // SAFETY: exactly the mapping made above, and nobody borrows it any more.
    unsafe { munmap(seen, 4096) }.unwrap();
}

/// Two wait for the same pool, and two slots come back at the same moment: both are woken.
#[test]
fn two_who_wait_get_two_slots() {
    for _ in 0..if cfg!(miri) { 3 } else { 200 } {
        let pool = pool(2, 8);
        let held = [pool.loan().unwrap(), pool.loan().unwrap()];
        let waiting = [pool.clone(), pool.clone()].map(|pool| {
            thread::spawn(move || {
                let loan = pool.loan_timeout(Duration::from_secs(60)).unwrap();
                // Held until both have one: who is not woken would not get this one.
                thread::sleep(Duration::from_millis(1));
                drop(loan);
            })
        });
        thread::yield_now();
        drop(held);
        waiting.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(pool.stats().in_use, 0);
    }
}

/// Handles and slots go in any order on two threads; under Miri or a sanitizer an early or late free is seen.
#[test]
fn the_memory_is_freed_once_whoever_is_last() {
    for round in 0..if cfg!(miri) { 20 } else { 2000 } {
        let pool = pool(70, 8);
        let buffer = pool.loan().unwrap().seal();
        let loan = pool.loan().unwrap();
        let other = thread::spawn(move || {
            assert_eq!(buffer.len(), 0);
            drop(buffer);
        });
        if round % 2 == 0 {
            drop(pool);
            drop(loan);
        } else {
            drop(loan);
            drop(pool);
        }
        other.join().unwrap();
    }
}
