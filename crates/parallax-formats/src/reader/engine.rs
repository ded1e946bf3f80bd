//! One step of a read: from the input, through the decoder, into the builder.

use std::sync::Arc;

use parallax_events::{BatchBuilder, Error, ErrorKind, EventBatch, FindingKind, OrderPolicy, Report, Result};

use super::{EventReader, TriggerIntake};
use crate::source::Source;
use crate::{BatchSource, Decoder, EventSink, ReadOptions};

/// What a reader reads from.
pub(super) enum Engine {
    Stream {
        source: Source,
        decoder: Box<dyn Decoder>,
    },
    Table {
        source: Box<dyn BatchSource>,
        rest: Option<EventBatch>,
        total: Option<u64>,
    },
    /// All events, in canonical order, for `order=strict`.
    Sorted { rest: EventBatch },
}

/// How far [`EventReader::fill`] got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filled {
    Full,
    End,
    /// A pushed source has no more for now.
    Starved,
}

impl EventReader {
    /// One step of decoding into the builder. Errors of the input are kept until the events are out.
    pub(super) fn step(&mut self) -> Result<Filled> {
        let outcome = self.try_step();
        let outcome = outcome.and_then(|filled| self.police().map(|()| filled));
        match outcome {
            Ok(Filled::End) => {
                self.ended = true;
                Ok(Filled::End)
            }
            Ok(filled) => Ok(filled),
            Err(error) => {
                self.ended = true;
                self.waiting = Some(error);
                Ok(Filled::End)
            }
        }
    }

    fn try_step(&mut self) -> Result<Filled> {
        match &mut self.engine {
            Engine::Stream { source, decoder } => {
                let mut want = decoder.wants_bytes();
                loop {
                    let piece = source.piece(want, &self.options.limits)?;
                    let (len, last, offset) = (piece.bytes.len(), piece.last, piece.offset);
                    let held = (self.builder.len(), self.triggers.total());
                    let mut sink =
                        EventSink::new(&mut self.builder, &mut self.report, self.events, &self.options)
                            .with_triggers(&mut self.triggers);
                    let result = decoder.decode(piece, &mut sink);
                    if self.meta.is_none()
                        && let Some(meta) = decoder.meta()
                    {
                        let mut meta = meta.clone();
                        if let Some(geometry) = meta.geometry {
                            self.options
                                .limits
                                .check_geometry(geometry.width.into(), geometry.height.into())?;
                        }
                        meta.geometry = meta.geometry.or(self.options.geometry);
                        self.meta = Some(Arc::new(meta));
                    }
                    let settled = self.triggers.settle(|t| self.builder.keeps_time(t));
                    let consumed = result?.min(len);
                    settled?;
                    source.consume(consumed);
                    if consumed > 0 || (self.builder.len(), self.triggers.total()) > held {
                        return Ok(Filled::Full);
                    }
                    if last {
                        if len > 0 {
                            self.report.note(
                                FindingKind::TruncatedTail,
                                1,
                                Some(offset),
                                Some(self.events + self.builder.len() as u64),
                                || format!("{len} bytes that make no whole record"),
                            );
                        }
                        return Ok(Filled::End);
                    }
                    if source.is_starved() {
                        self.options.limits.check_block(len as u64, offset)?;
                        return Ok(Filled::Starved);
                    }
                    want = decoder.wants_bytes().max(len.saturating_mul(2)).max(1);
                }
            }
            Engine::Table { source, rest, .. } => {
                // Triggers that were too many for the batch before come before later events.
                take_triggers(source.as_mut(), &mut self.triggers, &self.builder)?;
                if self.triggers.is_full() {
                    return Ok(Filled::Full);
                }
                let Some(batch) = next_of_table(source.as_mut(), rest, &mut self.report)? else {
                    let more = take_triggers(source.as_mut(), &mut self.triggers, &self.builder)?;
                    return Ok(if more { Filled::Full } else { Filled::End });
                };
                let count = batch.len().min(self.builder.room());
                copy_in(
                    &batch.slice(..count),
                    &mut self.builder,
                    &mut self.report,
                    self.events,
                    &self.options,
                )?;
                self.triggers.settle(|t| self.builder.keeps_time(t))?;
                if count < batch.len() {
                    *rest = Some(batch.slice(count..));
                }
                take_triggers(source.as_mut(), &mut self.triggers, &self.builder)?;
                Ok(Filled::Full)
            }
            Engine::Sorted { rest } => {
                let count = rest.len().min(self.options.effective_chunk());
                if count == 0 {
                    return Ok(Filled::End);
                }
                self.builder = BatchBuilder::with_capacity(count)?;
                // What was odd was reported when the events were gathered.
                copy_in(
                    &rest.slice(..count),
                    &mut self.builder,
                    &mut Report::default(),
                    0,
                    &ReadOptions::default(),
                )?;
                *rest = rest.slice(count..);
                Ok(Filled::Full)
            }
        }
    }

    /// Limits, strictness, order and the progress call-back.
    pub(super) fn police(&mut self) -> Result<()> {
        let limits = self.options.limits;
        if let Err(error) = limits.check_events(self.events + self.builder.len() as u64) {
            // Exactly as many events as are allowed are handed out.
            let allowed = usize::try_from(limits.events.saturating_sub(self.events)).unwrap_or(usize::MAX);
            self.builder.truncate(allowed)?;
            return Err(error);
        }
        if self.options.strict {
            self.report.check_strict()?;
        }
        if self.options.order == OrderPolicy::Check {
            let columns = self.builder.columns();
            self.order
                .push_columns(columns.slice(self.checked..columns.len()))?;
            self.checked = columns.len();
        }
        if let Some(callback) = &self.options.progress
            && callback(self.progress()).is_break()
        {
            return Err(Error::new(ErrorKind::Closed, "stopped on request"));
        }
        Ok(())
    }
}

/// What is left of a table's last batch, else its next; `None` at the end.
pub(super) fn next_of_table(
    source: &mut dyn BatchSource,
    rest: &mut Option<EventBatch>,
    report: &mut Report,
) -> Result<Option<EventBatch>> {
    if let Some(rest) = rest.take() {
        return Ok(Some(rest));
    }
    let next = source.next_batch();
    report.absorb(&source.take_findings(), 0);
    next
}

/// Takes as many triggers from a table as there is room for; returns whether there were any.
fn take_triggers(
    source: &mut dyn BatchSource,
    intake: &mut TriggerIntake,
    builder: &BatchBuilder,
) -> Result<bool> {
    if !intake.is_wanted() || intake.is_full() {
        return Ok(false);
    }
    let triggers = source.take_triggers(intake.room())?;
    triggers
        .iter()
        .try_for_each(|trigger| intake.accept(trigger, |t| builder.keeps_time(t)))?;
    Ok(!triggers.is_empty())
}

fn copy_in(
    batch: &EventBatch,
    builder: &mut BatchBuilder,
    report: &mut Report,
    before: u64,
    options: &ReadOptions,
) -> Result<()> {
    let mut rest = batch.columns();
    let mut sink = EventSink::new(builder, report, before, options);
    while !rest.is_empty() {
        let spare = sink.spare();
        let count = spare.t.len().min(rest.len());
        let part = rest.slice(0..count);
        spare.t[..count].copy_from_slice(part.t);
        spare.x[..count].copy_from_slice(part.x);
        spare.y[..count].copy_from_slice(part.y);
        spare.p[..count].copy_from_slice(part.p);
        sink.commit(count)?;
        rest = rest.slice(count..rest.len());
    }
    Ok(())
}
