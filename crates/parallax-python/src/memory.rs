//! A piece of memory with a shape, as NumPy and DLPack look at it.
//!
//! A column is shared and read-only: [`Memory::Shared`](Held). A tensor's memory belongs to the one object that Python got,
//! and may be written: [`Held::Own`]. Either way it lives as long as the last view of it.

use std::sync::Arc;

use arrow_buffer::Buffer;
use parallax::events::DType;
use parallax::{Error, Result, Tensor};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyTuple};

use crate::error::raised;
use crate::ffi::{self, Writable};

/// Who owns the bytes.
#[derive(Debug, Clone)]
pub(crate) enum Held {
    /// Shared with whoever holds the batch.
    Shared(Buffer),
    /// Written by whoever holds the Python object.
    Own(Arc<Writable>),
}

/// The type of an element, as NumPy and DLPack call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    /// NumPy's array interface: `<i8`.
    pub(crate) typestr: &'static str,
    /// `int64`.
    pub(crate) name: &'static str,
    /// DLPack's `DLDataTypeCode`: 0 signed, 1 unsigned, 2 float.
    pub(crate) code: u8,
    pub(crate) bytes: usize,
}

const fn kind(typestr: &'static str, name: &'static str, code: u8, bytes: usize) -> Kind {
    Kind {
        typestr,
        name,
        code,
        bytes,
    }
}

pub(crate) const I64: Kind = kind("<i8", "int64", 0, 8);
pub(crate) const U16: Kind = kind("<u2", "uint16", 1, 2);
pub(crate) const U8: Kind = kind("|u1", "uint8", 1, 1);

/// NumPy's names for a tensor's elements.
const fn of_dtype(dtype: DType) -> Kind {
    match dtype {
        DType::U8 => U8,
        DType::U16 => U16,
        DType::I16 => kind("<i2", "int16", 0, 2),
        DType::I32 => kind("<i4", "int32", 0, 4),
        DType::F32 => kind("<f4", "float32", 2, 4),
        DType::F64 => kind("<f8", "float64", 2, 8),
    }
}

/// Memory with a shape, in C order, that NumPy and DLPack see without a copy.
#[pyclass(frozen, module = "parallax._native")]
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) held: Held,
    pub(crate) kind: Kind,
    pub(crate) shape: Vec<usize>,
}

impl Memory {
    /// A column of a batch.
    pub(crate) fn column(buffer: Buffer, kind: Kind) -> Self {
        Self {
            shape: vec![buffer.len() / kind.bytes],
            held: Held::Shared(buffer),
            kind,
        }
    }

    /// A tensor's elements, to write. Copied only if somebody else can see them.
    pub(crate) fn tensor(tensor: Tensor) -> Result<Self> {
        let (kind, shape) = (of_dtype(tensor.dtype()), tensor.shape().to_vec());
        let memory = match tensor.try_into_region() {
            Ok(region) => Writable::of(region),
            Err(shared) => Writable::copy_of(shared.buffer())?,
        };
        Ok(Self {
            held: Held::Own(Arc::new(memory)),
            kind,
            shape,
        })
    }

    /// Where the bytes are.
    pub(crate) fn address(&self) -> usize {
        match &self.held {
            Held::Shared(buffer) => buffer.as_ptr() as usize,
            Held::Own(memory) => memory.address(),
        }
    }

    pub(crate) fn is_readonly(&self) -> bool {
        matches!(self.held, Held::Shared(_))
    }
}

