//! [`MemoryPool`]: slots of one size that are loaned, written, sealed, shared and come back by themselves.
//!
//! In goes a [`PoolConfig`]; out come [`LoanedSlot`]s, which become [`Buffer`](crate::Buffer)s.
//!
//! Contract: a loan is in one hand and writable, a buffer in many and read-only; they are two types. An exhausted pool
//! is an error at once; who would rather wait says so. Loaning, sharing and returning take no lock, allocate nothing
//! and make no system call, unless somebody waits.
//!
//! Surprises: the memory lives until the last handle, loan and buffer are gone, wherever they are. A slot's bytes are
//! what its last user left there. A slot that is never dropped ([`std::mem::forget`]) never comes back.

mod bitmap;
mod core;
mod count;
mod lifetime;
mod slot;

use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use event_listener::Listener;

pub(crate) use self::core::Slot;
use self::core::{Core, PoolHandle};
pub use self::slot::LoanedSlot;
use crate::sync::Ordering;
use crate::{ALIGNMENT, MemoryKind, MemorySegment};

/// How large a pool is and what it is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolConfig {
    /// How many slots there are; at least one, at most 2^31.
    pub slots: usize,
    /// How many bytes each of them holds.
    pub slot_bytes: usize,
    /// What the memory is.
    pub memory: MemoryKind,
    /// Whether every page is backed by memory from the start, so that no first write stops in the kernel.
    pub prefault: bool,
}

impl PoolConfig {
    /// So many slots of so many bytes on the heap, pre-faulted.
    pub fn new(slots: usize, slot_bytes: usize) -> PoolConfig {
        PoolConfig {
            slots,
            slot_bytes,
            memory: MemoryKind::Heap,
            prefault: true,
        }
    }

    /// The same on other memory.
    #[must_use]
    pub fn with_memory(mut self, memory: MemoryKind) -> PoolConfig {
        self.memory = memory;
        self
    }
}

/// A pool of slots; a handle, cheap to clone.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use parallax_memory::{MemoryPool, PoolConfig};
///
/// let pool = MemoryPool::new(&PoolConfig::new(2, 4096))?;
/// let mut loan = pool.loan()?;
/// loan.write_bytes(b"events")?;
/// let buffer = loan.seal();
/// let shared = buffer.clone();
/// assert_eq!((&shared[..], pool.stats().in_use), (&b"events"[..], 1));
/// drop((buffer, shared));
/// assert_eq!((pool.stats().in_use, pool.stats().high_water), (0, 1));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct MemoryPool(PoolHandle);

impl MemoryPool {
    /// A pool of new memory.
    ///
    /// # Errors
    /// `InvalidInput` for no slots or too many; `OutOfMemory` and what the system says when the memory cannot be had.
    pub fn new(config: &PoolConfig) -> io::Result<MemoryPool> {
        let &PoolConfig {
            slots,
            slot_bytes,
            ref memory,
            prefault,
        } = config;
        let invalid = |message: String| io::Error::new(io::ErrorKind::InvalidInput, message);
        if slots == 0 || slots > 1 << 31 {
            return Err(invalid(format!(
                "a pool of {slots} slots (allowed: 1 to 2147483648)"
            )));
        }
        let sized = slot_bytes.max(1).checked_next_multiple_of(ALIGNMENT);
        let sized = sized.and_then(|stride| Some((stride, stride.checked_mul(slots)?)));
        let Some((stride, bytes)) = sized else {
            return Err(invalid(format!(
                "{slots} slots of {slot_bytes} bytes are more than the address space"
            )));
        };
        let mut segment = MemorySegment::new(memory, bytes)?;
        if prefault {
            segment.prefault();
        }
        Ok(MemoryPool(Core::allocate(segment, slots, stride, slot_bytes)))
    }

    /// A free slot, at once.
    ///
    /// # Errors
    /// [`LoanError::Exhausted`] if there is none.
    #[inline]
    pub fn loan(&self) -> Result<LoanedSlot, LoanError> {
        match self.0.take() {
            Some(slot) => Ok(LoanedSlot::new(slot)),
            None => Err(self.exhausted()),
        }
    }

    /// A free slot, when there is one; on any runtime. Cancelling it is safe.
    pub async fn loan_async(&self) -> LoanedSlot {
        loop {
            if let Some(slot) = self.0.take() {
                return LoanedSlot::new(slot);
            }
            let listener = self.core().returned.listen();
            let _waiting = Waiting::announce(&self.0);
            if let Some(slot) = self.0.take() {
                return LoanedSlot::new(slot);
            }
            listener.await;
        }
    }

