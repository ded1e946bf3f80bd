//! From the bytes of an array to the columns t, x, y and p.
//!
//! In: for each of the four the [`Cell`]s it is in: numbers of any size and byte order, any number of bytes apart. Out:
//! columns as a batch has them. A record that is no event (an x that is negative, too large or no whole number, a
//! polarity that is none of 0, 1 and -1, a time that does not fit) is left out and counted.

use parallax_events::SpareColumns;

use super::dtype::{Kind, Number};

/// Where one number of every record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) number: Number,
    /// How far into a record.
    pub(super) offset: usize,
    /// From one record to the next.
    pub(super) stride: usize,
}

/// How the numbers of t become times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Timing {
    /// Whole numbers, times so many.
    Whole(i64),
    /// Floats, times so many, rounded to the nearest (halves to even).
    Float(f64),
}

/// What came out of some records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Filled {
    /// How many of them are events; they are at the front.
    pub(super) kept: usize,
    /// The first that is none. Everything before it is.
    pub(super) first_bad: Option<usize>,
}

/// The four cells of an event, in the order t, x, y, p.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cells {
    pub(super) cells: [Cell; 4],
    pub(super) timing: Timing,
}

impl Cells {
    /// Converts the first `out.t.len()` records, whose cells t, x, y and p are in `bytes`, the first record first.
    pub(super) fn fill(&self, bytes: [&[u8]; 4], out: SpareColumns<'_>, bad: &mut Vec<bool>) -> Filled {
        let count = out.t.len();
        bad.clear();
        bad.resize(count, false);
        let [t, x, y, p] = self.cells;
        match self.timing {
            Timing::Whole(1) => t.read(
                bytes[0],
                out.t,
                bad,
                |value| (value, value == i64::MIN && t.may_be_none()),
                none,
            ),
            Timing::Whole(factor) => t.read(
                bytes[0],
                out.t,
                bad,
                |value| match value.checked_mul(factor) {
                    Some(time) => (time, value == i64::MIN && t.may_be_none()),
                    None => (0, true),
                },
                none,
            ),
            Timing::Float(factor) => t.read(
                bytes[0],
                out.t,
                bad,
                |_| (0, true),
                |value| rounded(value * factor),
            ),
        }
        x.read(bytes[1], out.x, bad, address, float_address);
        y.read(bytes[2], out.y, bad, address, float_address);
        p.read(bytes[3], out.p, bad, polarity, |value| match value {
            0.0 | 1.0 | -1.0 => polarity(value as i64),
            _ => (0, true),
        });
        let Some(first) = bad.iter().position(|&bad| bad) else {
            return Filled {
                kept: count,
                first_bad: None,
            };
        };
        let mut kept = first;
        for (i, _) in bad.iter().enumerate().skip(first).filter(|(_, is_bad)| !**is_bad) {
            (out.t[kept], out.x[kept], out.y[kept], out.p[kept]) = (out.t[i], out.x[i], out.y[i], out.p[i]);
            kept += 1;
        }
        Filled {
            kept,
            first_bad: Some(first),
        }
    }
}

impl Cell {
    /// Whether the smallest number stands for no time at all.
    fn may_be_none(self) -> bool {
        matches!(self.number.kind, Kind::Time { .. })
    }

    /// The float in the record at the beginning of `record`, if it is one.
    pub(super) fn float(self, record: &[u8]) -> Option<f64> {
        let (mut value, mut bad) = ([0.0], [false]);
        self.read(
            record,
            &mut value,
            &mut bad,
            |_| (0.0, true),
            |value| (value, false),
        );
        (!bad[0]).then_some(value[0])
    }

    /// The number at the beginning of `record`, whatever it is.
    pub(super) fn any(self, record: &[u8]) -> Option<f64> {
        let (mut value, mut bad) = ([f64::NAN], [false]);
        self.read(
            record,
            &mut value,
            &mut bad,
            |value| (value as f64, false),
            |value| (value, false),
        );
        (!bad[0] && !value[0].is_nan()).then_some(value[0])
    }

    /// One whole number of every record; returns whether all are.
    pub(super) fn whole(self, bytes: &[u8], out: &mut [i64]) -> bool {
        let mut bad = vec![false; out.len()];
        self.read(bytes, out, &mut bad, |value| (value, false), none);
        !bad.contains(&true)
    }

