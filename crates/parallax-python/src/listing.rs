//! The lists of formats and operators, as their rows declare them: what Python makes functions and documentation of.

use parallax::events::{Declaration, ParamKind, ParamSpec, Value};
use parallax::formats::{FORMATS, Open};
use parallax::ops::{Build, OPERATORS};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

/// A dictionary for each format.
#[pyfunction]
pub(crate) fn formats(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    let rows = FORMATS.iter().map(|format| {
        let row = declared(py, format.declaration)?;
        row.set_item("extensions", format.extensions)?;
        row.set_item("can_read", !matches!(format.open, Open::Never))?;
        row.set_item("can_write", format.create.is_some())?;
        Ok(row)
    });
    PyList::new(py, rows.collect::<PyResult<Vec<_>>>()?)
}

/// A dictionary for each operator.
#[pyfunction]
pub(crate) fn operators(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    let rows = OPERATORS.iter().map(|operator| {
        let row = declared(py, operator.declaration)?;
        row.set_item("makes_tensor", matches!(operator.build, Build::Tensor(_)))?;
        Ok(row)
    });
    PyList::new(py, rows.collect::<PyResult<Vec<_>>>()?)
}

fn declared<'py>(py: Python<'py>, declaration: &Declaration) -> PyResult<Bound<'py, PyDict>> {
    let row = PyDict::new(py);
    row.set_item("id", declaration.id())?;
    row.set_item("title", declaration.title())?;
    row.set_item("doc", declaration.doc())?;
    let params: PyResult<Vec<_>> = declaration.params().iter().map(|spec| param(py, spec)).collect();
    row.set_item("params", params?)?;
    Ok(row)
}

fn param<'py>(py: Python<'py>, spec: &ParamSpec) -> PyResult<Bound<'py, PyDict>> {
    let row = PyDict::new(py);
    row.set_item("name", spec.name())?;
    row.set_item("kind", spec.kind().name())?;
    row.set_item("unit", spec.unit())?;
    row.set_item("doc", spec.doc())?;
    row.set_item("allowed", spec.allowed())?;
    row.set_item("required", spec.is_required())?;
    row.set_item(
        "default",
        spec.default_value().map(|value| python(py, value)).transpose()?,
    )?;
    row.set_item(
        "least",
        spec.min_value().map(|value| python(py, value)).transpose()?,
    )?;
    match spec.kind() {
        ParamKind::Choice(words) => row.set_item("words", words)?,
        _ => row.set_item("words", py.None())?,
    }
    Ok(row)
}

/// A value as one would write it in Python: a time is a text with its unit.
fn python<'py>(py: Python<'py>, value: Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Bool(value) => value.into_pyobject(py)?.to_owned().into_any(),
        Value::Int(value) => value.into_pyobject(py)?.into_any(),
        Value::Float(value) => value.into_pyobject(py)?.into_any(),
        Value::Size(value) => value.into_pyobject(py)?.into_any(),
        other => other.to_string().into_pyobject(py)?.into_any(),
    })
}
