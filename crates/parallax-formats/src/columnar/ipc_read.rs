//! Reads events from Arrow IPC, file and stream form: ours, and tables of others whose columns are recognisable.
//!
//! Both forms are the same messages; a file has an index of them at its end. In memory, columns are shared, not
//! copied, unless they are compressed or lie at odd addresses; from a file, a record batch is read at once.
//! What a message claims (offsets, lengths, counts) is checked before the Arrow library slices by it, since it
//! panics on what does not fit.
//!
//! Source: the Apache Arrow columnar format, "Serialization and Interprocess Communication".

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::reader::{RecordBatchDecoder, read_footer_length};
use arrow_ipc::{Endianness, Message, MessageHeader, root_as_footer, root_as_message};
use arrow_schema::SchemaRef;
use bytes::Bytes;
use parallax_events::{Error, EventBatch, Limits, Meta, Params, Result, TimeUnit};

use super::ipc_write::Form;
use super::{Content, EventColumns, guard};
use crate::{BatchSource, ReadOptions, SeekInput};

/// At both ends of the file form; at its beginning two bytes of padding follow.
pub(crate) const MAGIC: &[u8; 6] = b"ARROW1";

/// The length of the magic at the beginning, padded.
const MAGIC_PADDED: u64 = 8;

/// Begins every message since Arrow 0.15; before that, its length did.
const CONTINUATION: [u8; 4] = [0xff; 4];

/// The most bytes that the description of a message, or the index of a file, may have.
const METADATA_BYTES: u64 = 16 << 20;

/// More rows than any record batch has, and few enough that their bytes can be counted in 64 bits.
const MOST_ROWS: u64 = 1 << 40;

/// The reader behind the rows `arrow` and `arrow_stream`.
pub(crate) struct IpcSource {
    content: Content,
    schema: SchemaRef,
    columns: EventColumns,
    projection: Vec<usize>,
    next: Next,
    limits: Limits,
    bytes_done: u64,
}

/// Where the next message is.
#[derive(Debug)]
enum Next {
    Indexed(std::vec::IntoIter<u64>),
    InSequence(u64),
    Ended,
}

/// A message: its description and its body.
struct Parts {
    header: Bytes,
    body: Bytes,
    end: u64,
}

/// Opens either form.
pub(crate) fn open(
    input: SeekInput,
    params: &Params,
    options: &ReadOptions,
    form: Form,
) -> Result<Box<dyn BatchSource>> {
    let unit = params
        .optional_choice("unit")?
        .map(TimeUnit::from_name)
        .transpose()?;
    let content = Content::new(input)?;
    let limits = options.limits;
    let (schema, next) = match form {
        Form::File => read_index(&content, &limits)?,
        Form::Stream => {
            let first = read_message(&content, 0, &limits)?
                .ok_or_else(|| Error::malformed("the Arrow stream has no schema").at_byte(0))?;
            let message = parse_message(&first.header)?;
            let schema = message.header_as_schema().ok_or_else(|| {
                Error::malformed("the Arrow stream does not begin with a schema").at_byte(0)
            })?;
            (read_schema(schema)?, Next::InSequence(first.end))
        }
    };
    let stored = Meta::from_schema_metadata(schema.metadata())?;
    if let Some(geometry) = stored.geometry {
        limits.check_geometry(geometry.width.into(), geometry.height.into())?;
    }
    let states_unit = schema.metadata().contains_key("parallax.time_unit");
    let columns = EventColumns::find(&schema, stored, states_unit, unit)?;
    Ok(Box::new(IpcSource {
        content,
        schema,
        projection: columns.projection(),
        columns,
        next,
        limits,
        bytes_done: 0,
    }))
}

fn read_index(content: &Content, limits: &Limits) -> Result<(SchemaRef, Next)> {
    let incomplete = || {
        Error::malformed("the Arrow file has no index at its end")
            .at_byte(content.len())
            .with_hint("it is cut short or was never finished; is the copy complete?")
    };
    let tail_at = content
        .len()
        .checked_sub(10)
        .filter(|&at| at >= MAGIC_PADDED)
        .ok_or_else(incomplete)?;
    let tail = content.read(tail_at, 10)?;
    let tail = tail.first_chunk::<10>().ok_or_else(incomplete)?;
    let len = read_footer_length(*tail).map_err(|_| incomplete())? as u64;
    if len > METADATA_BYTES.min(limits.block_bytes) {
        return Err(Error::limit(format!("the index of the Arrow file claims {len} bytes")).at_byte(tail_at));
    }
    let at = tail_at.checked_sub(len).ok_or_else(incomplete)?;
    let bytes = content.read(at, len)?;
    let footer = root_as_footer(&bytes)
        .map_err(|_| Error::malformed("the index of the Arrow file is damaged").at_byte(at))?;
    let schema = footer
        .schema()
        .ok_or_else(|| Error::malformed("the Arrow file has no schema").at_byte(at))?;
    let schema = read_schema(schema)?;
    let mut places = Vec::new();
    for block in footer.recordBatches().into_iter().flatten() {
        let place = u64::try_from(block.offset()).map_err(|_| {
            Error::malformed("a record batch claims to lie before the beginning of the file").at_byte(at)
        })?;
        places.push(place);
    }
    Ok((schema, Next::Indexed(places.into_iter())))
}

fn read_schema(schema: arrow_ipc::Schema<'_>) -> Result<SchemaRef> {
    let native = if cfg!(target_endian = "little") {
        Endianness::Little
    } else {
        Endianness::Big
    };
    if schema.endianness() != native {
        return Err(Error::unsupported(
            "an Arrow file in the byte order of another kind of machine",
        ));
    }
    guard("Arrow schema", || Ok(Arc::new(try_fb_to_schema(schema)?)))
}

