//! Reads AEDAT 4.0 packet by packet.
//!
//! The bytes of a packet stay unconsumed until the last of its events is handed out, so that nothing of it is lost where
//! a batch ends; unpacked, it is kept meanwhile.

use parallax_events::{Error, FindingKind, Limits, Meta, Params, Result, SpareColumns};
use parallax_simd::{Columns, aedat4};

use super::MAGIC;
use super::compression::{Compression, Unpacked, Unpacker};
use super::flat::Vector;
use super::header::{Header, Kind, Stream};
use super::lz4::Content;
use super::packet::{EVENT, list};
use super::parts::{Kept, Spares};
use super::triggers;
use crate::{Decoder, EventSink, Parts, Piece, ReadOptions};

/// The bytes before a packet: the number of its stream, its size.
pub(super) const PACKET: usize = 8;

/// So many bytes of the table of packets tell it from a packet.
const TABLE: usize = 12;

/// The bytes before the header: the line, the header's size.
const START: usize = MAGIC.len() + 4;

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Aedat4Decoder {
    pub(super) limits: Limits,
    /// The stream that was asked for.
    wanted: Option<i64>,
    /// Known once the header is behind.
    pub(super) state: Option<State>,
    meta: Option<Meta>,
    wants_bytes: usize,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) compression: Compression,
    /// Where the table of packets begins; `None` if there is none, or it is not there.
    pub(super) table: Option<u64>,
    pub(super) streams: Vec<Stream>,
    /// The number of the stream to hand out.
    pub(super) chosen: Option<i32>,
    /// The packet in front, unpacked, and how far it is handed out.
    unpacked: Content,
    front: Option<Front>,
    /// Packets to come that are unpacked already, and memory for more.
    kept: Kept,
    pub(super) spares: Spares,
    /// Whether the table has begun: nothing else follows.
    ended: bool,
}

/// A packet that is whole.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packet<'a> {
    /// The number of its stream.
    pub(super) id: i32,
    /// The byte at which it begins.
    pub(super) place: u64,
    pub(super) body: &'a [u8],
}

#[derive(Debug, Clone, Copy)]
struct Front {
    list: Vector,
    next: usize,
}

impl Aedat4Decoder {
    /// A decoder at the start of a file.
    pub(crate) fn new(params: &Params, options: &ReadOptions) -> Result<Self> {
        Ok(Self {
            limits: options.limits,
            wanted: params.optional_int("stream")?,
            state: None,
            meta: None,
            wants_bytes: START,
        })
    }

    /// Reads the header from the front of `piece`. Returns its length, or 0 if it is not there yet.
    fn header(&mut self, piece: Piece<'_>, sink: &mut EventSink<'_>) -> Result<usize> {
        let bytes = piece.bytes;
        let shown = bytes.len().min(MAGIC.len());
        if bytes.get(..shown) != MAGIC.get(..shown) {
            return Err(Error::malformed("the input does not begin with `#!AER-DAT4.0`").at_byte(0));
        }
        let size = bytes.get(MAGIC.len()..).and_then(|rest| rest.first_chunk::<4>());
        let size = size.map(|size| u32::from_le_bytes(*size) as usize);
        let flat = size.map(|size| bytes.get(START..).and_then(|rest| rest.get(..size)));
        let (Some(size), Some(Some(flat))) = (size, flat) else {
            if let Some(size) = size {
                if size as u64 > self.limits.header_bytes {
                    return Err(Error::limit(format!(
                        "the header claims {size} bytes, the limit is {}",
                        self.limits.header_bytes
                    ))
                    .at_byte(MAGIC.len() as u64)
                    .with_hint("raise the limit `header_bytes` if you trust the file"));
                }
                self.wants_bytes = START + size;
            }
            if piece.last {
                return Err(Error::malformed("the input ends inside its header")
                    .at_byte(piece.offset + bytes.len() as u64)
                    .with_hint("is the recording complete?"));
            }
            return Ok(0);
        };
        if size as u64 > self.limits.header_bytes {
            return Err(Error::limit(format!(
                "the header is longer than {} bytes",
                self.limits.header_bytes
            ))
            .at_byte(MAGIC.len() as u64));
        }
        let header = Header::parse(flat, START as u64)?;
        let chosen = header.choose(self.wanted)?;
        let meta = header.meta(chosen);
        let chosen = chosen.map(|stream| stream.id);
        let end = START + size;
        let table = header.table.filter(|&table| table >= end as u64);
        if table != header.table {
            sink.note(FindingKind::Conflict, 1, START as u64, || {
                "the table of packets cannot be inside the header".to_owned()
            });
        }
        sink.set_meta(&meta);
        self.meta = Some(meta);
        self.state = Some(State {
            compression: header.compression,
            table,
            streams: header.streams,
            chosen,
            unpacked: Content::default(),
            front: None,
            kept: Kept::new(),
            spares: Spares::default(),
            ended: false,
        });
        Ok(end)
    }

