//! The meaning of the sums.
#![forbid(unsafe_code)]

/// Values summed in 32 bits before they go to the total; 255 times this is far from overflow.
const BLOCK: usize = 4096;

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

#[inline(always)]
pub(super) fn sum_u8(values: &[u8]) -> u64 {
    let block = |values: &[u8]| values.iter().map(|&value| u32::from(value)).sum::<u32>();
    values.chunks(BLOCK).map(|values| u64::from(block(values))).sum()
}
