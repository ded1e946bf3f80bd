//! The second door: bytes as they come.

use parallax_events::{Error, EventBatch, OrderPolicy, Result, Triggers};
use parallax_memory::MemoryPool;

use super::engine::Engine;
use super::{EventReader, cannot_read};
use crate::source::Source;
use crate::{Open, Probe, ReadOptions, SeekInput, registry};

/// Reads a recording that comes in pieces: over a network, from a driver, out of an archive.
///
/// Push, then take batches until there is none; the memory held is what was pushed and not taken.
///
/// ```
/// use parallax_formats::{PushReader, ReadOptions};
///
/// let mut reader = PushReader::new(Some("csv"), &ReadOptions::default());
/// for piece in ["t,x,y,p\n10,3", ",4,1\n12,5,6,0\n"] {
///     reader.push(piece.as_bytes())?;
///     assert!(reader.next_batch()?.is_none()); // No batch of 1 Mi events is complete.
/// }
/// reader.finish()?;
/// let events = reader.next_batch()?.ok_or(parallax_events::Error::internal("no events"))?;
/// assert_eq!(events.columns().x, [3, 5]);
/// # Ok::<(), parallax_events::Error>(())
/// ```
#[derive(Debug)]
pub struct PushReader {
    options: ReadOptions,
    extension: Option<String>,
    gathered: Vec<u8>,
    reader: Option<EventReader>,
    memory: Option<MemoryPool>,
    ended: bool,
}

impl PushReader {
    /// A reader that recognises the format from the first bytes. `extension` helps, as a file's name would.
    pub fn new(extension: Option<&str>, options: &ReadOptions) -> Self {
        Self {
            options: options.clone(),
            extension: extension.map(str::to_owned),
            gathered: Vec::new(),
            reader: None,
            memory: None,
            ended: false,
        }
    }

    /// As [`EventReader::set_memory`].
    pub fn set_memory(&mut self, pool: MemoryPool) {
        if let Some(reader) = &mut self.reader {
            reader.set_memory(pool.clone());
        }
        self.memory = Some(pool);
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// If the format is not recognised, the header is damaged, or the input has ended.
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        if self.ended {
            return Err(Error::param("bytes were pushed after the end"));
        }
        if let Some(reader) = &mut self.reader {
            return reader.push(Some(bytes));
        }
        self.gathered.extend_from_slice(bytes);
        self.options.limits.check_block(self.gathered.len() as u64, 0)?;
        if self.gathered.len() >= Probe::BYTES {
            self.recognise(false)
        } else {
            Ok(())
        }
    }

    /// States that the input has ended.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn finish(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.ended, true) {
            return Ok(());
        }
        match &mut self.reader {
            Some(reader) => reader.push(None),
            None => self.recognise(true),
        }
    }

    /// The next full batch, or any at the end; `None` if more must be pushed first, or after the end.
    ///
    /// # Errors
    /// As [`EventReader::next_columns`].
    pub fn next_batch(&mut self) -> Result<Option<EventBatch>> {
        match &mut self.reader {
            Some(reader) => reader.next_batch(),
            None => Ok(None),
        }
    }

    /// As [`EventReader::take_triggers`].
    pub fn take_triggers(&mut self) -> Triggers {
        self.reader
            .as_mut()
            .map(EventReader::take_triggers)
            .unwrap_or_default()
    }

    /// The reader behind, once the format is recognised: for its facts, its report and its progress.
    pub fn reader(&self) -> Option<&EventReader> {
        self.reader.as_ref()
    }

    fn recognise(&mut self, whole: bool) -> Result<()> {
        let head = self.gathered.get(..Probe::BYTES).unwrap_or(&self.gathered);
        let whole_head = whole && head.len() == self.gathered.len();
        let probe = Probe {
            head,
            whole: whole_head,
            extension: self.extension.as_deref(),
        };
        let (format, params, evidence) = registry::choose(&probe, &self.options)?;
        let mut reader = match format.open {
            Open::Stream(new) => {
                let mut source = Source::pushed();
                source.push(Some(&std::mem::take(&mut self.gathered)))?;
                if whole {
                    source.push(None)?;
                }
                EventReader::stream(
                    format,
                    evidence,
                    source,
                    new(&params, &self.options)?,
                    &self.options,
                )?
            }
            Open::Seekable(new) if whole => {
                let bytes = std::mem::take(&mut self.gathered);
                let total = bytes.len() as u64;
                let source = new(SeekInput::Bytes(bytes.into()), &params, &self.options)?;
                EventReader::table(format, evidence, source, &self.options, Some(total))?
            }
            // Its index is at the end: wait for all of it, within the limits.
            Open::Seekable(_) => return Ok(()),
            Open::Never => return Err(cannot_read(format)),
        };
        if let Some(pool) = &self.memory {
            reader.set_memory(pool.clone());
        }
        self.reader = Some(reader);
        Ok(())
    }
}

impl EventReader {
    fn push(&mut self, bytes: Option<&[u8]>) -> Result<()> {
        let Engine::Stream { source, .. } = &mut self.engine else {
            return Err(Error::internal("bytes were pushed into a table"));
        };
        source.push(bytes)?;
        if self.meta.is_none() || self.options.order == OrderPolicy::Strict {
            self.read_ahead()
        } else {
            Ok(())
        }
    }
}
