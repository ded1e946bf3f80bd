//! What Python, Arrow and DLPack hand over by address: the only unsafe code of this crate.
//!
//! In come the addresses that NumPy's array interface and Arrow's capsules state; out go buffers that keep their Python
//! owner alive, and capsules that keep ours alive. Every block says which fact it rests on.
//!
//! The surprise: a NumPy array that was handed over stays the user's, who can still write to it. That is what a hand-over
//! without a copy means, with pyarrow and Polars as well; the documentation of `Events.from_numpy` asks not to.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_void};
use std::panic::RefUnwindSafe;
use std::ptr::NonNull;
use std::sync::Arc;

use arrow_array::ffi::FFI_ArrowSchema;
use arrow_array::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};
use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_buffer::Buffer;
use arrow_schema::Schema;
use parallax::memory::Region;
use parallax::{Error, Result};
use pyo3::ffi as python;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::error::raised;
use crate::memory::{Held, Kind, Memory};

/// DLPack's `kDLCPU`, device 0.
pub(crate) const CPU: (i32, i32) = (1, 0);

/// Memory that Python may write. Rust holds no reference to it after it was handed out.
#[derive(Debug)]
pub(crate) struct Writable {
    start: NonNull<u8>,
    len: usize,
    /// Owns the bytes at `start`; never looked into.
    owner: Region,
}

// SAFETY: the bytes are owned and reached by address alone; whoever writes them does so from Python, under its rules.
unsafe impl Send for Writable {}
// SAFETY: as above: a shared handle gives out an address, no reference.
unsafe impl Sync for Writable {}

impl Writable {
    /// A copy of these bytes.
    pub(crate) fn copy_of(bytes: &[u8]) -> Result<Self> {
        let mut owner = Region::new(bytes.len())?;
        owner.as_mut_slice().copy_from_slice(bytes);
        Ok(Self::of(owner))
    }

    /// A copy of what is in it now.
    pub(crate) fn duplicate(&self) -> Result<Self> {
        let copy = Self::of(Region::new(self.len)?);
        // SAFETY: both are valid for `len` bytes while their owners live (field); the other was made just now, so they do
        // not overlap.
        unsafe { std::ptr::copy_nonoverlapping(self.start.as_ptr(), copy.start.as_ptr(), self.len) };
        Ok(copy)
    }

    /// The memory itself.
    pub(crate) fn of(mut owner: Region) -> Self {
        let len = owner.len();
        // A region's address stays when it moves: its bytes are elsewhere.
        let start = NonNull::from(owner.as_mut_slice()).cast();
        Self { start, len, owner }
    }

    pub(crate) fn address(&self) -> usize {
        debug_assert_eq!(self.owner.len(), self.len);
        self.start.as_ptr() as usize
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }
}

/// A Python object that owns bytes which a buffer looks into.
struct PythonOwner(Option<Py<PyAny>>);

impl RefUnwindSafe for PythonOwner {}

impl Drop for PythonOwner {
    fn drop(&mut self) {
        let owner = self.0.take();
        // At once where there still is an interpreter, not at some later call.
        let _ = Python::try_attach(|_| drop(owner));
    }
}

/// The `length` elements at `address`, which are `array`'s, as a buffer that keeps `array` alive.
///
/// # Errors
/// If `array` is no `numpy.ndarray`, or is not aligned.
pub(crate) fn borrow_array(
    array: &Bound<'_, PyAny>,
    address: usize,
    length: usize,
    kind: Kind,
) -> PyResult<Buffer> {
    // Anything can state an array interface; only NumPy's own arrays are known to state the truth.
    let class = array.py().import("numpy")?.getattr("ndarray")?;
    if !array.is_exact_instance(&class) {
        return Err(raised(Error::internal("a column that is no numpy.ndarray")));
    }
    let Some(start) = NonNull::new(address as *mut u8).filter(|_| length > 0) else {
        return Ok(Buffer::from_vec(Vec::<u64>::new()));
    };
    if !address.is_multiple_of(kind.bytes) {
        return Err(raised(Error::internal("a column that is not aligned")));
    }
    let owner = Arc::new(PythonOwner(Some(array.clone().unbind())));
    // SAFETY: a `numpy.ndarray` (checked) of one dimension without strides (the caller checked) states where its
    // elements are, and they stay there while it lives, which the owner sees to: NumPy refuses to resize an array
    // that somebody else refers to.
    Ok(unsafe { Buffer::from_custom_allocation(start, length * kind.bytes, owner) })
}

