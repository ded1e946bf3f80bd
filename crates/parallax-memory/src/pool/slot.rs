//! [`LoanedSlot`]: one slot in one hand, to be written and sealed.
//!
//! In goes a value or bytes, out comes a [`Buffer`]. Dropped unsealed, the slot returns as if nothing had been written.

use std::fmt;
use std::ops::RangeBounds;
use std::ptr::NonNull;

use rkyv::api::high::{HighSerializer, HighValidator};
use rkyv::bytecheck::CheckBytes;
use rkyv::rancor::Failure;
use rkyv::ser::allocator::ArenaHandle;
use rkyv::{Archive, Portable, Serialize};

use super::{LoanError, Slot, SlotId};
use crate::{ALIGNMENT, Buffer, Bytes};

/// A slot of a pool in one hand: unique and writable, given back when dropped.
pub struct LoanedSlot {
    /// Invariant: nobody else has a hand in it.
    slot: Slot,
    /// How many bytes count as written. Invariant: at most the slot's.
    len: usize,
}

impl LoanedSlot {
    #[inline]
    pub(super) fn new(slot: Slot) -> LoanedSlot {
        LoanedSlot { slot, len: 0 }
    }

    /// How many bytes the slot holds.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.slot.core().slot_bytes
    }

    /// How many bytes count as written.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no bytes count as written.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Which slot it is, for messages between processes.
    pub fn id(&self) -> SlotId {
        self.slot.id()
    }

    /// All bytes of the slot: what its last user left there.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: a slot is `capacity` initialised bytes, and `&self` keeps the only writer out.
        unsafe { std::slice::from_raw_parts(self.slot.start().as_ptr(), self.capacity()) }
    }

    /// All bytes of the slot, to write. Say with [`set_len`](Self::set_len) how many of them count.
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: as in `as_slice`; this is the only hand (invariant), and `&mut self` the only way to it.
        unsafe { std::slice::from_raw_parts_mut(self.slot.start().as_ptr(), self.capacity()) }
    }

    /// Says how many bytes count as written.
    ///
    /// # Errors
    /// [`LoanError::TooLarge`] if the slot has fewer; the number is then as it was.
    #[inline]
    pub fn set_len(&mut self, len: usize) -> Result<(), LoanError> {
        self.check(len)?;
        self.len = len;
        Ok(())
    }

    /// Copies `bytes` behind those written so far.
    ///
    /// # Errors
    /// [`LoanError::TooLarge`] if there is no room for all of them; nothing is written then.
    #[inline]
    pub fn write_bytes(&mut self, bytes: &[u8]) -> Result<(), LoanError> {
        let end = self.len.saturating_add(bytes.len());
        self.check(end)?;
        let start = self.len;
        self.as_mut_slice()[start..end].copy_from_slice(bytes);
        self.len = end;
        Ok(())
    }

    /// Moves a value of any type into the slot, where it is shared as it is: nothing is serialised. It is dropped
    /// when the last handle is, on that handle's thread.
    ///
    /// # Errors
    /// [`LoanError::TooLarge`] or [`LoanError::Alignment`] if the slot is not made for it; value and loan are dropped.
    #[inline]
    pub fn write<T: Send + Sync + 'static>(self, value: T) -> Result<Buffer<T>, LoanError> {
        self.check(size_of::<T>())?;
        if align_of::<T>() > ALIGNMENT {
            return Err(LoanError::Alignment {
                wanted: align_of::<T>(),
            });
        }
        let content = self.slot.start().cast::<T>();
        // SAFETY: large enough and aligned, by the checks above; nobody else has a hand in the slot.
        unsafe { content.write(value) };
        if std::mem::needs_drop::<T>() {
            self.slot.set_drop(|start| {
                // SAFETY: called once, by the last hand, on the slot that the value was moved into above.
                unsafe { start.cast::<T>().drop_in_place() };
            });
        }
        // SAFETY: just initialised, and the loan that could write it is consumed here.
        Ok(unsafe { Buffer::from_slot(content, self.slot) })
    }

    /// Archives `value` with rkyv, the form for other processes and machines. [`Buffer::archived`] reads it.
    ///
    /// # Errors
    /// [`LoanError::Archive`] if it does not fit into the slot or cannot be archived.
    pub fn write_archived<T>(mut self, value: &T) -> Result<Bytes, LoanError>
    where
        T: for<'a, 'b> Serialize<HighSerializer<rkyv::ser::writer::Buffer<'a>, ArenaHandle<'b>, Failure>>,
    {
        let writer = rkyv::ser::writer::Buffer::from(self.as_mut_slice());
        let written =
            rkyv::api::high::to_bytes_in::<_, Failure>(value, writer).map_err(|_| LoanError::Archive)?;
        let len = written.len();
        self.set_len(len)?;
        Ok(self.seal())
    }

    /// The written bytes, shared and read-only from now on.
    #[inline]
    pub fn seal(self) -> Bytes {
        let content = NonNull::slice_from_raw_parts(self.slot.start(), self.len);
        // SAFETY: initialised and inside the slot (invariant); the loan that could write them is consumed here.
        unsafe { Buffer::from_slot(content, self.slot) }
    }

    /// The bytes `range` of the slot as an Arrow buffer; the slot returns when the last array over it is gone.
    ///
    /// # Panics
    /// If the range is not inside, as indexing a slice does.
    pub fn into_arrow(mut self, range: impl RangeBounds<usize>) -> arrow_buffer::Buffer {
        self.len = self.capacity();
        self.seal().into_arrow(range)
    }

    #[inline]
    fn check(&self, needed: usize) -> Result<(), LoanError> {
        let available = self.capacity();
        if needed <= available {
            Ok(())
        } else {
            Err(LoanError::TooLarge { needed, available })
        }
    }
}

impl fmt::Debug for LoanedSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoanedSlot")
            .field("id", &self.id())
            .field("len", &self.len)
            .field("capacity", &self.capacity())
            .finish()
    }
}

impl Bytes {
    /// The value that was archived in these bytes, validated here and never again: the type of the result is the
    /// proof, for every clone of it.
    ///
    /// # Errors
    /// [`LoanError::Archive`] if they are no archive of a `T`.
    pub fn archived<T>(self) -> Result<Buffer<T::Archived>, LoanError>
    where
        T: Archive,
        T::Archived: Portable + for<'a> CheckBytes<HighValidator<'a, Failure>>,
    {
        self.try_map(rkyv::access::<T::Archived, Failure>)
            .map_err(|_: Failure| LoanError::Archive)
    }
}
