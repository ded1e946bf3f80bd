//! [`Column`]: a growable typed column on a [`Region`], for decoders.
//!
//! In go values, written one by one, by slice, or straight into [`Column::spare_mut`]; out comes [`Bytes`].
//!
//! Contract: all `capacity` elements are initialised (zero, or what an earlier use left), so the spare part is
//! a plain `&mut [T]` and setting the length is safe. Growth doubles and does not copy on Linux once the column
//! is above 1 MiB.
#![forbid(unsafe_code)]

use std::fmt;
use std::io;
use std::marker::PhantomData;

use bytemuck::Pod;

use crate::{ALIGNMENT, Bytes, Region};

mod sealed {
    pub trait Sealed {}
}

/// The type of a column's elements: a plain number of 1, 2, 4 or 8 bytes.
pub trait Element: Pod + Send + Sync + sealed::Sealed {}

macro_rules! elements {
    ($($number:ty)*) => {
        $(
            impl sealed::Sealed for $number {}
            impl Element for $number {}
        )*
    };
}
elements!(u8 u16 u32 u64 i8 i16 i32 i64 f32 f64);

/// A growable typed column on a [`Region`]: values are pushed, or written to [`Column::spare_mut`] and then
/// counted with [`Column::set_len`].
///
/// All `capacity` elements are initialised (zero, or what an earlier use left). Growth doubles, and on Linux it
/// copies nothing once the column is above 1 MiB.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use parallax_memory::Column;
///
/// let mut column = Column::<u16>::with_capacity(4)?;
/// column.push(1)?;
/// column.spare_mut()[..2].copy_from_slice(&[2, 3]);
/// column.set_len(3)?;
/// assert_eq!(column.as_slice(), [1, 2, 3]);
/// assert_eq!(column.into_bytes().len(), 6);
/// # Ok(()) }
/// ```
pub struct Column<T: Element> {
    /// Invariant: its length is `capacity * size_of::<T>()`.
    region: Region,
    /// Invariant: at most `capacity`.
    len: usize,
    element: PhantomData<T>,
}

impl<T: Element> Column<T> {
    const SIZE: usize = size_of::<T>();

    /// An empty column with room for `capacity` elements.
    ///
    /// # Errors
    /// `OutOfMemory` when the memory cannot be had.
    pub fn with_capacity(capacity: usize) -> io::Result<Column<T>> {
        let bytes = capacity.checked_mul(Self::SIZE).ok_or_else(too_long)?;
        Ok(Column {
            region: Region::new(bytes)?,
            len: 0,
            element: PhantomData,
        })
    }

    /// As [`with_capacity`](Self::with_capacity), on the bytes of [`Region::stale`]: the room holds stale elements.
    ///
    /// # Errors
    /// `OutOfMemory` when the memory cannot be had.
    pub fn stale(capacity: usize) -> io::Result<Column<T>> {
        let bytes = capacity.checked_mul(Self::SIZE).ok_or_else(too_long)?;
        Region::stale(bytes).map(Self::from_region)
    }

    /// An empty column on the memory of `region`, whose bytes show up as stale elements of
    /// [`Column::spare_mut`]. A remainder that is not a whole element is cut off.
    pub fn from_region(mut region: Region) -> Column<T> {
        region.shrink(region.len() / Self::SIZE * Self::SIZE);
        Column {
            region,
            len: 0,
            element: PhantomData,
        }
    }

    /// How many elements there is room for.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.region.len() / Self::SIZE
    }

    /// How many elements there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no elements.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The elements.
    #[inline]
    pub fn as_slice(&self) -> &[T] {
        // The cast cannot fail: a region is 64-byte aligned and a whole number of elements long.
        let all: &[T] = bytemuck::cast_slice(self.region.as_slice());
        &all[..self.len]
    }

    /// The elements, to write.
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        let len = self.len;
        &mut self.all_mut()[..len]
    }

    /// The room behind the elements, `capacity - len` of it: zero, or stale values of an earlier use.
    #[inline]
    pub fn spare_mut(&mut self) -> &mut [T] {
        let len = self.len;
        &mut self.all_mut()[len..]
    }

    /// Says how many elements there are, after writing them to [`Column::spare_mut`].
    ///
    /// # Errors
    /// `InvalidInput` if that is more than the capacity; the length is then as it was.
    #[inline]
    pub fn set_len(&mut self, len: usize) -> io::Result<()> {
        if len > self.capacity() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{len} elements in a column with room for {}", self.capacity()),
            ));
        }
        self.len = len;
        Ok(())
    }

    /// Makes room for at least `additional` more elements; doubles, so that pushing is cheap on average.
    ///
    /// # Errors
    /// `OutOfMemory` when the memory cannot be had; the column is then as it was.
    #[inline]
    pub fn reserve(&mut self, additional: usize) -> io::Result<()> {
        if additional <= self.capacity() - self.len {
            return Ok(());
        }
        self.grow(additional)
    }

    /// Adds one element.
    ///
    /// # Errors
    /// `OutOfMemory` when the memory cannot be had.
    #[inline]
    pub fn push(&mut self, value: T) -> io::Result<()> {
        self.reserve(1)?;
        let len = self.len;
        self.all_mut()[len] = value;
        self.len += 1;
        Ok(())
    }

    /// Adds the elements of a slice.
    ///
    /// # Errors
    /// `OutOfMemory` when the memory cannot be had.
    #[inline]
    pub fn extend_from_slice(&mut self, values: &[T]) -> io::Result<()> {
        self.reserve(values.len())?;
        self.spare_mut()[..values.len()].copy_from_slice(values);
        self.len += values.len();
        Ok(())
    }

    /// Removes all elements and keeps the room.
    #[inline]
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Removes the elements from `len` on; does nothing if there are no more than that.
    #[inline]
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// The elements as shared bytes. Room left over goes back to the system first where it is an eighth of the
    /// whole or more; less is not worth the call, and stays for [`Bytes::try_into_region`].
    pub fn into_bytes(mut self) -> Bytes {
        let used = self.len * Self::SIZE;
        if used <= self.region.len() - self.region.len() / 8 {
            self.region.shrink(used);
        }
        self.region.seal().slice(..used)
    }

    /// The elements as bytes that one owner may still write, exactly as many as there are.
    pub fn into_region(mut self) -> Region {
        self.region.shrink(self.len * Self::SIZE);
        self.region
    }

    fn all_mut(&mut self) -> &mut [T] {
        bytemuck::cast_slice_mut(self.region.as_mut_slice())
    }

    #[cold]
    fn grow(&mut self, additional: usize) -> io::Result<()> {
        let needed = self.len.checked_add(additional).ok_or_else(too_long)?;
        let capacity = needed
            .max(self.capacity().saturating_mul(2))
            .max(ALIGNMENT / Self::SIZE);
        let bytes = capacity.checked_mul(Self::SIZE).ok_or_else(too_long)?;
        self.region.grow(bytes).or_else(|_| {
            // Twice the memory is a wish; what was asked for is not.
            self.region
                .grow(needed.checked_mul(Self::SIZE).ok_or_else(too_long)?)
        })
    }
}

impl<T: Element> fmt::Debug for Column<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Column")
            .field("len", &self.len)
            .field("capacity", &self.capacity())
            .field("region", &self.region)
            .finish()
    }
}

fn too_long() -> io::Error {
    io::Error::new(
        io::ErrorKind::OutOfMemory,
        "a column longer than the address space",
    )
}
