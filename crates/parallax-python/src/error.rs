//! The library's errors as Python exceptions: one class per kind, which also is a builtin.
//!
//! The classes are Python's (`parallax._errors`), so that they have documentation and pickle; here is who raises them.

use parallax::events::EventBatch;
use parallax::{Error, ErrorKind};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

use crate::batch::Batch;

static CLASSES: PyOnceLock<Py<PyDict>> = PyOnceLock::new();

/// An error on its way to Python: `?` turns it into the exception.
pub(crate) struct Failure {
    error: Error,
    /// What was readable before the error.
    readable: Option<EventBatch>,
}

impl Failure {
    /// The error of a read, with what was readable before it.
    pub(crate) fn after(error: Error, readable: EventBatch) -> Self {
        Self {
            error,
            readable: Some(readable),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            error,
            readable: None,
        }
    }
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        Python::attach(|py| exception(py, failure).unwrap_or_else(|error| error))
    }
}

/// The exception for an error.
pub(crate) fn raised(error: Error) -> PyErr {
    Failure::from(error).into()
}

fn exception(py: Python<'_>, failure: Failure) -> PyResult<PyErr> {
    let Failure { error, readable } = failure;
    let classes = CLASSES
        .get_or_try_init(py, || -> PyResult<_> {
            let table = py.import("parallax._errors")?.getattr("_BY_KIND")?;
            Ok(table.cast_into::<PyDict>()?.unbind())
        })?
        .bind(py);
    // A kind that a later library has and the table has not is a defect.
    let class = match classes.get_item(error.kind().name())? {
        Some(class) => class,
        None => classes.as_any().get_item(ErrorKind::Internal.name())?,
    };
    let context = PyDict::new(py);
    for (key, value) in error.context() {
        context.set_item(key, value)?;
    }
    let value = class.call1((error.to_string(),))?;
    value.setattr("message", error.message())?;
    value.setattr("context", context)?;
    value.setattr("offset", error.offset())?;
    value.setattr("hint", error.hint())?;
    if let Some(readable) = readable {
        value.setattr("_readable", Batch::of(readable).into_pyobject(py)?)?;
    }
    Ok(PyErr::from_value(value))
}
