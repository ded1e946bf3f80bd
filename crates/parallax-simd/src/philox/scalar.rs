//! The meaning of [`super`]'s kernel: one counter, or sixteen side by side, for the compiler to make vectors of.
#![forbid(unsafe_code)]

pub(super) const MULTIPLIERS: [u64; 2] = [0xD251_1F53, 0xCD9E_8D57];
pub(super) const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const LANES: usize = 16;

/// The four words of one counter, lowest word first, under a key.
pub const fn block(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let ([mut a, mut b, mut c, mut d], [mut k, mut l]) = (counter, key);
    let mut round = 0;
    while round < 10 {
        let (p, q) = (MULTIPLIERS[0] * a as u64, MULTIPLIERS[1] * c as u64);
        (a, b, c, d) = (
            (q >> 32) as u32 ^ b ^ k,
            q as u32,
            (p >> 32) as u32 ^ d ^ l,
            p as u32,
        );
        (k, l) = (k.wrapping_add(WEYL[0]), l.wrapping_add(WEYL[1]));
        round += 1;
    }
    [a, b, c, d]
}

#[inline(always)]
pub(super) fn blocks(key: [u32; 2], high: [u32; 2], first: u64, out: &mut [[u32; 4]]) {
    let mut index = first;
    let (groups, rest) = out.as_chunks_mut::<LANES>();
    for group in groups {
        let counters: [u64; LANES] = std::array::from_fn(|lane| index.wrapping_add(lane as u64));
        index = index.wrapping_add(LANES as u64);
        let mut a = counters.map(|counter| counter as u32);
        let mut b = counters.map(|counter| (counter >> 32) as u32);
        let (mut c, mut d) = ([high[0]; LANES], [high[1]; LANES]);
        let [mut k, mut l] = key;
        for _ in 0..10 {
            for lane in 0..LANES {
                let p = MULTIPLIERS[0] * u64::from(a[lane]);
                let q = MULTIPLIERS[1] * u64::from(c[lane]);
                a[lane] = (q >> 32) as u32 ^ b[lane] ^ k;
                b[lane] = q as u32;
                c[lane] = (p >> 32) as u32 ^ d[lane] ^ l;
                d[lane] = p as u32;
            }
            (k, l) = (k.wrapping_add(WEYL[0]), l.wrapping_add(WEYL[1]));
        }
        for (lane, words) in group.iter_mut().enumerate() {
            *words = [a[lane], b[lane], c[lane], d[lane]];
        }
    }
    for words in rest {
        *words = block([index as u32, (index >> 32) as u32, high[0], high[1]], key);
        index = index.wrapping_add(1);
    }
}
