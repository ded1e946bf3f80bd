//! The room of NumPy's formats: NPY, one array in a file, and NPZ, a ZIP archive of such files.
//!
//! [`header`] reads what an array is (a Python [`literal`] with an element type, [`dtype`]), [`plan`] finds t, x, y and
//! p in it, [`columns`] converts the numbers. On top stand the readers and writers of events and, for what
//! representations yield, of [tensors](tensor). Source: `numpy.lib.format` of NumPy 2.

mod columns;
mod dtype;
mod header;
mod literal;
pub(crate) mod npy_read;
pub(crate) mod npy_write;
pub(crate) mod npz_read;
pub(crate) mod npz_write;
mod plan;
mod tensor;
mod text_table;
mod trigger_arrays;
mod zip_read;
mod zip_write;

pub(crate) use header::MAGIC;
pub use tensor::{NpyStack, read_npy, read_npz, write_npy, write_npz};
pub use zip_write::NpzCompression;

/// Whether an archive begins with an NPY file, or with a member of any name.
pub(crate) fn begins_with_array(head: &[u8]) -> Option<bool> {
    let length = head.strip_prefix(zip_read::LOCAL)?.get(22..24)?;
    let length = usize::from(u16::from_le_bytes([length[0], length[1]]));
    let name = head.get(30..30 + length)?;
    Some(name.ends_with(b".npy"))
}