    /// A free slot, waiting for one on this thread for at most so long.
    ///
    /// # Errors
    /// [`LoanError::Exhausted`] if there was none in time.
    pub fn loan_timeout(&self, timeout: Duration) -> Result<LoanedSlot, LoanError> {
        if let Some(slot) = self.0.take() {
            return Ok(LoanedSlot::new(slot));
        }
        let deadline = Instant::now() + timeout;
        loop {
            let listener = self.core().returned.listen();
            let _waiting = Waiting::announce(&self.0);
            if let Some(slot) = self.0.take() {
                return Ok(LoanedSlot::new(slot));
            }
            if listener.wait_deadline(deadline).is_none() {
                return self.loan();
            }
        }
    }

    /// How many slots there are.
    pub fn slots(&self) -> usize {
        self.core().slots()
    }

    /// How many bytes each slot holds.
    pub fn slot_bytes(&self) -> usize {
        self.core().slot_bytes
    }

    /// The memory that the slots lie in: what it is made of, and its file descriptor if it has one.
    pub fn segment(&self) -> &MemorySegment {
        &self.core().segment
    }

    /// The number that [`SlotId`]s of this pool carry, unique in this process.
    pub fn id(&self) -> u64 {
        self.core().id
    }

    /// How it is used. The figures are read one after another, so they need not be of one moment.
    pub fn stats(&self) -> PoolStats {
        let core = self.core();
        PoolStats {
            slots: core.slots(),
            slot_bytes: core.slot_bytes,
            in_use: core.in_use(),
            high_water: core.high_water.load(Ordering::Relaxed) as usize,
            loans: core.uses(),
            exhausted: core.exhausted.load(Ordering::Relaxed),
        }
    }

    fn core(&self) -> &Core {
        self.0.core()
    }

    #[cold]
    fn exhausted(&self) -> LoanError {
        self.core().exhausted.fetch_add(1, Ordering::Relaxed);
        LoanError::Exhausted {
            slots: self.slots(),
            slot_bytes: self.slot_bytes(),
        }
    }
}

impl fmt::Debug for MemoryPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryPool")
            .field("id", &self.id())
            .field("memory", &self.segment().kind())
            .field("stats", &self.stats())
            .finish()
    }
}

/// Somebody who waits for a slot and has said so.
struct Waiting<'a>(&'a PoolHandle);

impl<'a> Waiting<'a> {
    fn announce(pool: &'a PoolHandle) -> Self {
        pool.core().count_waiting(true);
        Waiting(pool)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.core().count_waiting(false);
    }
}

/// How a pool is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolStats {
    /// How many slots there are.
    pub slots: usize,
    /// How many bytes each holds.
    pub slot_bytes: usize,
    /// How many are in somebody's hand.
    pub in_use: usize,
    /// The most that ever were at once; threads that loan at the same moment may each miss the other's loan.
    pub high_water: usize,
    /// How many loans there were.
    pub loans: u64,
    /// How often a loan was refused because there was no free slot.
    pub exhausted: u64,
}

/// A slot in a message to another process: which one, and which of its uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SlotId {
    /// The pool, unique in the process that owns it.
    pub pool: u64,
    /// The slot's index.
    pub slot: u32,
    /// How often the slot had been taken, this use included; wraps.
    pub generation: u32,
}

/// Why a loan or a write into one failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoanError {
    /// Every slot is in use.
    Exhausted {
        /// How many there are.
        slots: usize,
        /// How many bytes each holds.
        slot_bytes: usize,
    },
    /// The content does not fit into the slot.
    TooLarge {
        /// The bytes that would be needed.
        needed: usize,
        /// The bytes that there are.
        available: usize,
    },
    /// The value wants a stricter alignment than slots have.
    Alignment {
        /// The alignment that it wants, in bytes.
        wanted: usize,
    },
    /// The value could not be archived, or the bytes are no archive of it.
    Archive,
}

impl fmt::Display for LoanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoanError::Exhausted { slots, slot_bytes } => {
                write!(f, "all {slots} slots of {slot_bytes} bytes are in use")
            }
            LoanError::TooLarge { needed, available } => {
                write!(f, "{needed} bytes do not fit into a slot of {available}")
            }
            LoanError::Alignment { wanted } => {
                write!(
                    f,
                    "a value aligned to {wanted} bytes in a slot aligned to {ALIGNMENT}"
                )
            }
            LoanError::Archive => f.write_str("the bytes and the archived value do not agree"),
        }
    }
}

impl std::error::Error for LoanError {}
