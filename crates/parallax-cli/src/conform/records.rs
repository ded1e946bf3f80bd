//! What a chain yields, as records that can be compared: a time, an index, a value.
//!
//! An event is (t, [x, y], 1 for ON and 0 for OFF); a tensor's cell is (start of its window, its index, its value).
//! Two answers agree if they have as many records and each pair is within the epsilons: |t - t'| at most
//! `epsilon_time`, and |v - v'| / max(1, |v'|) at most `epsilon_numeric` (EventFlow 0.1.0, replay). An epsilon of 0 means
//! the same.

use parallax::events::DType;
use parallax::{DvsColumns, Result, Tensor};
use serde::{Deserialize, Serialize};

/// One event or one cell of a tensor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) ts: i64,
    pub(crate) idx: Vec<u64>,
    pub(crate) val: f64,
}

/// How far two answers may be apart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Epsilon {
    /// In the stream's unit.
    pub(crate) time: u64,
    /// Relative, from 1 on; absolute below.
    pub(crate) numeric: f64,
}

impl Epsilon {
    /// The same records.
    pub(crate) const NONE: Self = Self {
        time: 0,
        numeric: 0.0,
    };
}

/// The first pair of records that are too far apart, with those around it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Divergence {
    /// Which record of the answer.
    pub(crate) index: u64,
    pub(crate) reference: Option<Record>,
    pub(crate) found: Option<Record>,
    pub(crate) delta_time: Option<u64>,
    pub(crate) delta_value: Option<f64>,
    /// The reference's records from a few before to a few after.
    pub(crate) around_reference: Vec<Record>,
    pub(crate) around_found: Vec<Record>,
}

/// So many records before and after a divergence are shown.
const AROUND: usize = 3;

/// The records of some events.
pub(crate) fn of_events(events: DvsColumns<'_>) -> Vec<Record> {
    let record = |event: parallax::Event| Record {
        ts: event.t,
        idx: vec![event.x.into(), event.y.into()],
        val: event.p.into(),
    };
    events.iter().map(record).collect()
}

/// The records of a tensor, in C order.
pub(crate) fn of_tensor(tensor: &Tensor) -> Result<Vec<Record>> {
    let ts = tensor.time_span().map_or(0, |(start, _)| start);
    let values = values(tensor)?;
    let shape = tensor.shape();
    let mut idx = vec![0_u64; shape.len()];
    let mut records = Vec::with_capacity(values.len());
    for val in values {
        records.push(Record {
            ts,
            idx: idx.clone(),
            val,
        });
        for (place, &size) in idx.iter_mut().zip(shape).rev() {
            *place += 1;
            if *place < size as u64 {
                break;
            }
            *place = 0;
        }
    }
    Ok(records)
}

/// A tensor's cells as `f64`, which holds each of its types.
pub(crate) fn values(tensor: &Tensor) -> Result<Vec<f64>> {
    fn wide<T: Copy + Into<f64>>(cells: &[T]) -> Vec<f64> {
        cells.iter().map(|&cell| cell.into()).collect()
    }
    Ok(match tensor.dtype() {
        DType::U8 => wide(tensor.as_slice::<u8>()?),
        DType::U16 => wide(tensor.as_slice::<u16>()?),
        DType::I16 => wide(tensor.as_slice::<i16>()?),
        DType::I32 => wide(tensor.as_slice::<i32>()?),
        DType::F32 => wide(tensor.as_slice::<f32>()?),
        _ => tensor.as_slice::<f64>()?.to_vec(),
    })
}

/// The first place where `found` is too far from `reference`; `first` is the index of their first record.
pub(crate) fn compare(
    reference: &[Record],
    found: &[Record],
    first: u64,
    epsilon: Epsilon,
) -> Option<Divergence> {
    let longer = reference.len().max(found.len());
    let index = (0..longer).find(|&index| match (reference.get(index), found.get(index)) {
        (Some(reference), Some(found)) => !agree(reference, found, epsilon),
        _ => true,
    })?;
    let (one, other) = (reference.get(index), found.get(index));
    let both = one.zip(other);
    Some(Divergence {
        index: first + index as u64,
        delta_time: both.map(|(one, other)| one.ts.abs_diff(other.ts)),
        delta_value: both.map(|(one, other)| distance(one.val, other.val)),
        reference: one.cloned(),
        found: other.cloned(),
        around_reference: around(reference, index),
        around_found: around(found, index),
    })
}

fn agree(reference: &Record, found: &Record, epsilon: Epsilon) -> bool {
    let same_value = reference.val.to_bits() == found.val.to_bits();
    reference.idx == found.idx
        && reference.ts.abs_diff(found.ts) <= epsilon.time
        && (same_value || distance(reference.val, found.val) <= epsilon.numeric)
}

/// Relative to the reference where that is larger than 1. Not a number is as far as can be.
fn distance(reference: f64, found: f64) -> f64 {
    let distance = (found - reference).abs() / reference.abs().max(1.0);
    if distance.is_nan() {
        f64::INFINITY
    } else {
        distance
    }
}

fn around(records: &[Record], index: usize) -> Vec<Record> {
    let end = records.len().min(index + AROUND + 1);
    records[index.saturating_sub(AROUND).min(end)..end].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(ts: i64, val: f64) -> Record {
        Record {
            ts,
            idx: vec![1, 2],
            val,
        }
    }

    #[test]
    fn the_epsilons_are_inclusive_and_relative_from_one_on() {
        let epsilon = Epsilon {
            time: 5,
            numeric: 0.25,
        };
        let cases = [
            (record(10, 1.0), record(15, 1.0), true),
            (record(10, 1.0), record(16, 1.0), false),
            (record(10, 0.5), record(10, 0.75), true),
            (record(10, 0.5), record(10, 0.76), false),
            (record(10, 8.0), record(10, 6.0), true),
            (record(10, 8.0), record(10, 5.9), false),
            (record(10, f64::NAN), record(10, f64::NAN), true),
            (record(10, 1.0), record(10, f64::NAN), false),
        ];
        for (reference, found, expected) in cases {
            let divergence = compare(
                std::slice::from_ref(&reference),
                std::slice::from_ref(&found),
                0,
                epsilon,
            );
            assert_eq!(divergence.is_none(), expected, "{reference:?} {found:?}");
        }
        let mut elsewhere = record(10, 1.0);
        elsewhere.idx = vec![1, 3];
        assert!(compare(&[record(10, 1.0)], &[elsewhere], 0, epsilon).is_some());
    }

    #[test]
    fn the_first_divergence_is_located_and_shown_with_its_neighbours() {
        let reference: Vec<Record> = (0..10).map(|t| record(t, 1.0)).collect();
        let mut found = reference.clone();
        found[6].ts += 2;
        found[8].ts += 9;
        let divergence = compare(&reference, &found, 4_096, Epsilon::NONE).unwrap();
        assert_eq!((divergence.index, divergence.delta_time), (4_102, Some(2)));
        assert_eq!(divergence.around_reference, reference[3..10]);
        // One that is shorter differs where it ends.
        let divergence = compare(&reference, &reference[..9], 0, Epsilon::NONE).unwrap();
        assert_eq!((divergence.index, divergence.found), (9, None));
        assert!(compare(&reference, &reference, 0, Epsilon::NONE).is_none());
    }
}
