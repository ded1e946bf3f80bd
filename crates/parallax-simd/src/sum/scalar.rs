//! The meaning of the sums.
#![forbid(unsafe_code)]

/// Values summed before they go to the total. Of bytes each lane of 16 bits takes a quarter, at most 65,280.
const BLOCK: usize = 1024;

macro_rules! float_sum {
    ($name:ident, $float:ty, $lanes:literal) => {
        #[inline(always)]
        pub(super) fn $name(values: &[$float]) -> $float {
            let mut lanes = [0.0; $lanes];
            let (blocks, rest) = values.as_chunks::<$lanes>();
            for block in blocks {
                for (lane, value) in lanes.iter_mut().zip(block) {
                    *lane += value;
                }
            }
            for (lane, value) in lanes.iter_mut().zip(rest) {
                *lane += value;
            }
            let mut half = $lanes / 2;
            while half > 0 {
                for index in 0..half {
                    lanes[index] += lanes[index + half];
                }
                half /= 2;
            }
            // The sign and payload of a NaN depend on the machine; this one does not.
            if lanes[0].is_nan() {
                <$float>::NAN
            } else {
                lanes[0]
            }
        }
    };
}
float_sum!(sum_f32, f32, 32);
float_sum!(sum_f64, f64, 16);

/// Eight bytes at a time, in four lanes of 16 bits: the compiler makes no good vectors of the plain loop.
pub(super) fn sum_u8(values: &[u8]) -> u64 {
    const EVERY_OTHER: u64 = 0x00FF_00FF_00FF_00FF;
    let mut total = 0;
    for block in values.chunks(BLOCK) {
        let (words, rest) = block.as_chunks::<8>();
        let mut lanes = 0;
        for word in words {
            let word = u64::from_le_bytes(*word);
            lanes += (word & EVERY_OTHER) + ((word >> 8) & EVERY_OTHER);
        }
        for shift in [0, 16, 32, 48] {
            total += (lanes >> shift) & 0xFFFF;
        }
        total += rest.iter().map(|&value| u64::from(value)).sum::<u64>();
    }
    total
}

/// A block at a time: 1024 values of 16 bits fit into a sum of 32, of which twice as many are added at once as of 64.
pub(super) fn sum_i16(values: &[i16]) -> i64 {
    let sum = |block: &[i16]| block.iter().map(|&value| i32::from(value)).sum::<i32>();
    values.chunks(BLOCK).map(|block| i64::from(sum(block))).sum()
}
