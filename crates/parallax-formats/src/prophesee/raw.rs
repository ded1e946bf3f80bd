//! The decoder around the words: the header, then blocks of events, committed while they are in the cache.

use std::ops::Range;

use parallax_events::{Error, FindingKind, Limits, Meta, ParamSpec, Params, Pool, Result, SpareColumns};

use super::{Encoding, RawHeader, Tally};
use crate::{Decoder, EventSink, Evidence, Found, Look, Parts, Piece, Probe, ReadOptions, Survey, TimeSeek};

/// The parameter that every RAW format takes.
pub(crate) const SHIFT: ParamSpec = ParamSpec::bool("shift")
    .default(false)
    .doc("Count time from the first TIME_HIGH word, as OpenEB does; else as the sensor counts");

/// What a call of [`Words::decode`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    /// Bytes that are done with.
    pub(crate) consumed: usize,
    /// Events written.
    pub(crate) written: usize,
}

/// Decodes words to events. The state is all that connects one call to the next.
pub(crate) trait Words: Clone + Send + Sync + 'static {
    /// What the header must say.
    const ENCODING: Encoding;
    /// How many bytes a word has.
    const SIZE: usize;
    /// What a part of a stream does to the state.
    type Effect: Send + 'static;

    /// The state at the start; `shift` as in [`SHIFT`].
    fn new(shift: bool) -> Self;

    /// Takes in what else the header says, before the first word.
    ///
    /// # Errors
    /// If it says something that cannot be decoded.
    fn header(&mut self, _meta: &Meta) -> Result<()> {
        Ok(())
    }

    /// Decodes whole words from the front of `bytes`, which lie at `offset`, until they or `out` are used up, or
    /// something odd comes up for the first time. Consuming and writing nothing means that `bytes` hold no whole
    /// word or `out` is empty.
    fn decode(&mut self, bytes: &[u8], offset: u64, out: SpareColumns<'_>, tally: &mut Tally) -> Step;

    /// Whether all that is needed to decode events has come, the first time above all. Then the rest can be surveyed.
    fn is_ready(&self) -> bool;

    /// How many events are at most in `bytes`, which are whole words, and what they do to the state.
    fn survey(&self, bytes: &[u8]) -> (usize, Self::Effect);

    /// Goes past words that were surveyed.
    fn pass(&mut self, effect: &Self::Effect);

    /// As [`TimeSeek::seek`], where the format can; asked when it is ready.
    fn seek(&mut self, _range: Range<i64>, _from: u64, _input: &Look<'_>, _pool: Pool<'_>) -> Option<Found> {
        None
    }
}

/// A RAW file: a header, then `W`.
#[derive(Debug, Clone)]
pub(crate) struct RawDecoder<W> {
    words: W,
    header: RawHeader,
    meta: Option<Meta>,
    limits: Limits,
    tally: Tally,
}

impl<W: Words> RawDecoder<W> {
    /// A decoder at the start of a file. A file without a header is taken as words.
    pub(crate) fn new(params: &Params, options: &ReadOptions) -> Result<Self> {
        Ok(Self {
            words: W::new(params.bool(SHIFT.name())?),
            header: RawHeader::default(),
            meta: None,
            limits: options.limits,
            tally: Tally::default(),
        })
    }

    /// The header is behind: checks it and states the facts.
    fn start(&mut self, end: u64, sink: &mut EventSink<'_>) -> Result<()> {
        let header = &self.header;
        match header.encoding_line() {
            Some((words, offset)) if header.encoding() != Some(W::ENCODING) => {
                let message = format!("the header says `{words}`, which is not {}", W::ENCODING);
                return Err(Error::malformed(message)
                    .at_byte(offset)
                    .with_hint("leave the format to be recognised"));
            }
            Some(_) => {}
            None => sink.note(FindingKind::Assumed, 1, end, || {
                format!("{}, as no header states it", W::ENCODING)
            }),
        }
        let meta = header.meta();
        self.words.header(&meta)?;
        if let (Some(geometry), Some(id)) = header.geometry() {
            sink.note(FindingKind::Assumed, 1, 0, || {
                format!("a sensor of {geometry}, from system_ID {id}")
            });
        }
        sink.set_meta(&meta);
        self.meta = Some(meta);
        Ok(())
    }
}

