//! A batch of events, as Python holds it: the columns, what was odd when they were read, and the way to Arrow.

use std::sync::Arc;

use arrow_array::RecordBatchIterator;
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use parallax::events::{Pool, TimeUnit, WindowCursor, ensure_strict_order, event_schema};
use parallax::ops::QuantisationError;
use parallax::{Error, EventBatch, Meta, Nanos, Order, Report, TimeRange};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::error::{Failure, raised};
use crate::memory::{self, I64, Memory, U8, U16};
use crate::windows::{Spec, WindowReader};
use crate::work::watched;
use crate::{ffi, settings};

/// A finding of a report: kind, count, first byte, first event, detail, the text for a person.
pub(crate) type FindingRow = (String, u64, Option<u64>, Option<u64>, String, String);

/// Batches of at most this many events are worked on where they are: it takes a few milliseconds.
pub(crate) const SMALL: usize = 1 << 18;

/// Events in four columns.
#[pyclass(frozen, module = "parallax._native")]
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) events: EventBatch,
    report: Option<Arc<Report>>,
    format: Option<&'static str>,
    /// How far times were moved, if they were.
    quantised: Option<QuantisationError>,
}

impl Batch {
    /// A batch that was not read.
    pub(crate) fn of(events: EventBatch) -> Self {
        Self {
            events,
            report: None,
            format: None,
            quantised: None,
        }
    }

    /// A batch that operators made, which may have moved its times.
    pub(crate) fn made(events: EventBatch, quantised: Option<QuantisationError>) -> Self {
        Self {
            quantised,
            ..Self::of(events)
        }
    }

    /// A batch that was read.
    pub(crate) fn read(events: EventBatch, report: Report, format: &'static str) -> Self {
        Self {
            events,
            report: Some(Arc::new(report)),
            format: Some(format),
            quantised: None,
        }
    }

    /// Some of these events.
    fn part(&self, events: EventBatch) -> Self {
        Self {
            events,
            report: self.report.clone(),
            format: self.format,
            quantised: self.quantised,
        }
    }

    fn unit(&self) -> TimeUnit {
        self.events.meta().time_unit
    }
}

#[pymethods]
impl Batch {
    fn __len__(&self) -> usize {
        self.events.len()
    }

    /// The column `t`, `x`, `y` or `p`.
    fn column(&self, name: &str) -> PyResult<Memory> {
        let [t, x, y, p] = self.events.buffers();
        let (buffer, kind) = match name {
            "t" => (t, I64),
            "x" => (x, U16),
            "y" => (y, U16),
            "p" => (p, U8),
            _ => {
                return Err(raised(
                    Error::not_found(format!("there is no column {name}"))
                        .with_hint("the columns are t, x, y, p"),
                ));
            }
        };
        Ok(Memory::column(buffer, kind))
    }

