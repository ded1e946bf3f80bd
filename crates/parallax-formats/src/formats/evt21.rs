//! EVT 2.1: 64-bit words of Prophesee cameras, in a RAW file with a text header.
//!
//! In: words of two halves. One half is a word of EVT 2.0; the other, for events, is a mask: bit k is an event at
//! column x + k, of the same row, time and polarity. Out: events in the recorded order, low bits first, t in
//! microseconds of the sensor's clock. Source: Prophesee, "EVT 2.1 format".
//!
//! - The halves come in two orders. `little`: the mask first in the file, so that the word is one little-endian
//!   number; `legacy` (Gen 4.1 and IMX636): the mask second. The header says which, as `format EVT21;endianness=legacy` or
//!   `endianness legacy`; where it does not, the first TIME_HIGH shows it, since its other half is empty.
//! - Time wraps as in EVT 2.0. Everything before the first TIME_HIGH is dropped; so are events at columns that 11
//!   bits cannot name.
//! - External triggers are handed out if asked for, else counted, as are vendor words.
//! - A mask that does not fit into the batch is continued in the next one: its word stays unconsumed meanwhile.

use std::ops::Range;

use parallax_events::{Declaration, Error, Event, Meta, Pool, Result, SpareColumns, Trigger};

use crate::prophesee::{
    Clock, ENDIANNESS, Encoding, LOOP, Oddity, RawDecoder, SHIFT, Step, Tally, Words, seek_by_high, sniff, write_evt21,
};
use crate::{Format, Found, Look, Open, Sample, TriggerSupport};

/// The row of this format.
pub(super) static FORMAT: Format = Format {
    declaration: &DECLARATION,
    extensions: &["raw"],
    sniff: |probe| sniff(probe, Encoding::Evt21, 10),
    open: Open::Stream(|params, options| Ok(Box::new(RawDecoder::<Evt21>::new(params, options)?))),
    create: Some(write_evt21),
    triggers: TriggerSupport::ReadWrite,
    sample,
};

static DECLARATION: Declaration = Declaration::new("evt21", "Prophesee EVT 2.1 (RAW)", &[SHIFT, ENDIANNESS]).with_doc(
    "64-bit words behind a text header, up to 32 events of a row in each. Both orders of their halves are read, as the \
     header's `endianness` says.",
);

/// The types of words.
mod kind {
    pub(super) const CD_OFF: u32 = 0x0;
    pub(super) const CD_ON: u32 = 0x1;
    pub(super) const TIME_HIGH: u32 = 0x8;
    pub(super) const EXT_TRIGGER: u32 = 0xA;
    pub(super) const OTHERS: u32 = 0xE;
    pub(super) const CONTINUED: u32 = 0xF;
}

const WORD: usize = 8;

/// Rows and columns have 11 bits.
const ADDRESS: u32 = 0x7FF;

/// Which half comes first in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Halves {
    /// The mask: the word is a little-endian number.
    Little,
    /// The half with the type.
    Legacy,
}

/// The state between two words.
#[derive(Debug, Clone)]
struct Evt21 {
    /// Unknown if the header does not say, until the first TIME_HIGH.
    halves: Option<Halves>,
    shift: bool,
    /// Since the first TIME_HIGH.
    clock: Option<Clock>,
    /// The bits of the mask in front whose events are written.
    written: u32,
}

impl Words for Evt21 {
    const ENCODING: Encoding = Encoding::Evt21;
    const SIZE: usize = WORD;
    /// The first TIME_HIGH, and a clock that began with it.
    type Effect = Option<(u32, Clock)>;

    fn new(shift: bool) -> Self {
        Self {
            halves: None,
            shift,
            clock: None,
            written: 0,
        }
    }

    fn header(&mut self, meta: &Meta) -> Result<()> {
        let option = meta.extra.get("format").and_then(|format| {
            format
                .split(';')
                .find_map(|part| part.trim().strip_prefix("endianness=").map(str::to_owned))
        });
        let line = meta.extra.get("endianness").cloned();
        self.halves = match (option.as_deref(), line.as_deref()) {
            (Some(a), Some(b)) if a != b => {
                return Err(Error::malformed(format!(
                    "the header contradicts itself: the endianness is {a}, then {b}"
                ))
                .at_byte(0)
                .with_hint("mend the header line that is wrong"));
            }
            (Some("legacy"), _) | (None, Some("legacy")) => Some(Halves::Legacy),
            (Some("little"), _) | (None, Some("little")) => Some(Halves::Little),
            (None, None) => None,
            (Some(other), _) | (None, Some(other)) => {
                return Err(Error::unsupported(format!(
                    "words of the endianness {other}; little and legacy are known"
                ))
                .at_byte(0));
            }
        };
        Ok(())
    }

