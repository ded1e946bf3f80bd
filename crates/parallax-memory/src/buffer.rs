//! [`Buffer`]: shared, read-only memory; [`Bytes`] is its plain form.
//!
//! In goes a sealed [`Region`], a loaned slot, a vector, a mapped file or any owner of bytes; out come handles to
//! a value or a range in it, cloned and sliced in `O(1)`, and Arrow buffers over the same memory.
//!
//! Contract: the address of the content never changes while a handle lives. The owner is dropped when the last
//! handle is, Arrow's included; a slot then returns to its pool. Cloning and slicing a buffer in a slot allocates
//! nothing and makes no system call: the count is in the pool's own table.
//!
//! Surprises: a small slice keeps the whole owner alive.

use std::fmt;
use std::io;
use std::ops::{Bound, Deref, Range, RangeBounds};
use std::panic::RefUnwindSafe;
use std::ptr::NonNull;
use std::sync::Arc;

use arrow_buffer::Buffer as ArrowBuffer;
use arrow_buffer::alloc::Allocation;
use bytemuck::{Pod, PodCastError};

use crate::pool::Slot;
use crate::{MappedFile, Region, SlotId};

/// Shared, read-only memory that holds a `T` and keeps its owner alive: `Buffer<[u8]>` is [`Bytes`], `Buffer<[f32]>`
/// numbers, `Buffer<Frame>` a value that was moved into a slot and is dropped with the last handle.
pub struct Buffer<T: ?Sized = [u8]> {
    /// Invariant: points to an initialised `T` that nobody writes while `owner` lives.
    content: NonNull<T>,
    owner: Owner,
}

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
pub type Bytes = Buffer<[u8]>;

/// Behind a count either way, which promises nothing about aliasing when it moves (a `Box` would).
#[derive(Clone)]
enum Owner {
    Slot(Slot),
    Region(Arc<Region>),
    Other(Arc<dyn Allocation>),
}

// SAFETY: the content is only read, and the owner, which is `Send + Sync`, goes with it. The last handle drops a `T`
// that was moved in, wherever that handle is: hence `Send`.
unsafe impl<T: ?Sized + Send + Sync> Send for Buffer<T> {}
// SAFETY: as above; a shared handle only gives out `&T`.
unsafe impl<T: ?Sized + Send + Sync> Sync for Buffer<T> {}

impl<T: ?Sized> Buffer<T> {
    /// Which slot of which pool this lies in, for messages between processes; `None` outside a pool.
    pub fn slot_id(&self) -> Option<SlotId> {
        match &self.owner {
            Owner::Slot(slot) => Some(slot.id()),
            _ => None,
        }
    }

    /// A part of the content, or the content seen as another type, sharing the memory. What `part` establishes is
    /// established once: the type of the result says so, and clones of it do not ask again.
    ///
    /// ```
    /// use parallax_memory::Bytes;
    ///
    /// let text = Bytes::from(b"one two".to_vec()).try_map(|bytes| std::str::from_utf8(bytes));
    /// assert_eq!(&*text?, "one two");
    /// # Ok::<(), std::str::Utf8Error>(())
    /// ```
    ///
    /// # Errors
    /// That of `part`.
    pub fn try_map<U: ?Sized, E>(
        self,
        part: impl for<'a> FnOnce(&'a T) -> Result<&'a U, E>,
    ) -> Result<Buffer<U>, E> {
        // Whatever `part` returns lives in the content or for ever: it cannot know the lifetime.
        let content = NonNull::from(part(&self)?);
        Ok(Buffer {
            content,
            owner: self.owner,
        })
    }

    /// A value in the slot, which the slot's pool drops when the last handle is gone.
    ///
    /// # Safety
    /// `content` points to an initialised value in the memory of `slot`, and nobody writes it from now on.
    pub(crate) unsafe fn from_slot(content: NonNull<T>, slot: Slot) -> Buffer<T> {
        Buffer {
            content,
            owner: Owner::Slot(slot),
        }
    }
}

impl Buffer<[u8]> {
    /// The bytes of any owner, dropped with the last handle. `as_ref` is called once, here.
    pub fn from_owner<T>(owner: T) -> Bytes
    where
        T: AsRef<[u8]> + Send + Sync + RefUnwindSafe + 'static,
    {
        // Moved to its last place first: an owner such as an array holds its bytes itself.
        let owner = Arc::new(owner);
        let content = NonNull::from((*owner).as_ref());
        Buffer {
            content,
            owner: Owner::Other(owner),
        }
    }

