//! How to read, as Python says it.

use std::path::PathBuf;
use std::sync::Arc;

use parallax::formats::ProgressCallback;
use parallax::{Error, EventReader, Geometry, Limits, OrderPolicy, ReadOptions, Result};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
#[cfg(feature = "stubs")]
use pyo3::{PyTypeInfo as _, inspect::PyStaticExpr, type_hint_union};

use crate::error::raised;
use crate::settings;
use crate::work::Gauge;

/// How to read: checked once, used for any number of recordings.
#[pyclass(frozen, module = "parallax._native")]
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) read: ReadOptions,
}

#[pymethods]
impl Options {
    #[new]
    #[pyo3(signature = (*, format=None, time=None, order="keep", strict=false, geometry=None, mmap=true,
                        chunk=None, memory_limit=None, max_events=None))]
    #[allow(clippy::too_many_arguments, reason = "keywords in Python")]
    fn new(
        py: Python<'_>,
        format: Option<String>,
        time: Option<&str>,
        order: &str,
        strict: bool,
        geometry: Option<(u16, u16)>,
        mmap: bool,
        chunk: Option<usize>,
        memory_limit: Option<u64>,
        max_events: Option<u64>,
    ) -> PyResult<Self> {
        let make = || -> Result<ReadOptions> {
            let chunk = chunk.unwrap_or(ReadOptions::CHUNK);
            if !(1..=ReadOptions::CHUNK).contains(&chunk) {
                return Err(Error::param(format!("`chunk` cannot be {chunk}"))
                    .with_hint(format!("it is 1 to {} events", ReadOptions::CHUNK)));
            }
            let mut limits = Limits::default();
            if let Some(events) = max_events {
                limits.events = events;
            }
            Ok(ReadOptions {
                format,
                chunk,
                memory_limit,
                limits,
                time: time.map(str::parse).transpose()?,
                strict,
                order: OrderPolicy::from_name(order)?,
                geometry: geometry
                    .map(|(width, height)| Geometry::new(width, height))
                    .transpose()?,
                mmap,
                pool: settings::pool(py)?,
                ..ReadOptions::default()
            })
        };
        make().map(|read| Self { read }).map_err(raised)
    }

    /// The same for another range of time, on the threads of now; what is found out of where times lie in files is shared.
    #[pyo3(signature = (time=None))]
    fn within(&self, py: Python<'_>, time: Option<&str>) -> PyResult<Self> {
        let make = || -> Result<ReadOptions> {
            Ok(ReadOptions {
                time: time.map(str::parse).transpose()?,
                pool: settings::pool(py)?,
                ..self.read.clone()
            })
        };
        make().map(|read| Self { read }).map_err(raised)
    }
}

impl Options {
    /// The library's options, told about progress by `gauge`.
    pub(crate) fn watched(read: &ReadOptions, gauge: &Arc<Gauge>) -> ReadOptions {
        let gauge = Arc::clone(gauge);
        let callback: ProgressCallback = Arc::new(move |progress| gauge.watch(progress));
        ReadOptions {
            progress: Some(callback),
            ..read.clone()
        }
    }
}

/// A recording: a file, or bytes in memory.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    File(PathBuf),
    Bytes(Vec<u8>),
}

impl Source {
    /// Opens it.
    pub(crate) fn open(&self, options: &ReadOptions) -> Result<EventReader> {
        match self {
            Self::File(path) => EventReader::open(path, options),
            Self::Bytes(bytes) => EventReader::from_bytes(bytes.clone(), None, options),
        }
    }

    /// How many bytes it has, if that is known.
    pub(crate) fn bytes(&self) -> Option<u64> {
        match self {
            Self::File(path) => std::fs::metadata(path)
                .ok()
                .filter(|file| file.is_file())
                .map(|file| file.len()),
            Self::Bytes(bytes) => Some(bytes.len() as u64),
        }
    }

    /// Whether reading never waits for somebody else: a regular file, or memory.
    pub(crate) fn is_at_hand(&self) -> bool {
        self.bytes().is_some()
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Source {
    type Error = PyErr;

    #[cfg(feature = "stubs")]
    const INPUT_TYPE: PyStaticExpr = type_hint_union!(PathBuf::INPUT_TYPE, PyBytes::TYPE_HINT);

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        match object.cast::<PyBytes>() {
            Ok(bytes) => Ok(Self::Bytes(bytes.as_bytes().to_vec())),
            Err(_) => Ok(Self::File(object.extract::<PathBuf>()?)),
        }
    }
}
