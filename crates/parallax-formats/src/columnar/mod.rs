//! The room of the columnar formats: Parquet and Arrow IPC.
//!
//! Both store the four event columns as tables and share how their bytes are reached ([`Content`]), how a
//! foreign table's columns are recognised ([`EventColumns`]) and how a stream is cut into pieces of one size
//! before it is written ([`Recut`]), so that the file does not depend on the batches that came in. The Arrow and
//! Parquet libraries do the decoding; what they would take on trust from a hostile file (sizes, counts,
//! offsets, nesting) is checked here first.

mod content;
mod encodings;
mod event_columns;
pub(crate) mod ipc_read;
pub(crate) mod ipc_write;
mod page_headers;
pub(crate) mod parquet_read;
pub(crate) mod parquet_write;
mod recut;
mod row_group;
mod tensor_write;
mod thrift;

pub(crate) use content::Content;
pub(crate) use event_columns::EventColumns;
pub(crate) use recut::Recut;
pub use tensor_write::{TensorTable, TensorTableFormat};

use std::sync::Arc;

use arrow_array::RecordBatch;
use parallax_events::{Error, Event, EventBatch, Meta, ParamSpec, Result};

use crate::{ReadOptions, Sample};

/// The parameter of the Arrow writers.
pub(crate) const COMPRESSION: ParamSpec = ParamSpec::choice("compression", &["none", "lz4", "zstd"])
    .default("none")
    .doc("Compression of the columns when writing");

/// The parameter of the readers for tables of others.
pub(crate) const TIME_UNIT: ParamSpec = ParamSpec::choice("unit", &["ms", "us", "ns"])
    .optional()
    .doc("What integer times count in when reading a file that does not state it (us)");

/// How many events the readers hand out at once: few enough to stay in the cache while they are checked and
/// copied on.
const READ_BATCH: usize = 64 << 10;

/// How many events a row group or a record batch has at most. A constant, so that the same stream makes the
/// same file.
pub(crate) const GROUP_EVENTS: usize = 1 << 20;

/// How many events a reader may hand out at once. The chunk asked for plays no part: the reader above cuts it.
pub(crate) fn read_batch(options: &ReadOptions) -> usize {
    let allowed = options.memory_limit.map_or(u64::MAX, |bytes| bytes / 13);
    READ_BATCH
        .min(usize::try_from(allowed).unwrap_or(usize::MAX))
        .max(1)
}

/// The sample of a table format: these events in the file that `write` makes of them, with the library that defines the
/// format alone.
pub(crate) fn library_sample(
    events: Vec<Event>,
    (width, height): (u16, u16),
    write: impl FnOnce(&RecordBatch) -> Result<Vec<u8>>,
) -> Sample {
    let file = || {
        let meta = Arc::new(Meta::with_geometry(width, height)?);
        write(&EventBatch::from_events(&events, meta)?.to_record_batch()?)
    };
    let bytes = file().unwrap_or_default();
    Sample { bytes, events }
}

/// Runs code of the Arrow and Parquet libraries on hostile bytes; a panic in it becomes an error.
///
/// What would allocate without bound or overflow the stack is refused beforehand, for that cannot be caught. This
/// is the net under the rest: the decoder of `BYTE_STREAM_SPLIT`, for one, indexes by counts that it does not
/// check. The closure's state is dropped by the caller after an error, so it cannot be seen half-changed.
pub(crate) fn guard<T>(what: &'static str, run: impl FnOnce() -> Result<T>) -> Result<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(run))
        .unwrap_or_else(|_| Err(Error::malformed(format!("the {what} is damaged"))))
}