    /// Converts one number of every record: whole ones by `whole`, floats by `float`; each also says whether the
    /// number is bad.
    fn read<O: Copy>(
        self,
        bytes: &[u8],
        out: &mut [O],
        bad: &mut [bool],
        whole: impl Fn(i64) -> (O, bool),
        float: impl Fn(f64) -> (O, bool),
    ) {
        macro_rules! whole {
            ($type:ty, $from:ident) => {
                self.each(bytes, out, bad, |bytes| whole(<$type>::$from(bytes).into()))
            };
        }
        macro_rules! float {
            ($type:ty, $from:ident) => {
                self.each(bytes, out, bad, |bytes| float(<$type>::$from(bytes).into()))
            };
        }
        let large = |value: u64| match i64::try_from(value) {
            Ok(value) => whole(value),
            Err(_) => (whole(0).0, true),
        };
        let Number {
            kind,
            size,
            big_endian,
        } = self.number;
        match (kind, size, big_endian) {
            (Kind::Bool | Kind::Uint, 1, _) => whole!(u8, from_le_bytes),
            (Kind::Int, 1, _) => whole!(i8, from_le_bytes),
            (Kind::Int, 2, false) => whole!(i16, from_le_bytes),
            (Kind::Int, 2, true) => whole!(i16, from_be_bytes),
            (Kind::Int, 4, false) => whole!(i32, from_le_bytes),
            (Kind::Int, 4, true) => whole!(i32, from_be_bytes),
            (Kind::Int | Kind::Time { .. }, 8, false) => whole!(i64, from_le_bytes),
            (Kind::Int | Kind::Time { .. }, 8, true) => whole!(i64, from_be_bytes),
            (Kind::Uint, 2, false) => whole!(u16, from_le_bytes),
            (Kind::Uint, 2, true) => whole!(u16, from_be_bytes),
            (Kind::Uint, 4, false) => whole!(u32, from_le_bytes),
            (Kind::Uint, 4, true) => whole!(u32, from_be_bytes),
            (Kind::Uint, 8, false) => self.each(bytes, out, bad, |bytes| large(u64::from_le_bytes(bytes))),
            (Kind::Uint, 8, true) => self.each(bytes, out, bad, |bytes| large(u64::from_be_bytes(bytes))),
            (Kind::Float, 4, false) => float!(f32, from_le_bytes),
            (Kind::Float, 4, true) => float!(f32, from_be_bytes),
            (Kind::Float, 8, false) => float!(f64, from_le_bytes),
            (Kind::Float, 8, true) => float!(f64, from_be_bytes),
            // The parser of element types makes no other.
            _ => bad.fill(true),
        }
    }

    #[inline]
    fn each<const N: usize, O>(
        self,
        bytes: &[u8],
        out: &mut [O],
        bad: &mut [bool],
        convert: impl Fn([u8; N]) -> (O, bool),
    ) {
        if self.stride == N {
            // Without gaps, which the compiler makes SIMD of.
            let (numbers, _) = bytes.get(self.offset..).unwrap_or_default().as_chunks::<N>();
            for ((number, out), bad) in numbers.iter().zip(out).zip(bad) {
                let (value, is_bad) = convert(*number);
                *out = value;
                *bad |= is_bad;
            }
            return;
        }
        for ((record, out), bad) in bytes.chunks_exact(self.stride).zip(out).zip(bad) {
            if let Some(number) = record.get(self.offset..).and_then(<[u8]>::first_chunk::<N>) {
                let (value, is_bad) = convert(*number);
                *out = value;
                *bad |= is_bad;
            }
        }
    }
}

fn none<T: Default>(_: f64) -> (T, bool) {
    (T::default(), true)
}

fn rounded(value: f64) -> (i64, bool) {
    /// 2^63, which is one too large.
    const END: f64 = 9_223_372_036_854_775_808.0;
    let value = value.round_ties_even();
    (value as i64, !(-END..END).contains(&value))
}

fn address(value: i64) -> (u16, bool) {
    (value as u16, !(0..=i64::from(u16::MAX)).contains(&value))
}

fn float_address(value: f64) -> (u16, bool) {
    (value as u16, f64::from(value as u16) != value)
}

fn polarity(value: i64) -> (u8, bool) {
    (u8::from(value > 0), !(-1..=1).contains(&value))
}