const SCHEMA: &CStr = c"arrow_schema";
const STREAM: &CStr = c"arrow_array_stream";

/// The schema as the Arrow PyCapsule interface has it.
pub(crate) fn schema_capsule<'py>(py: Python<'py>, schema: &Schema) -> PyResult<Bound<'py, PyCapsule>> {
    let schema = FFI_ArrowSchema::try_from(schema).map_err(|error| raised(error.into()))?;
    // Its own `Drop` calls the release that the interface asks for.
    PyCapsule::new_with_value(py, schema, SCHEMA)
}

/// A stream of tables as the Arrow PyCapsule interface has it.
pub(crate) fn stream_capsule<'py>(
    py: Python<'py>,
    stream: FFI_ArrowArrayStream,
) -> PyResult<Bound<'py, PyCapsule>> {
    PyCapsule::new_with_value(py, stream, STREAM)
}

/// Every table of the stream in a capsule, which is empty afterwards; at least one, if without rows.
///
/// # Errors
/// If it is no such capsule, was taken already, or the producer fails.
pub(crate) fn tables(capsule: &Bound<'_, PyCapsule>) -> PyResult<Vec<RecordBatch>> {
    let stream = capsule
        .pointer_checked(Some(STREAM))?
        .cast::<FFI_ArrowArrayStream>();
    // SAFETY: a capsule of this name holds such a structure (the interface), and nobody else reads it while the GIL
    // is held; `from_raw` moves it out and leaves an empty one.
    let reader = unsafe { RecordBatchStreamReader::from_raw(stream.as_ptr()) };
    let read = || -> Result<Vec<RecordBatch>> {
        let reader = reader?;
        let schema = reader.schema();
        let mut tables = reader.collect::<Result<Vec<_>, _>>()?;
        if tables.is_empty() {
            tables.push(RecordBatch::new_empty(schema));
        }
        Ok(tables)
    };
    read().map_err(raised)
}

#[repr(C)]
struct DlDevice {
    device_type: i32,
    device_id: i32,
}

#[repr(C)]
struct DlDataType {
    code: u8,
    bits: u8,
    lanes: u16,
}

/// `DLTensor` of dlpack.h.
#[repr(C)]
struct DlTensor {
    data: *mut c_void,
    device: DlDevice,
    ndim: i32,
    dtype: DlDataType,
    shape: *mut i64,
    strides: *mut i64,
    byte_offset: u64,
}

/// `DLManagedTensor` of dlpack.h, before version 1.
#[repr(C)]
struct Managed {
    tensor: DlTensor,
    context: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut Managed)>,
}

/// `DLManagedTensorVersioned` of dlpack.h.
#[repr(C)]
struct ManagedVersioned {
    major: u32,
    minor: u32,
    context: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut ManagedVersioned)>,
    flags: u64,
    tensor: DlTensor,
}

const READ_ONLY: u64 = 1;
const IS_COPIED: u64 = 1 << 1;

/// What a DLPack tensor points into.
struct Context {
    /// Kept alive, never looked into.
    _held: Held,
    shape: Vec<i64>,
    strides: Vec<i64>,
}

