//! EVT 2.0: 32-bit words of Prophesee cameras, in a RAW file with a text header.
//!
//! In: little-endian words, the type in bits 31..28. One word is one event, with the low 6 bits of its time; a
//! TIME_HIGH word carries the upper 28. Out: events in the recorded order, t in microseconds of the sensor's clock.
//! Source: Prophesee, "EVT 2.0 format".
//!
//! - Time wraps every 2^34 us (4.8 h): a TIME_HIGH that falls back by the whole range but 10 ms is a wrap; one that
//!   falls back by less is taken as it is, and reported as a step back where an event follows.
//! - Everything before the first TIME_HIGH is dropped.
//! - External triggers are handed out if asked for, else counted, as are IMU samples and vendor words; types that are
//!   reserved are skipped.

use std::ops::Range;

use parallax_events::{Declaration, Event, Pool, SpareColumns, Trigger};
use parallax_simd::Columns;
use parallax_simd::evt2::{self, SLACK};

use crate::prophesee::{
    Clock, Encoding, LOOP, Oddity, RawDecoder, SHIFT, Step, Tally, Words, seek_by_high, sniff, write_evt2,
};
use crate::{Format, Found, Look, Open, Sample, TriggerSupport};

/// The row of this format.
pub(super) static FORMAT: Format = Format {
    declaration: &DECLARATION,
    extensions: &["raw"],
    sniff: |probe| sniff(probe, Encoding::Evt2, 15),
    open: Open::Stream(|params, options| Ok(Box::new(RawDecoder::<Evt2>::new(params, options)?))),
    create: Some(write_evt2),
    triggers: TriggerSupport::ReadWrite,
    sample,
};

static DECLARATION: Declaration = Declaration::new("evt2", "Prophesee EVT 2.0 (RAW)", &[SHIFT]).with_doc(
    "Little-endian 32-bit words behind a text header. The sensor's size comes from the header, from its \
         `system_ID` if there is no other statement.",
);

/// The types of words.
mod kind {
    pub(super) const CD_OFF: u32 = 0x0;
    pub(super) const CD_ON: u32 = 0x1;
    pub(super) const TIME_HIGH: u32 = 0x8;
    pub(super) const EXT_TRIGGER: u32 = 0xA;
    pub(super) const IMU: u32 = 0xD;
    pub(super) const OTHER: u32 = 0xE;
    pub(super) const CONTINUED: u32 = 0xF;
}

/// The state between two words.
#[derive(Debug, Clone)]
struct Evt2 {
    shift: bool,
    /// Since the first TIME_HIGH.
    clock: Option<Clock>,
}

impl Words for Evt2 {
    const ENCODING: Encoding = Encoding::Evt2;
    const SIZE: usize = 4;
    /// The first TIME_HIGH, and a clock that began with it.
    type Effect = Option<(u32, Clock)>;

    fn new(shift: bool) -> Self {
        Self { shift, clock: None }
    }

    fn decode(&mut self, bytes: &[u8], offset: u64, out: SpareColumns<'_>, tally: &mut Tally) -> Step {
        let (words, _) = bytes.as_chunks::<4>();
        let (done, written) = match self.clock {
            Some(clock) => self.events(clock, words, offset, out, tally),
            None => (self.wait(words, offset, tally), 0),
        };
        Step {
            consumed: done * 4,
            written,
        }
    }

    fn is_ready(&self) -> bool {
        self.clock.is_some()
    }

    fn survey(&self, bytes: &[u8]) -> (usize, Self::Effect) {
        let (words, _) = bytes.as_chunks::<4>();
        let is_time = |word: &[u8; 4]| u32::from_le_bytes(*word) >> 28 == kind::TIME_HIGH;
        let start = words.iter().position(is_time).unwrap_or(words.len());
        let (before, rest) = words.split_at(start);
        let mut events = evt2::survey(before, &mut 0).events;
        let Some((first, mut rest)) = rest.split_first() else {
            return (events, None);
        };
        let first = u32::from_le_bytes(*first);
        let mut clock = Clock::new(first, true);
        loop {
            let mut high = clock.high();
            let done = evt2::survey(rest, &mut high);
            events += done.events;
            clock = clock.after(high);
            let Some((word, behind)) = rest[done.words..].split_first() else {
                return (events, Some((first, clock)));
            };
            clock = clock.after(u32::from_le_bytes(*word));
            rest = behind;
        }
    }

    fn pass(&mut self, effect: &Self::Effect) {
        if let (Some(clock), Some((first, behind))) = (self.clock, effect) {
            self.clock = Some(clock.after(*first).join(*behind));
        }
    }

    fn seek(&mut self, range: Range<i64>, from: u64, input: &Look<'_>, _: Pool<'_>) -> Option<Found> {
        let half = |word: &[u8; 4]| u32::from_le_bytes(*word);
        let (clock, found) = seek_by_high(self.clock?, &range, from, input, half)?;
        self.clock = Some(clock);
        Some(found)
    }
}

