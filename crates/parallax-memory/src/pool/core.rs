//! What a pool's handles, loans and buffers share, and when it is freed.
//!
//! Contract: the core lives while a [`PoolHandle`] or a slot in somebody's hand does. A loan costs one exchange and so
//! does a return, which touches nothing afterwards; [`Lifetime`] says what happens when the last handle goes first.

use std::panic::{RefUnwindSafe, UnwindSafe};
use std::ptr::NonNull;
use std::sync::{Mutex, PoisonError};

use event_listener::Event;

use super::SlotId;
use super::bitmap::Bitmap;
use super::count::Count;
use super::lifetime::Lifetime;
use crate::MemorySegment;
use crate::sync::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

pub(crate) struct Core {
    lifetime: Lifetime,
    pub(crate) free: Bitmap,
    headers: Box<[Header]>,
    /// How often each slot was taken. Written by whoever has just taken it, and so not beside what those who return
    /// slots read: a line that only one thread writes stays in its cache.
    uses: Box<[AtomicU64]>,
    pub(crate) high_water: AtomicU32,
    pub(crate) exhausted: AtomicU64,
    /// How many wait for a slot; while there is one, the bitmap is marked.
    waiting: Mutex<usize>,
    pub(crate) returned: Event,
    /// The first slot. Invariant: `headers.len()` slots of `stride` bytes from here on lie in `segment`.
    start: NonNull<u8>,
    stride: usize,
    pub(crate) slot_bytes: usize,
    pub(crate) id: u64,
    pub(crate) segment: MemorySegment,
}

/// What is known of one slot; in the process's own memory, where no other process can write.
#[repr(align(64))]
struct Header {
    count: Count,
    /// Drops the value that was moved into the slot; null if there is nothing to drop.
    drop_value: AtomicPtr<()>,
}

/// Drops the value at the start of a slot.
pub(crate) type DropValue = unsafe fn(NonNull<u8>);

impl Core {
    pub(crate) fn allocate(
        mut segment: MemorySegment,
        slots: usize,
        stride: usize,
        slot_bytes: usize,
    ) -> PoolHandle {
        static NEXT_ID: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
        let start = segment.start();
        let headers = std::iter::repeat_with(|| Header {
            count: Count::new(),
            drop_value: AtomicPtr::new(std::ptr::null_mut()),
        });
        let core = Box::new(Core {
            lifetime: Lifetime::new(),
            free: Bitmap::new(slots),
            headers: headers.take(slots).collect(),
            uses: std::iter::repeat_with(|| AtomicU64::new(0)).take(slots).collect(),
            high_water: AtomicU32::new(0),
            exhausted: AtomicU64::new(0),
            waiting: Mutex::new(0),
            returned: Event::new(),
            start,
            stride,
            slot_bytes,
            id: NEXT_ID.fetch_add(1, std::sync::atomic::Ordering::Relaxed),
            segment,
        });
        PoolHandle(NonNull::from(Box::leak(core)))
    }

    pub(crate) fn slots(&self) -> usize {
        self.headers.len()
    }

    /// Slots in somebody's hand.
    pub(crate) fn in_use(&self) -> usize {
        self.free.in_use()
    }

    /// There may be more slots in use than ever, now that `slot` was taken: counts them.
    #[cold]
    fn raise_high_water(&self, slot: usize) {
        let in_use = self.free.recount(slot) as u32;
        self.high_water.fetch_max(in_use, Ordering::Relaxed);
    }

    /// How often slots were taken, all of them together.
    pub(crate) fn uses(&self) -> u64 {
        self.uses.iter().map(|uses| uses.load(Ordering::Relaxed)).sum()
    }

    /// Somebody begins to wait, before a last look for a slot, or has done waiting.
    pub(crate) fn count_waiting(&self, begins: bool) {
        // The number is right even if somebody panicked beside it.
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        *waiting = if begins { *waiting + 1 } else { *waiting - 1 };
        match (begins, *waiting) {
            (true, 1) => self.free.watch(),
            (false, 0) => self.free.unwatch(),
            _ => {}
        }
    }

    /// Frees the core.
    ///
    /// # Safety
    /// There are no handles and no slots in hand.
    #[cold]
    unsafe fn free(core: NonNull<Core>) {
        // SAFETY: it came from a `Box`, and nobody else can reach it.
        drop(unsafe { Box::from_raw(core.as_ptr()) });
    }
}

/// One handle to a pool.
pub(crate) struct PoolHandle(NonNull<Core>);

// SAFETY: the core is shared through atomics, an `Event` and its segment, which are all `Send + Sync`.
unsafe impl Send for PoolHandle {}
// SAFETY: as above.
unsafe impl Sync for PoolHandle {}
impl UnwindSafe for PoolHandle {}
impl RefUnwindSafe for PoolHandle {}