    fn decode(&mut self, bytes: &[u8], offset: u64, out: SpareColumns<'_>, tally: &mut Tally) -> Step {
        let (words, _) = bytes.as_chunks::<WORD>();
        let (done, written) = match (self.halves, self.clock) {
            (Some(Halves::Little), Some(clock)) => self.events::<false>(clock, words, offset, out, tally),
            (Some(Halves::Legacy), Some(clock)) => self.events::<true>(clock, words, offset, out, tally),
            _ => (self.wait(words, offset, tally), 0),
        };
        Step {
            consumed: done * WORD,
            written,
        }
    }

    fn is_ready(&self) -> bool {
        self.clock.is_some()
    }

    fn survey(&self, bytes: &[u8]) -> (usize, Self::Effect) {
        let (words, _) = bytes.as_chunks::<WORD>();
        match self.halves {
            Some(Halves::Legacy) => survey::<true>(words),
            _ => survey::<false>(words),
        }
    }

    fn pass(&mut self, effect: &Self::Effect) {
        if let (Some(clock), Some((first, behind))) = (self.clock, effect) {
            self.clock = Some(clock.after(*first).join(*behind));
        }
        self.written = 0;
    }

    fn seek(&mut self, range: Range<i64>, from: u64, input: &Look<'_>, _: Pool<'_>) -> Option<Found> {
        let legacy = self.halves == Some(Halves::Legacy);
        let half = |word: &[u8; WORD]| if legacy { halves::<true>(word).0 } else { halves::<false>(word).0 };
        let (clock, found) = seek_by_high(self.clock?, &range, from, input, half)?;
        self.clock = Some(clock);
        if found.start > from {
            self.written = 0;
        }
        Some(found)
    }
}

/// How many events there are, those at columns that do not exist included, and what the time words do.
fn survey<const LEGACY: bool>(words: &[[u8; WORD]]) -> (usize, Option<(u32, Clock)>) {
    let mut events = 0;
    let mut effect = None;
    for word in words {
        let (half, mask) = halves::<LEGACY>(word);
        match half >> 28 {
            kind::CD_OFF | kind::CD_ON => events += mask.count_ones() as usize,
            kind::TIME_HIGH => {
                effect = match effect {
                    None => Some((half, Clock::new(half, true))),
                    Some((first, clock)) => Some((first, Clock::after(clock, half))),
                };
            }
            _ => {}
        }
    }
    (events, effect)
}

impl Evt21 {
    /// Looks for the first TIME_HIGH. Returns how many words are done.
    fn wait(&mut self, words: &[[u8; WORD]], offset: u64, tally: &mut Tally) -> usize {
        for (index, word) in words.iter().enumerate() {
            if self.halves.is_none() {
                let time_alone = |(half, mask): (u32, u32)| half >> 28 == kind::TIME_HIGH && mask == 0;
                if time_alone(halves::<false>(word)) {
                    self.halves = Some(Halves::Little);
                } else if time_alone(halves::<true>(word)) {
                    self.halves = Some(Halves::Legacy);
                }
            }
            let legacy = self.halves == Some(Halves::Legacy);
            let (half, mask) = if legacy {
                halves::<true>(word)
            } else {
                halves::<false>(word)
            };
            match half >> 28 {
                kind::TIME_HIGH => {
                    self.halves = self.halves.or(Some(Halves::Little));
                    self.clock = Some(Clock::new(half, self.shift));
                    return index + 1;
                }
                kind::CD_OFF | kind::CD_ON
                    if tally.add(
                        Oddity::BeforeTime,
                        mask.count_ones().into(),
                        offset + (index * WORD) as u64,
                    ) =>
                {
                    return index + 1;
                }
                _ => {}
            }
        }
        words.len()
    }

