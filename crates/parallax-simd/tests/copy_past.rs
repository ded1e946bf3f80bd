//! Copies past the cache are copies, wherever they begin and end, at every level.

use parallax_simd::Level;
use parallax_simd::copy_past::{Number, copy_at};

fn held<T: Number + PartialEq + std::fmt::Debug>(number: impl Fn(usize) -> T) {
    const GUARD: usize = 7;
    let from: Vec<T> = (1..=700).map(&number).collect();
    for level in [Level::Scalar, Level::Avx2, Level::Avx512] {
        for begin in 0..70 {
            for len in (0..140).chain([255, 256, 257, 600]) {
                let mut to = vec![number(0); begin + len + GUARD];
                copy_at(level, &from[begin..begin + len], &mut to[begin..begin + len]);
                let mut wanted = vec![number(0); begin + len + GUARD];
                wanted[begin..begin + len].copy_from_slice(&from[begin..begin + len]);
                assert_eq!(to, wanted, "{level:?}: {len} from {begin}");
            }
        }
    }
}

#[test]
fn every_number_is_where_it_belongs() {
    held(|index| index as i64 * -3_000_000_007);
    held(|index| (index * 31) as u16);
    held(|index| (index * 7) as u8);
}

#[test]
fn the_shorter_side_counts() {
    let mut to = [9_u8; 100];
    copy_at(Level::Avx512, &[1; 80], &mut to);
    assert_eq!((to[79], to[80]), (1, 9));
    copy_at(Level::Avx512, &[2; 300], &mut to);
    assert_eq!(to, [2; 100]);
}
