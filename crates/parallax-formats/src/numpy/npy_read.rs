//! Reads the events of an NPY file from bytes in order.
//!
//! Records are read in constant memory. An array that lies column after column (Fortran order, or 4 x N) is read when
//! all of it is there, which [`Limits::block_bytes`](parallax_events::Limits) bounds.

use parallax_events::{Error, FindingKind, Limits, Meta, Params, Result, SpareColumns};

use super::header::{Header, Parsed};
use super::plan::{Order, Plan, Wanted};
use crate::text::{Layout, Unit};
use crate::{Decoder, EventSink, Piece, ReadOptions};

/// See [`Open::Stream`](crate::Open::Stream).
pub(crate) fn open(params: &Params, options: &ReadOptions) -> Result<Box<dyn Decoder>> {
    Ok(Box::new(NpyDecoder {
        wanted: wanted(params)?,
        limits: options.limits,
        state: State::Header,
        wants: 0,
        meta: None,
        bad: Vec::new(),
        reported: false,
    }))
}

/// What the parameters `columns` and `unit` say.
pub(super) fn wanted(params: &Params) -> Result<Wanted> {
    Ok(Wanted {
        columns: params.optional_text("columns")?.map(Layout::parse).transpose()?,
        unit: Unit::from_name(params.choice("unit")?),
    })
}

/// The decoder behind the row `npy`.
struct NpyDecoder {
    wanted: Wanted,
    limits: Limits,
    state: State,
    wants: usize,
    meta: Option<Meta>,
    /// Room to note which records are no events.
    bad: Vec<bool>,
    /// Whether a bad record has been reported.
    reported: bool,
}

enum State {
    Header,
    Records {
        plan: Box<Plan>,
        size: usize,
        left: u64,
    },
    /// `done` of the events are out; the bytes are consumed when all are.
    Columns {
        plan: Box<Plan>,
        starts: [usize; 4],
        bytes: usize,
        done: usize,
    },
    /// After the array.
    Rest,
}

impl Decoder for NpyDecoder {
    fn decode(&mut self, piece: Piece<'_>, sink: &mut EventSink<'_>) -> Result<usize> {
        let mut at = 0;
        if matches!(self.state, State::Header) {
            self.wants = 0;
            let Some(begin) = self.begin(piece, sink)? else {
                return Ok(0);
            };
            at = begin;
        }
        let rest = Piece {
            bytes: piece.bytes.get(at..).unwrap_or_default(),
            offset: piece.offset + at as u64,
            last: piece.last,
        };
        let used = match &self.state {
            State::Records { .. } => self.records(rest, sink)?,
            State::Columns { .. } => self.columns(rest, sink)?,
            State::Header | State::Rest => 0,
        };
        at += used;
        if matches!(self.state, State::Rest) && at < piece.bytes.len() {
            let more = piece.bytes.len() - at;
            sink.note(
                FindingKind::OtherData,
                more as u64,
                piece.offset + at as u64,
                || "bytes after the array".to_owned(),
            );
            at = piece.bytes.len();
        }
        Ok(at)
    }

    fn meta(&self) -> Option<&Meta> {
        self.meta.as_ref()
    }

    fn wants_bytes(&self) -> usize {
        self.wants
    }
}

impl NpyDecoder {
    /// Reads the header, and the first times if they are needed to know their unit. Returns where the data begin.
    fn begin(&mut self, piece: Piece<'_>, sink: &mut EventSink<'_>) -> Result<Option<usize>> {
        let header = match Header::parse(piece.bytes, &self.limits)? {
            Parsed::Header(header) => header,
            Parsed::Needs(_) if piece.last => {
                return Err(Error::malformed("the NPY header is cut off")
                    .at_byte(piece.offset + piece.bytes.len() as u64)
                    .with_hint("is the file complete?"));
            }
            Parsed::Needs(bytes) => {
                self.wants = bytes;
                return Ok(None);
            }
        };
        let data_at = piece.offset + header.data as u64;
        let mut plan = Plan::new(&header, &self.wanted).map_err(|error| error.at_byte(data_at))?;
        let data = piece.bytes.get(header.data..).unwrap_or_default();
        let start = match plan.order {
            Order::Records(_) => 0,
            Order::Columns([t, ..]) => t,
        };
        let look = start.saturating_add(plan.look_bytes());
        if plan.is_open && (data.len() as u64) < look && !piece.last {
            self.wants = header
                .data
                .saturating_add(usize::try_from(look).unwrap_or(usize::MAX));
            return Ok(None);
        }
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        if let Some(assumed) = plan.settle(data.get(start..).unwrap_or_default()) {
            sink.note(FindingKind::Assumed, 1, data_at, || assumed.to_owned());
        }
        sink.set_meta(self.meta.insert(plan.meta.clone()));
        self.state = match plan.order {
            Order::Records(size) => State::Records {
                size,
                left: plan.count,
                plan: Box::new(plan),
            },
            Order::Columns(starts) => {
                let small = |bytes| {
                    usize::try_from(bytes)
                        .map_err(|_| Error::limit("the array does not fit into memory").at_byte(data_at))
                };
                let [t, x, y, p] = starts;
                State::Columns {
                    starts: [small(t)?, small(x)?, small(y)?, small(p)?],
                    bytes: small(header.data_bytes())?,
                    done: 0,
                    plan: Box::new(plan),
                }
            }
        };
        Ok(Some(header.data))
    }

