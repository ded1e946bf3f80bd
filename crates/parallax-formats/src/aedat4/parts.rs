//! AEDAT 4.0 in parts: packets are independent, so several threads unpack them.
//!
//! Where packets begin is found by going from size to size. How many events one has stands inside, so a survey unpacks it;
//! what it has unpacked it keeps for the decoder of the same part, up to a bound.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use parallax_events::{Error, Limits, Result};

use super::compression::{Compression, Unpacked, Unpacker};
use super::decoder::{Aedat4Decoder, PACKET, State, packet_head};
use super::lz4::Content;
use super::packet::list;
use crate::{Decoder, Look, Parts, Survey};

/// A survey keeps so many unpacked bytes: a packet can claim to be much larger than it is.
const KEPT: usize = 8 << 20;

/// Packets that a survey has unpacked, in order, each with its place.
pub(super) type Kept = VecDeque<(u64, Content)>;

/// Memory of packets, to be used again by the thread that used it before, in whose cache it is.
#[derive(Debug, Clone, Default)]
pub(super) struct Spares(Arc<Mutex<Vec<Content>>>);

impl Spares {
    pub(super) fn take(&self) -> Content {
        let mut spares = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spares.pop().unwrap_or_default()
    }

    pub(super) fn put(&self, spare: Content) {
        if spare.memory() > 0 {
            let mut spares = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            spares.push(spare);
        }
    }
}

/// What a survey finds out.
#[derive(Debug, Default)]
struct Surveyed {
    /// Where the last packet begins.
    last_packet: u64,
    kept: Kept,
    /// Where the memory of what is kept goes back to.
    spares: Spares,
}

impl Parts for Aedat4Decoder {
    fn border(&self, from: u64, least: u64, input: &Look<'_>) -> Option<u64> {
        let mut at = from;
        loop {
            // What is behind the start of the table of packets is for one decoder to judge.
            if self.state.as_ref()?.table == Some(at) {
                return None;
            }
            let (_, size) = packet_head(input.bytes(at, PACKET))?;
            at = at.checked_add(PACKET as u64 + u64::try_from(size).ok()?)?;
            if at - from >= least {
                return Some(at);
            }
        }
    }

    fn survey(&self, bytes: &[u8], offset: u64) -> Survey {
        let mut surveyed = Surveyed {
            last_packet: offset,
            ..Surveyed::default()
        };
        let events = self.state.as_ref().map_or(0, |state| {
            state.survey(bytes, offset, &self.limits, &mut surveyed)
        });
        Survey {
            events,
            effect: Box::new(surveyed),
        }
    }

    fn pass(&mut self, survey: &Survey) -> Result<()> {
        let Some(surveyed) = survey.effect.downcast_ref::<Surveyed>() else {
            return Err(Error::internal("a survey of another format"));
        };
        if let Some(state) = &mut self.state {
            // One that should have begun inside was looked for there.
            state.table = state.table.filter(|table| *table >= surveyed.last_packet);
        }
        Ok(())
    }

    fn fork(&self, part: Option<&mut Survey>) -> Box<dyn Decoder> {
        let surveyed = part.and_then(|survey| survey.effect.downcast_mut::<Surveyed>());
        let (kept, spares) = surveyed
            .map(|surveyed| (std::mem::take(&mut surveyed.kept), surveyed.spares.clone()))
            .unwrap_or_default();
        Box::new(self.fork_with(kept, spares))
    }
}

impl State {
    /// How many events the packets in `bytes` have; up to the first that is not whole.
    fn survey(&self, bytes: &[u8], offset: u64, limits: &Limits, surveyed: &mut Surveyed) -> usize {
        surveyed.spares = self.spares.clone();
        let mut unpacker = Unpacker::new(self.compression);
        let (mut at, mut events, mut held) = (0, 0, 0);
        while let Some((id, size)) = packet_head(bytes.get(at..).unwrap_or_default())
            && self.table != Some(offset + at as u64)
            && let Ok(size) = usize::try_from(size)
            && limits.check_block(size as u64, 0).is_ok()
            && let Some(body) = bytes.get(at + PACKET..).and_then(|rest| rest.get(..size))
        {
            let place = offset + at as u64;
            surveyed.last_packet = place;
            at += PACKET + size;
            let Some(stream) = self.streams.iter().find(|stream| stream.id == id) else {
                continue;
            };
            if self.chosen != Some(id) {
                continue;
            }
            let count = |bytes| list(bytes, &stream.kind).map_or(0, |(_, list)| list.count);
            if self.compression == Compression::None {
                events += count(body);
                continue;
            }
            let mut unpacked = self.spares.take();
            match unpacker.unpack(body, &mut unpacked, limits, place) {
                Ok(Unpacked::Whole) => {}
                Ok(Unpacked::Damaged(_)) => {
                    self.spares.put(unpacked);
                    continue;
                }
                Err(_) => {
                    self.spares.put(unpacked);
                    break;
                }
            }
            events += count(&unpacked);
            if held + unpacked.memory() <= KEPT {
                held += unpacked.memory();
                surveyed.kept.push_back((place, unpacked));
            } else {
                self.spares.put(unpacked);
            }
        }
        events
    }
}