impl<W: Words> Decoder for RawDecoder<W> {
    fn decode(&mut self, piece: Piece<'_>, sink: &mut EventSink<'_>) -> Result<usize> {
        let mut at = 0;
        if self.meta.is_none() {
            at = self
                .header
                .read(piece.bytes, piece.offset, piece.last, &self.limits)?;
            if !self.header.is_complete() {
                return Ok(at);
            }
            self.start(piece.offset + at as u64, sink)?;
        }
        let outcome = loop {
            let bytes = piece.bytes.get(at..).unwrap_or_default();
            if sink.room() == 0 || sink.trigger_room() == 0 || bytes.len() < W::SIZE {
                break Ok(at);
            }
            let was_ready = self.words.is_ready();
            self.tally.begin_block(sink);
            let step = self
                .words
                .decode(bytes, piece.offset + at as u64, sink.spare(), &mut self.tally);
            if let Err(error) = sink
                .commit(step.written)
                .and_then(|()| self.tally.hand_on_triggers(sink))
            {
                break Err(error);
            }
            self.tally.report_first(sink);
            at += step.consumed;
            // From here on the rest can be decoded in parts, if the caller likes.
            let ready_now = !was_ready && self.words.is_ready();
            if ready_now || (step.consumed == 0 && step.written == 0) {
                break Ok(at);
            }
        };
        self.tally.report_rest(sink);
        outcome
    }

    fn meta(&self) -> Option<&Meta> {
        self.meta.as_ref()
    }

    fn parts(&mut self) -> Option<&mut dyn Parts> {
        if self.words.is_ready() { Some(self) } else { None }
    }

    fn time_seek(&mut self) -> Option<&mut dyn TimeSeek> {
        if self.words.is_ready() { Some(self) } else { None }
    }
}

impl<W: Words> TimeSeek for RawDecoder<W> {
    fn seek(&mut self, range: Range<i64>, from: u64, input: &Look<'_>, pool: Pool<'_>) -> Option<Found> {
        self.words.seek(range, from, input, pool)
    }
}

impl<W: Words> Parts for RawDecoder<W> {
    fn border(&self, from: u64, least: u64, _: &Look<'_>) -> Option<u64> {
        from.checked_add(least.checked_next_multiple_of(W::SIZE as u64)?)
    }

    fn survey(&self, bytes: &[u8], _: u64) -> Survey {
        let (events, effect) = self.words.survey(bytes);
        Survey {
            events,
            effect: Box::new(effect),
        }
    }

    fn pass(&mut self, survey: &Survey) -> Result<()> {
        let Some(effect) = survey.effect.downcast_ref() else {
            return Err(Error::internal("a survey of another format"));
        };
        self.words.pass(effect);
        Ok(())
    }

    fn fork(&self, _: Option<&mut Survey>) -> Box<dyn Decoder> {
        // What a part has that is odd is odd for the first time in this part.
        Box::new(Self {
            tally: Tally::default(),
            ..self.clone()
        })
    }
}

/// How sure a RAW format is of an input, by its header.
pub(crate) fn sniff(probe: &Probe<'_>, encoding: Encoding, unstated: u8) -> Option<Evidence> {
    let mut header = RawHeader::default();
    // A header that contradicts itself is recognised all the same; the decoder says what is wrong with it.
    let read = header.read(probe.head, 0, false, &Limits::default());
    if !header.is_present() {
        return None;
    }
    match header.encoding_line() {
        Some((words, _)) if header.encoding() == Some(encoding) => Some(Evidence::new(
            if read.is_ok() { 95 } else { 90 },
            format!("the header says {words}"),
        )),
        None if probe.extension == Some("raw") => Some(Evidence::new(
            unstated,
            format!("a RAW header without a version, taken as {encoding}"),
        )),
        _ => None,
    }
}
