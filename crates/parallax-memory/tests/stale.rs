//! Regions whose contents mean nothing: where they come from, and how much of them a process keeps. The figures are the whole
//! process's, so this test has one of its own.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test cannot go on without memory")]

use parallax_memory::{HUGE_PAGE, Region, mapped_bytes};

const MOST: usize = 64 << 20;

fn used(len: usize) -> Region {
    let mut region = Region::stale(len).unwrap();
    region.as_mut_slice().fill(7);
    region
}

#[test]
fn memory_comes_back_to_who_asks_for_the_same_and_only_so_much_stays() {
    let before = mapped_bytes();
    let address = |region: &Region| region.as_slice().as_ptr();
    let (first, second) = (used(3 * HUGE_PAGE), used(4 * HUGE_PAGE));
    let two = (address(&first), address(&second));
    drop((first, second));
    assert_eq!(
        mapped_bytes(),
        before + 7 * HUGE_PAGE,
        "both are kept, and said to be"
    );

    // No zeroed region is made of them, and none of another size.
    for region in [Region::new(3 * HUGE_PAGE), Region::huge(3 * HUGE_PAGE)] {
        assert!(region.unwrap().as_slice().iter().all(|&byte| byte == 0));
    }
    assert!(
        Region::stale(5 * HUGE_PAGE)
            .unwrap()
            .as_slice()
            .iter()
            .all(|&byte| byte != 7)
    );
    let first = Region::stale(3 * HUGE_PAGE - 100).unwrap();
    assert_eq!((address(&first), first.len()), (two.0, 3 * HUGE_PAGE - 100));
    assert!(first.as_slice().iter().all(|&byte| byte == 7));
    assert_eq!(address(&Region::stale(4 * HUGE_PAGE).unwrap()), two.1);

    // Several of one size keep their order.
    let several = [(); 3].map(|()| used(6 * HUGE_PAGE));
    let addresses = several.each_ref().map(address);
    drop(several);
    assert_eq!(
        [(); 3].map(|()| used(6 * HUGE_PAGE)).each_ref().map(address),
        addresses
    );

    // The way back leads through whoever had a share of them.
    let shared = first.seal();
    let part = shared.slice(..100);
    drop(shared);
    let pair = || [(); 2].map(|()| used(3 * HUGE_PAGE)).each_ref().map(address);
    assert!(!pair().contains(&two.0));
    drop(part);
    assert!(!pair().contains(&two.0), "the other two were let go before it");
    assert_eq!(pair()[0], two.0);

    // More than may stay, at once and one by one.
    drop(used(MOST + HUGE_PAGE));
    drop((1..30).map(|pages| used(pages * HUGE_PAGE)).collect::<Vec<_>>());
    assert!((before + MOST / 2..=before + MOST).contains(&mapped_bytes()));
    let threads: Vec<_> = (0..8)
        .map(|_| std::thread::spawn(|| drop(used(2 * HUGE_PAGE))))
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(mapped_bytes() <= before + MOST);
    // Who is refused memory gets what is kept, as far as that helps.
    assert!(mapped_bytes() > before);
    assert!(Region::new(1 << 62).is_err());
    assert_eq!(mapped_bytes(), before);
    // Small ones are the heap's.
    drop(used(4096));
    assert_eq!(mapped_bytes(), before);
}
