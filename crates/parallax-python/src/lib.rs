//! Floor 6 of Parallax: the native half of the Python package `parallax`.
//!
//! In come paths, columns, Arrow streams and texts of the grammar; out go batches, memory that NumPy, Arrow and
//! DLPack look into without a copy, and exceptions. What a user sees is the thin Python layer in `python/parallax`;
//! this module is `parallax._native`, private to it.
//!
//! # Contract
//! - Work that takes time runs without the GIL, on a thread of its own, so that Ctrl-C is seen at once: see `work`.
//! - A column is shared and read-only; a tensor's memory belongs to one Python object and is writable. Rust makes no
//!   reference to memory that Python may write.
//! - Every error of the library becomes the exception of its kind: see `error`.
#![deny(unsafe_op_in_unsafe_fn)]
// Allowed again in `ffi.rs` alone: what Python, Arrow and DLPack hand over by address.
#![deny(unsafe_code)]

mod batch;
mod cells;
mod chain;
mod error;
mod ffi;
mod film;
mod frame;
mod listing;
mod memory;
mod options;
mod pipeline;
mod reader;
mod settings;
mod time;
mod windows;
mod work;
mod writing;

/// The native module. Private: use the package `parallax`.
#[pyo3::pymodule]
mod _native {
    #[pymodule_export]
    use crate::batch::Batch;
    #[pymodule_export]
    use crate::cells::Cells;
    #[pymodule_export]
    use crate::chain::{Chain, ChainRun};
    #[pymodule_export]
    use crate::film::Film;
    #[pymodule_export]
    use crate::frame::{Frame, frame_of, of_frame, read_frame};
    #[pymodule_export]
    use crate::listing::{formats, operators};
    #[pymodule_export]
    use crate::memory::Memory;
    #[pymodule_export]
    use crate::options::Options;
    #[pymodule_export]
    use crate::pipeline::Pipeline;
    #[pymodule_export]
    use crate::reader::{Reader, info, read};
    #[pymodule_export]
    use crate::settings::{after_fork, get_mode, set_mode, set_threads, threads};
    #[pymodule_export]
    use crate::time::ticks;
    #[pymodule_export]
    use crate::windows::WindowReader;
    #[pymodule_export]
    use crate::writing::{convert, write};

    /// The version of the library.
    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "the name that Python expects")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