    /// `unknown`, `time` or `strict`.
    #[getter]
    fn order(&self) -> &'static str {
        match self.events.order() {
            Order::Unknown => "unknown",
            Order::Time => "time",
            Order::Strict => "strict",
        }
    }

    /// The times of the first and the last event.
    #[getter]
    fn span(&self) -> Option<(i64, i64)> {
        self.events.span()
    }

    /// The format that it was read from.
    #[getter]
    fn format(&self) -> Option<&'static str> {
        self.format
    }

    /// The facts of the stream, as keys and values.
    #[getter]
    fn meta(&self) -> Vec<(String, String)> {
        self.events.meta().to_pairs()
    }

    /// The same events under other facts.
    fn with_meta(&self, pairs: Vec<(String, String)>) -> PyResult<Self> {
        let meta = meta_of(&pairs).map_err(raised)?;
        let events = self.events.clone().with_meta(Arc::new(meta)).map_err(raised)?;
        Ok(self.part(events))
    }

    /// What was odd in the data when they were read.
    #[getter]
    fn findings(&self) -> Vec<FindingRow> {
        let mut rows = self.report.as_deref().map(findings).unwrap_or_default();
        if let Some(QuantisationError { max, mean, count }) = self.quantised {
            let detail = format!(
                "by at most {max} {unit}, {mean:.3} {unit} on average",
                unit = self.unit()
            );
            let text = format!("times moved onto fixed steps: {detail} ({count} times)");
            rows.push(("quantised".to_owned(), count, None, None, detail, text));
        }
        rows
    }

    /// The events from `start` to before `stop`.
    fn slice(&self, start: usize, stop: usize) -> Self {
        self.part(self.events.slice(start..stop))
    }

    /// The events with `start <= t < stop`, in the stream's unit.
    fn time_slice(&self, start: Option<i64>, stop: Option<i64>) -> PyResult<Self> {
        self.events.require_time_order().map_err(raised)?;
        let t = self.events.columns().t;
        let place =
            |time: Option<i64>, absent: usize| time.map_or(absent, |time| t.partition_point(|&t| t < time));
        let (start, stop) = (place(start, 0), place(stop, t.len()));
        Ok(self.part(self.events.slice(start..stop.max(start))))
    }

    /// The events in a range of time as the command writes it: `1s..2s`, `+0..+100ms`.
    fn time_range(&self, range: &str) -> PyResult<Self> {
        let range: TimeRange = range.parse().map_err(raised)?;
        let Some((first, _)) = self.events.span() else {
            return Ok(self.part(self.events.clone()));
        };
        let bounds = first
            .checked_mul(self.unit().nanos())
            .ok_or_else(|| Error::unsupported("times beyond 64 bits of nanoseconds"))
            .and_then(|first| range.bounds(Nanos(first)))
            .map_err(raised)?;
        // The first whole unit at or after the bound: what lies before it lies before the bound.
        let unit = self.unit().nanos();
        let up = |bound: Nanos| bound.0.div_euclid(unit) + i64::from(bound.0.rem_euclid(unit) != 0);
        self.time_slice(bounds.0.map(up), bounds.1.map(up))
    }

    /// The events in the canonical order, by (t, y, x, p).
    fn sorted(&self, py: Python<'_>) -> PyResult<Self> {
        let events = self.events.clone();
        let sorted = if events.len() <= SMALL {
            py.detach(|| ensure_strict_order(&events, Pool::serial()))
                .map_err(raised)?
        } else {
            let pool = settings::pool(py).map_err(raised)?;
            watched(py, None, move |_| ensure_strict_order(&events, pool.pool()))?
        };
        Ok(self.part(sorted))
    }

    /// The windows of these events.
    #[pyo3(signature = (spec: "dict[str, object]"))]
    fn windows(&self, spec: Spec) -> PyResult<WindowReader> {
        let meta = self.events.meta();
        let cursor = spec
            .of(meta.time_unit)
            .and_then(|spec| WindowCursor::new(spec, meta))
            .map_err(raised)?;
        Ok(WindowReader::of_batch(&self.events, cursor))
    }

    /// Whether both have the same events in the same order under the same facts.
    fn equals(&self, py: Python<'_>, other: &Self) -> bool {
        py.detach(|| self.events == other.events)
    }

    /// The Arrow schema in a capsule.
    fn arrow_schema<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        ffi::schema_capsule(py, event_schema(self.events.meta()).as_ref())
    }

    /// The events as an Arrow stream of one table, in a capsule.
    fn arrow_stream<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let table = self.events.to_record_batch().map_err(raised)?;
        let schema = table.schema();
        let tables = RecordBatchIterator::new([Ok(table)], schema);
        ffi::stream_capsule(py, FFI_ArrowArrayStream::new(Box::new(tables)))
    }

    /// Events in four NumPy arrays of the types int64, uint16, uint16, uint8, shared.
    #[staticmethod]
    fn from_arrays<'py>(
        t: &Bound<'py, PyAny>,
        x: &Bound<'py, PyAny>,
        y: &Bound<'py, PyAny>,
        p: &Bound<'py, PyAny>,
        meta: Vec<(String, String)>,
    ) -> PyResult<Self> {
        let meta = Arc::new(meta_of(&meta).map_err(raised)?);
        let (t, x) = (memory::borrowed(t, I64, "t")?, memory::borrowed(x, U16, "x")?);
        let (y, p) = (memory::borrowed(y, U16, "y")?, memory::borrowed(p, U8, "p")?);
        EventBatch::try_new(t, x, y, p, meta)
            .map(Self::of)
            .map_err(raised)
    }

    /// Events in an Arrow stream, shared where it is one table with our types.
    #[staticmethod]
    fn from_arrow(capsule: &Bound<'_, PyCapsule>, meta: Option<Vec<(String, String)>>) -> PyResult<Self> {
        let tables = ffi::tables(capsule)?;
        let batches: parallax::Result<Vec<_>> = tables.iter().map(EventBatch::from_record_batch).collect();
        let batches = batches.and_then(|batches| EventBatch::concat(&batches));
        let batch = match meta {
            None => batch_ok(batches)?,
            Some(pairs) => {
                let batch = batch_ok(batches)?;
                let mut meta = meta_of(&pairs).map_err(raised)?;
                meta.time_unit = batch.meta().time_unit;
                batch.with_meta(Arc::new(meta)).map_err(raised)?
            }
        };
        Ok(Self::of(batch))
    }

    /// All batches one after another.
    #[staticmethod]
    fn concat(py: Python<'_>, batches: Vec<PyRef<'_, Self>>) -> PyResult<Self> {
        let batches: Vec<EventBatch> = batches.iter().map(|batch| batch.events.clone()).collect();
        let joined = py.detach(|| EventBatch::concat(&batches));
        batch_ok(joined).map(Self::of)
    }
}

fn batch_ok(batch: parallax::Result<EventBatch>) -> PyResult<EventBatch> {
    batch.map_err(|error| Failure::from(error).into())
}

/// The facts that these keys and values state.
pub(crate) fn meta_of(pairs: &[(String, String)]) -> parallax::Result<Meta> {
    Meta::from_pairs(pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())))
}

/// A report as rows.
pub(crate) fn findings(report: &Report) -> Vec<FindingRow> {
    let rows = report.findings().iter().map(|finding| {
        (
            kind_name(finding),
            finding.count,
            finding.first_byte,
            finding.first_event,
            finding.detail.clone(),
            finding.to_string(),
        )
    });
    rows.collect()
}

/// `time-back` for `TimeBack`, as the report is written in JSON.
fn kind_name(finding: &parallax::events::Finding) -> String {
    let mut name = String::new();
    for letter in format!("{:?}", finding.kind).chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}
