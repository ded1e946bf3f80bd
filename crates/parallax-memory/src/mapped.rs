//! [`MappedFile`]: a recording mapped read-only, its size checked again per chunk.
//!
//! In goes an open file, out come slices of it that cost no copy. A file that is not to be mapped is
//! `Unsupported`, and the caller reads it instead.
//! The contract, and what can still go wrong, is on [`MappedFile`].

use std::fmt;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::time::Duration;
#[cfg(unix)]
use std::time::{SystemTime, UNIX_EPOCH};

#[cfg(target_os = "linux")]
use linux::Mapping;
#[cfg(not(target_os = "linux"))]
use nowhere::Mapping;

/// A recording mapped read-only, its size checked again per chunk.
///
/// A file that grows keeps the length that it had when it was opened.
///
/// # The one exception
/// Memory that another process can write is never a `&[T]` in Parallax, but here. What stands in for the proof:
/// the mapping is read-only; the size is compared before each chunk, so that a file which was cut short is an
/// error at the next chunk; files on network and user-space file systems, whose reads can fail late, are
/// refused; the command has `--no-mmap`. What remains: whoever cuts the file short *between* the check and the
/// read, or pulls out the disk, ends the process with SIGBUS; and whoever overwrites the file in place while it
/// is read may have one byte seen with two values. Decoders check every word that they read on its own and index
/// by nothing else, so the second gives wrong events and not wrong memory.
///
/// Not mapped, `Unsupported`: anything that is not a regular file, and files on nfs, smb, cifs, smb2, ceph, afs,
/// kafs, coda, ncp, lustre, gpfs, beegfs, panfs, orangefs, ocfs2, gfs2, fuse (and virtiofs), 9p, vboxsf, vmhgfs,
/// proc, sysfs, debugfs and tracefs; off Linux, every file.
pub struct MappedFile {
    mapping: Mapping,
    file: File,
    len: usize,
}

/// A file in one state: see [`MappedFile::version`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileVersion {
    /// The device, and the file's number on it.
    file: (u64, u64),
    len: u64,
    /// When its content and when anything about it changed last, in seconds and nanoseconds.
    written: (i64, i64),
    changed: (i64, i64),
}

impl MappedFile {
    /// Maps `file` as long as it is now. The file itself need not stay open.
    ///
    /// # Errors
    /// `Unsupported` for what is not to be mapped (see [`MappedFile`]); otherwise what the system says.
    pub fn open(file: &File) -> io::Result<MappedFile> {
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(unsupported("only a regular file can be mapped"));
        }
        let len = usize::try_from(metadata.len())
            .ok()
            .filter(|&len| isize::try_from(len).is_ok())
            .ok_or_else(|| unsupported("the file is longer than the address space"))?;
        let mapping = Mapping::new(file, len)?;
        Ok(MappedFile {
            mapping,
            file: file.try_clone()?,
            len,
        })
    }

    /// The length in bytes that the file had when it was opened.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the file was empty when it was opened.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes `range`, after a look at the file's size.
    ///
    /// # Errors
    /// `InvalidInput` for a range that was never inside; `UnexpectedEof` if the file has been cut short before
    /// its end.
    pub fn chunk(&self, range: Range<usize>) -> io::Result<&[u8]> {
        let bytes = self.mapping.bytes().get(range.clone()).ok_or_else(|| {
            let Range { start, end } = range;
            let message = format!("bytes {start}..{end} of a file of {}", self.len);
            io::Error::new(io::ErrorKind::InvalidInput, message)
        })?;
        let now = self.file.metadata()?.len();
        if now < range.end as u64 && !bytes.is_empty() {
            let message = format!(
                "the file has shrunk from {} to {now} bytes while it was read; bytes {}..{} are gone",
                self.len, range.start, range.end
            );
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
        }
        Ok(bytes)
    }

    /// Copies the bytes from `at` on into `into`, past the mapping: a look at a few bytes of a page that is not mapped yet
    /// would map it and its neighbours, which takes several times as long.
    ///
    /// # Errors
    /// `UnexpectedEof` if the file is too short, or has been cut short; otherwise what the system says.
    pub fn read_at(&self, at: usize, into: &mut [u8]) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        return std::os::unix::fs::FileExt::read_exact_at(&self.file, into, at as u64);
        #[cfg(not(target_os = "linux"))]
        return self
            .chunk(at..at.saturating_add(into.len()))
            .map(|bytes| into.copy_from_slice(bytes));
    }

    /// Which file it is, and in which state: equal as long as nobody has changed it. `None` where the system does not tell, or
    /// if it changed less than `settled` ago: two changes so soon after each other may carry one time. Writes through a
    /// mapping of the file show late.
    pub fn version(&self, settled: Duration) -> Option<FileVersion> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let now = self.file.metadata().ok()?;
            let changed = (now.ctime(), now.ctime_nsec());
            let since = Duration::new(changed.0.try_into().ok()?, changed.1.try_into().ok()?);
            let age = SystemTime::now()
                .duration_since(UNIX_EPOCH.checked_add(since)?)
                .ok()?;
            (age >= settled).then(|| FileVersion {
                file: (now.dev(), now.ino()),
                len: now.len(),
                written: (now.mtime(), now.mtime_nsec()),
                changed,
            })
        }
        #[cfg(not(unix))]
        {
            let _ = settled;
            None
        }
    }

    /// Tells the kernel that the file will be read from front to back, so that it reads further ahead.
    ///
    /// # Errors
    /// What the system says. It is advice: going on without it is fine.
    pub fn advise_sequential(&self) -> io::Result<()> {
        self.mapping.advise_sequential()
    }

    /// Lets go of the memory behind the bytes `range`, which have been consumed, so that a long file does not
    /// fill the process. Reading them again is allowed and reads the file again. The page that holds the end of
    /// the range stays.
    ///
    /// # Errors
    /// What the system says. It is advice: going on without it is fine.
    pub fn evict(&self, range: Range<usize>) -> io::Result<()> {
        self.mapping
            .evict(range.start.min(self.len)..range.end.min(self.len))
    }
}

