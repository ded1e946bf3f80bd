//! Zeroed bytes from the global allocator, 64-byte aligned.
//!
//! In goes a size, out comes memory that is freed on drop. The size zero allocates nothing.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::io;
use std::ptr::NonNull;

use crate::ALIGNMENT;

/// One allocation. Invariant: `start` is valid for `layout.size()` initialised bytes and nobody else's; for the
/// size zero it dangles, aligned.
pub(crate) struct Heap {
    start: NonNull<u8>,
    layout: Layout,
}

impl Heap {
    pub(crate) fn zeroed(len: usize) -> io::Result<Heap> {
        let layout = Layout::from_size_align(len, ALIGNMENT).map_err(|_| out_of_memory(len))?;
        if len == 0 {
            // Arrow wants an aligned address even for no bytes at all.
            let start = NonNull::without_provenance(ALIGN_ADDRESS);
            return Ok(Heap { start, layout });
        }
        // SAFETY: the size of `layout` is not zero, by the test above.
        let start = NonNull::new(unsafe { alloc_zeroed(layout) }).ok_or_else(|| out_of_memory(len))?;
        Ok(Heap { start, layout })
    }

    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(crate) fn capacity(&self) -> usize {
        self.layout.size()
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        if self.layout.size() != 0 {
            // SAFETY: `start` came from `alloc_zeroed` with this very layout, and only drop frees it.
            unsafe { dealloc(self.start.as_ptr(), self.layout) };
        }
    }
}

const ALIGN_ADDRESS: std::num::NonZeroUsize = match std::num::NonZeroUsize::new(ALIGNMENT) {
    Some(address) => address,
    None => std::num::NonZeroUsize::MIN,
};

/// The error of an allocation of `len` bytes that cannot be had.
pub(crate) fn out_of_memory(len: usize) -> io::Error {
    io::Error::new(io::ErrorKind::OutOfMemory, format!("cannot allocate {len} bytes"))
}