impl Evt2 {
    /// Looks for the first TIME_HIGH. Returns how many words are done.
    fn wait(&mut self, words: &[[u8; 4]], offset: u64, tally: &mut Tally) -> usize {
        for (index, word) in words.iter().enumerate() {
            let word = u32::from_le_bytes(*word);
            match word >> 28 {
                kind::TIME_HIGH => {
                    self.clock = Some(Clock::new(word, self.shift));
                    return index + 1;
                }
                kind::CD_OFF | kind::CD_ON if tally.add(Oddity::BeforeTime, 1, offset + index as u64 * 4) => {
                    return index + 1;
                }
                _ => {}
            }
        }
        words.len()
    }

    /// Decodes words behind the first TIME_HIGH. Returns how many words are done and how many events written.
    fn events(
        &mut self,
        mut clock: Clock,
        words: &[[u8; 4]],
        offset: u64,
        out: SpareColumns<'_>,
        tally: &mut Tally,
    ) -> (usize, usize) {
        let room = out.t.len();
        let (mut index, mut n) = (0, 0);
        loop {
            if let Some(mut time) = clock.steady() {
                let columns = Columns {
                    t: &mut out.t[n..],
                    x: &mut out.x[n..],
                    y: &mut out.y[n..],
                    p: &mut out.p[n..],
                };
                let done = evt2::decode(&words[index..], &mut time, columns);
                clock = clock.after(time.high);
                index += done.words;
                n += done.events;
                // So little room is not worth going on word by word: there is more in the next block.
                if n > 0 && n + SLACK > room {
                    break;
                }
            }
            // What the kernel leaves alone, by hand.
            let Some(word) = words.get(index) else { break };
            if n >= room {
                break;
            }
            let word = u32::from_le_bytes(*word);
            let at = offset + index as u64 * 4;
            index += 1;
            let stop = match word >> 28 {
                kind @ (kind::CD_OFF | kind::CD_ON) => {
                    out.t[n] = clock.base() + i64::from(word >> 22 & 0x3F);
                    (out.x[n], out.y[n]) = ((word >> 11 & ADDRESS) as u16, (word & ADDRESS) as u16);
                    out.p[n] = kind as u8;
                    n += 1;
                    false
                }
                kind::TIME_HIGH => {
                    clock = clock.after(word);
                    false
                }
                kind::EXT_TRIGGER => tally.trigger(trigger(word, clock.base()), at),
                kind => tally.add(oddity(kind), 1, at),
            };
            if stop {
                break;
            }
        }
        self.clock = Some(clock);
        (index, n)
    }
}

/// Columns and rows have 11 bits.
const ADDRESS: u32 = 0x7FF;

/// The trigger in a word.
fn trigger(word: u32, base: i64) -> Trigger {
    Trigger::new(base + i64::from(word >> 22 & 0x3F), (word >> 8 & 0x1F) as u16, (word & 1) as u8)
}

fn oddity(kind: u32) -> Oddity {
    match kind {
        kind::IMU => Oddity::Imu,
        kind::OTHER => Oddity::Vendor,
        kind::CONTINUED => Oddity::Continued,
        _ => Oddity::Unknown,
    }
}

/// A small file with what is special: every kind of word, and a wrap.
fn sample() -> Sample {
    let time_high = |t: u32| (kind::TIME_HIGH << 28 | t >> 6).to_le_bytes();
    let cd = |kind: u32, low: u32, x: u32, y: u32| (kind << 28 | low << 22 | x << 11 | y).to_le_bytes();
    let mut words = vec![
        // Dropped: before the first TIME_HIGH.
        cd(kind::CD_ON, 1, 2, 3),
        time_high(64),
        cd(kind::CD_OFF, 0, 0, 0),
        cd(kind::CD_ON, 63, 639, 479),
        // A trigger, an IMU sample of six words, a vendor word with its payload: counted.
        (kind::EXT_TRIGGER << 28 | 5 << 8 | 1).to_le_bytes(),
        (kind::IMU << 28).to_le_bytes(),
    ];
    words.extend([(kind::CONTINUED << 28).to_le_bytes(); 5]);
    words.extend([
        (kind::OTHER << 28 | 0x14).to_le_bytes(),
        (kind::CONTINUED << 28 | 17).to_le_bytes(),
        time_high(128),
    ]);
    let mut events = vec![Event::new(64, 0, 0, 0), Event::new(127, 639, 479, 1)];
    // A run, as real files have them.
    for i in 0..40_u16 {
        words.push(cd(
            u32::from(i % 2),
            u32::from(i),
            u32::from(i * 16),
            u32::from(i * 12),
        ));
        events.push(Event::new(128 + i64::from(i), i * 16, i * 12, (i % 2) as u8));
    }
    // The wrap after 2^34 us.
    words.extend([
        (kind::TIME_HIGH << 28 | 0xFFF_FFFF).to_le_bytes(),
        cd(kind::CD_OFF, 63, 5, 6),
        (kind::TIME_HIGH << 28).to_le_bytes(),
        cd(kind::CD_ON, 2, 7, 8),
    ]);
    events.extend([Event::new(LOOP - 1, 5, 6, 0), Event::new(LOOP + 2, 7, 8, 1)]);
    let header = b"% evt 2.0\n% format EVT2;height=480;width=640\n% geometry 640x480\n% end\n";
    Sample {
        bytes: [header.as_slice(), words.as_flattened()].concat(),
        events,
    }
}
