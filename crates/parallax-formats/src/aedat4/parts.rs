//! AEDAT 4.0 in parts: packets are independent, so several threads unpack them.
//!
//! Where packets begin is found by going from size to size. How many events one has stands inside, so a survey unpacks it;
//! what it has unpacked it keeps for the decoder of the same part, up to a bound.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use parallax_events::{Error, Limits, Result};
use parallax_simd::lz4::LANES;

use super::compression::{Compression, Unpacked, Unpacker};
use super::decoder::{Aedat4Decoder, PACKET, Packet, State, packet_head};
use super::lz4::Content;
use super::packet::list;
use crate::{Decoder, Look, Parts, Survey};

/// A survey keeps so many unpacked bytes: a packet can claim to be much larger than it is.
const KEPT: usize = 8 << 20;

/// Packets that a survey has unpacked, in order, each with its place.
pub(super) type Kept = VecDeque<(u64, Content)>;

/// Memory of packets, to be used again by the thread that used it before, in whose cache it is.
#[derive(Debug, Clone, Default)]
pub(super) struct Spares(Arc<Mutex<Spare>>);

#[derive(Debug, Default)]
struct Spare {
    contents: Vec<Content>,
    /// How much memory a usual packet wants.
    usual: usize,
}

/// No packet is given more memory before it is known what it needs.
const USUAL: usize = 1 << 20;

impl Spares {
    pub(super) fn take(&self) -> Content {
        let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let content = spare.contents.pop();
        content.unwrap_or_else(|| Content::with_memory(spare.usual))
    }

    pub(super) fn put(&self, content: Content) {
        if content.memory() > 0 {
            let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            spare.usual = spare.usual.max(content.memory().min(USUAL));
            spare.contents.push(content);
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
            let (_, size) = packet_head(&input.peek::<PACKET>(at)?)?;
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
        let Some(kind) = self
            .streams
            .iter()
            .find(|stream| self.chosen == Some(stream.id))
            .map(|stream| &stream.kind)
        else {
            return 0;
        };
        let count = |bytes: &[u8]| list(bytes, kind).map_or(0, |(_, list)| list.count);
        let mut unpacker = Unpacker::new(self.compression);
        let mut packets = self.packets(bytes, offset, limits);
        let (mut events, mut held) = (0, 0);
        loop {
            let group: [Option<Packet<'_>>; LANES] = std::array::from_fn(|_| packets.next());
            surveyed.last_packet = packets.last;
            if group.iter().all(Option::is_none) {
                return events;
            }
            if self.compression == Compression::None {
                events += group
                    .iter()
                    .flatten()
                    .map(|packet| count(packet.body))
                    .sum::<usize>();
                continue;
            }
            for (place, unpacked) in self.unpack(group, &mut unpacker, limits) {
                let (content, is_whole) = match unpacked {
                    Ok((content, unpacked)) => (content, matches!(unpacked, Unpacked::Whole)),
                    Err(_) => return events,
                };
                events += if is_whole { count(&content) } else { 0 };
                if is_whole && held + content.memory() <= KEPT {
                    held += content.memory();
                    surveyed.kept.push_back((place, content));
                } else {
                    self.spares.put(content);
                }
            }
        }
    }

    /// The packets of the stream to hand out that are whole in `bytes`, which lie at `offset`, where a packet begins.
    pub(super) fn packets<'a>(&self, bytes: &'a [u8], offset: u64, limits: &Limits) -> Packets<'a> {
        Packets {
            bytes,
            offset,
            at: 0,
            last: offset,
            table: self.table,
            chosen: self.chosen,
            limits: *limits,
        }
    }

    /// Unpacks packets, as far as they are usual in turns. Each comes with its place.
    pub(super) fn unpack<'a>(
        &self,
        packets: [Option<Packet<'a>>; LANES],
        unpacker: &mut Unpacker<'a>,
        limits: &Limits,
    ) -> impl Iterator<Item = (u64, Result<(Content, Unpacked)>)> {
        let mut lanes = packets.map(|packet| Some((packet?, self.spares.take())));
        let usual = lanes
            .each_mut()
            .map(|lane| lane.as_mut().map(|(packet, content)| (packet.body, content)));
        let whole = unpacker.unpack_usual(usual);
        let lanes = lanes
            .into_iter()
            .zip(whole)
            .filter_map(|(lane, is_whole)| Some((lane?, is_whole)));
        lanes.map(move |((packet, mut content), is_whole)| {
            let unpacked = if is_whole {
                Ok(Unpacked::Whole)
            } else {
                unpacker.unpack(packet.body, &mut content, limits, packet.place)
            };
            (packet.place, unpacked.map(|unpacked| (content, unpacked)))
        })
    }
}

/// See [`State::packets`].
pub(super) struct Packets<'a> {
    bytes: &'a [u8],
    offset: u64,
    at: usize,
    /// Where the last packet of any stream begins that was gone past.
    last: u64,
    table: Option<u64>,
    chosen: Option<i32>,
    limits: Limits,
}

impl<'a> Iterator for Packets<'a> {
    type Item = Packet<'a>;

    fn next(&mut self) -> Option<Packet<'a>> {
        loop {
            let place = self.offset + self.at as u64;
            let rest = self.bytes.get(self.at..)?;
            let (id, size) = packet_head(rest).filter(|_| self.table != Some(place))?;
            let size = usize::try_from(size).ok()?;
            self.limits.check_block(size as u64, place).ok()?;
            let body = rest.get(PACKET..)?.get(..size)?;
            self.at += PACKET + size;
            self.last = place;
            if self.chosen == Some(id) {
                return Some(Packet { id, place, body });
            }
        }
    }
}
