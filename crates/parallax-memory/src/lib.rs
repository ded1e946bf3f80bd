//! Floor 0 of Parallax: memory regions, huge pages and read-only mapped files, as Arrow buffers.
//!
//! In go byte counts and open files; out come bytes that somebody owns. This crate knows nothing of events.
//!
//! | type | who may write | what it is |
//! | --- | --- | --- |
//! | [`Region`] | its one owner | zeroed, 64-byte aligned bytes: heap, pages or huge pages |
//! | [`Column`] | its one owner | a growable typed column on a region, for decoders |
//! | [`Bytes`] | nobody | shared bytes with `O(1)` clone and slice; the way into Arrow |
//! | [`MappedFile`] | nobody here | a recording mapped read-only, its size checked again per chunk |
//!
//! A region is unique and writable; sealed into [`Bytes`] it is shared and read-only. They are two types, so
//! nobody writes what another reads. When the last handle goes (Arrow's included), the memory is freed, or
//! [`Bytes::try_into_region`] takes it back for the next chunk.
//!
//! # Contract
//! - An allocation that fails is an [`std::io::Error`] of kind `OutOfMemory`, never an abort.
//! - Memory is always initialised: fresh bytes are zero, so no safe reader sees what another left.
//! - This is the only crate that owns unsafe code for memory; every block says which fact it rests on.
//!
//! # Surprises
//! - Off Linux (wasm32 included) there is only the heap: the same types work, [`MappedFile::open`] says
//!   `Unsupported`, and callers read instead.
//! - Pools and loans ([`Region`]s that return to a pool, memory shared between processes) come later and
//!   stand beside `region`; [`Bytes`] is what they will seal into.

mod bytes;
mod column;
mod filesystem;
mod heap;
mod mapped;
#[cfg(target_os = "linux")]
mod pages;
mod region;

pub use bytes::Bytes;
pub use column::{Column, Element};
pub use mapped::MappedFile;
pub use region::{Region, RegionKind};

/// The alignment of every [`Region`], in bytes: a cache line, and what Arrow recommends.
pub const ALIGNMENT: usize = 64;

/// The size of a huge page that this crate aims for, in bytes (x86-64, and aarch64 with 4 KiB pages).
pub const HUGE_PAGE: usize = 2 << 20;

/// The most bytes of pages, huge ones included, that all regions of this process had mapped at once; 0 off Linux. Small
/// regions are on the heap and are counted by whoever counts that.
pub fn peak_mapped_bytes() -> usize {
    #[cfg(target_os = "linux")]
    {
        pages::peak_mapped_bytes()
    }
    #[cfg(not(target_os = "linux"))]
    0
}
