//! [`Region`]: unique, writable, zeroed bytes.
//!
//! In goes a size, out comes memory of that size which exactly one owner can write. It grows without a copy on
//! Linux and is sealed into [`Bytes`] when it is to be shared.
//!
//! Contract: every byte in `0..len` is initialised, and zero until its owner writes it, after growth too; those of
//! [`Region::stale`] are initialised and mean nothing. The address is a multiple of 64. An allocation that fails is an
//! error and leaves the region as it was.
//!
//! Surprises: pages cost memory only when touched (see [`Region::prefault`]); growing may change the address.

use std::fmt;
use std::io;
use std::ptr::NonNull;

use crate::Bytes;
use crate::heap::Heap;
#[cfg(target_os = "linux")]
use crate::{HUGE_PAGE, heap::out_of_memory, pages::Pages};

/// From this size on a region is made of pages of its own.
#[cfg(target_os = "linux")]
const PAGES_FROM: usize = 1 << 20;

/// What a [`Region`] is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RegionKind {
    /// The global allocator.
    Heap,
    /// Anonymous pages of the machine's ordinary size.
    Pages,
    /// Anonymous pages on a 2 MiB border, for which the kernel accepted the wish for huge pages. Whether it
    /// finds some is its own affair.
    HugePages,
}

/// Unique, writable, zeroed bytes, 64-byte aligned.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use parallax_memory::Region;
///
/// let mut region = Region::new(4096)?;
/// region.as_mut_slice()[0] = 7;
/// region.grow(1 << 20)?;
/// assert_eq!(region.as_slice()[..2], [7, 0]);
/// let shared = region.seal();
/// assert_eq!(shared.len(), 1 << 20);
/// # Ok(()) }
/// ```
pub struct Region {
    storage: Storage,
    /// Invariant: `storage`'s address; valid for `len` initialised bytes.
    start: NonNull<u8>,
    /// Invariant: at most `storage.capacity()`.
    len: usize,
}

enum Storage {
    Heap(Heap),
    #[cfg(target_os = "linux")]
    Pages(Pages),
}

// SAFETY: a region owns its memory alone, like a `Box<[u8]>`; nothing of it is tied to a thread.
unsafe impl Send for Region {}
// SAFETY: a shared region only gives out `&[u8]`; writing takes `&mut`.
unsafe impl Sync for Region {}

impl Region {
    /// `len` zeroed bytes: from the heap below 1 MiB, else from pages of their own, huge ones from 2 MiB on.
    ///
    /// # Errors
    /// `OutOfMemory` when the memory cannot be had.
    pub fn new(len: usize) -> io::Result<Region> {
        #[cfg(target_os = "linux")]
        if len >= PAGES_FROM {
            return Ok(Region::from_storage(
                Storage::Pages(Pages::map(len, len >= HUGE_PAGE)?),
                len,
            ));
        }
        Region::heap(len)
    }

    /// `len` zeroed bytes from the heap, whatever their number.
    ///
    /// # Errors
    /// `OutOfMemory` when the memory cannot be had.
    pub fn heap(len: usize) -> io::Result<Region> {
        Ok(Region::from_storage(Storage::Heap(Heap::zeroed(len)?), len))
    }

    /// `len` zeroed bytes on huge pages, the memory behind them rounded up to 2 MiB. Plain pages when the
    /// kernel has no huge ones; the heap off Linux. [`Region::kind`] says which it was.
    ///
    /// # Errors
    /// `OutOfMemory` when the memory cannot be had.
    pub fn huge(len: usize) -> io::Result<Region> {
        #[cfg(target_os = "linux")]
        {
            let whole = len
                .max(1)
                .checked_next_multiple_of(HUGE_PAGE)
                .ok_or_else(|| out_of_memory(len))?;
            Ok(Region::from_storage(
                Storage::Pages(Pages::map(whole, true)?),
                len,
            ))
        }
        #[cfg(not(target_os = "linux"))]
        Region::heap(len)
    }

    /// `len` bytes that mean nothing, for who writes all of them: those of a region like this that the process let go, or new
    /// ones, which are not zero in a debug build, so that tests find who reads them.
    ///
    /// On Linux up to 64 MiB of such memory stay with the process, for the next region of the same size from 2 MiB on: new
    /// pages have to be cleared by the system, and a virtual machine may have to fetch them first.
    ///
    /// # Errors
    /// `OutOfMemory` when the memory cannot be had.
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// use parallax_memory::Region;
    ///
    /// let mut region = Region::stale(3 << 20)?;
    /// region.as_mut_slice().fill(1);
    /// # Ok(()) }
    /// ```
    pub fn stale(len: usize) -> io::Result<Region> {
        #[cfg(target_os = "linux")]
        if len >= HUGE_PAGE
            && let Some(pages) = Pages::kept(len)
        {
            return Ok(Region::from_storage(Storage::Pages(pages), len));
        }
        let mut region = Region::new(len)?;
        #[cfg(target_os = "linux")]
        if let Storage::Pages(pages) = &mut region.storage {
            pages.keep();
        }
        if cfg!(debug_assertions) {
            region.as_mut_slice().fill(0xA5);
        }
        Ok(region)
    }

