//! ATIS `.bin`: 5-byte records, as in N-MNIST and N-Caltech101.
//!
//! In: a byte of column, one of row, then 24 bits, big-endian: the polarity in the highest, t in microseconds in the
//! others. No header. A record in row 240 is no event: all times after it count 2^13 us more. Out: events in the
//! recorded order, t in microseconds. Source: the data sets' own loaders.
//!
//! - Nothing tells the format but the extension and that times rise, so it is recognised weakly, and under no other
//!   name. The sensor's size is not stated (34 x 34 for N-MNIST).
//! - Written are columns up to 255, rows up to 239, times from 0 to 71.6 minutes: past the 23 bits, a record in row
//!   240 for each 8.2 ms. Times may go back by 8.3 s at most, and not before the last such record's start.

use std::io::Write;

use parallax_events::{Declaration, Event, EventBatch, Meta, Origin, Params, Result, SpareColumns};

use crate::stored::{Outlet, Storing};
use crate::{Decoder, EventSink, EventWriter, Evidence, Format, Open, Piece, Probe, Sample, WriteOptions, TriggerSupport};

/// The row of this format.
pub(super) static FORMAT: Format = Format {
    declaration: &DECLARATION,
    extensions: &["bin"],
    sniff,
    open: Open::Stream(|_, _| Ok(Box::new(AtisBinDecoder::default()))),
    create: Some(create),
    triggers: TriggerSupport::No,
    sample,
};

static DECLARATION: Declaration =
    Declaration::new("atis_bin", "ATIS .bin of N-MNIST and N-Caltech101", &[]).with_doc(
        "Records of 5 bytes without a header: up to 256 columns and 240 rows. The sensor's size is not stated.",
    );

const RECORD: usize = 5;

/// The row that is none, and what it adds to every later time.
const OVERFLOW: u8 = 240;
const OVERFLOW_STEP: i64 = 1 << 13;

/// Times have 23 bits.
const TIME: u32 = (1 << 23) - 1;

/// The latest time that is written: what the records in row 240 take until then is less than 3 MB.
const LATEST: i64 = (1 << 32) - 1;

/// What is read, with what is added to its times.
#[derive(Debug, Default)]
struct AtisBinDecoder {
    meta: Option<Meta>,
    base: i64,
}

fn sniff(probe: &Probe<'_>) -> Option<Evidence> {
    let (records, rest) = probe.head.as_chunks::<RECORD>();
    if probe.extension != Some("bin") || records.is_empty() {
        return None;
    }
    let times = records
        .iter()
        .filter(|record| record[1] != OVERFLOW)
        .map(|record| fields(record).0);
    let back = times
        .clone()
        .zip(times.skip(1))
        .filter(|(before, after)| after < before)
        .count();
    // Times of the sensor are in order but for a few, and one wrap after another.
    Some(
        if back * 20 <= records.len() && (rest.is_empty() || !probe.whole) {
            Evidence::new(55, "records of 5 bytes whose times rise, and the extension")
        } else {
            Evidence::new(10, "the extension alone")
        },
    )
}

impl Decoder for AtisBinDecoder {
    fn decode(&mut self, piece: Piece<'_>, sink: &mut EventSink<'_>) -> Result<usize> {
        if self.meta.is_none() {
            sink.set_meta(self.meta.insert(Meta::default()));
        }
        let (mut records, _) = piece.bytes.as_chunks::<RECORD>();
        let mut at = 0;
        while !records.is_empty() && sink.room() > 0 {
            let out = sink.spare();
            let (now, later) = records.split_at(records.len().min(out.t.len()));
            let written = self.events(now, out);
            sink.commit(written)?;
            at += now.len() * RECORD;
            records = later;
        }
        Ok(at)
    }

    fn meta(&self) -> Option<&Meta> {
        self.meta.as_ref()
    }
}

impl AtisBinDecoder {
    /// Decodes all of `records`, for which `out` has room. Returns how many were events.
    fn events(&mut self, records: &[[u8; RECORD]], out: SpareColumns<'_>) -> usize {
        let room = records.len();
        let (t, x) = (&mut out.t[..room], &mut out.x[..room]);
        let (y, p) = (&mut out.y[..room], &mut out.p[..room]);
        let mut n = 0;
        for record in records {
            let (time, polarity) = fields(record);
            t[n] = self.base + i64::from(time);
            x[n] = record[0].into();
            y[n] = record[1].into();
            p[n] = polarity;
            // Without a branch: a row that is none is written over.
            let event = record[1] != OVERFLOW;
            n += usize::from(event);
            self.base += if event { 0 } else { OVERFLOW_STEP };
        }
        n
    }
}

/// Time and polarity.
#[inline(always)]
fn fields(record: &[u8; RECORD]) -> (u32, u8) {
    let bits = u32::from_be_bytes([0, record[2], record[3], record[4]]);
    (bits & TIME, (bits >> 23) as u8)
}

fn create(
    output: Box<dyn Write + Send>,
    meta: &Meta,
    _: &Params,
    _: &WriteOptions,
) -> Result<Box<dyn EventWriter>> {
    let storing = Storing::new("atis_bin", meta, Origin::TopLeft, (255, u16::from(OVERFLOW) - 1))?;
    Ok(Box::new(AtisBinWriter {
        outlet: Outlet::new(output),
        storing,
        base: 0,
    }))
}

struct AtisBinWriter {
    outlet: Outlet,
    storing: Storing,
    /// What a reader adds to the times from here on.
    base: i64,
}

impl AtisBinWriter {
    fn record(&mut self, x: u8, y: u8, p: u8, t: u32) -> Result<()> {
        let [_, high, middle, low] = (u32::from(p) << 23 | t).to_be_bytes();
        self.outlet.put(&[x, y, high, middle, low])
    }
}

impl EventWriter for AtisBinWriter {
    fn write(&mut self, batch: &EventBatch) -> Result<()> {
        for event in batch.columns().iter() {
            let Event { t, x, y, p, .. } = self.storing.event(event)?;
            if !(self.base..=LATEST).contains(&t) {
                let why = format!(
                    "times are from {} to {LATEST} us, as records of a longer time do not go back",
                    self.base
                );
                return Err(self.storing.no_time(t, &why));
            }
            while t - self.base > TIME.into() {
                self.record(0, OVERFLOW, 0, 0)?;
                self.base += OVERFLOW_STEP;
            }
            self.record(x as u8, y as u8, p, (t - self.base) as u32)?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.outlet.finish()
    }
}

/// A small file with what is special: the largest time, records of row 240, the corners.
fn sample() -> Sample {
    let mut bytes = Vec::new();
    let mut record = |x: u8, y: u8, p: u8, t: u32| {
        bytes.extend([x, y, p << 7 | (t >> 16) as u8, (t >> 8) as u8, t as u8]);
    };
    let mut events = Vec::new();
    record(0, 0, 1, 654);
    events.push(Event::new(654, 0, 0, 1));
    for i in 0..40_u8 {
        record(i, 239 - i, i % 2, 700 + u32::from(i));
        events.push(Event::new(700 + i64::from(i), i.into(), (239 - i).into(), i % 2));
    }
    record(255, 239, 0, TIME);
    events.push(Event::new(TIME.into(), 255, 239, 0));
    // Two in a row; what else stands in them does not matter.
    record(7, OVERFLOW, 1, 99);
    record(0, OVERFLOW, 0, 0);
    record(33, 33, 1, TIME - 5);
    events.push(Event::new(i64::from(TIME) - 5 + 2 * 8192, 33, 33, 1));
    Sample { bytes, events }
}
