//! EVT 3.0: 16-bit words of Prophesee cameras, in a RAW file with a text header.
//!
//! In: little-endian words, the type in bits 15..12, the content below. A word changes one part of the state (time,
//! row, base of a vector) or makes events: one, or up to 12 neighbours of a row from a bit mask. Out: events in the
//! recorded order, t in microseconds of the sensor's clock. Source: Prophesee, "EVT 3.0 format".
//!
//! - Time is 24 bits in two words and wraps every 16.8 s; a TIME_HIGH that falls back by half its range or more is a
//!   wrap. A TIME_HIGH that changes clears the low part. A TIME_LOW that goes back without a TIME_HIGH (real cameras
//!   write that) is taken as it is, and reported.
//! - Everything before the first TIME_HIGH is dropped; so are events at columns that 11 bits cannot name.
//! - External triggers are handed out if asked for, else counted, as are IMU samples and vendor words.
//! - A vector that does not fit into the batch is continued in the next one: its word stays unconsumed meanwhile.

use parallax_events::{Declaration, Event, SpareColumns, Trigger};

use crate::prophesee::{Encoding, Oddity, RawDecoder, SHIFT, Step, Tally, Words, sniff, write_evt3};
use crate::{Format, Open, Sample, TriggerSupport};

/// The row of this format.
pub(super) static FORMAT: Format = Format {
    declaration: &DECLARATION,
    extensions: &["raw"],
    sniff: |probe| sniff(probe, Encoding::Evt3, 20),
    open: Open::Stream(|params, options| Ok(Box::new(RawDecoder::<Evt3>::new(params, options)?))),
    create: Some(write_evt3),
    triggers: TriggerSupport::ReadWrite,
    sample,
};

static DECLARATION: Declaration = Declaration::new("evt3", "Prophesee EVT 3.0 (RAW)", &[SHIFT]).with_doc(
    "Little-endian 16-bit words behind a text header. The sensor's size comes from the header, from its \
         `system_ID` if there is no other statement.",
);

/// The types of words.
mod kind {
    pub(super) const ADDR_Y: u16 = 0x0;
    pub(super) const ADDR_X: u16 = 0x2;
    pub(super) const VECT_BASE_X: u16 = 0x3;
    pub(super) const VECT_12: u16 = 0x4;
    pub(super) const VECT_8: u16 = 0x5;
    pub(super) const TIME_LOW: u16 = 0x6;
    pub(super) const CONTINUED_4: u16 = 0x7;
    pub(super) const TIME_HIGH: u16 = 0x8;
    pub(super) const EXT_TRIGGER: u16 = 0xA;
    pub(super) const IMU: u16 = 0xD;
    pub(super) const OTHERS: u16 = 0xE;
    pub(super) const CONTINUED_12: u16 = 0xF;
}

/// Rows and columns have 11 bits.
const ADDRESS: u16 = 0x7FF;

/// The state between two words.
#[derive(Debug, Clone)]
struct Evt3 {
    /// Whether a TIME_HIGH has come.
    started: bool,
    shift: bool,
    /// The time without its low 12 bits, less `origin`.
    coarse: i64,
    /// The time of the next event.
    t: i64,
    /// The content of the last TIME_HIGH.
    high: u16,
    y: u16,
    /// The column of the first bit of the next vector. At most `ADDRESS + 1`, where no event is.
    base: u16,
    /// The polarity of vectors.
    p: u8,
    /// The bits of the vector in front whose events are written.
    written: u16,
}

impl Words for Evt3 {
    const ENCODING: Encoding = Encoding::Evt3;
    const SIZE: usize = 2;

    fn new(shift: bool) -> Self {
        Self {
            started: false,
            shift,
            coarse: 0,
            t: 0,
            high: 0,
            y: 0,
            base: 0,
            p: 0,
            written: 0,
        }
    }

    fn decode(&mut self, bytes: &[u8], offset: u64, out: SpareColumns<'_>, tally: &mut Tally) -> Step {
        let (words, _) = bytes.as_chunks::<2>();
        let (words_done, written) = if self.started {
            self.events(words, offset, out, tally)
        } else {
            (self.wait(words, offset, tally), 0)
        };
        Step {
            consumed: words_done * 2,
            written,
        }
    }
}

impl Evt3 {
    /// Looks for the first TIME_HIGH. Returns how many words are done.
    fn wait(&mut self, words: &[[u8; 2]], offset: u64, tally: &mut Tally) -> usize {
        for (index, word) in words.iter().enumerate() {
            let word = u16::from_le_bytes(*word);
            let events = match word >> 12 {
                kind::TIME_HIGH => {
                    self.started = true;
                    self.high = word & 0xFFF;
                    self.coarse = if self.shift { 0 } else { i64::from(self.high) << 12 };
                    self.t = self.coarse;
                    return index + 1;
                }
                kind::ADDR_X => 1,
                kind::VECT_12 => (word & 0xFFF).count_ones(),
                kind::VECT_8 => (word & 0xFF).count_ones(),
                _ => 0,
            };
            if events > 0 && tally.add(Oddity::BeforeTime, events.into(), offset + index as u64 * 2) {
                return index + 1;
            }
        }
        words.len()
    }