#[pymethods]
impl Memory {
    /// How many elements each axis has.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.shape)
    }

    /// NumPy's name of the elements' type.
    #[getter]
    fn dtype(&self) -> &'static str {
        self.kind.name
    }

    /// Whether nobody may write it.
    #[getter]
    fn readonly(&self) -> bool {
        self.is_readonly()
    }

    /// How many bytes it takes.
    #[getter]
    fn nbytes(&self) -> usize {
        match &self.held {
            Held::Shared(buffer) => buffer.len(),
            Held::Own(memory) => memory.len(),
        }
    }

    /// Memory of its own with a copy of these bytes, to write.
    #[staticmethod]
    fn of_bytes(bytes: &[u8], dtype: &str, shape: Vec<usize>) -> PyResult<Self> {
        let dtype = DType::ALL
            .into_iter()
            .find(|known| of_dtype(*known).name == dtype);
        let kind = dtype
            .map(of_dtype)
            .ok_or_else(|| raised(Error::unsupported("a tensor of such elements")))?;
        let length = shape
            .iter()
            .try_fold(kind.bytes, |bytes, &length| bytes.checked_mul(length));
        if length != Some(bytes.len()) {
            return Err(raised(Error::malformed(
                "the bytes are not as many as the shape asks for",
            )));
        }
        Ok(Self {
            held: Held::Own(Arc::new(Writable::copy_of(bytes).map_err(raised)?)),
            kind,
            shape,
        })
    }

    /// NumPy's array interface, version 3.
    #[getter]
    fn __array_interface__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let interface = PyDict::new(py);
        interface.set_item("shape", self.shape(py)?)?;
        interface.set_item("typestr", self.kind.typestr)?;
        interface.set_item("data", (self.address(), self.is_readonly()))?;
        interface.set_item("version", 3)?;
        Ok(interface)
    }

    /// The memory as a DLPack capsule.
    #[pyo3(signature = (*, stream=None, max_version=None, dl_device=None, copy=None))]
    fn __dlpack__<'py>(
        &self,
        py: Python<'py>,
        stream: Option<Bound<'py, PyAny>>,
        max_version: Option<(u32, u32)>,
        dl_device: Option<(i32, i32)>,
        copy: Option<bool>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // The data are there already, on whatever stream.
        let _ = stream;
        if dl_device.is_some_and(|device| device != ffi::CPU) {
            return Err(pyo3::exceptions::PyBufferError::new_err(
                "the memory is on the CPU, and is handed out there alone",
            ));
        }
        let is_versioned = max_version.is_some_and(|(major, _)| major >= 1);
        let copied = match copy {
            Some(true) => Some(Self {
                held: Held::Own(Arc::new(self.copied().map_err(raised)?)),
                kind: self.kind,
                shape: self.shape.clone(),
            }),
            _ => None,
        };
        if copied.is_none() && self.is_readonly() && !is_versioned {
            return Err(pyo3::exceptions::PyBufferError::new_err(
                "the column is read-only, which the consumer cannot be told: it asked for a DLPack before 1.0; \
                 ask for a copy instead, with copy=True or from a copy of the NumPy array",
            ));
        }
        ffi::dlpack(
            py,
            copied.as_ref().unwrap_or(self),
            is_versioned,
            copied.is_some(),
        )
    }

    /// DLPack's device: the CPU.
    fn __dlpack_device__(&self) -> (i32, i32) {
        ffi::CPU
    }
}

impl Memory {
    fn copied(&self) -> Result<Writable> {
        match &self.held {
            Held::Shared(buffer) => Writable::copy_of(buffer),
            Held::Own(memory) => memory.duplicate(),
        }
    }
}

/// A NumPy array's memory as a buffer of `kind`, shared.
pub(crate) fn borrowed(array: &Bound<'_, PyAny>, kind: Kind, name: &'static str) -> PyResult<Buffer> {
    let interface = array.getattr("__array_interface__")?;
    let typestr: String = interface.get_item("typestr")?.extract()?;
    let shape: Vec<usize> = interface.get_item("shape")?.extract()?;
    let strides = interface.get_item("strides");
    let is_contiguous = match strides {
        Ok(strides) => strides.is_none(),
        Err(_) => true,
    };
    let &[length] = shape.as_slice() else {
        return Err(raised(
            Error::malformed("the array has not one dimension").with_context("column", name),
        ));
    };
    if typestr != kind.typestr || !is_contiguous {
        return Err(raised(
            Error::internal(format!(
                "an array of {typestr} was handed over as {}",
                kind.typestr
            ))
            .with_context("column", name),
        ));
    }
    let (address, _): (usize, bool) = interface.get_item("data")?.extract()?;
    ffi::borrow_array(array, address, length, kind)
}