/// The memory as a DLPack capsule, which keeps it alive.
pub(crate) fn dlpack<'py>(
    py: Python<'py>,
    memory: &Memory,
    is_versioned: bool,
    is_copied: bool,
) -> PyResult<Bound<'py, PyCapsule>> {
    let shape: Vec<i64> = memory.shape.iter().map(|&length| length as i64).collect();
    let mut strides = vec![1_i64; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(shape[axis]);
    }
    let context = Box::new(Context {
        _held: memory.held.clone(),
        shape,
        strides,
    });
    let context = Box::into_raw(context);
    // SAFETY: `context` was made above and is nobody else's; its vectors do not move until the deleter drops it.
    let (shape, strides, ndim) = unsafe {
        let context = &mut *context;
        (
            context.shape.as_mut_ptr(),
            context.strides.as_mut_ptr(),
            context.shape.len() as i32,
        )
    };
    let tensor = DlTensor {
        data: memory.address() as *mut c_void,
        device: DlDevice {
            device_type: CPU.0,
            device_id: CPU.1,
        },
        ndim,
        dtype: DlDataType {
            code: memory.kind.code,
            bits: (memory.kind.bytes * 8) as u8,
            lanes: 1,
        },
        shape,
        strides,
        byte_offset: 0,
    };
    let context = context.cast::<c_void>();
    let (pointer, name, destructor): (*mut c_void, &CStr, python::PyCapsule_Destructor) = if is_versioned {
        let flags = if memory.is_readonly() { READ_ONLY } else { 0 } | if is_copied { IS_COPIED } else { 0 };
        let managed = Box::new(ManagedVersioned {
            major: 1,
            minor: 0,
            context,
            deleter: Some(delete_versioned),
            flags,
            tensor,
        });
        (Box::into_raw(managed).cast(), VERSIONED, drop_versioned)
    } else {
        let managed = Box::new(Managed {
            tensor,
            context,
            deleter: Some(delete),
        });
        (Box::into_raw(managed).cast(), UNVERSIONED, drop_unversioned)
    };
    // SAFETY: the pointer is not null, the name is static, and the destructor knows what is behind that name.
    let capsule = unsafe {
        Bound::from_owned_ptr_or_err(
            py,
            python::PyCapsule_New(pointer, name.as_ptr(), Some(destructor)),
        )
    };
    // A capsule that could not be made leaks one header: memory has run out then.
    Ok(capsule?.cast_into::<PyCapsule>()?)
}

const VERSIONED: &CStr = c"dltensor_versioned";
const UNVERSIONED: &CStr = c"dltensor";

unsafe extern "C" fn delete(managed: *mut Managed) {
    // SAFETY: DLPack's contract: called once, with the pointer that `dlpack` boxed.
    let managed = unsafe { Box::from_raw(managed) };
    // SAFETY: boxed by `dlpack` as a `Context`, and dropped here alone.
    drop(unsafe { Box::from_raw(managed.context.cast::<Context>()) });
}

unsafe extern "C" fn delete_versioned(managed: *mut ManagedVersioned) {
    // SAFETY: as in `delete`.
    let managed = unsafe { Box::from_raw(managed) };
    // SAFETY: as in `delete`.
    drop(unsafe { Box::from_raw(managed.context.cast::<Context>()) });
}

/// Called when a capsule goes that nobody took: a consumer renames the capsule that it takes.
unsafe extern "C" fn drop_unversioned(capsule: *mut python::PyObject) {
    // SAFETY: Python calls this with the capsule that goes, holding the GIL; the name says what is in it.
    unsafe {
        if python::PyCapsule_IsValid(capsule, UNVERSIONED.as_ptr()) == 1 {
            delete(python::PyCapsule_GetPointer(capsule, UNVERSIONED.as_ptr()).cast());
        }
    }
}

/// As [`drop_unversioned`].
unsafe extern "C" fn drop_versioned(capsule: *mut python::PyObject) {
    // SAFETY: as in `drop_unversioned`.
    unsafe {
        if python::PyCapsule_IsValid(capsule, VERSIONED.as_ptr()) == 1 {
            delete_versioned(python::PyCapsule_GetPointer(capsule, VERSIONED.as_ptr()).cast());
        }
    }
}
