//! Whole recordings as tables of the types that evlib's users know: x and y int16, t in microseconds, polarity int8.
//!
//! In comes a recording, perhaps a chain of operators, and where the table begins to be streamed; out goes one table whose
//! columns are in one piece. Events that are there whole are seen as such a table, and only their polarities are written anew;
//! those of a recording are decoded, or written by the last operator, into columns that grow without moving and whose
//! polarities are rewritten in place, so that there are 13 bytes an event at any moment, and a batch or two.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{DurationMicrosecondType, Int8Type, Int16Type};
use arrow_array::{Array, ArrayRef, DurationMicrosecondArray, Int8Array, Int16Array, RecordBatch};
use arrow_buffer::ScalarBuffer;
use arrow_schema::{DataType, Field, Schema, TimeUnit as ArrowTimeUnit};
use parallax::events::{OwnedColumns, Pool};
use parallax::memory::Column;
use parallax::ops::Compose;
use parallax::{BatchBuilder, Error, EventBatch, Geometry, Meta, Order, Result, TimeUnit};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::batch::{Batch, FindingRow, findings};
use crate::cells::stream_of;
use crate::chain::Chain;
use crate::error::raised;
use crate::options::{Options, Source};
use crate::reader::in_file;
use crate::work::{Gauge, watched};
use crate::{ffi, settings};

/// A table on its way to Python.
#[pyclass(frozen, module = "parallax._native")]
#[derive(Debug)]
pub(crate) struct Frame {
    table: RecordBatch,
    findings: Vec<FindingRow>,
    in_order: bool,
}

#[pymethods]
impl Frame {
    fn __len__(&self) -> usize {
        self.table.num_rows()
    }

    /// Whether time never goes back.
    #[getter]
    fn in_order(&self) -> bool {
        self.in_order
    }

    /// What was odd in the data.
    #[getter]
    fn findings(&self) -> Vec<FindingRow> {
        self.findings.clone()
    }

    /// The table as an Arrow stream, in a capsule.
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

impl Frame {
    /// Events as such a table, over their memory as far as its types are theirs: all but the polarities, and the times where
    /// they are not in microseconds.
    fn over(events: &EventBatch, signed: bool, pool: Pool<'_>) -> Result<Self> {
        let (columns, unit) = (events.columns(), events.meta().time_unit);
        all_fitting([columns.x, columns.y], events.meta().geometry, pool)?;
        let in_order = events.order() >= Order::Time || columns.t.is_sorted();
        let [t, x, y, _] = events.buffers();
        let t = if unit == TimeUnit::Micros {
            t.into()
        } else {
            let rescaled = columns
                .t
                .iter()
                .map(|&t| unit.rescale_rounded(t, TimeUnit::Micros));
            rescaled.collect::<Result<Vec<i64>>>()?.into()
        };
        let polarities = rewritten(columns.p, pool, |p| polarity(p, signed))?;
        Self::of([x.into(), y.into()], t, polarities, in_order, Vec::new())
    }

    /// The first `most` events as such a table, in the memory that they have.
    fn made_of(
        columns: OwnedColumns,
        meta: &Meta,
        signed: bool,
        findings: Vec<FindingRow>,
        most: usize,
        pool: Pool<'_>,
    ) -> Result<Self> {
        let OwnedColumns {
            mut t,
            x,
            y,
            mut p,
            order,
        } = columns;
        all_fitting([x.as_slice(), y.as_slice()], meta.geometry, pool)?;
        if meta.time_unit != TimeUnit::Micros {
            for t in t.as_mut_slice() {
                *t = meta.time_unit.rescale_rounded(*t, TimeUnit::Micros)?;
            }
        }
        let in_order = order >= Order::Time || t.as_slice().is_sorted();
        let parts = p.as_mut_slice().chunks_mut(PART).collect();
        pool.map(parts, |part: &mut [u8]| {
            part.iter_mut()
                .for_each(|p| *p = polarity(*p, signed).cast_unsigned());
        });
        let most = most.min(t.len());
        let polarities: ScalarBuffer<i8> = p.into_bytes().into_arrow(..).into();
        let pixels = [x, y].map(|pixels| pixels.into_bytes().into_arrow(..).into());
        let pixels = pixels.map(|pixels: ScalarBuffer<i16>| pixels.slice(0, most));
        Self::of(
            pixels,
            shared(t).slice(0, most),
            polarities.slice(0, most),
            in_order,
            findings,
        )
    }