impl PoolHandle {
    #[inline]
    pub(crate) fn core(&self) -> &Core {
        // SAFETY: alive, as this handle is there.
        unsafe { self.0.as_ref() }
    }

    /// A free slot, held once.
    #[inline]
    pub(crate) fn take(&self) -> Option<Slot> {
        let core = self.core();
        let taken = core.free.take()?;
        // Not an exchange: the slot is in this hand alone.
        let uses = &core.uses[taken.slot];
        uses.store(uses.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        if taken.in_use > core.high_water.load(Ordering::Relaxed) as usize {
            core.raise_high_water(taken.slot);
        }
        core.headers[taken.slot].count.begin();
        Some(Slot {
            core: self.0,
            index: taken.slot as u32,
        })
    }
}

impl Clone for PoolHandle {
    fn clone(&self) -> Self {
        self.core().lifetime.share();
        PoolHandle(self.0)
    }
}

impl Drop for PoolHandle {
    fn drop(&mut self) {
        let core = self.core();
        if core.lifetime.let_go(|| core.free.orphan() as u64) {
            // SAFETY: this was the last handle, and every slot has returned.
            unsafe { Core::free(self.0) };
        }
    }
}

/// One of the hands that share a slot.
pub(crate) struct Slot {
    core: NonNull<Core>,
    /// Invariant: below `core.slots()`.
    index: u32,
}

// SAFETY: what is shared is the core (see `PoolHandle`) and the count; the content is the business of those who
// made it accessible.
unsafe impl Send for Slot {}
// SAFETY: as above.
unsafe impl Sync for Slot {}
impl UnwindSafe for Slot {}
impl RefUnwindSafe for Slot {}

impl Slot {
    #[inline]
    pub(crate) fn core(&self) -> &Core {
        // SAFETY: alive, as this slot is in hand.
        unsafe { self.core.as_ref() }
    }

    #[inline]
    fn header(&self) -> &Header {
        &self.core().headers[self.index as usize]
    }

    /// The slot's first byte, 64-byte aligned, of `slot_bytes` that are initialised.
    #[inline]
    pub(crate) fn start(&self) -> NonNull<u8> {
        let core = self.core();
        // SAFETY: the slot lies in the segment (invariants of `Core` and of `index`).
        unsafe { core.start.add(self.index as usize * core.stride) }
    }

    pub(crate) fn id(&self) -> SlotId {
        SlotId {
            pool: self.core().id,
            slot: self.index,
            generation: self.core().uses[self.index as usize].load(Ordering::Relaxed) as u32,
        }
    }

    /// Has `drop_value` called on the slot's start when the last hand lets go.
    pub(crate) fn set_drop(&self, drop_value: DropValue) {
        self.header()
            .drop_value
            .store(drop_value as *mut (), Ordering::Relaxed);
    }
}

impl Clone for Slot {
    #[inline]
    fn clone(&self) -> Self {
        self.header().count.share();
        Slot {
            core: self.core,
            index: self.index,
        }
    }
}

impl Drop for Slot {
    #[inline]
    fn drop(&mut self) {
        if self.header().count.release() {
            let slot = Returning(self);
            let header = slot.0.header();
            if !header.drop_value.load(Ordering::Relaxed).is_null() {
                drop_content(slot.0);
            }
        }
    }
}

#[cold]
fn drop_content(slot: &Slot) {
    let drop_value = slot
        .header()
        .drop_value
        .swap(std::ptr::null_mut(), Ordering::Relaxed);
    // SAFETY: not null, so `set_drop` stored a `DropValue` there; that the value it drops is in the slot is what its
    // caller established, and this is the last hand.
    unsafe { std::mem::transmute::<*mut (), DropValue>(drop_value)(slot.start()) };
}

/// The last hand of a slot; when it is dropped, after a panic of the content's own `drop` too, the slot is free.
struct Returning<'a>(&'a Slot);

impl Drop for Returning<'_> {
    #[inline]
    fn drop(&mut self) {
        // Nothing is touched afterwards: the core may be gone with the slot.
        if !self.0.core().free.give(self.0.index as usize) {
            return_marked(self.0);
        }
    }
}

/// The return of a slot for which somebody waits, or whose pool has no handle any more.
#[cold]
fn return_marked(slot: &Slot) {
    // The core is alive while the slot is in hand, and from here on while this handle is.
    if slot.core().lifetime.try_share() {
        let handle = PoolHandle(slot.core);
        handle.core().free.give_watched(slot.index as usize);
        handle.core().returned.notify_additional(1);
    } else if slot.core().lifetime.give_back() {
        // SAFETY: the last handle is gone, and this was the last slot in hand.
        unsafe { Core::free(slot.core) };
    }
}
