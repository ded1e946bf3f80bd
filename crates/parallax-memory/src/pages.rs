//! Anonymous pages from the Linux kernel: huge where asked, growing without a copy.
//!
//! In goes a size, out comes a private mapping of whole pages, unmapped on drop. Fresh pages are zero.
//!
//! A mapping that wants huge pages starts on a 2 MiB border; when it grows it is extended in place or its page
//! tables are moved to another such border, so that huge pages stay whole.
//!
//! Pages may be kept when they are let go, for who asks for as many whose contents mean nothing: the system would clear new
//! ones, and under a hypervisor often fetch them first.

use std::ffi::c_void;
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::mm::{
    Advice, MapFlags, MremapFlags, ProtFlags, madvise, mmap_anonymous, mremap, mremap_fixed, munmap,
};

use crate::heap::out_of_memory;
use crate::{HUGE_PAGE, kept};

/// One mapping. Invariant: `start..start + mapped` is one private, anonymous, readable and writable mapping that
/// this value alone owns; `mapped` is a multiple of the page size and not zero.
pub(crate) struct Pages {
    start: NonNull<u8>,
    mapped: usize,
    huge: bool,
    /// Whether they are kept for others when they are let go.
    is_kept: bool,
}

// SAFETY: the mapping belongs to this value alone and is not tied to a thread.
unsafe impl Send for Pages {}
// SAFETY: a shared `Pages` gives out only its address and size.
unsafe impl Sync for Pages {}

/// Bytes that are mapped in the process now.
static MAPPED: AtomicUsize = AtomicUsize::new(0);

/// The bytes of pages that this process has mapped.
pub(crate) fn mapped_bytes() -> usize {
    MAPPED.load(Ordering::Relaxed)
}

/// Counts a mapping that went from so many bytes to so many.
fn counted(before: usize, after: usize) {
    if after < before {
        MAPPED.fetch_sub(before - after, Ordering::Relaxed);
    } else {
        MAPPED.fetch_add(after - before, Ordering::Relaxed);
    }
}

impl Pages {
    /// At least `len` zeroed bytes; on a 2 MiB border and advised for huge pages if `huge`, plain pages when
    /// the kernel does not offer them.
    pub(crate) fn map(len: usize, huge: bool) -> io::Result<Pages> {
        let mapped = round_up(len.max(1), page_size()).ok_or_else(|| out_of_memory(len))?;
        let readable_writable = ProtFlags::READ | ProtFlags::WRITE;
        let start = if huge {
            reserve_aligned(mapped, readable_writable)?
        } else {
            reserve(mapped, readable_writable)?
        };
        let mut pages = Pages {
            start,
            mapped,
            huge: false,
            is_kept: false,
        };
        counted(0, mapped);
        if huge {
            pages.advise_huge();
        }
        Ok(pages)
    }

    /// Pages for `len` bytes that were kept, as they were left, to be kept again; none if there are none of this size.
    pub(crate) fn kept(len: usize) -> Option<Pages> {
        let mut pages = kept::take(round_up(len, page_size())?)?;
        pages.keep();
        Some(pages)
    }

    /// Has these kept when they are let go, if they are huge.
    pub(crate) fn keep(&mut self) {
        self.is_kept = self.huge;
    }

    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(crate) fn capacity(&self) -> usize {
        self.mapped
    }

    /// Whether the kernel accepted the wish for huge pages.
    pub(crate) fn huge(&self) -> bool {
        self.huge
    }

    /// Makes room for `len` bytes; the contents stay, the address may change, new pages are zero. On an error
    /// nothing has changed.
    pub(crate) fn grow(&mut self, len: usize) -> io::Result<()> {
        let target = round_up(len, page_size()).ok_or_else(|| out_of_memory(len))?;
        if target <= self.mapped {
            return Ok(());
        }
        let huge = self.huge || target >= HUGE_PAGE;
        let on_border = self.start.as_ptr().addr().is_multiple_of(HUGE_PAGE);
        if (on_border || !huge) && self.extend(target, MremapFlags::empty()).is_ok() {
            // grown in place
        } else if !(huge && self.move_to_border(target)) {
            self.extend(target, MremapFlags::MAYMOVE)
                .map_err(|_| out_of_memory(len))?;
        }
        if huge && !self.huge {
            self.advise_huge();
        }
        Ok(())
    }

    /// Gives the whole pages behind the first `len` bytes back to the kernel; keeps at least one page.
    pub(crate) fn shrink(&mut self, len: usize) {
        let Some(keep) = round_up(len.max(1), page_size()).filter(|&keep| keep < self.mapped) else {
            return;
        };
        // SAFETY: the tail lies in our own mapping, begins on a page, and `&mut self` says nobody borrows it.
        let unmapped = unsafe { munmap(self.start.as_ptr().add(keep).cast(), self.mapped - keep) };
        if unmapped.is_ok() {
            counted(self.mapped, keep);
            self.mapped = keep;
        }
    }