    /// The same between two packets, with some that are unpacked already.
    pub(super) fn fork_with(&self, kept: Kept, spares: Spares) -> Self {
        let state = self.state.as_ref().map(|state| State {
            compression: state.compression,
            table: state.table,
            streams: state.streams.clone(),
            chosen: state.chosen,
            unpacked: Content::default(),
            front: None,
            kept,
            spares,
            ended: state.ended,
        });
        Self {
            limits: self.limits,
            wanted: self.wanted,
            state,
            meta: self.meta.clone(),
            wants_bytes: self.wants_bytes,
        }
    }
}

impl Decoder for Aedat4Decoder {
    fn decode(&mut self, piece: Piece<'_>, sink: &mut EventSink<'_>) -> Result<usize> {
        if self.meta.is_none() {
            // Behind it the rest can be decoded in parts, if the caller likes.
            return self.header(piece, sink);
        }
        let mut at = 0;
        let Some(state) = &mut self.state else {
            return Ok(at);
        };
        let mut unpacker = Unpacker::new(state.compression);
        while sink.room() > 0 && sink.trigger_room() > 0 {
            let rest = piece.bytes.get(at..).unwrap_or_default();
            let offset = piece.offset + at as u64;
            if !state.look_for_table(rest, offset, piece.last, sink) {
                self.wants_bytes = TABLE;
                break;
            }
            if state.ended {
                return Ok(piece.bytes.len());
            }
            let Some((id, size)) = packet_head(rest) else {
                self.wants_bytes = PACKET;
                break;
            };
            let Ok(size) = usize::try_from(size) else {
                return Err(Error::malformed(format!("a packet of {size} bytes"))
                    .at_byte(offset)
                    .with_hint("what comes before it is readable"));
            };
            self.limits.check_block(size as u64, offset)?;
            let Some(body) = rest.get(PACKET..).and_then(|rest| rest.get(..size)) else {
                self.wants_bytes = PACKET + size;
                break;
            };
            let packet = Packet {
                id,
                place: offset,
                body,
            };
            if !state.packet(packet, rest, &mut unpacker, &self.limits, sink)? {
                break;
            }
            state.front = None;
            state.spares.put(std::mem::take(&mut state.unpacked));
            self.wants_bytes = PACKET;
            at += PACKET + size;
        }
        Ok(at)
    }

    fn meta(&self) -> Option<&Meta> {
        self.meta.as_ref()
    }

    fn wants_bytes(&self) -> usize {
        self.wants_bytes
    }

    fn parts(&mut self) -> Option<&mut dyn Parts> {
        let state = self.state.as_ref()?;
        if state.front.is_none() && !state.ended {
            Some(self)
        } else {
            None
        }
    }
}

/// The number of the stream and the size of the packet that `bytes` begin with.
pub(super) fn packet_head(bytes: &[u8]) -> Option<(i32, i32)> {
    let &[i0, i1, i2, i3, s0, s1, s2, s3] = bytes.first_chunk::<PACKET>()?;
    Some((
        i32::from_le_bytes([i0, i1, i2, i3]),
        i32::from_le_bytes([s0, s1, s2, s3]),
    ))
}

impl State {
    /// Notices whether `rest`, at a border of packets, is the table, or should have been. Returns whether that can be
    /// told yet.
    fn look_for_table(&mut self, rest: &[u8], offset: u64, last: bool, sink: &mut EventSink<'_>) -> bool {
        let Some(table) = self.table else { return true };
        if rest.is_empty() && !last {
            // What is in front is for whoever goes on from here, who may be another decoder.
            return false;
        }
        if last && (rest.is_empty() || offset == table && rest.len() < TABLE) {
            // The file was closed once, so something is missing.
            self.table = None;
            self.ended = true;
            sink.note(FindingKind::TruncatedTail, 1, offset, || {
                "the table of packets is missing".to_owned()
            });
        } else if offset == table {
            if rest.len() < TABLE {
                return false;
            }
            self.ended = match self.compression {
                Compression::None => rest.get(TABLE - 4..TABLE) == Some(b"FTAB"),
                packed => packed.begins(rest),
            };
            self.table = None;
            if !self.ended {
                sink.note(FindingKind::Conflict, 1, offset, || {
                    "the table of packets is not where the header says".to_owned()
                });
            }
        } else if offset > table {
            self.table = None;
            sink.note(FindingKind::Conflict, 1, offset, || {
                "a packet lies across the start of the table of packets".to_owned()
            });
        }
        true
    }