impl fmt::Debug for MappedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MappedFile")
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

fn unsupported(message: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, message.into())
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::File;
    use std::io;
    use std::ops::Range;
    use std::ptr::NonNull;

    use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap, munmap};

    use super::unsupported;
    use crate::filesystem::refused;
    use crate::pages::page_size;

    /// A read-only mapping. Invariant: `start` is valid for `len` bytes, or dangles if that is zero.
    pub(super) struct Mapping {
        start: NonNull<u8>,
        len: usize,
    }

    // SAFETY: the mapping belongs to this value and is not tied to a thread.
    unsafe impl Send for Mapping {}
    // SAFETY: a shared mapping only gives out `&[u8]`.
    unsafe impl Sync for Mapping {}

    impl Mapping {
        pub(super) fn new(file: &File, len: usize) -> io::Result<Mapping> {
            // The width of `f_type` differs between architectures; the numbers are 32 bits everywhere.
            let magic = (rustix::fs::fstatfs(file)?.f_type as u64 & 0xFFFF_FFFF) as u32;
            if let Some(name) = refused(magic) {
                return Err(unsupported(format!("files on {name} are not mapped")));
            }
            if len == 0 {
                return Ok(Mapping {
                    start: NonNull::dangling(),
                    len,
                });
            }
            // SAFETY: a null address lets the kernel choose one that is free, so no existing memory is touched.
            let start = unsafe {
                mmap(
                    std::ptr::null_mut(),
                    len,
                    ProtFlags::READ,
                    MapFlags::PRIVATE,
                    file,
                    0,
                )
            }?;
            let start = NonNull::new(start.cast())
                .ok_or_else(|| io::Error::other("the kernel mapped the address zero"))?;
            Ok(Mapping { start, len })
        }

        pub(super) fn bytes(&self) -> &[u8] {
            // SAFETY: mapped and readable for `len` bytes (invariant). That nobody else writes them is the
            // exception documented on `MappedFile`.
            unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
        }

        pub(super) fn advise_sequential(&self) -> io::Result<()> {
            self.advise(0..self.len, Advice::Sequential)
        }

        pub(super) fn evict(&self, range: Range<usize>) -> io::Result<()> {
            let page = page_size();
            // Not `Advice::DontNeed`: that is the POSIX one, which does nothing.
            self.advise(
                range.start / page * page..range.end / page * page,
                Advice::LinuxDontNeed,
            )
        }

        /// `range` begins on a page and lies inside.
        fn advise(&self, range: Range<usize>, advice: Advice) -> io::Result<()> {
            if range.is_empty() {
                return Ok(());
            }
            // SAFETY: the range lies in our own mapping. It is read-only and backed by the file, so dropping its
            // pages changes no byte: the next read brings the same ones back.
            unsafe { madvise(self.start.as_ptr().add(range.start).cast(), range.len(), advice) }?;
            Ok(())
        }
    }

    impl Drop for Mapping {
        fn drop(&mut self) {
            if self.len != 0 {
                // SAFETY: exactly our mapping; every slice of it borrowed from the value that is being dropped.
                let _ = unsafe { munmap(self.start.as_ptr().cast(), self.len) };
            }
        }
    }
}

/// Off Linux no file is mapped.
#[cfg(not(target_os = "linux"))]
mod nowhere {
    use std::fs::File;
    use std::io;
    use std::ops::Range;

    use super::unsupported;

    pub(super) enum Mapping {}

    impl Mapping {
        pub(super) fn new(_: &File, _: usize) -> io::Result<Mapping> {
            Err(unsupported("files are not mapped on this system"))
        }

        pub(super) fn bytes(&self) -> &[u8] {
            match *self {}
        }

        pub(super) fn advise_sequential(&self) -> io::Result<()> {
            match *self {}
        }

        pub(super) fn evict(&self, _: Range<usize>) -> io::Result<()> {
            match *self {}
        }
    }
}
