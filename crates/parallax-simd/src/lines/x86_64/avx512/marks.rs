//! Marks: what is no digit, and where it is.

use std::arch::x86_64::*;

use crate::lines::WINDOW;

/// So many bytes are looked through for marks at a time: few at first, since an unusual line may end it all.
pub(super) const BLOCKS: [usize; 2] = [512, 4096];

/// So many bytes ahead are fetched.
const AHEAD: usize = BLOCKS[1];

/// The marks of a block, those of a whole window written at once.
pub(super) struct Marks {
    /// Where they are, behind -1, so that every field begins behind a mark.
    pub(super) places: [u16; 1 + BLOCKS[1] + WINDOW],
    pub(super) bytes: [u8; BLOCKS[1] + WINDOW],
}

/// Lists the marks among the first `count` of `bytes` and returns how many there are. A carriage return in front of an end of
/// line is none.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,popcnt")]
pub(super) fn find_marks(bytes: &[u8], count: usize, marks: &mut Marks) -> usize {
    // SAFETY: a table of exactly one vector.
    let numbers = unsafe { _mm512_loadu_si512(NUMBERS.as_ptr().cast()) };
    let mut found = 0;
    for at in (0..bytes.len().min(count).min(BLOCKS[1])).step_by(WINDOW) {
        // The CPU does not read ahead into another page by itself.
        _mm_prefetch::<_MM_HINT_T0>(bytes.as_ptr().wrapping_add(at + AHEAD).cast());
        let rest = &bytes[at..];
        let here = u64::MAX >> WINDOW.saturating_sub(rest.len());
        // SAFETY: masked to the bytes that are there.
        let window = unsafe { _mm512_maskz_loadu_epi8(here, rest.as_ptr().cast()) };
        let digits = _mm512_sub_epi8(window, _mm512_set1_epi8(b'0' as i8));
        let mut mask = _mm512_mask_cmpgt_epu8_mask(here, digits, _mm512_set1_epi8(9));
        let returns = _mm512_cmpeq_epi8_mask(window, _mm512_set1_epi8(b'\r' as i8));
        if returns != 0 {
            let ends = _mm512_cmpeq_epi8_mask(window, _mm512_set1_epi8(b'\n' as i8));
            let next = u64::from(rest.get(WINDOW) == Some(&b'\n'));
            mask &= !(returns & (ends >> 1 | next << (WINDOW - 1)));
        }
        let places = _mm512_maskz_compress_epi8(mask, numbers);
        let base = _mm512_set1_epi16(at as i16);
        let first = _mm512_add_epi16(base, _mm512_cvtepu8_epi16(_mm512_castsi512_si256(places)));
        let last = _mm512_add_epi16(base, _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64::<1>(places)));
        let out = &mut marks.places[1 + found..1 + found + WINDOW];
        let kinds = &mut marks.bytes[found..found + WINDOW];
        // SAFETY: 64 places are 128 bytes.
        unsafe {
            _mm512_storeu_si512(out.as_mut_ptr().cast(), first);
            _mm512_storeu_si512(out.as_mut_ptr().add(32).cast(), last);
            _mm512_storeu_si512(
                kinds.as_mut_ptr().cast(),
                _mm512_maskz_compress_epi8(mask, window),
            );
        }
        found += mask.count_ones() as usize;
    }
    found
}

static NUMBERS: [u8; WINDOW] = {
    let mut numbers = [0; WINDOW];
    let mut i = 0;
    while i < WINDOW {
        numbers[i] = i as u8;
        i += 1;
    }
    numbers
};

/// How many of 64 bytes in front are the same.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,bmi1")]
pub(super) fn same(these: &[u8], those: &[u8; WINDOW]) -> usize {
    let these = &these[..WINDOW];
    // SAFETY: 64 bytes each.
    let same = unsafe {
        _mm512_cmpeq_epi8_mask(
            _mm512_loadu_si512(these.as_ptr().cast()),
            _mm512_loadu_si512(those.as_ptr().cast()),
        )
    };
    same.trailing_ones() as usize
}