    /// Hands out the packet that `rest` begins with. Returns whether it is done with.
    fn packet<'a>(
        &mut self,
        packet: Packet<'a>,
        rest: &'a [u8],
        unpacker: &mut Unpacker<'a>,
        limits: &Limits,
        sink: &mut EventSink<'_>,
    ) -> Result<bool> {
        let Packet {
            id,
            place: offset,
            body,
        } = packet;
        let Some(stream) = self.streams.iter().find(|stream| stream.id == id) else {
            sink.note(FindingKind::OtherData, 1, offset, || {
                "packets of streams that the header does not list".to_owned()
            });
            return Ok(true);
        };
        let is_wanted = match stream.kind {
            Kind::Events => self.chosen == Some(id),
            Kind::Triggers => sink.wants_triggers(),
            // One in each packet, whatever is in it.
            Kind::Frames | Kind::Other(_) => {
                sink.note(FindingKind::OtherData, 1, offset, || stream.finding());
                return Ok(true);
            }
            Kind::Imu => false,
        };
        if self.front.is_none() && self.compression != Compression::None {
            let unpacked = match self.kept.pop_front_if(|(place, _)| *place == offset) {
                Some((_, kept)) => {
                    self.unpacked = kept;
                    Unpacked::Whole
                }
                None => {
                    let (front, unpacked, ahead) = self.unpack_front(packet, rest, unpacker, limits)?;
                    self.unpacked = front;
                    if let Some(ahead) = ahead {
                        self.kept = ahead;
                    }
                    unpacked
                }
            };
            if let Unpacked::Damaged(why) = unpacked {
                sink.note(FindingKind::BadRecord, 1, offset, || {
                    format!("a packet that cannot be unpacked: {why}")
                });
                return Ok(true);
            }
        }
        let bytes = if self.compression == Compression::None {
            body
        } else {
            &self.unpacked
        };
        let Some((flat, found)) = list(bytes, &stream.kind) else {
            sink.note(FindingKind::BadRecord, 1, offset, || {
                format!("a packet that holds no {}", stream.finding())
            });
            return Ok(true);
        };
        if !is_wanted {
            sink.note(FindingKind::OtherData, found.count as u64, offset, || {
                stream.finding()
            });
            return Ok(true);
        }
        let front = self.front.get_or_insert(Front { list: found, next: 0 });
        if stream.kind == Kind::Triggers {
            while front.next < front.list.count {
                if sink.trigger_room() == 0 {
                    return Ok(false);
                }
                match triggers::read(flat, front.list, front.next) {
                    Some(trigger) => sink.trigger(trigger)?,
                    None => sink.note(FindingKind::BadRecord, 1, offset, || {
                        "a trigger outside its packet".to_owned()
                    }),
                }
                front.next += 1;
            }
            return Ok(true);
        }
        let events = flat.structures::<EVENT>(front.list);
        while let Some(rest) = events.get(front.next..)
            && !rest.is_empty()
        {
            let SpareColumns { t, x, y, p } = sink.spare();
            let count = aedat4::transpose(rest, Columns { t, x, y, p });
            if count == 0 {
                return Ok(false);
            }
            sink.commit(count)?;
            front.next += count;
        }
        Ok(true)
    }

    /// Unpacks the packet that `rest` begins with; if it is one to hand out, in turns with those behind it, which come as
    /// well.
    fn unpack_front<'a>(
        &self,
        packet: Packet<'a>,
        rest: &'a [u8],
        unpacker: &mut Unpacker<'a>,
        limits: &Limits,
    ) -> Result<(Content, Unpacked, Option<Kept>)> {
        let looks_ahead = self.chosen == Some(packet.id) && self.compression == Compression::Lz4;
        let mut packets = self.packets(rest, packet.place, limits);
        let group = if looks_ahead {
            std::array::from_fn(|_| packets.next())
        } else {
            [Some(packet), None, None]
        };
        let mut front = None;
        let mut ahead = Kept::new();
        for (place, unpacked) in self.unpack(group, unpacker, limits) {
            match unpacked {
                unpacked if place == packet.place => front = Some(unpacked?),
                Ok((content, Unpacked::Whole)) => ahead.push_back((place, content)),
                // What is wrong with it is found again when it is in front.
                Ok((content, Unpacked::Damaged(_))) => self.spares.put(content),
                Err(_) => break,
            }
        }
        let (front, unpacked) = front.ok_or_else(|| Error::internal("a packet that is not where it is"))?;
        Ok((front, unpacked, looks_ahead.then_some(ahead)))
    }
}
