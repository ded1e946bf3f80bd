//! Times as texts, for Python's arguments: the grammar's own reading of them.

use parallax::events::{TimeRange, TimeUnit};
use parallax::{Error, Result};
use pyo3::prelude::*;

use crate::error::raised;

/// A time such as `50ms` in a stream's unit, exactly.
#[pyfunction]
pub(crate) fn ticks(text: &str, unit: &str) -> PyResult<i64> {
    let read = || -> Result<i64> {
        let wrong = || {
            Error::param(format!("`{text}` is no time"))
                .with_hint("write a number and its unit, such as 50ms")
        };
        // A time is the start of a range; there is one reading of both.
        let range: TimeRange = format!("{}..", text.trim())
            .parse()
            .map_err(|error: Error| wrong().with_source(error))?;
        let nanos = range.start().filter(|_| !range.is_relative()).ok_or_else(wrong)?;
        TimeUnit::Nanos.rescale(nanos.0, TimeUnit::from_name(unit)?)
    };
    read().map_err(raised)
}
