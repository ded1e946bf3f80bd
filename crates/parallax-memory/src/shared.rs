//! Mappings that are shared with a file: memfd, a file without a name, and reserved huge pages.
//!
//! In goes a size, out comes a writable mapping, unmapped on drop. Fresh pages are zero.
//!
//! Contract: nobody else writes these pages. A memfd is sealed against shrinking, growing and new writable mappings;
//! a file has no name by which others could open it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::ptr::NonNull;

use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create, open};
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap, mmap_anonymous, munmap};

use crate::HUGE_PAGE;
use crate::heap::out_of_memory;
use crate::pages::page_size;

/// One mapping. Invariant: `start..start + mapped` is a readable and writable mapping that this value alone owns;
/// `mapped` is a multiple of the page size and not zero.
pub(crate) struct Shared {
    start: NonNull<u8>,
    mapped: usize,
    file: Option<OwnedFd>,
}

// SAFETY: the mapping belongs to this value alone and is not tied to a thread.
unsafe impl Send for Shared {}
// SAFETY: a shared `Shared` gives out only its descriptor.
unsafe impl Sync for Shared {}

impl Shared {
    /// Memory without a name, sealed.
    pub(crate) fn memfd(len: usize) -> io::Result<Shared> {
        let file = memfd_create("parallax-pool", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        let mapped = Shared::map_file(file, len)?;
        let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::FUTURE_WRITE | SealFlags::SEAL;
        if let Some(file) = &mapped.file {
            fcntl_add_seals(file, seals)?;
        }
        Ok(mapped)
    }

    /// A file without a name in `folder`.
    pub(crate) fn unnamed_file(folder: &Path, len: usize) -> io::Result<Shared> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let file = open(folder, flags, Mode::RUSR | Mode::WUSR)?;
        // A file with holes ends the process when the disk is full at a page's first write.
        let size = round_up(len, page_size())? as u64;
        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, size)?;
        Shared::map_file(file, len)
    }

    /// Private memory on huge pages that the machine has set aside.
    pub(crate) fn reserved_huge(len: usize) -> io::Result<Shared> {
        let mapped = round_up(len, HUGE_PAGE)?;
        let access = ProtFlags::READ | ProtFlags::WRITE;
        let flags = MapFlags::PRIVATE | MapFlags::HUGETLB;
        // SAFETY: a null address lets the kernel choose one that is free, so no existing memory is touched.
        let start = unsafe { mmap_anonymous(std::ptr::null_mut(), mapped, access, flags) }?;
        Ok(Shared {
            start: non_null(start)?,
            mapped,
            file: None,
        })
    }

    fn map_file(file: OwnedFd, len: usize) -> io::Result<Shared> {
        let mapped = round_up(len, page_size())?;
        ftruncate(&file, mapped as u64)?;
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a null address lets the kernel choose one that is free, so no existing memory is touched.
        let start = unsafe { mmap(std::ptr::null_mut(), mapped, access, MapFlags::SHARED, &file, 0) }?;
        Ok(Shared {
            start: non_null(start)?,
            mapped,
            file: Some(file),
        })
    }

    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(crate) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.file.as_ref().map(AsFd::as_fd)
    }

    pub(crate) fn prefault(&mut self) {
        // SAFETY: the range is our own writable mapping; populating changes no byte of it.
        let populated = unsafe {
            madvise(
                self.start.as_ptr().cast(),
                self.mapped,
                Advice::LinuxPopulateWrite,
            )
        };
        if populated.is_ok() {
            return;
        }
        for page in (0..self.mapped).step_by(page_size()) {
            // SAFETY: inside our own mapping, of which `&mut self` is the only user.
            unsafe {
                let byte = self.start.add(page);
                byte.write_volatile(byte.read_volatile());
            }
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: exactly our mapping, and nothing borrows a value that is being dropped.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.mapped) };
    }
}

fn non_null(start: *mut std::ffi::c_void) -> io::Result<NonNull<u8>> {
    NonNull::new(start.cast()).ok_or_else(|| io::Error::other("the kernel mapped the address zero"))
}

fn round_up(len: usize, unit: usize) -> io::Result<usize> {
    len.max(1)
        .checked_next_multiple_of(unit)
        .filter(|&size| isize::try_from(size).is_ok())
        .ok_or_else(|| out_of_memory(len))
}
