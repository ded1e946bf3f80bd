//! The lists in packets, read and written.
//!
//! A packet is a FlatBuffer with its size in front: a table of one field, the list. Events are structures of 16 bytes:
//! t (i64), x, y (i16), polarity (a byte, 0 or 1), three bytes of padding. IMU samples and triggers are tables, frames are
//! one table a packet.

use parallax_events::Trigger;

use super::flat::{Flat, Vector};
use super::header::Kind;

pub(super) use parallax_simd::aedat4::EVENT;

/// What comes before the first event: the size, the offset of the table, the type, the table's two halves, the count.
/// Eight-byte values lie on multiples of eight, counted from the size, as the format demands.
pub(super) const EVENTS_AT: usize = 32;
const PREFIX: [u8; EVENTS_AT] = [
    0, 0, 0, 0, // The size.
    16, 0, 0, 0, b'E', b'V', b'T', b'S', 0, 0, //
    6, 0, 8, 0, 4, 0, // The list of fields: its size, the table's, where the field is.
    6, 0, 0, 0, 4, 0, 0, 0, // The table: back to its fields; the list follows.
    0, 0, 0, 0, // The count.
];

/// Where the list of events, triggers or samples in a packet is; `None` if the packet is damaged.
pub(super) fn list<'a>(bytes: &'a [u8], kind: &Kind) -> Option<(Flat<'a>, Vector)> {
    let (identifier, size) = match kind {
        Kind::Events => (b"EVTS", EVENT),
        Kind::Triggers => (b"TRIG", 4),
        _ => (b"IMUS", 4),
    };
    let flat = Flat::with_size(bytes, identifier)?;
    Some((flat, flat.root()?.vector(0, size)?))
}

/// A packet of events that grows.
#[derive(Debug)]
pub(super) struct EventPacket(Vec<u8>);

impl EventPacket {
    pub(super) fn new(events: usize) -> Self {
        let mut bytes = Vec::with_capacity(EVENTS_AT + events * EVENT);
        bytes.extend_from_slice(&PREFIX);
        Self(bytes)
    }

    /// How many events it has.
    pub(super) fn len(&self) -> usize {
        (self.0.len() - EVENTS_AT) / EVENT
    }

    #[inline]
    pub(super) fn push(&mut self, t: i64, x: u16, y: u16, p: u8) {
        let place = u64::from(x) | u64::from(y) << 16 | u64::from(p) << 32;
        let event = u128::from(t as u64) | u128::from(place) << 64;
        self.0.extend_from_slice(&event.to_le_bytes());
    }

    /// The times of the first event and of the last.
    pub(super) fn times(&self) -> (i64, i64) {
        let (events, _) = self.0.get(EVENTS_AT..).unwrap_or_default().as_chunks::<EVENT>();
        let time = |event: &[u8; EVENT]| u128::from_le_bytes(*event) as i64;
        (events.first().map_or(0, time), events.last().map_or(0, time))
    }

    /// The finished packet.
    pub(super) fn bytes(&mut self) -> &[u8] {
        let (size, count) = (self.0.len() as u32 - 4, self.len() as u32);
        if let Some(place) = self.0.first_chunk_mut() {
            *place = size.to_le_bytes();
        }
        if let Some(place) = self.0.get_mut(EVENTS_AT - 4..EVENTS_AT) {
            place.copy_from_slice(&count.to_le_bytes());
        }
        &self.0
    }

    pub(super) fn clear(&mut self) {
        self.0.truncate(EVENTS_AT);
    }
}

/// The packet of a list of triggers, each with its source.
pub(super) fn of_triggers(triggers: &[(Trigger, u8)]) -> Vec<u8> {
    // Where the list and the tables are, counted from the size; before the tables, what their fields are.
    let list = 36;
    let tables = (list + triggers.len() * 4 + 8).next_multiple_of(8);
    let size = tables + triggers.len() * 16;
    let mut bytes = Vec::with_capacity(size);
    let mut put = |number: usize| bytes.extend_from_slice(&(number as u32).to_le_bytes());
    put(size - 4);
    put(20);
    bytes.extend_from_slice(b"TRIG\0\0\0\0\0\0\x06\0\x08\0\x04\0\x06\0\0\0\x04\0\0\0");
    bytes.extend_from_slice(&(triggers.len() as u32).to_le_bytes());
    for index in 0..triggers.len() {
        let distance = tables + index * 16 - (list + index * 4);
        bytes.extend_from_slice(&(distance as u32).to_le_bytes());
    }
    bytes.resize(tables - 8, 0);
    bytes.extend_from_slice(&[8, 0, 16, 0, 8, 0, 7, 0]);
    for (index, (trigger, source)) in triggers.iter().enumerate() {
        bytes.extend_from_slice(&(8 + index as u32 * 16).to_le_bytes());
        bytes.extend_from_slice(&[0, 0, 0, *source]);
        bytes.extend_from_slice(&trigger.t.to_le_bytes());
    }
    bytes
}
