//! [`Bytes`]: shared, read-only bytes.
//!
//! In goes a sealed [`Region`], a vector, a mapped file or any owner of bytes; out come handles to a range of
//! it, cloned and sliced in `O(1)`, and Arrow buffers over the same memory.
//!
//! Contract: the address of the bytes never changes while a handle lives. The owner is dropped when the last
//! handle is, Arrow's included.
//!
//! Surprises: a small slice keeps the whole owner alive.

use std::fmt;
use std::io;
use std::ops::{Bound, Deref, Range, RangeBounds};
use std::panic::RefUnwindSafe;
use std::ptr::NonNull;
use std::sync::Arc;

use arrow_buffer::Buffer;
use arrow_buffer::alloc::Allocation;

use crate::{MappedFile, Region};

/// Shared, read-only bytes that keep their owner alive.
///
/// ```
/// use parallax_memory::Bytes;
///
/// let bytes = Bytes::from(vec![1, 2, 3, 4]);
/// let tail = bytes.slice(2..);
/// assert_eq!(&tail[..], &[3, 4]);
/// assert_eq!(tail.as_ptr(), bytes[2..].as_ptr());
/// ```
#[derive(Clone)]
pub struct Bytes {
    /// Invariant: valid for `len` initialised bytes that nobody writes while `owner` lives.
    start: NonNull<u8>,
    len: usize,
    owner: Owner,
}

/// Behind an `Arc` either way, which promises nothing about aliasing when it moves (a `Box` would).
#[derive(Clone)]
enum Owner {
    Region(Arc<Region>),
    Other(Arc<dyn Allocation>),
}

// SAFETY: the bytes are only read, and the owner, which is `Send + Sync`, goes with them.
unsafe impl Send for Bytes {}
// SAFETY: as above; a shared handle only gives out `&[u8]`.
unsafe impl Sync for Bytes {}

impl Bytes {
    /// The bytes of any owner, dropped with the last handle. `as_ref` is called once, here.
    pub fn from_owner<T>(owner: T) -> Bytes
    where
        T: AsRef<[u8]> + Send + Sync + RefUnwindSafe + 'static,
    {
        // Moved to its last place first: an owner such as an array holds its bytes itself.
        let owner = Arc::new(owner);
        let bytes = (*owner).as_ref();
        let (start, len) = (NonNull::from(bytes).cast(), bytes.len());
        Bytes {
            start,
            len,
            owner: Owner::Other(owner),
        }
    }

    /// The bytes `range` of a mapped file, its size checked now and not again: see [`MappedFile`] for what
    /// that means if somebody cuts the file short or overwrites it later. So it is for plain numbers, which are
    /// valid whatever they are; not for text or offsets that are checked once and trusted after.
    ///
    /// # Errors
    /// Those of [`MappedFile::chunk`].
    pub fn from_mapped(file: Arc<MappedFile>, range: Range<usize>) -> io::Result<Bytes> {
        let bytes = file.chunk(range)?;
        let (start, len) = (NonNull::from(bytes).cast(), bytes.len());
        Ok(Bytes {
            start,
            len,
            owner: Owner::Other(file),
        })
    }

    pub(crate) fn from_region(region: Region) -> Bytes {
        let bytes = region.as_slice();
        let (start, len) = (NonNull::from(bytes).cast(), bytes.len());
        Bytes {
            start,
            len,
            owner: Owner::Region(Arc::new(region)),
        }
    }

    /// The bytes `range` of these, without a copy.
    ///
    /// # Panics
    /// If the range is not inside, as indexing a slice does. [`Bytes::get`] is for ranges from outside.
    pub fn slice(&self, range: impl RangeBounds<usize>) -> Bytes {
        let range = resolve(&range, self.len);
        let part = &self[range];
        Bytes {
            start: NonNull::from(part).cast(),
            len: part.len(),
            owner: self.owner.clone(),
        }
    }

    /// The bytes `range` of these, without a copy; `None` if the range is not inside.
    pub fn get(&self, range: impl RangeBounds<usize>) -> Option<Bytes> {
        let part = (**self).get(resolve(&range, self.len))?;
        let (start, len) = (NonNull::from(part).cast(), part.len());
        Some(Bytes {
            start,
            len,
            owner: self.owner.clone(),
        })
    }

    /// The bytes `range` as an Arrow buffer over the same memory, which it keeps alive.
    ///
    /// # Panics
    /// If the range is not inside, as indexing a slice does.
    pub fn into_arrow(self, range: impl RangeBounds<usize>) -> Buffer {
        let part = self.slice(range);
        let owner: Arc<dyn Allocation> = match part.owner {
            Owner::Region(region) => region,
            Owner::Other(owner) => owner,
        };
        // SAFETY: the pointer is valid for `len` bytes while the owner lives (invariant), and the buffer holds it.
        unsafe { Buffer::from_custom_allocation(part.start, part.len, owner) }
    }

    /// The region these bytes were sealed from, whole, to write again, if this is the last handle to it: no
    /// other [`Bytes`] and no Arrow buffer is left.
    ///
    /// # Errors
    /// The handle itself, if it is not the last or the bytes are not a region's.
    pub fn try_into_region(self) -> Result<Region, Bytes> {
        let Bytes { start, len, owner } = self;
        let owner = match owner {
            Owner::Region(region) => match Arc::try_unwrap(region) {
                Ok(region) => return Ok(region),
                Err(region) => Owner::Region(region),
            },
            other @ Owner::Other(_) => other,
        };
        Err(Bytes { start, len, owner })
    }
}

impl Deref for Bytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: valid for `len` initialised bytes that nobody writes while the owner lives (invariant).
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Bytes {
        Bytes::from_owner(bytes)
    }
}

impl From<Region> for Bytes {
    fn from(region: Region) -> Bytes {
        region.seal()
    }
}

impl From<Bytes> for Buffer {
    fn from(bytes: Bytes) -> Buffer {
        bytes.into_arrow(..)
    }
}

impl Default for Bytes {
    fn default() -> Bytes {
        Bytes::from(Vec::new())
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Bytes) -> bool {
        **self == **other
    }
}

impl Eq for Bytes {}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the bytes: there may be gigabytes of them.
        f.debug_struct("Bytes")
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

/// `bounds` as a plain range; one that cannot be expressed becomes one that is never inside.
fn resolve(bounds: &impl RangeBounds<usize>, len: usize) -> Range<usize> {
    let start = match bounds.start_bound() {
        Bound::Included(&start) => start,
        Bound::Excluded(&start) => start.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let end = match bounds.end_bound() {
        Bound::Included(&end) => end.saturating_add(1),
        Bound::Excluded(&end) => end,
        Bound::Unbounded => len,
    };
    start..end
}
