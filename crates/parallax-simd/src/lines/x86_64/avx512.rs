//! Usual lines with AVX-512, eight at a time.
//!
//! What is no digit is a mark: separators, points, ends of lines. The marks of eight lines are listed first, with their
//! places; usual lines have the same marks in the same order, so that one comparison checks all of them, and the
//! places of a field's marks say for eight lines at once how many digits it has. Then the digits are moved to the ends
//! of fields of 8 and 16 bytes, and those of all eight lines become numbers together. A line that is declined here
//! is asked of `scalar.rs`, so that both read the same.

use std::arch::is_x86_feature_detected as has;
use std::arch::x86_64::*;

use super::{TIME, TO_THE_END, declined, whole_digits};
use crate::Columns;
use crate::lines::{POWERS, Parsed, Style, WINDOW, scalar};

/// Lines whose digits become numbers together.
const LINES: usize = 8;

/// The most digits of a coordinate; more are declined. So no coordinate is too large here.
const COORDINATE: usize = 4;

/// The digits of a field of each line, as they are written, behind zeros; line k in row [`row_of`] k.
#[repr(align(64))]
struct Fields([[u8; 16]; LINES]);

/// The most marks of a line: with a point in its time.
const MARKS: usize = 5;

/// The marks that come first, those of a whole window written at once.
struct Marks {
    /// Where they are, behind -1, so that every field begins behind a mark.
    places: [u16; 1 + MARKS * LINES + WINDOW],
    bytes: [u8; MARKS * LINES + WINDOW],
}

/// Which places the fields of eight lines lie between: those of all whole times, all x, all y and all p, with so many
/// marks a line; and those of the fractions.
struct Between<const PER_LINE: usize>;

impl<const PER_LINE: usize> Between<PER_LINE> {
    const FROM: [u16; 4 * LINES] = Self::marks([0, PER_LINE - 3, PER_LINE - 2, PER_LINE - 1]);
    const TO: [u16; 4 * LINES] = Self::marks([1, PER_LINE - 2, PER_LINE - 1, PER_LINE]);

    const fn marks<const FIELDS: usize>(fields: [usize; FIELDS]) -> [u16; 4 * LINES] {
        let mut marks = [0; 4 * LINES];
        let mut i = 0;
        while i < FIELDS * LINES {
            marks[i] = (i % LINES * PER_LINE + fields[i / LINES]) as u16;
            i += 1;
        }
        marks
    }
}

/// Row (x, y) moves x + 1 digits to the end of 8 bytes and, behind one more byte, y + 1 digits to the end of the next 8.
static COORDINATES: [[[u8; 16]; COORDINATE]; COORDINATE] = {
    let mut rows = [[[0x80; 16]; COORDINATE]; COORDINATE];
    let mut row = 0;
    while row < COORDINATE * COORDINATE {
        let (x, y) = (row / COORDINATE + 1, row % COORDINATE + 1);
        let mut i = 0;
        while i < COORDINATE {
            if i < x {
                rows[x - 1][y - 1][8 - x + i] = i as u8;
            }
            if i < y {
                rows[x - 1][y - 1][16 - y + i] = (x + 1 + i) as u8;
            }
            i += 1;
        }
        row += 1;
    }
    rows
};

/// Even lines are in front, since [`numbers`] takes one from each half in turn.
const fn row_of(line: usize) -> usize {
    line % 2 * (LINES / 2) + line / 2
}

/// Whether the CPU has what is used here besides AVX-512 as `Level` means it.
pub(super) fn is_there() -> bool {
    has!("avx512vbmi2")
}