/// The message at `at`; `None` if the stream ends there.
fn read_message(content: &Content, at: u64, limits: &Limits) -> Result<Option<Parts>> {
    let prefix = content.read_up_to(at, 8)?;
    if prefix.is_empty() {
        return Ok(None);
    }
    let cut = || {
        Error::malformed("the Arrow stream is cut short")
            .at_byte(at)
            .with_hint("is the copy complete?")
    };
    let number = |place: usize| {
        prefix
            .get(place..)
            .and_then(|bytes| bytes.first_chunk::<4>())
            .copied()
            .ok_or_else(cut)
    };
    let (len, start) = match number(0)? {
        CONTINUATION => (number(4)?, at.saturating_add(8)),
        len => (len, at.saturating_add(4)),
    };
    let len = u64::try_from(i32::from_le_bytes(len))
        .map_err(|_| Error::malformed("an Arrow message has a negative length").at_byte(at))?;
    if len == 0 {
        return Ok(None);
    }
    if len > METADATA_BYTES.min(limits.block_bytes) {
        return Err(
            Error::limit(format!("an Arrow message claims a description of {len} bytes")).at_byte(at),
        );
    }
    let header = content.read(start, len)?;
    let body_at = start.saturating_add(len);
    let body_len = parse_message(&header)
        .map_err(|error| error.at_byte(at))?
        .bodyLength();
    let body_len = u64::try_from(body_len)
        .map_err(|_| Error::malformed("an Arrow message has a body of negative length").at_byte(at))?;
    limits.check_block(body_len, at)?;
    let body = content.read(body_at, body_len)?;
    Ok(Some(Parts {
        header,
        body,
        end: body_at.saturating_add(body_len),
    }))
}

fn parse_message(header: &[u8]) -> Result<Message<'_>> {
    root_as_message(header).map_err(|_| Error::malformed("an Arrow message is damaged"))
}

impl IpcSource {
    /// The next record batch, and where it was.
    fn next_table(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            let at = match &mut self.next {
                Next::Indexed(places) => match places.next() {
                    Some(place) => place,
                    None => return Ok(None),
                },
                Next::InSequence(at) => *at,
                Next::Ended => return Ok(None),
            };
            let Some(parts) = read_message(&self.content, at, &self.limits)? else {
                self.next = Next::Ended;
                return Ok(None);
            };
            if let Next::InSequence(next) = &mut self.next {
                *next = parts.end;
            }
            self.bytes_done = parts.end;
            let message = parse_message(&parts.header)?;
            match message.header_type() {
                MessageHeader::RecordBatch => return self.decode(message, parts.body, at).map(Some),
                // Dictionaries are of columns that are not read.
                MessageHeader::DictionaryBatch => {}
                other => {
                    return Err(Error::malformed(format!(
                        "an Arrow message of type {other:?} where a batch should be"
                    ))
                    .at_byte(at));
                }
            }
        }
    }

    fn decode(&self, message: Message<'_>, body: Bytes, at: u64) -> Result<RecordBatch> {
        let damaged = || Error::malformed("an Arrow record batch is damaged").at_byte(at);
        let batch = message.header_as_record_batch().ok_or_else(damaged)?;
        check_batch(&batch, &body, &self.limits, at)?;
        let (version, body) = (message.version(), Buffer::from(body));
        guard("Arrow record batch", || {
            RecordBatchDecoder::try_new(&body, batch, Arc::clone(&self.schema), &HashMap::new(), &version)?
                .with_projection(Some(&self.projection))
                .read_record_batch()
                .map_err(|error| damaged().with_source(error))
        })
    }
}

/// Checks every number of a record batch's description against the body that came with it.
fn check_batch(batch: &arrow_ipc::RecordBatch<'_>, body: &[u8], limits: &Limits, at: u64) -> Result<()> {
    let damaged = |what: &str| Error::malformed(format!("an Arrow record batch {what}")).at_byte(at);
    let rows = u64::try_from(batch.length()).map_err(|_| damaged("has a negative length"))?;
    if rows > MOST_ROWS {
        return Err(damaged("has an impossible length"));
    }
    for node in batch.nodes().into_iter().flatten() {
        let (Ok(len), Ok(nulls)) = (u64::try_from(node.length()), u64::try_from(node.null_count())) else {
            return Err(damaged("has a column of negative length"));
        };
        if len > MOST_ROWS || nulls > len {
            return Err(damaged("has a column of impossible length"));
        }
    }
    for buffer in batch.buffers().into_iter().flatten() {
        let range = usize::try_from(buffer.offset())
            .ok()
            .zip(usize::try_from(buffer.length()).ok());
        let part = range.and_then(|(start, len)| body.get(start..start.checked_add(len)?));
        let part = part.ok_or_else(|| damaged("has a buffer outside its body"))?;
        if batch.compression().is_some()
            && let Some(len) = part.first_chunk::<8>()
            && let Ok(len) = u64::try_from(i64::from_le_bytes(*len))
        {
            limits.check_block(len, at)?;
        }
    }
    Ok(())
}

impl BatchSource for IpcSource {
    fn meta(&self) -> &Meta {
        self.columns.meta()
    }

    fn next_batch(&mut self) -> Result<Option<EventBatch>> {
        let next = self
            .next_table()
            .and_then(|table| table.map(|table| self.columns.events(&table)).transpose());
        if next.is_err() {
            // Nothing more is handed out after an error.
            self.next = Next::Ended;
        }
        next
    }

    fn bytes_done(&self) -> u64 {
        self.bytes_done
    }
}