    /// Bytes that are there already: a vector, or anything that becomes [`Bytes`]. For the simple cases, without a
    /// pool.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Bytes {
        bytes.into()
    }

    /// The bytes `range` of a mapped file, its size checked now and not again: see [`MappedFile`] for what
    /// that means if somebody cuts the file short or overwrites it later. So it is for plain numbers, which are
    /// valid whatever they are; not for text or offsets that are checked once and trusted after.
    ///
    /// # Errors
    /// Those of [`MappedFile::chunk`].
    pub fn from_mapped(file: Arc<MappedFile>, range: Range<usize>) -> io::Result<Bytes> {
        let content = NonNull::from(file.chunk(range)?);
        Ok(Buffer {
            content,
            owner: Owner::Other(file),
        })
    }

    pub(crate) fn from_region(region: Region) -> Bytes {
        let content = NonNull::from(region.as_slice());
        Buffer {
            content,
            owner: Owner::Region(Arc::new(region)),
        }
    }

    /// The bytes `range` as an Arrow buffer over the same memory, which it keeps alive.
    ///
    /// # Panics
    /// If the range is not inside, as indexing a slice does.
    pub fn into_arrow(self, range: impl RangeBounds<usize>) -> ArrowBuffer {
        let Buffer { content, owner } = self.slice(range);
        let owner: Arc<dyn Allocation> = match owner {
            Owner::Slot(slot) => Arc::new(slot),
            Owner::Region(region) => region,
            Owner::Other(owner) => owner,
        };
        // SAFETY: the content is valid while the owner lives (invariant), and the Arrow buffer holds it.
        unsafe { ArrowBuffer::from_custom_allocation(content.cast(), content.len(), owner) }
    }

    /// The region these bytes were sealed from, whole, to write again, if this is the last handle to it: no
    /// other [`Bytes`] and no Arrow buffer is left.
    ///
    /// # Errors
    /// The handle itself, if it is not the last or the bytes are not a region's.
    pub fn try_into_region(self) -> Result<Region, Bytes> {
        let Buffer { content, owner } = self;
        let owner = match owner {
            Owner::Region(region) => match Arc::try_unwrap(region) {
                Ok(region) => return Ok(region),
                Err(region) => Owner::Region(region),
            },
            other => other,
        };
        Err(Buffer { content, owner })
    }

    /// The bytes as plain numbers, sharing the memory.
    ///
    /// # Errors
    /// If the address is not aligned for them or the length is no whole number of them.
    pub fn cast<T: Pod>(self) -> Result<Buffer<[T]>, PodCastError> {
        self.try_map(|bytes| bytemuck::try_cast_slice(bytes))
    }
}

impl<T> Buffer<[T]> {
    /// The elements `range` of these, without a copy.
    ///
    /// # Panics
    /// If the range is not inside, as indexing a slice does. [`Buffer::get`] is for ranges from outside.
    pub fn slice(&self, range: impl RangeBounds<usize>) -> Self {
        let range = resolve(&range, self.len());
        Buffer {
            content: NonNull::from(&self[range]),
            owner: self.owner.clone(),
        }
    }

    /// The elements `range` of these, without a copy; `None` if the range is not inside.
    pub fn get(&self, range: impl RangeBounds<usize>) -> Option<Self> {
        let part = (**self).get(resolve(&range, self.len()))?;
        Some(Buffer {
            content: NonNull::from(part),
            owner: self.owner.clone(),
        })
    }
}

impl<T: ?Sized> Clone for Buffer<T> {
    #[inline]
    fn clone(&self) -> Self {
        Buffer {
            content: self.content,
            owner: self.owner.clone(),
        }
    }
}

impl<T: ?Sized> Deref for Buffer<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: initialised, and written by nobody while the owner lives (invariant).
        unsafe { self.content.as_ref() }
    }
}

impl<T: ?Sized> AsRef<T> for Buffer<T> {
    fn as_ref(&self) -> &T {
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

impl From<Bytes> for ArrowBuffer {
    fn from(bytes: Bytes) -> ArrowBuffer {
        bytes.into_arrow(..)
    }
}

impl Default for Bytes {
    fn default() -> Bytes {
        Bytes::from(Vec::new())
    }
}

impl<T: ?Sized + PartialEq> PartialEq for Buffer<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: ?Sized + Eq> Eq for Buffer<T> {}

impl<T: ?Sized> fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the content: there may be gigabytes of it.
        f.debug_struct("Buffer")
            .field("bytes", &size_of_val::<T>(self))
            .field("slot", &self.slot_id())
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