    fn of(
        [x, y]: [ScalarBuffer<i16>; 2],
        t: ScalarBuffer<i64>,
        polarity: ScalarBuffer<i8>,
        in_order: bool,
        findings: Vec<FindingRow>,
    ) -> Result<Self> {
        let fields = [
            ("x", DataType::Int16),
            ("y", DataType::Int16),
            ("t", DataType::Duration(ArrowTimeUnit::Microsecond)),
            ("polarity", DataType::Int8),
        ];
        let fields = fields.map(|(name, kind)| Field::new(name, kind, false));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int16Array::new(x, None)),
            Arc::new(Int16Array::new(y, None)),
            Arc::new(DurationMicrosecondArray::new(t, None)),
            Arc::new(Int8Array::new(polarity, None)),
        ];
        let schema = Arc::new(Schema::new(fields.to_vec()));
        Ok(Self {
            table: RecordBatch::try_new(schema, columns)?,
            findings,
            in_order,
        })
    }
}

/// How the table is read.
#[derive(Debug, Clone, FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct FrameSpec {
    /// Whether polarities are -1 and 1; else 0 and 1.
    signed: bool,
    /// Whether the recording passes in batches; else it is decoded whole, on all threads at once.
    streaming: bool,
    /// The reader ends when there are so many events.
    most: Option<u64>,
}