/// Reads lines, with a point in their times or without.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,avx2,bmi1,bmi2,popcnt")]
pub(super) fn parse<const POINT: bool>(bytes: &[u8], style: Style, out: Columns<'_>) -> Parsed {
    if POINT {
        parse_by::<MARKS>(bytes, style, out)
    } else {
        parse_by::<{ MARKS - 1 }>(bytes, style, out)
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,avx2,bmi1,bmi2,popcnt")]
fn parse_by<const PER_LINE: usize>(bytes: &[u8], style: Style, out: Columns<'_>) -> Parsed {
    let has_point = PER_LINE == MARKS;
    let Columns { t, x, y, p } = out;
    let room = t.len();
    let (x, y, p) = (&mut x[..room], &mut y[..room], &mut p[..room]);
    let mut done = Parsed::default();
    let mut marks = Marks {
        places: [u16::MAX; 1 + MARKS * LINES + WINDOW],
        bytes: [0; MARKS * LINES + WINDOW],
    };
    let mut whole = Fields([[0; 16]; LINES]);
    let mut fraction = Fields([[0; 16]; LINES]);
    let mut coordinates = Fields([[0; 16]; LINES]);
    let kept = usize::from(style.places);
    let usual = usual_marks::<PER_LINE>(style);
    let most_whole = if has_point {
        TIME.min(whole_digits(style.places))
    } else {
        TIME
    };
    let most = [most_whole, COORDINATE, COORDINATE, 2].map(|most| [most as u16 - 1; LINES]);
    while done.events < room {
        let rest = &bytes[done.bytes..];
        let found = find_marks(rest, PER_LINE * LINES, &mut marks) / PER_LINE;
        let fields = between(&marks, &Between::<PER_LINE>::FROM, &Between::<PER_LINE>::TO);
        let fractions = if has_point {
            between(
                &marks,
                &Between::<PER_LINE>::marks([1]),
                &Between::<PER_LINE>::marks([2]),
            )
        } else {
            fields
        };
        let mut lines = found
            .min(usual_lines::<PER_LINE>(&marks, usual))
            .min(lines_within(fields, most.as_flattened()))
            .min(lines_begun(fields, rest.len()))
            .min(room - done.events);
        if has_point {
            lines = lines.min(fraction_lines(fractions));
        }
        let (starts, lens) = stored(fields);
        let (fraction_starts, fraction_lens) = stored(fractions);
        for line in 0..lines {
            let [t_start, x_start, _, p_start] = std::array::from_fn(|field| starts[field * LINES + line]);
            let [t_len, x_len, y_len, p_len] = std::array::from_fn(|field| lens[field * LINES + line]);
            let polarity = rest[usize::from(p_start)] ^ b'0';
            if polarity > 1 || (p_len > 1 && rest[usize::from(p_start) + 1] != b'\r') {
                lines = line;
                break;
            }
            p[done.events + line] = polarity;
            let row = row_of(line);
            // Lengths are within bounds, so the masks change nothing but what the compiler knows.
            whole.0[row] = moved(rest, t_start, &TO_THE_END[usize::from(t_len) & TIME]);
            let shuffle =
                &COORDINATES[usize::from(x_len - 1) % COORDINATE][usize::from(y_len - 1) % COORDINATE];
            coordinates.0[row] = moved(rest, x_start, shuffle);
            if has_point {
                let to = &TO_THE_END[usize::from(fraction_lens[line]) & TIME];
                fraction.0[row] = moved(rest, fraction_starts[line], to);
            }
        }
        let mask = ((1_u32 << lines) - 1) as u8;
        let numbers_of_pixels = numbers(&coordinates);
        let mut times = combined(numbers(&whole));
        let n = done.events;
        if has_point {
            let behind = combined(numbers(&fraction));
            let digits = &fraction_lens[..lines];
            let same = usize::from(fraction_lens[0]);
            times = _mm512_mullo_epi64(times, _mm512_set1_epi64(POWERS[kept] as i64));
            times = if same <= kept && digits.iter().all(|digits| usize::from(*digits) == same) {
                let scale = _mm512_set1_epi64(POWERS[kept - same] as i64);
                _mm512_add_epi64(times, _mm512_mullo_epi64(behind, scale))
            } else {
                _mm512_add_epi64(times, rounded(behind, digits, kept))
            };
        }
        // SAFETY: masked to `lines` places behind n, and n + lines <= room.
        unsafe {
            let rows = _mm512_srli_epi64::<32>(numbers_of_pixels);
            _mm_mask_storeu_epi16(
                x.as_mut_ptr().add(n).cast(),
                mask,
                _mm512_cvtepi64_epi16(numbers_of_pixels),
            );
            _mm_mask_storeu_epi16(y.as_mut_ptr().add(n).cast(), mask, _mm512_cvtepi64_epi16(rows));
            _mm512_mask_storeu_epi64(t.as_mut_ptr().add(n), mask, times);
        }
        done.events += lines;
        // Behind the last mark of the last line, or behind -1.
        done.bytes += usize::from(marks.places[lines * PER_LINE].wrapping_add(1));
        if lines < LINES {
            // The bytes end, the room ends, or a line is not as usual here.
            if done.events == room {
                break;
            }
            let Some(window) = bytes[done.bytes..].first_chunk() else {
                break;
            };
            let Some(line) = declined(window, style) else {
                break;
            };
            let n = done.events;
            (t[n], x[n], y[n], p[n]) = (line.0, line.1, line.2, line.3);
            done.events += 1;
            done.bytes += line.4;
        }
    }
    done
}

/// Lists the first marks of `bytes` and returns how many are known: `wanted` or more unless the lines are long or the bytes
/// end. A carriage return in front of an end of line is none.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,popcnt")]
fn find_marks(bytes: &[u8], wanted: usize, marks: &mut Marks) -> usize {
    // SAFETY: a table of exactly one vector.
    let numbers = unsafe { _mm512_loadu_si512(NUMBERS.as_ptr().cast()) };
    let mut found = 0;
    for at in (0..bytes.len().min(LINES * WINDOW)).step_by(WINDOW) {
        let load = |at: usize| {
            let here = bytes.len().saturating_sub(at).min(WINDOW);
            let mask = u64::MAX.checked_shr((WINDOW - here) as u32).unwrap_or(0);
            // SAFETY: masked to the bytes that are there.
            (mask, unsafe {
                _mm512_maskz_loadu_epi8(mask, bytes.as_ptr().wrapping_add(at).cast())
            })
        };
        let ((here, window), (_, next)) = (load(at), load(at + 1));
        let digits = _mm512_sub_epi8(window, _mm512_set1_epi8(b'0' as i8));
        let mut mask = _mm512_mask_cmpgt_epu8_mask(here, digits, _mm512_set1_epi8(9));
        let returns = _mm512_cmpeq_epi8_mask(window, _mm512_set1_epi8(b'\r' as i8));
        mask &= !(returns & _mm512_cmpeq_epi8_mask(next, _mm512_set1_epi8(b'\n' as i8)));
        let places = _mm512_maskz_compress_epi8(mask, numbers);
        let base = _mm512_set1_epi16(at as i16);
        let first = _mm512_add_epi16(base, _mm512_cvtepu8_epi16(_mm512_castsi512_si256(places)));
        let rest = _mm512_add_epi16(base, _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64::<1>(places)));
        let out = &mut marks.places[1 + found..1 + found + WINDOW];
        let kinds = &mut marks.bytes[found..found + WINDOW];
        // SAFETY: 64 places are 128 bytes.
        unsafe {
            _mm512_storeu_si512(out.as_mut_ptr().cast(), first);
            _mm512_storeu_si512(out.as_mut_ptr().add(32).cast(), rest);
            _mm512_storeu_si512(
                kinds.as_mut_ptr().cast(),
                _mm512_maskz_compress_epi8(mask, window),
            );
        }
        found += mask.count_ones() as usize;
        if found >= wanted {
            break;
        }
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

/// The marks of eight usual lines, and zeros.
fn usual_marks<const PER_LINE: usize>(style: Style) -> [u8; WINDOW] {
    let mut marks = [0; WINDOW];
    for line in marks.chunks_exact_mut(PER_LINE).take(LINES) {
        line.fill(style.separator);
        if PER_LINE == MARKS {
            line[0] = b'.';
        }
        line[PER_LINE - 1] = b'\n';
    }
    marks
}

/// How many lines in front have usual marks.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,bmi1")]
fn usual_lines<const PER_LINE: usize>(marks: &Marks, usual: [u8; WINDOW]) -> usize {
    // SAFETY: 64 bytes each.
    let same = unsafe {
        _mm512_cmpeq_epi8_mask(
            _mm512_loadu_si512(marks.bytes.as_ptr().cast()),
            _mm512_loadu_si512(usual.as_ptr().cast()),
        )
    };
    same.trailing_ones() as usize / PER_LINE
}

/// Where fields of eight lines start, and how many bytes they have.
#[derive(Clone, Copy)]
struct FieldsAt {
    starts: __m512i,
    lens: __m512i,
}

/// The fields between two marks each.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn between(marks: &Marks, from: &[u16; 4 * LINES], to: &[u16; 4 * LINES]) -> FieldsAt {
    // SAFETY: 64 places and more, 32 numbers each.
    let (low, high, from, to) = unsafe {
        (
            _mm512_loadu_si512(marks.places.as_ptr().cast()),
            _mm512_loadu_si512(marks.places.as_ptr().add(32).cast()),
            _mm512_loadu_si512(from.as_ptr().cast()),
            _mm512_loadu_si512(to.as_ptr().cast()),
        )
    };
    let from = _mm512_permutex2var_epi16(low, from, high);
    let starts = _mm512_add_epi16(from, _mm512_set1_epi16(1));
    let lens = _mm512_sub_epi16(_mm512_permutex2var_epi16(low, to, high), starts);
    FieldsAt { starts, lens }
}

/// How many lines in front have 1 byte in each of four fields up to one more than `most`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,bmi1")]
fn lines_within(fields: FieldsAt, most: &[u16]) -> usize {
    let most: &[u16; 4 * LINES] = most.try_into().unwrap_or(&[0; 4 * LINES]);
    // SAFETY: 32 numbers.
    let most = unsafe { _mm512_loadu_si512(most.as_ptr().cast()) };
    let within = _mm512_cmple_epu16_mask(_mm512_sub_epi16(fields.lens, _mm512_set1_epi16(1)), most);
    let [t, x, y, p] = within.to_le_bytes();
    (t & x & y & p).trailing_ones() as usize
}

/// The same of the digits behind points.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,bmi1")]
fn fraction_lines(fractions: FieldsAt) -> usize {
    let less = _mm512_sub_epi16(fractions.lens, _mm512_set1_epi16(1));
    let within = _mm512_cmple_epu16_mask(less, _mm512_set1_epi16(TIME as i16 - 1));
    (within as u8).trailing_ones() as usize
}

/// How many lines in front begin a window or more before the end of so many bytes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,bmi1")]
fn lines_begun(fields: FieldsAt, len: usize) -> usize {
    let Some(last) = len.checked_sub(WINDOW) else {
        return 0;
    };
    let last = _mm512_set1_epi16(last.min(LINES * WINDOW) as i16);
    (_mm512_cmple_epu16_mask(fields.starts, last) as u8).trailing_ones() as usize
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn stored(fields: FieldsAt) -> ([u16; 4 * LINES], [u16; 4 * LINES]) {
    let (mut starts, mut lens) = ([0; 4 * LINES], [0; 4 * LINES]);
    // SAFETY: 32 numbers each.
    unsafe {
        _mm512_storeu_si512(starts.as_mut_ptr().cast(), fields.starts);
        _mm512_storeu_si512(lens.as_mut_ptr().cast(), fields.lens);
    }
    (starts, lens)
}

/// The 16 bytes at `at`, moved.
#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
fn moved(bytes: &[u8], at: u16, to: &[u8; 16]) -> [u8; 16] {
    let window: &[u8] = &bytes[usize::from(at)..][..16];
    let mut row = [0; 16];
    // SAFETY: 16 bytes, and rows of 16.
    unsafe {
        let digits = _mm_loadu_si128(window.as_ptr().cast());
        let moved = _mm_shuffle_epi8(digits, _mm_loadu_si128(to.as_ptr().cast()));
        _mm_storeu_si128(row.as_mut_ptr().cast(), moved);
    }
    row
}

/// `fractions` of so many digits each in units of `kept` digits.
#[cold]
#[target_feature(enable = "avx512f")]
fn rounded(fractions: __m512i, digits: &[u16], kept: usize) -> __m512i {
    let mut numbers = [0_u64; LINES];
    // SAFETY: eight numbers of 8 bytes.
    unsafe { _mm512_storeu_si512(numbers.as_mut_ptr().cast(), fractions) };
    for (number, digits) in numbers.iter_mut().zip(digits) {
        *number = scalar::rounded(*number, usize::from(*digits), kept);
    }
    // SAFETY: as above.
    unsafe { _mm512_loadu_si512(numbers.as_ptr().cast()) }
}

/// For each line, the number of the first eight digits, and above it that of the last eight.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn numbers(fields: &Fields) -> __m512i {
    let fours = |row: usize| {
        // SAFETY: four rows of 16 bytes, 0 or 4 rows from the front of 8.
        let bytes = unsafe { _mm512_load_si512(fields.0.as_ptr().add(row).cast()) };
        // What was not moved to is 0, and stays so.
        let digits = _mm512_subs_epu8(bytes, _mm512_set1_epi8(b'0' as i8));
        let pairs = _mm512_maddubs_epi16(digits, _mm512_set1_epi16(0x010A));
        _mm512_madd_epi16(pairs, _mm512_set1_epi32(0x0001_0064))
    };
    let fours = _mm512_packus_epi32(fours(0), fours(LINES / 2));
    _mm512_madd_epi16(fours, _mm512_set1_epi32(0x0001_2710))
}

/// The numbers of all sixteen digits.
#[inline]
#[target_feature(enable = "avx512f")]
fn combined(halves: __m512i) -> __m512i {
    let high = _mm512_mul_epu32(halves, _mm512_set1_epi64(100_000_000));
    _mm512_add_epi64(high, _mm512_srli_epi64::<32>(halves))
}