    /// Lets the kernel back the first `len` bytes with memory now. False when it cannot (before Linux 5.14).
    pub(crate) fn populate(&mut self, len: usize) -> bool {
        let len = len.min(self.mapped);
        // SAFETY: the range is our own writable mapping; populating changes no byte of it.
        unsafe { madvise(self.start.as_ptr().cast(), len, Advice::LinuxPopulateWrite) }.is_ok()
    }

    fn extend(&mut self, target: usize, flags: MremapFlags) -> io::Result<()> {
        // SAFETY: old address and size are exactly our mapping; `&mut self` says nobody borrows it, so it may move.
        let start = unsafe { mremap(self.start.as_ptr().cast(), self.mapped, target, flags) }?;
        self.start = non_null(start)?;
        counted(self.mapped, target);
        self.mapped = target;
        Ok(())
    }

    /// Moves the page tables to a fresh place on a 2 MiB border. False: nothing moved.
    fn move_to_border(&mut self, target: usize) -> bool {
        let Ok(place) = reserve_aligned(target, ProtFlags::empty()) else {
            return false;
        };
        // SAFETY: the source is exactly our mapping and unborrowed (`&mut self`); the destination was reserved
        // above for this purpose, nobody else knows it.
        let moved = unsafe {
            let from = self.start.as_ptr().cast();
            mremap_fixed(
                from,
                self.mapped,
                target,
                MremapFlags::MAYMOVE,
                place.as_ptr().cast(),
            )
        };
        if moved.is_err() {
            // The kernel may have unmapped the reservation before it failed, and another thread may have mapped
            // something there since. So it is not ours to unmap; at worst an address range is lost.
            return false;
        }
        self.start = place;
        counted(self.mapped, target);
        self.mapped = target;
        true
    }

    fn advise_huge(&mut self) {
        // SAFETY: the range is exactly our mapping; the advice changes no byte of it.
        let advised = unsafe { madvise(self.start.as_ptr().cast(), self.mapped, Advice::LinuxHugepage) };
        self.huge = advised.is_ok();
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        if self.is_kept {
            // The mapping is the other value's from here on.
            return kept::keep(Pages {
                is_kept: false,
                ..*self
            });
        }
        counted(self.mapped, 0);
        // SAFETY: exactly our mapping, and nothing borrows a value that is being dropped. An error cannot be
        // acted on here; it would leave the pages mapped.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.mapped) };
    }
}

/// The size of a page in bytes.
pub(crate) fn page_size() -> usize {
    rustix::param::page_size()
}

/// `len` bytes (whole pages) at any address.
fn reserve(len: usize, protection: ProtFlags) -> io::Result<NonNull<u8>> {
    // Rust's slices end at isize::MAX bytes, whatever the kernel would give.
    if isize::try_from(len).is_err() {
        return Err(out_of_memory(len));
    }
    // SAFETY: a null address lets the kernel choose one that is free, so no existing memory is touched.
    let map = || unsafe { mmap_anonymous(std::ptr::null_mut(), len, protection, MapFlags::PRIVATE) };
    let start = map().or_else(|error| if kept::release() { map() } else { Err(error) });
    non_null(start.map_err(|_| out_of_memory(len))?)
}

/// `len` bytes (whole pages) on a 2 MiB border: too much is mapped, then both ends are cut off.
fn reserve_aligned(len: usize, protection: ProtFlags) -> io::Result<NonNull<u8>> {
    let total = len.checked_add(HUGE_PAGE).ok_or_else(|| out_of_memory(len))?;
    let whole = reserve(total, protection)?;
    let before = whole.as_ptr().addr().wrapping_neg() % HUGE_PAGE;
    let after = HUGE_PAGE - before;
    // SAFETY: before + len + after is the whole mapping made above, of which only this function knows; the two
    // ends are whole pages, since the border and `len` are multiples of the page size.
    unsafe {
        let start = whole.as_ptr().add(before);
        if before > 0 {
            let _ = munmap(whole.as_ptr().cast(), before);
        }
        let _ = munmap(start.add(len).cast(), after);
        Ok(NonNull::new_unchecked(start))
    }
}

fn non_null(start: *mut c_void) -> io::Result<NonNull<u8>> {
    NonNull::new(start.cast()).ok_or_else(|| io::Error::other("the kernel mapped the address zero"))
}

fn round_up(len: usize, unit: usize) -> Option<usize> {
    len.checked_next_multiple_of(unit)
}
