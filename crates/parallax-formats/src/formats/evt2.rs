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

use parallax_events::{Declaration, Event, SpareColumns, Trigger};

use crate::prophesee::{Encoding, Oddity, RawDecoder, SHIFT, Step, Tally, Words, sniff, write_evt2};
use crate::{Format, Open, Sample, TriggerSupport};

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

/// Rows and columns have 11 bits.
const ADDRESS: u32 = 0x7FF;

/// The time after which the counter starts again.
const LOOP: i64 = 1 << 34;

/// The largest time of a TIME_HIGH, and how far from it a wrap may begin.
const LARGEST: i64 = ((1 << 28) - 1) << 6;
const LOOP_TOLERANCE: i64 = 10_000;

/// Words that are looked at together: if all are events, a loop without branches does them.
const RUN: usize = 16;

/// The state between two words.
#[derive(Debug, Clone)]
struct Evt2 {
    /// Whether a TIME_HIGH has come.
    started: bool,
    shift: bool,
    /// The time of the last TIME_HIGH as stored.
    stored: i64,
    /// The same, wraps included, less the origin if shifted.
    base: i64,
}

impl Words for Evt2 {
    const ENCODING: Encoding = Encoding::Evt2;
    const SIZE: usize = 4;

    fn new(shift: bool) -> Self {
        Self {
            started: false,
            shift,
            stored: 0,
            base: 0,
        }
    }

    fn decode(&mut self, bytes: &[u8], offset: u64, out: SpareColumns<'_>, tally: &mut Tally) -> Step {
        let (words, _) = bytes.as_chunks::<4>();
        let (done, written) = if self.started {
            self.events(words, offset, out, tally)
        } else {
            (self.wait(words, offset, tally), 0)
        };
        Step {
            consumed: done * 4,
            written,
        }
    }
}

impl Evt2 {
    /// Looks for the first TIME_HIGH. Returns how many words are done.
    fn wait(&mut self, words: &[[u8; 4]], offset: u64, tally: &mut Tally) -> usize {
        for (index, word) in words.iter().enumerate() {
            let word = u32::from_le_bytes(*word);
            match word >> 28 {
                kind::TIME_HIGH => {
                    self.started = true;
                    self.stored = stored(word);
                    self.base = if self.shift { 0 } else { self.stored };
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
        words: &[[u8; 4]],
        offset: u64,
        out: SpareColumns<'_>,
        tally: &mut Tally,
    ) -> (usize, usize) {
        // No word makes more than one event, so so many words fit whatever they are.
        let most = words.len().min(out.t.len());
        let words = &words[..most];
        let (t, x, y, p) = (
            &mut out.t[..most],
            &mut out.x[..most],
            &mut out.y[..most],
            &mut out.p[..most],
        );
        let mut n = 0;
        let mut index = 0;
        while index < most {
            if let (Some(run), Some(t), Some(x), Some(y), Some(p)) = (
                words[index..].first_chunk::<RUN>(),
                t[n..].first_chunk_mut::<RUN>(),
                x[n..].first_chunk_mut::<RUN>(),
                y[n..].first_chunk_mut::<RUN>(),
                p[n..].first_chunk_mut::<RUN>(),
            ) {
                let run = run.map(u32::from_le_bytes);
                if run.iter().fold(0, |all, word| all | word) >> 29 == 0 {
                    // Column by column, which the compiler turns into vectors.
                    *t = run.map(|word| time(word, self.base));
                    *x = run.map(column);
                    *y = run.map(row);
                    *p = run.map(polarity);
                    n += RUN;
                    index += RUN;
                    continue;
                }
            }
            let end = (index + RUN).min(most);
            while index < end {
                let word = u32::from_le_bytes(words[index]);
                index += 1;
                match word >> 28 {
                    kind::CD_OFF | kind::CD_ON => {
                        t[n] = time(word, self.base);
                        x[n] = column(word);
                        y[n] = row(word);
                        p[n] = polarity(word);
                        n += 1;
                    }
                    kind::TIME_HIGH => self.time_high(word),
                    kind => {
                        let at = offset + (index as u64 - 1) * 4;
                        let stop = if kind == kind::EXT_TRIGGER {
                            tally.trigger(trigger(word, self.base), at)
                        } else {
                            tally.add(oddity(kind), 1, at)
                        };
                        if stop {
                            return (index, n);
                        }
                    }
                }
            }
        }
        (index, n)
    }

    fn time_high(&mut self, word: u32) {
        let stored = stored(word);
        let wrapped = self.stored - stored >= LARGEST - LOOP_TOLERANCE;
        let step = stored - self.stored + if wrapped { LOOP } else { 0 };
        // A forged file can claim more wraps than 64 bits hold.
        self.base = self.base.saturating_add(step);
        self.stored = stored;
    }
}

/// The time of the event in a word.
#[inline(always)]
fn time(word: u32, base: i64) -> i64 {
    base.wrapping_add(i64::from(word >> 22 & 0x3F))
}

#[inline(always)]
fn column(word: u32) -> u16 {
    (word >> 11 & ADDRESS) as u16
}

#[inline(always)]
fn row(word: u32) -> u16 {
    (word & ADDRESS) as u16
}

#[inline(always)]
fn polarity(word: u32) -> u8 {
    (word >> 28) as u8
}

/// The time of a TIME_HIGH word in microseconds.
fn stored(word: u32) -> i64 {
    i64::from(word & 0xFFF_FFFF) << 6
}

/// The trigger in a word.
fn trigger(word: u32, base: i64) -> Trigger {
    Trigger::new(time(word, base), (word >> 8 & 0x1F) as u16, (word & 1) as u8)
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