/// A recording as a table, with the operators of `chain` applied. `told` is called with the events so far.
#[pyfunction]
#[pyo3(signature = (source, options, spec: "dict[str, object]", chain=None, progress=None))]
pub(crate) fn read_frame(
    py: Python<'_>,
    source: Source,
    options: &Options,
    spec: FrameSpec,
    chain: Option<&Chain>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<Frame> {
    let options = options.read.clone();
    let chain = chain.map(Chain::started);
    let pool = settings::pool(py).map_err(raised)?;
    watched(py, progress, move |gauge| -> Result<Frame> {
        let mut reader = source.open(&Options::watched(&options, gauge))?;
        let most = spec
            .most
            .map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
        let pool = pool.pool();
        let damaged = |error| in_file(error, &source);
        if !spec.streaming && chain.is_none() {
            let all = reader.read_all_columns().map_err(damaged)?;
            let found = findings(reader.report());
            return Frame::made_of(all, &reader.meta(), spec.signed, found, most, pool);
        }
        let mut run = match chain {
            Some(start) => start(&reader.meta())?,
            None => Compose::of(Vec::new()).start(&reader.meta())?,
        };
        // What is kept is written to its place at once.
        let mut columns = BatchBuilder::growing()?;
        if !spec.streaming {
            run.push(&reader.read_all().map_err(damaged)?, pool, &mut columns)?;
        } else if spec.most.is_none() {
            // The next batch is decoded while this one is looked at.
            let damage =
                reader.for_each_batch(pool, |batch, _| run.push(&batch, Pool::serial(), &mut columns))?;
            if let Some(error) = damage {
                return Err(damaged(error));
            }
        } else {
            while columns.len() < most
                && let Some(batch) = reader.next_batch().map_err(damaged)?
            {
                run.push(&batch, Pool::serial(), &mut columns)?;
            }
        }
        run.end(pool, &mut columns)?;
        let meta = run.output_meta();
        let found = findings(reader.report());
        Frame::made_of(
            columns.finish_columns(meta)?,
            meta,
            spec.signed,
            found,
            most,
            pool,
        )
    })
}

/// Events that are there already as such a table.
#[pyfunction]
pub(crate) fn frame_of(py: Python<'_>, batch: &Batch, signed: bool) -> PyResult<Frame> {
    let events = batch.events.clone();
    let pool = settings::pool(py).map_err(raised)?;
    watched(py, None, move |_: &Arc<Gauge>| {
        Frame::over(&events, signed, pool.pool())
    })
}

/// The events in such a table, over the same memory but for the polarities, and whether one of those is -1; the sensor is as
/// large as they need. `None` if the table is not of these types or not in one piece.
#[pyfunction]
pub(crate) fn of_frame(py: Python<'_>, capsule: &Bound<'_, PyCapsule>) -> PyResult<Option<(Batch, bool)>> {
    let tables = ffi::tables(capsule)?;
    let [table] = tables.as_slice() else {
        return Ok(None);
    };
    let pool = settings::pool(py).map_err(raised)?;
    let found = py.detach(|| events_of(table, pool.pool())).map_err(raised)?;
    Ok(found.map(|(events, signed)| (Batch::of(events), signed)))
}

fn events_of(table: &RecordBatch, pool: Pool<'_>) -> Result<Option<(EventBatch, bool)>> {
    let column = |name: &str| {
        table
            .column_by_name(name)
            .filter(|column| column.null_count() == 0)
    };
    let (Some(x), Some(y), Some(t), Some(polarities)) = (
        column("x").and_then(|x| x.as_primitive_opt::<Int16Type>()),
        column("y").and_then(|y| y.as_primitive_opt::<Int16Type>()),
        column("t").and_then(|t| t.as_primitive_opt::<DurationMicrosecondType>()),
        column("polarity").and_then(|polarity| polarity.as_primitive_opt::<Int8Type>()),
    ) else {
        return Ok(None);
    };
    let polarities = polarities.values();
    let parts = polarities.chunks(PART).collect();
    // One look at all of them is cheaper than one at each.
    let found = pool.map(parts, |part: &[i8]| {
        let least = part.iter().fold(0, |least, &value| value.min(least));
        let most = part.iter().fold(0, |most, &value| value.max(most));
        (least, most)
    });
    let is_wrong = |value: &i8| !(-1..=1).contains(value);
    if found
        .iter()
        .any(|(least, most)| is_wrong(least) || is_wrong(most))
        && let Some(event) = polarities.iter().position(is_wrong)
    {
        return Err(Error::malformed(format!(
            "polarity = {} of event {event} is neither 0 or 1 nor -1 or 1",
            polarities[event]
        )));
    }
    let signed = found.iter().any(|&(least, _)| least < 0);
    let p = rewritten(polarities, pool, |value| u8::from(value > 0))?;
    let t = t.values().clone();
    let [as_x, as_y] = [x, y].map(|pixels| ScalarBuffer::from(pixels.values().inner().clone()));
    let events = EventBatch::covering(pool, t, as_x, as_y, p, Arc::default());
    // A negative one is beyond all that int16 holds.
    let most = |size: u16| size.saturating_sub(1) <= MOST_PIXEL;
    let fits = |geometry: Geometry| most(geometry.width) && most(geometry.height);
    if !events
        .as_ref()
        .is_ok_and(|events| events.meta().geometry.is_some_and(fits))
    {
        for (name, pixels) in [("x", x), ("y", y)] {
            if pixels.values().iter().any(|&pixel| pixel < 0) {
                return Err(Error::malformed(format!("{name} has a negative value")));
            }
        }
    }
    let events = events?;
    Ok(Some((events, signed)))
}

fn greatest(pixels: &[u16], pool: Pool<'_>) -> u16 {
    let part = |part: &[u16]| part.iter().fold(0, |most, &pixel| most.max(pixel));
    let found = pool.map(pixels.chunks(PART).collect(), part);
    found.into_iter().max().unwrap_or(0)
}

/// Each value as `write` has it, in memory of its own.
fn rewritten<A, B>(values: &[A], pool: Pool<'_>, write: impl Fn(A) -> B + Sync) -> Result<ScalarBuffer<B>>
where
    A: Copy + Sync,
    B: parallax::memory::Element + arrow_buffer::ArrowNativeType,
{
    let mut written = Column::with_capacity(values.len())?;
    let room = written.spare_mut().chunks_mut(PART).zip(values.chunks(PART));
    pool.map(room.collect(), |(room, values): (&mut [B], &[A])| {
        room.iter_mut()
            .zip(values)
            .for_each(|(to, &value)| *to = write(value));
    });
    written.set_len(values.len())?;
    Ok(shared(written))
}

/// Values that one thread looks at at once.
const PART: usize = 256 << 10;

/// The largest pixel that int16 holds.
const MOST_PIXEL: u16 = i16::MAX.unsigned_abs();

fn shared<T: parallax::memory::Element + arrow_buffer::ArrowNativeType>(
    column: Column<T>,
) -> ScalarBuffer<T> {
    column.into_bytes().into_arrow(..).into()
}

/// Whether the pixels of a sensor fit into the table.
fn all_fitting([x, y]: [&[u16]; 2], geometry: Option<Geometry>, pool: Pool<'_>) -> Result<()> {
    // No event lies outside the geometry.
    let most = |pixels: u16| pixels.saturating_sub(1);
    if geometry.is_none_or(|geometry| most(geometry.width.max(geometry.height)) > MOST_PIXEL) {
        fitting(x, "x", pool)?;
        fitting(y, "y", pool)?;
    }
    Ok(())
}

/// Whether pixels fit into the table.
fn fitting(pixels: &[u16], name: &str, pool: Pool<'_>) -> Result<()> {
    if greatest(pixels, pool) <= MOST_PIXEL {
        return Ok(());
    }
    Err(
        Error::unsupported(format!("{name} beyond {MOST_PIXEL} does not fit evlib's int16"))
            .with_hint("parallax.read and parallax.scan hold it to 65535"),
    )
}

/// 0 and 1 become -1 and 1, or stay.
fn polarity(p: u8, signed: bool) -> i8 {
    let p = p.cast_signed();
    if signed {
        p.wrapping_mul(2).wrapping_sub(1)
    } else {
        p
    }
}
