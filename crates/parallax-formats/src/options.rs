//! What a caller can ask of a reader and of a writer.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use parallax_events::{Geometry, Limits, OrderPolicy, SharedPool, TimeRange};

use crate::SeekIndex;

/// How far a read has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of input behind us.
    pub bytes: u64,
    /// Bytes of input in all, if known.
    pub total_bytes: Option<u64>,
    /// Events handed out.
    pub events: u64,
}

/// Called now and then during a read; `Break` stops it with an error of kind
/// [`Closed`](parallax_events::ErrorKind::Closed).
pub type ProgressCallback = Arc<dyn Fn(Progress) -> ControlFlow<()> + Send + Sync>;

/// How to read. The default reads everything leniently, in the recorded order.
#[derive(Clone)]
pub struct ReadOptions {
    /// The format, as `id` or `id key=value ..`; recognised by content and extension if absent.
    pub format: Option<String>,
    /// The most events in one batch. Does not change the events.
    pub chunk: usize,
    /// The most memory that one batch may take, in bytes; can only lower `chunk`.
    pub memory_limit: Option<u64>,
    /// What an input may claim.
    pub limits: Limits,
    /// Where times lie in files, as earlier reads with these options or clones of them found out. Does not change the events.
    pub index: SeekIndex,
    /// Only the events in this range of recorded time.
    pub time: Option<TimeRange>,
    /// Whether the first fault of the data is an error.
    pub strict: bool,
    /// What to do about the order of events.
    pub order: OrderPolicy,
    /// The sensor's size, where the input does not state it.
    pub geometry: Option<Geometry>,
    /// Whether files may be mapped into memory; else they are read.
    pub mmap: bool,
    /// Whether external triggers are read too: see [`EventReader::take_triggers`](crate::EventReader::take_triggers).
    /// If not, they are counted in the report. Formats without triggers ignore it.
    pub triggers: bool,
    /// Told about progress, on the thread that reads.
    pub progress: Option<ProgressCallback>,
    /// The threads on which whole recordings are decoded and sorted. Does not change the events.
    pub pool: SharedPool,
    /// The least bytes of input that one thread decodes at a time. Does not change the events.
    pub part: usize,
}

impl ReadOptions {
    /// The usual [`part`](Self::part).
    pub const PART: usize = 1 << 20;

    /// The streaming chunk: a constant, so that the same input gives the same batches everywhere.
    pub const CHUNK: usize = 1 << 20;

    /// How many events one batch may have under `chunk` and `memory_limit`; at least one.
    pub fn effective_chunk(&self) -> usize {
        let allowed = self.memory_limit.map_or(usize::MAX, |bytes| {
            usize::try_from(bytes / 13).unwrap_or(usize::MAX)
        });
        self.chunk.min(allowed).max(1)
    }
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            format: None,
            chunk: Self::CHUNK,
            memory_limit: None,
            limits: Limits::default(),
            index: SeekIndex::default(),
            time: None,
            strict: false,
            order: OrderPolicy::Keep,
            geometry: None,
            mmap: true,
            triggers: false,
            progress: None,
            pool: SharedPool::default(),
            part: Self::PART,
        }
    }
}

impl fmt::Debug for ReadOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadOptions")
            .field("format", &self.format)
            .field("chunk", &self.chunk)
            .field("memory_limit", &self.memory_limit)
            .field("limits", &self.limits)
            .field("index", &self.index)
            .field("time", &self.time)
            .field("strict", &self.strict)
            .field("order", &self.order)
            .field("geometry", &self.geometry)
            .field("mmap", &self.mmap)
            .field("triggers", &self.triggers)
            .field("progress", &self.progress.is_some())
            .field("threads", &self.pool.pool().threads())
            .field("part", &self.part)
            .finish()
    }
}

/// How to write.
#[derive(Debug, Clone, Default)]
pub struct WriteOptions {
    /// The format, as `id` or `id key=value ..`; by the file name's extension if absent.
    pub format: Option<String>,
}