    /// Decodes words behind the first TIME_HIGH. Returns how many words are done and how many events written.
    fn events<const LEGACY: bool>(
        &mut self,
        mut clock: Clock,
        words: &[[u8; WORD]],
        offset: u64,
        out: SpareColumns<'_>,
        tally: &mut Tally,
    ) -> (usize, usize) {
        let room = out.t.len();
        let (t, x, y, p) = (out.t, &mut out.x[..room], &mut out.y[..room], &mut out.p[..room]);
        let mut n = 0;
        let mut index = 0;
        while let Some(word) = words.get(index) {
            if n >= room {
                break;
            }
            let (half, mask) = halves::<LEGACY>(word);
            match half >> 28 {
                kind::CD_OFF | kind::CD_ON => {
                    let base = half >> 11 & ADDRESS;
                    // Bits at columns that do not exist.
                    let inside = if base <= ADDRESS - 31 {
                        mask
                    } else {
                        mask & ((1 << (ADDRESS + 1 - base)) - 1)
                    };
                    let mut bits = inside & !self.written;
                    let time = clock.base() + i64::from(half >> 22 & 0x3F);
                    while bits != 0 && n < room {
                        t[n] = time;
                        x[n] = (base + bits.trailing_zeros()) as u16;
                        y[n] = (half & ADDRESS) as u16;
                        p[n] = (half >> 28) as u8;
                        n += 1;
                        bits &= bits - 1;
                    }
                    if bits != 0 {
                        self.written = mask & !bits;
                        break;
                    }
                    self.written = 0;
                    let beyond = (mask & !inside).count_ones();
                    if beyond > 0 && tally.add(Oddity::Beyond, beyond.into(), offset + (index * WORD) as u64)
                    {
                        index += 1;
                        break;
                    }
                }
                kind::TIME_HIGH => clock = clock.after(half),
                kind => {
                    let at = offset + (index * WORD) as u64;
                    let stop = if kind == kind::EXT_TRIGGER {
                        tally.trigger(trigger(half, clock), at)
                    } else {
                        tally.add(oddity(kind), 1, at)
                    };
                    if stop {
                        index += 1;
                        break;
                    }
                }
            }
            index += 1;
        }
        self.clock = Some(clock);
        (index, n)
    }
}

/// The half with the type, and the mask.
#[inline(always)]
fn halves<const LEGACY: bool>(word: &[u8; WORD]) -> (u32, u32) {
    let word = u64::from_le_bytes(*word);
    let (first, second) = (word as u32, (word >> 32) as u32);
    if LEGACY { (first, second) } else { (second, first) }
}

/// The trigger in the half with the type.
fn trigger(half: u32, clock: Clock) -> Trigger {
    let t = clock.base() + i64::from(half >> 22 & 0x3F);
    Trigger::new(t, (half >> 8 & 0x1F) as u16, (half & 1) as u8)
}

fn oddity(kind: u32) -> Oddity {
    match kind {
        kind::OTHERS => Oddity::Vendor,
        kind::CONTINUED => Oddity::Continued,
        _ => Oddity::Unknown,
    }
}

/// A small file with what is special: every kind of word, masks that are full, empty and beyond the columns, a wrap.
fn sample() -> Sample {
    let word = |half: u32, mask: u32| (u64::from(half) << 32 | u64::from(mask)).to_le_bytes();
    let time_high = |t: u32| word(kind::TIME_HIGH << 28 | t >> 6, 0);
    let cd =
        |kind: u32, low: u32, x: u32, y: u32, mask: u32| word(kind << 28 | low << 22 | x << 11 | y, mask);
    let mut words = vec![
        // Dropped: before the first TIME_HIGH.
        cd(kind::CD_ON, 1, 32, 3, 0b111),
        time_high(64),
        cd(kind::CD_OFF, 0, 0, 0, 1),
        cd(kind::CD_ON, 63, 608, 479, 1 << 31 | 0b1001),
        // No event at all.
        cd(kind::CD_ON, 63, 608, 479, 0),
        // A trigger, a vendor word with its payload: counted.
        word(kind::EXT_TRIGGER << 28 | 5 << 8 | 1, 0),
        word(kind::OTHERS << 28 | 0x14, 17),
        word(kind::CONTINUED << 28 | 1, 2),
        time_high(128),
        cd(kind::CD_OFF, 5, 64, 100, u32::MAX),
    ];
    let mut events = vec![
        Event::new(64, 0, 0, 0),
        Event::new(127, 608, 479, 1),
        Event::new(127, 611, 479, 1),
        Event::new(127, 639, 479, 1),
    ];
    events.extend((64..96).map(|x| Event::new(133, x, 100, 0)));
    // The wrap after 2^34 us.
    words.extend([
        word(kind::TIME_HIGH << 28 | 0xFFF_FFFF, 0),
        cd(kind::CD_OFF, 63, 5, 6, 1),
        word(kind::TIME_HIGH << 28, 0),
        cd(kind::CD_ON, 2, 7, 8, 0b10),
    ]);
    events.extend([Event::new(LOOP - 1, 5, 6, 0), Event::new(LOOP + 2, 8, 8, 1)]);
    let header =
        b"% evt 2.1\n% format EVT21;endianness=little;height=480;width=640\n% geometry 640x480\n% end\n";
    Sample {
        bytes: [header.as_slice(), words.as_flattened()].concat(),
        events,
    }
}
