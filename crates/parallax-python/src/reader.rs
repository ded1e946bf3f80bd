//! Reading from Python: a whole recording, batch by batch, or only looked through.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use parallax::events::WindowCursor;
use parallax::{Error, ErrorKind, EventReader, Nanos, ReadOptions, Result, TimeRange};
use pyo3::prelude::*;

use crate::batch::{Batch, FindingRow, findings};
use crate::error::{Failure, raised};
use crate::options::{Options, Source};
use crate::windows::{Spec, WindowReader};
use crate::work::{Gauge, watched, watched_by};

/// A whole recording.
#[pyfunction]
#[pyo3(signature = (source, options, progress=None))]
pub(crate) fn read(
    py: Python<'_>,
    source: Source,
    options: &Options,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<Batch> {
    let options = options.read.clone();
    watched(py, progress, move |gauge| -> Result<Batch, Failure> {
        let mut reader = source.open(&Options::watched(&options, gauge))?;
        let (events, error) = reader.read_all_readable()?;
        match error {
            Some(error) => Err(Failure::after(in_file(error, &source), events)),
            None => Ok(Batch::read(events, reader.report().clone(), reader.format().id())),
        }
    })
}

/// An error of reading that names the file, as one of opening does.
pub(crate) fn in_file(error: Error, source: &Source) -> Error {
    match source {
        Source::File(path)
            if error.kind() != ErrorKind::Closed && error.context().all(|(key, _)| key != "file") =>
        {
            error.with_context("file", path.display())
        }
        _ => error,
    }
}

/// What a look through a recording finds.
type Survey = (
    // The format's id, and how it was recognised.
    (String, String),
    // The facts of the stream.
    Vec<(String, String)>,
    // Events, and those of them that are ON.
    (u64, u64),
    // The smallest and the largest time.
    Option<(i64, i64)>,
    // Bytes of the file.
    Option<u64>,
    Vec<FindingRow>,
);

/// Looks through a recording in constant memory.
#[pyfunction]
#[pyo3(signature = (source, options, progress=None))]
pub(crate) fn info(
    py: Python<'_>,
    source: Source,
    options: &Options,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<Survey> {
    let options = options.read.clone();
    watched(py, progress, move |gauge| -> Result<Survey> {
        let mut reader = source.open(&Options::watched(&options, gauge))?;
        let (mut events, mut on) = (0, 0);
        let mut span: Option<(i64, i64)> = None;
        while let Some(columns) = reader.next_columns().map_err(|error| in_file(error, &source))? {
            events += columns.len() as u64;
            on += columns.p.iter().map(|&p| u64::from(p)).sum::<u64>();
            if let (Some(&first), Some(&last)) = (columns.t.iter().min(), columns.t.iter().max()) {
                span = Some(span.map_or((first, last), |(start, end)| (start.min(first), end.max(last))));
            }
        }
        Ok((
            (reader.format().id().to_owned(), reader.evidence().reason.clone()),
            reader.meta().to_pairs(),
            (events, on),
            span,
            source.bytes(),
            findings(reader.report()),
        ))
    })
}

/// A recording that is read batch by batch.
#[pyclass(frozen, module = "parallax._native")]
pub(crate) struct Reader {
    source: Source,
    options: ReadOptions,
    shared: Shared,
    format: &'static str,
    evidence: String,
    score: u8,
    meta: Vec<(String, String)>,
}

impl Reader {
    fn open(py: Python<'_>, source: Source, options: ReadOptions) -> PyResult<Self> {
        let (opened, asked) = (source.clone(), options.clone());
        let (reader, gauge) = watched(py, None, move |gauge| -> Result<_> {
            Ok((opened.open(&Options::watched(&asked, gauge))?, Arc::clone(gauge)))
        })?;
        Ok(Self {
            format: reader.format().id(),
            evidence: reader.evidence().reason.clone(),
            score: reader.evidence().score,
            meta: reader.meta().to_pairs(),
            shared: Shared {
                reader: Arc::new(Mutex::new(reader)),
                gauge,
                is_at_hand: source.is_at_hand(),
            },
            source,
            options,
        })
    }
}

#[pymethods]
impl Reader {
    #[new]
    fn new(py: Python<'_>, source: Source, options: &Options) -> PyResult<Self> {
        Self::open(py, source, options.read.clone())
    }

    /// The next batch; `None` at the end.
    fn next(&self, py: Python<'_>) -> PyResult<Option<Batch>> {
        let batch = self.shared.take(py, EventReader::next_batch)?;
        Ok(batch.map(Batch::of))
    }

    /// The windows of what is left.
    #[pyo3(signature = (spec: "dict[str, object]"))]
    fn windows(&self, py: Python<'_>, spec: Spec) -> PyResult<WindowReader> {
        let meta = self.shared.lock(py)?.meta();
        let cursor = spec
            .of(meta.time_unit)
            .and_then(|spec| WindowCursor::new(spec, &meta))
            .map_err(raised)?;
        Ok(WindowReader::of_reader(self.shared.clone(), cursor, meta))
    }

    /// The same recording from the start, only the events with `start <= t < stop` in the stream's unit.
    fn between(&self, py: Python<'_>, start: Option<i64>, stop: Option<i64>) -> PyResult<Self> {
        let unit = self.shared.lock(py)?.meta().time_unit.nanos();
        let nanos = |time: Option<i64>| -> Result<Option<Nanos>> {
            let nanos = time.map(|time| {
                let nanos = time.checked_mul(unit).map(Nanos);
                nanos.ok_or_else(|| Error::param(format!("the time {time} is beyond 64 bits of nanoseconds")))
            });
            nanos.transpose()
        };
        let range = nanos(start)
            .and_then(|start| TimeRange::absolute(start, nanos(stop)?))
            .map_err(raised)?;
        self.again(py, range)
    }

    /// The same recording from the start, only the events in `range`: `1s..2s`, `+0..+100ms`.
    fn in_range(&self, py: Python<'_>, range: &str) -> PyResult<Self> {
        self.again(py, range.parse().map_err(raised)?)
    }

    /// The format's id.
    #[getter]
    fn format(&self) -> &'static str {
        self.format
    }

    /// How the format was recognised.
    #[getter]
    fn evidence(&self) -> &str {
        &self.evidence
    }

    /// How sure that is, from 1 to 100.
    #[getter]
    fn score(&self) -> u8 {
        self.score
    }

    /// The facts of the stream, as keys and values.
    #[getter]
    fn meta(&self) -> Vec<(String, String)> {
        self.meta.clone()
    }

    /// What was odd in what has been read so far.
    #[getter]
    fn findings(&self, py: Python<'_>) -> PyResult<Vec<FindingRow>> {
        Ok(findings(self.shared.lock(py)?.report()))
    }

    /// Bytes behind us, bytes in all if known, events handed out.
    #[getter]
    fn progress(&self, py: Python<'_>) -> PyResult<(u64, Option<u64>, u64)> {
        let progress = self.shared.lock(py)?.progress();
        Ok((progress.bytes, progress.total_bytes, progress.events))
    }
}

impl Reader {
    fn again(&self, py: Python<'_>, range: TimeRange) -> PyResult<Self> {
        let options = ReadOptions {
            time: Some(range),
            ..self.options.clone()
        };
        Self::open(py, self.source.clone(), options)
    }
}

/// A reader that a thread at work and the Python objects share.
#[derive(Clone)]
pub(crate) struct Shared {
    reader: Arc<Mutex<EventReader>>,
    /// How the reader is told to stop.
    gauge: Arc<Gauge>,
    /// Whether reading never waits for somebody else.
    is_at_hand: bool,
}

impl Shared {
    /// Takes something from the reader. On a thread of its own where it may wait for somebody: a pipe, a device.
    pub(crate) fn take<T: Send + 'static>(
        &self,
        py: Python<'_>,
        take: fn(&mut EventReader) -> Result<T>,
    ) -> PyResult<T> {
        self.check()?;
        if self.is_at_hand {
            let taken = py.detach(|| take(&mut self.reader.lock().unwrap_or_else(PoisonError::into_inner)));
            return taken.map_err(raised);
        }
        let reader = Arc::clone(&self.reader);
        watched_by(py, None, Arc::clone(&self.gauge), move |_| {
            take(&mut reader.lock().unwrap_or_else(PoisonError::into_inner))
        })
    }

    fn lock(&self, py: Python<'_>) -> PyResult<MutexGuard<'_, EventReader>> {
        self.check()?;
        // The guard may not cross to here from where the GIL is let go; it is waited for there, and taken here.
        loop {
            if let Ok(guard) = self.reader.try_lock() {
                return Ok(guard);
            }
            if self.reader.is_poisoned() {
                return Err(raised(Error::internal("the reader broke down before")));
            }
            py.check_signals()?;
            py.detach(|| std::thread::sleep(std::time::Duration::from_millis(1)));
        }
    }

    /// An error if a Ctrl-C has ended the reader: a thread that was left behind may still hold it.
    fn check(&self) -> PyResult<()> {
        if self.gauge.is_stopped() {
            let error = Error::new(ErrorKind::Closed, "the reader was interrupted");
            return Err(raised(error.with_hint("open the recording again")));
        }
        Ok(())
    }
}