    /// Decodes words behind the first TIME_HIGH. Returns how many words are done and how many events written.
    fn events(
        &mut self,
        words: &[[u8; 2]],
        offset: u64,
        mut out: SpareColumns<'_>,
        tally: &mut Tally,
    ) -> (usize, usize) {
        let (state, counted) = (self.clone(), tally.clone());
        let (done, written, steps_back) = self.block::<false>(words, offset, &mut out, tally);
        if steps_back > 0 && tally.is_new(Oddity::ClockBack) {
            // Once in a recording: the same again, up to the first of them.
            (*self, *tally) = (state, counted);
            let (done, written, _) = self.block::<true>(words, offset, &mut out, tally);
            return (done, written);
        }
        tally.add(Oddity::ClockBack, steps_back, offset);
        (done, written)
    }

    /// As [`events`](Self::events); the third number is how often TIME_LOW stepped back. With `LOCATE` the first of
    /// those ends the block; without, they are only counted, since a branch on them would slow down the loop.
    ///
    /// The inner loop decides the speed, and it only just fits into registers: what is rare is therefore in functions
    /// of its own, and works on `self`.
    #[inline(never)]
    fn block<const LOCATE: bool>(
        &mut self,
        words: &[[u8; 2]],
        offset: u64,
        out: &mut SpareColumns<'_>,
        tally: &mut Tally,
    ) -> (usize, usize, u64) {
        let room = out.t.len();
        let (t, x, y, p) = (
            &mut *out.t,
            &mut out.x[..room],
            &mut out.y[..room],
            &mut out.p[..room],
        );
        let mut n = 0;
        let mut index = 0;
        let mut steps_back = 0;
        loop {
            // Rows, low times and single events follow each other without a pattern. A branch on them would be
            // guessed wrong again and again, so each is done as all three, without one.
            let (coarse, mut now, mut row, mut back_here) = (self.coarse, self.t, self.y, 0);
            while let Some(word) = words.get(index) {
                if n >= room {
                    break;
                }
                let word = u16::from_le_bytes(*word);
                let (kind, content) = (word >> 12, word & 0xFFF);
                if (1_u32 << kind) & SIMPLE == 0 {
                    break;
                }
                let next = if kind == kind::TIME_LOW {
                    coarse | i64::from(content)
                } else {
                    now
                };
                // Both have the same upper bits, whatever their sign; unsigned, this is one addition with carry.
                let back = (next as u64) < (now as u64);
                if LOCATE && back {
                    break;
                }
                back_here += u64::from(back);
                now = next;
                row = if kind == kind::ADDR_Y {
                    content & ADDRESS
                } else {
                    row
                };
                t[n] = now;
                x[n] = content & ADDRESS;
                y[n] = row;
                p[n] = (content >> 11) as u8;
                n += usize::from(kind == kind::ADDR_X);
                index += 1;
            }
            (self.t, self.y) = (now, row);
            steps_back += back_here;

            let Some(word) = words.get(index) else { break };
            if n >= room {
                break;
            }
            let word = u16::from_le_bytes(*word);
            let (kind, content) = (word >> 12, word & 0xFFF);
            match kind {
                kind::TIME_HIGH => self.time_high(content),
                kind::VECT_BASE_X => {
                    self.base = content & ADDRESS;
                    self.p = (content >> 11) as u8;
                }
                kind::VECT_12 | kind::VECT_8 => {
                    let spare = SpareColumns {
                        t: &mut t[n..],
                        x: &mut x[n..],
                        y: &mut y[n..],
                        p: &mut p[n..],
                    };
                    let (written, beyond) = self.vector(kind, content, spare);
                    n += written;
                    if self.written != 0 {
                        break;
                    }
                    if beyond > 0 && tally.add(Oddity::Beyond, beyond.into(), offset + index as u64 * 2) {
                        index += 1;
                        break;
                    }
                }
                _ => {
                    // With `LOCATE`, a TIME_LOW that steps back.
                    if kind == kind::TIME_LOW {
                        self.t = coarse | i64::from(content);
                    }
                    let at = offset + index as u64 * 2;
                    let stop = if kind == kind::EXT_TRIGGER {
                        tally.trigger(self.trigger(content), at)
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
        (index, n, steps_back)
    }

    /// Writes the events of a vector word, as far as `out` takes them. Returns how many those are, and how many more
    /// are at columns that do not exist. Afterwards `written` is 0, unless some did not fit.
    #[inline]
    fn vector(&mut self, kind: u16, content: u16, out: SpareColumns<'_>) -> (usize, u32) {
        let (width, mask) = if kind == kind::VECT_12 {
            (12, content)
        } else {
            (8, content & 0xFF)
        };
        let inside = if self.base + 12 <= ADDRESS + 1 {
            mask
        } else {
            mask & self.inside()
        };
        let mut bits = inside & !self.written;
        let mut n = 0;
        for (((t, x), y), p) in out.t.iter_mut().zip(out.x).zip(out.y).zip(out.p) {
            if bits == 0 {
                break;
            }
            *t = self.t;
            *x = self.base + bits.trailing_zeros() as u16;
            *y = self.y;
            *p = self.p;
            n += 1;
            bits &= bits - 1;
        }
        if bits != 0 {
            self.written = mask & !bits;
            return (n, 0);
        }
        self.written = 0;
        self.base = (self.base + width).min(ADDRESS + 1);
        (n, (mask & !inside).count_ones())
    }

    fn trigger(&self, content: u16) -> Trigger {
        Trigger::new(self.t, content >> 8, (content & 1) as u8)
    }

    fn time_high(&mut self, high: u16) {
        if high == self.high {
            return;
        }
        let wrapped = self.high >= 0x800 + high;
        let step = i64::from(high) - i64::from(self.high) + if wrapped { 0x1000 } else { 0 };
        self.coarse = self.coarse.wrapping_add(step << 12);
        self.high = high;
        self.t = self.coarse;
    }

    /// Which bits of a vector at `base` are columns that exist.
    fn inside(&self) -> u16 {
        (1_u32 << (ADDRESS + 1 - self.base).min(12)).wrapping_sub(1) as u16
    }
}

/// The kinds that the main loop does without a branch between them.
const SIMPLE: u32 = 1 << kind::ADDR_Y | 1 << kind::ADDR_X | 1 << kind::TIME_LOW;

fn oddity(kind: u16) -> Oddity {
    match kind {
        kind::IMU => Oddity::Imu,
        kind::OTHERS => Oddity::Vendor,
        kind::CONTINUED_4 | kind::CONTINUED_12 => Oddity::Continued,
        kind::TIME_LOW => Oddity::ClockBack,
        _ => Oddity::Unknown,
    }
}

/// A small file with what is special: every kind of word, a vector, a wrap.
fn sample() -> Sample {
    let word = |kind: u16, content: u16| (kind << 12 | content).to_le_bytes();
    let words = [
        // Dropped: before the first TIME_HIGH.
        word(kind::ADDR_X, 7),
        word(kind::TIME_HIGH, 0xFFE),
        word(kind::TIME_LOW, 0x010),
        word(kind::ADDR_Y, 5),
        word(kind::ADDR_X, 3),
        word(kind::ADDR_X, 0x800 | 639),
        // A group of 32 columns from 64 on: 12 + 12 + 8.
        word(kind::ADDR_Y, 0x800 | 479),
        word(kind::VECT_BASE_X, 0x800 | 64),
        word(kind::VECT_12, 0x801),
        word(kind::VECT_12, 0x001),
        word(kind::VECT_8, 0x080),
        // The next group goes on at column 96.
        word(kind::VECT_12, 0xFFF),
        word(kind::VECT_12, 0x000),
        word(kind::VECT_8, 0x000),
        // A trigger and a vendor word with its payload: counted.
        word(kind::EXT_TRIGGER, 0x101),
        word(kind::OTHERS, 0x014),
        word(kind::CONTINUED_12, 1),
        word(kind::CONTINUED_12, 2),
        word(kind::CONTINUED_4, 3),
        // The same TIME_HIGH again keeps the low time; another one clears it.
        word(kind::TIME_HIGH, 0xFFE),
        word(kind::ADDR_X, 10),
        word(kind::TIME_HIGH, 0xFFF),
        word(kind::ADDR_X, 11),
        word(kind::TIME_LOW, 0xFFF),
        word(kind::ADDR_X, 12),
        // The wrap after 2^24 us.
        word(kind::TIME_HIGH, 0x000),
        word(kind::TIME_LOW, 0x002),
        word(kind::ADDR_Y, 0),
        word(kind::ADDR_X, 0x800),
    ];
    let header = b"% evt 3.0\n% format EVT3;height=480;width=640\n% geometry 640x480\n% end\n";
    let bytes = [header.as_slice(), words.as_flattened()].concat();
    let t = 0xFF_E010;
    let mut events = vec![Event::new(t, 3, 5, 0), Event::new(t, 639, 5, 1)];
    events.extend([64, 75, 76, 95].map(|x| Event::new(t, x, 479, 1)));
    events.extend((96..108).map(|x| Event::new(t, x, 479, 1)));
    events.push(Event::new(t, 10, 479, 0));
    events.push(Event::new(0xFF_F000, 11, 479, 0));
    events.push(Event::new(0xFF_FFFF, 12, 479, 0));
    events.push(Event::new(0x100_0002, 0, 0, 1));
    Sample { bytes, events }
}