    fn records(&mut self, piece: Piece<'_>, sink: &mut EventSink<'_>) -> Result<usize> {
        let State::Records { plan, size, left } = &mut self.state else {
            return Ok(0);
        };
        let (size, mut at) = (*size, 0);
        let mut lacks = false;
        while *left > 0 && sink.room() > 0 {
            let bytes = piece.bytes.get(at..).unwrap_or_default();
            let here = (bytes.len() / size.max(1)) as u64;
            if here == 0 {
                lacks = true;
                break;
            }
            let count = usize::try_from(here.min(*left)).unwrap_or(usize::MAX);
            let offset = piece.offset + at as u64;
            let used = put(
                plan,
                [bytes; 4],
                count,
                size,
                offset,
                sink,
                &mut self.bad,
                &mut self.reported,
            )?;
            *left -= used as u64;
            at += used * size;
        }
        if *left == 0 {
            self.state = State::Rest;
        } else if lacks && piece.last {
            let missing = *left;
            sink.note(FindingKind::TruncatedTail, 1, piece.offset + at as u64, || {
                format!("{missing} records less than the header claims")
            });
            self.state = State::Rest;
            // No whole record is left: what remains is no data after the array.
            at = piece.bytes.len();
        }
        Ok(at)
    }

    fn columns(&mut self, piece: Piece<'_>, sink: &mut EventSink<'_>) -> Result<usize> {
        let State::Columns {
            plan,
            starts,
            bytes,
            done,
        } = &mut self.state
        else {
            return Ok(0);
        };
        let Some(data) = piece.bytes.get(..*bytes) else {
            if piece.last {
                return Err(Error::malformed(format!(
                    "the array of {bytes} bytes is cut off after {}",
                    piece.bytes.len()
                ))
                .at_byte(piece.offset + piece.bytes.len() as u64)
                .with_hint("is the file complete?"));
            }
            self.wants = *bytes;
            return Ok(0);
        };
        self.wants = 0;
        let count = usize::try_from(plan.count).unwrap_or(usize::MAX);
        let size = plan.cells.cells[0].stride;
        while *done < count && sink.room() > 0 {
            let parts = starts.map(|start| data.get(start + *done * size..).unwrap_or_default());
            let offset = piece.offset + (*done * size) as u64;
            *done += put(
                plan,
                parts,
                count - *done,
                size,
                offset,
                sink,
                &mut self.bad,
                &mut self.reported,
            )?;
        }
        if *done < count {
            return Ok(0);
        }
        let used = *bytes;
        self.state = State::Rest;
        Ok(used)
    }
}

/// Converts some of the next `count` records into the sink. Returns how many.
#[expect(
    clippy::too_many_arguments,
    reason = "the state of the decoder, borrowed in parts"
)]
fn put(
    plan: &Plan,
    bytes: [&[u8]; 4],
    count: usize,
    size: usize,
    offset: u64,
    sink: &mut EventSink<'_>,
    bad: &mut Vec<bool>,
    reported: &mut bool,
) -> Result<usize> {
    let spare = sink.spare();
    let count = count.min(spare.t.len());
    let out = SpareColumns {
        t: &mut spare.t[..count],
        x: &mut spare.x[..count],
        y: &mut spare.y[..count],
        p: &mut spare.p[..count],
    };
    let filled = plan.cells.fill(bytes, out, bad);
    let Some(first) = filled.first_bad else {
        sink.commit(count)?;
        return Ok(count);
    };
    if !std::mem::replace(reported, true) {
        // Up to the first one alone, so that its place does not depend on how the input is cut.
        sink.commit(first)?;
        sink.note(
            FindingKind::BadRecord,
            1,
            offset + (first * size) as u64,
            bad_record,
        );
        return Ok(first + 1);
    }
    sink.note(
        FindingKind::BadRecord,
        (count - filled.kept) as u64,
        offset,
        String::new,
    );
    sink.commit(filled.kept)?;
    Ok(count)
}

/// What is wrong with a record.
pub(super) fn bad_record() -> String {
    "a number that no event has: x or y not in 0 to 65535, p none of 0, 1 and -1, or t no time".to_owned()
}
