//! A tensor as the table that evlib's users know: a row for each cell that is not zero, by time, polarity, y and x.
//!
//! In comes what a chain made of a batch, out goes an Arrow table in the tensor's own order. Rows of pixels are counted and
//! then written to their place, on any number of threads.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{
    ArrayRef, Float64Array, Int8Array, Int16Array, Int32Array, RecordBatch, RecordBatchIterator,
};
use parallax::events::{DType, Element, Pool};
use parallax::{Error, Result, Tensor};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::ffi;

/// The cells of a tensor that are not zero, on their way to Python.
#[pyclass(frozen, module = "parallax._native")]
#[derive(Debug)]
pub(crate) struct Cells {
    table: RecordBatch,
}

#[pymethods]
impl Cells {
    /// The table as an Arrow stream, in a capsule: time int32, polarity int8, y and x int16, and the value.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // The interface lets a producer give what it has.
        let _ = requested_schema;
        stream_of(&self.table, py)
    }
}

/// A table as an Arrow stream, in a capsule.
pub(crate) fn stream_of<'py>(table: &RecordBatch, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
    let tables = RecordBatchIterator::new([Ok(table.clone())], table.schema());
    ffi::stream_capsule(py, FFI_ArrowArrayStream::new(Box::new(tables)))
}

impl Cells {
    /// Those of a tensor of (time, polarity, y, x), or without the first, that lie within so many rows and columns.
    ///
    /// # Errors
    /// If it is another tensor.
    pub(crate) fn of(tensor: &Tensor, within: (usize, usize), pool: Pool<'_>) -> Result<Self> {
        let table = match tensor.dtype() {
            DType::I32 => table::<i32>(tensor, within, pool, |values| Arc::new(Int32Array::from(values))),
            DType::F64 => table::<f64>(tensor, within, pool, |values| {
                Arc::new(Float64Array::from(values))
            }),
            other => return Err(Error::internal(format!("a table of the cells of {other}"))),
        };
        Ok(Self { table: table? })
    }
}

/// About so many cells are one piece of work.
const PART: usize = 1 << 16;

/// So many cells are passed over at once if all are zero.
const LANES: usize = 8;

/// Where the rows of some of the pixels go.
struct Room<'a, T> {
    rows: Range<usize>,
    time: &'a mut [i32],
    polarity: &'a mut [i8],
    y: &'a mut [i16],
    x: &'a mut [i16],
    value: &'a mut [T],
}

fn table<T: Element + PartialEq + Default + Send + Sync>(
    tensor: &Tensor,
    (height, width): (usize, usize),
    pool: Pool<'_>,
    array: impl Fn(Vec<T>) -> ArrayRef,
) -> Result<RecordBatch> {
    let (&[_, polarities, rows, columns] | &[polarities, rows, columns]) = tensor.shape() else {
        return Err(Error::internal("a table of a tensor without polarity, y and x"));
    };
    let cells = tensor.as_slice::<T>()?;
    // Rows of pixels, of all times and polarities.
    let all = cells.len().checked_div(columns).unwrap_or(0);
    let row = |row: usize| {
        let length = if row % rows < height {
            columns.min(width)
        } else {
            0
        };
        &cells[row * columns..][..length]
    };
    let size = PART.div_ceil(columns.max(1));
    let parts = (0..all).step_by(size).map(|first| first..all.min(first + size));
    let zero = T::default();
    let counts = pool.map(parts.clone().collect(), |part: Range<usize>| {
        let count = |index| row(index).iter().filter(|cell| **cell != zero).count();
        part.map(count).sum::<usize>()
    });
    let count = counts.iter().sum();
    let (mut time, mut polarity) = (vec![0_i32; count], vec![0_i8; count]);
    let (mut x, mut y, mut value) = (vec![0_i16; count], vec![0_i16; count], vec![zero; count]);
    let mut rooms = Vec::with_capacity(counts.len());
    let mut left = (&mut *time, &mut *polarity, &mut *y, &mut *x, &mut *value);
    for (rows, count) in parts.zip(counts) {
        rooms.push(Room {
            rows,
            time: left.0.split_off_mut(..count).unwrap_or_default(),
            polarity: left.1.split_off_mut(..count).unwrap_or_default(),
            y: left.2.split_off_mut(..count).unwrap_or_default(),
            x: left.3.split_off_mut(..count).unwrap_or_default(),
            value: left.4.split_off_mut(..count).unwrap_or_default(),
        });
    }
    pool.map(rooms, |room: Room<'_, T>| {
        let mut at = 0;
        for index in room.rows {
            let begin = at;
            for (group, cells) in row(index).chunks(LANES).enumerate() {
                if cells.iter().all(|cell| *cell == zero) {
                    continue;
                }
                for (&cell, x) in cells
                    .iter()
                    .zip(group * LANES..)
                    .filter(|(cell, _)| **cell != zero)
                {
                    (room.x[at], room.value[at]) = (x as i16, cell);
                    at += 1;
                }
            }
            // A sensor's pixels fit, as they come from tables of int16.
            let (plane, y) = (index / rows, index % rows);
            room.y[begin..at].fill(y as i16);
            room.polarity[begin..at].fill((plane % polarities) as i8);
            room.time[begin..at].fill((plane / polarities) as i32);
        }
    });
    let columns: [(&str, ArrayRef); 5] = [
        ("time", Arc::new(Int32Array::from(time))),
        ("polarity", Arc::new(Int8Array::from(polarity))),
        ("y", Arc::new(Int16Array::from(y))),
        ("x", Arc::new(Int16Array::from(x))),
        ("value", array(value)),
    ];
    Ok(RecordBatch::try_from_iter(columns)?)
}
