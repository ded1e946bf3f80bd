//! [`MemorySegment`]: the memory that a pool cuts into slots.
//!
//! In goes a [`MemoryKind`] and a size, out comes zeroed, writable, 64-byte aligned memory of that size that does not
//! move. The heap is the default and the only kind off Linux.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::ptr::NonNull;

use crate::Region;
#[cfg(target_os = "linux")]
use crate::shared::Shared;

/// What memory is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MemoryKind {
    /// The process's own memory: huge pages from 2 MiB on where the kernel offers them without being asked twice.
    #[default]
    Heap,
    /// Huge pages: reserved ones (`MAP_HUGETLB`) where the machine has some, else transparent ones, else plain pages.
    Huge,
    /// Memory without a name that another process can be given by its file descriptor (memfd). Sealed: nobody can
    /// shrink or grow it, and nobody but this process can write it.
    Shared,
    /// A file without a name in this folder, for pools that are larger than the memory: the kernel writes pages out.
    File(PathBuf),
}

impl MemoryKind {
    /// The name in configuration and reports.
    pub fn name(&self) -> &'static str {
        match self {
            MemoryKind::Heap => "heap",
            MemoryKind::Huge => "huge",
            MemoryKind::Shared => "shared",
            MemoryKind::File(_) => "file",
        }
    }
}

/// Zeroed, writable memory that does not move: see [`MemoryKind`] for what it can be made of.
pub struct MemorySegment {
    backing: Backing,
    kind: MemoryKind,
    len: usize,
}

enum Backing {
    Region(Region),
    #[cfg(target_os = "linux")]
    Shared(Shared),
}

impl MemorySegment {
    /// `len` zeroed bytes.
    ///
    /// # Errors
    /// `OutOfMemory` when the memory cannot be had; `Unsupported` for shared memory and files off Linux; else what
    /// the system says.
    pub fn new(kind: &MemoryKind, len: usize) -> io::Result<MemorySegment> {
        let backing = match kind {
            MemoryKind::Heap => Backing::Region(Region::new(len)?),
            #[cfg(target_os = "linux")]
            MemoryKind::Huge => match Shared::reserved_huge(len) {
                Ok(pages) => Backing::Shared(pages),
                Err(_) => Backing::Region(Region::huge(len)?),
            },
            #[cfg(target_os = "linux")]
            MemoryKind::Shared => Backing::Shared(Shared::memfd(len)?),
            #[cfg(target_os = "linux")]
            MemoryKind::File(folder) => Backing::Shared(Shared::unnamed_file(folder, len)?),
            #[cfg(not(target_os = "linux"))]
            MemoryKind::Huge => Backing::Region(Region::huge(len)?),
            #[cfg(not(target_os = "linux"))]
            MemoryKind::Shared | MemoryKind::File(_) => {
                let message = format!("{} memory exists on Linux only", kind.name());
                return Err(io::Error::new(io::ErrorKind::Unsupported, message));
            }
        };
        Ok(MemorySegment {
            backing,
            kind: kind.clone(),
            len,
        })
    }

    /// What was asked for.
    pub fn kind(&self) -> &MemoryKind {
        &self.kind
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The file behind it, for another process to map; only shared memory and files have one.
    #[cfg(target_os = "linux")]
    pub fn fd(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        match &self.backing {
            Backing::Shared(shared) => shared.fd(),
            Backing::Region(_) => None,
        }
    }

    /// Has every page backed by memory now.
    pub fn prefault(&mut self) {
        match &mut self.backing {
            Backing::Region(region) => region.prefault(),
            #[cfg(target_os = "linux")]
            Backing::Shared(shared) => shared.prefault(),
        }
    }

    /// The first byte: valid for `len` initialised bytes, read and write, while the segment lives, wherever it moves.
    pub(crate) fn start(&mut self) -> NonNull<u8> {
        match &mut self.backing {
            Backing::Region(region) => NonNull::from(region.as_mut_slice()).cast(),
            #[cfg(target_os = "linux")]
            Backing::Shared(shared) => shared.start(),
        }
    }
}

impl fmt::Debug for MemorySegment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySegment")
            .field("kind", &self.kind)
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}
