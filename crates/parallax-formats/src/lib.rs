//! Floor 2 of Parallax: every event-camera format, in and out, behind one registry.
#![forbid(unsafe_code)]

mod decoder;
mod format;
mod formats;
mod options;
mod output;
mod png;
mod reader;
mod registry;
mod seek_index;
mod source;
mod tensor_file;

// Rooms that several formats share, or one fills.
mod aedat4;
mod columnar;
mod event_stream;
mod event_tensor;
mod numpy;
mod prophesee;
mod spool;
mod stored;
mod text;

pub use columnar::{TensorTable, TensorTableFormat};
pub use decoder::{Decoder, EventSink, Found, Look, Parts, Piece, Survey, TimeSeek};
pub use event_tensor::{EventTensorWriter, read_event_tensor};
pub use format::{
    BatchSource, Create, EventWriter, Evidence, Format, Open, Probe, REORDERS_TIES, Sample, SeekInput,
    TriggerSupport,
};
pub use formats::FORMATS;
pub use numpy::{NpyStack, NpzCompression, read_npy, read_npz, write_npy, write_npz};
pub use options::{Progress, ProgressCallback, ReadOptions, WriteOptions};
pub use output::{OutputFile, OutputWriter, same_file};
pub use png::write_png;
pub use reader::{EventReader, PushReader};
pub use registry::{create, format, recognise, writable, written_as};
pub use seek_index::SeekIndex;
pub use tensor_file::{Stacking, TensorFile, TensorFormat};