    /// How many bytes there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no bytes.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What the region is made of.
    pub fn kind(&self) -> RegionKind {
        match &self.storage {
            Storage::Heap(_) => RegionKind::Heap,
            #[cfg(target_os = "linux")]
            Storage::Pages(pages) if pages.huge() => RegionKind::HugePages,
            #[cfg(target_os = "linux")]
            Storage::Pages(_) => RegionKind::Pages,
        }
    }

    /// The bytes.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: `start` is valid for `len` initialised bytes (invariant) and `&self` keeps writers out.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }

    /// The bytes, to write.
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: as in `as_slice`; `&mut self` makes this the only way to the bytes.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }

    /// Has every page backed by memory now, so that the first write to it does not stop in the kernel. The
    /// contents stay as they are.
    pub fn prefault(&mut self) {
        #[cfg(target_os = "linux")]
        if let Storage::Pages(pages) = &mut self.storage
            && pages.populate(self.len)
        {
            return;
        }
        for page in self.as_mut_slice().chunks_mut(4096) {
            if let Some(first) = page.first_mut() {
                // A plain write of the value read would be optimised away, and the page with it.
                *first = std::hint::black_box(*first);
            }
        }
    }

    /// Makes the region `new_len` bytes long; the contents stay and new bytes are zero. On Linux pages are
    /// added or moved without a copy; a heap region is copied into what [`Region::new`] gives. Does nothing if
    /// the region is already that long.
    ///
    /// # Errors
    /// `OutOfMemory` when the memory cannot be had; the region is then as it was.
    pub fn grow(&mut self, new_len: usize) -> io::Result<()> {
        if new_len <= self.len {
            return Ok(());
        }
        let known = self.storage.capacity().min(new_len);
        if new_len > self.storage.capacity() {
            match &mut self.storage {
                Storage::Heap(_) => {
                    let mut larger = Region::new(new_len)?;
                    larger.as_mut_slice()[..self.len].copy_from_slice(self.as_slice());
                    *self = larger;
                    return Ok(());
                }
                #[cfg(target_os = "linux")]
                Storage::Pages(pages) => {
                    pages.grow(new_len)?;
                    self.start = pages.start();
                }
            }
        }
        let old_len = self.len;
        self.len = new_len;
        // What lies between the old length and the old capacity may be left over from before a `shrink`.
        self.as_mut_slice()[old_len..known].fill(0);
        Ok(())
    }

    /// Makes the region `new_len` bytes long and gives whole pages behind that back to the kernel; on the heap,
    /// memory is given back when at least half of it would be. Does nothing if the region is already as short.
    pub fn shrink(&mut self, new_len: usize) {
        if new_len >= self.len {
            return;
        }
        self.len = new_len;
        match &mut self.storage {
            Storage::Heap(heap) => {
                if new_len <= heap.capacity() / 2
                    && let Ok(mut smaller) = Region::heap(new_len)
                {
                    smaller.as_mut_slice().copy_from_slice(self.as_slice());
                    *self = smaller;
                }
            }
            #[cfg(target_os = "linux")]
            Storage::Pages(pages) => pages.shrink(new_len),
        }
    }

    /// Makes the bytes shared and read-only.
    pub fn seal(self) -> Bytes {
        Bytes::from_region(self)
    }

    fn from_storage(storage: Storage, len: usize) -> Region {
        let start = storage.start();
        Region { storage, start, len }
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the bytes: there may be gigabytes of them.
        f.debug_struct("Region")
            .field("kind", &self.kind())
            .field("len", &self.len)
            .finish()
    }
}

impl Storage {
    fn start(&self) -> NonNull<u8> {
        match self {
            Storage::Heap(heap) => heap.start(),
            #[cfg(target_os = "linux")]
            Storage::Pages(pages) => pages.start(),
        }
    }

    fn capacity(&self) -> usize {
        match self {
            Storage::Heap(heap) => heap.capacity(),
            #[cfg(target_os = "linux")]
            Storage::Pages(pages) => pages.capacity(),
        }
    }
}
