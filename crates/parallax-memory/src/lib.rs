//! Floor 0 of Parallax: memory regions, huge pages, mapped files, pools and loans, as Arrow buffers.
//!
//! In go byte counts and open files; out come bytes that somebody owns. This crate knows nothing of events.
//!
//! | type | who may write | what it is |
//! | --- | --- | --- |
//! | [`Region`] | its one owner | zeroed, 64-byte aligned bytes: heap, pages or huge pages |
//! | [`Column`] | its one owner | a growable typed column on a region, for decoders |
//! | [`MemoryPool`] | nobody | slots of one size, loaned and returned without a lock or a system call |
//! | [`LoanedSlot`] | its one owner | a slot in one hand; goes back when dropped |
//! | [`Buffer`], [`Bytes`] | nobody | shared memory with `O(1)` clone and slice; the way into Arrow |
//! | [`MappedFile`] | nobody here | a recording mapped read-only, its size checked again per chunk |
//!
//! A region or a loan is unique and writable; sealed into a [`Buffer`] it is shared and read-only. They are two
//! types, so nobody writes what another reads. When the last handle goes (Arrow's included), the memory is freed, goes
//! back to its pool, or [`Bytes::try_into_region`] takes it back for the next chunk.
//!
//! # Contract
//! - An allocation that fails is an [`std::io::Error`] of kind `OutOfMemory`, never an abort.
//! - Memory is always initialised: fresh bytes are zero, so no safe reader sees what another left, unless it asks for
//!   [`Region::stale`] bytes.
//! - This is the only crate that owns unsafe code for memory; every block says which fact it rests on.
//!
//! # Surprises
//! - Off Linux (wasm32 included) there is only the heap: the same types work, [`MappedFile::open`] says
//!   `Unsupported`, and callers read instead.
//! - A pool in shared memory is ready to be mapped by others, but nothing here talks to them.

mod buffer;
mod column;
mod filesystem;
mod heap;
#[cfg(target_os = "linux")]
mod kept;
mod mapped;
mod metadata;
#[cfg(target_os = "linux")]
mod pages;
mod pool;
mod region;
mod segment;
#[cfg(target_os = "linux")]
mod shared;
mod sync;

pub use buffer::{Buffer, Bytes};
pub use column::{Column, Element};
pub use mapped::{FileVersion, MappedFile};
pub use metadata::{Flags, Metadata};
pub use pool::{LoanError, LoanedSlot, MemoryPool, PoolConfig, PoolStats, SlotId};
pub use region::{Region, RegionKind};
pub use segment::{MemoryKind, MemorySegment};

/// The alignment of every [`Region`], in bytes: a cache line, and what Arrow recommends.
pub const ALIGNMENT: usize = 64;

/// The size of a huge page that this crate aims for, in bytes (x86-64, and aarch64 with 4 KiB pages).
pub const HUGE_PAGE: usize = 2 << 20;

/// The bytes of pages, huge ones included, that all regions of this process have mapped now, and that it keeps for the next
/// [`Region::stale`]; 0 off Linux. Small regions are on the heap and are counted by whoever counts that.
pub fn mapped_bytes() -> usize {
    #[cfg(target_os = "linux")]
    {
        pages::mapped_bytes()
    }
    #[cfg(not(target_os = "linux"))]
    0
}
