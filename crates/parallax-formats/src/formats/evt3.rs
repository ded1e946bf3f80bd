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

use std::ops::Range;

use parallax_events::{Declaration, Event, Pool, SpareColumns, Trigger};
use parallax_simd::Columns;
use parallax_simd::evt3::{self, ADDRESSES, Kind, SLACK, Skipped, State, Surveyed};

use crate::prophesee::{Encoding, Oddity, RawDecoder, SHIFT, Step, Tally, Words, sniff, write_evt3};
use crate::{Format, Found, Look, Open, Sample, TriggerSupport};

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

/// The types of words that the kernel leaves alone.
mod kind {
    pub(super) const CONTINUED_4: u16 = 0x7;
    pub(super) const EXT_TRIGGER: u16 = 0xA;
    pub(super) const IMU: u16 = 0xD;
    pub(super) const OTHERS: u16 = 0xE;
    pub(super) const CONTINUED_12: u16 = 0xF;
}

/// The kinds of words that may be no more than counted.
const COUNTED: [u16; 9] = [
    0x1,
    kind::CONTINUED_4,
    0x9,
    kind::EXT_TRIGGER,
    0xB,
    0xC,
    kind::IMU,
    kind::OTHERS,
    kind::CONTINUED_12,
];

/// The state between two words.
#[derive(Debug, Clone)]
struct Evt3 {
    /// Whether a TIME_HIGH has come.
    started: bool,
    shift: bool,
    state: State,
    /// The bits of the vector in front whose events are written.
    written: u16,
}

/// What a part of a stream does to the state.
#[derive(Debug, Default)]
struct Effect {
    /// The last TIME_LOW before the first TIME_HIGH.
    low_before: Option<u16>,
    times: Times,
    /// The low bits behind, where the first TIME_HIGH does not decide.
    low: Option<u16>,
    addresses: Addresses,
}

/// What words do to the addresses of the state.
#[derive(Debug, Default)]
struct Addresses {
    y: Option<u16>,
    /// The last VECT_BASE_X.
    base: Option<(u16, u8)>,
    /// The columns of the vectors behind that, or of all.
    columns: usize,
}

impl Words for Evt3 {
    const ENCODING: Encoding = Encoding::Evt3;
    const SIZE: usize = 2;
    type Effect = Effect;

    fn new(shift: bool) -> Self {
        Self {
            started: false,
            shift,
            state: State::default(),
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

    fn is_ready(&self) -> bool {
        self.started
    }

    fn survey(&self, bytes: &[u8]) -> (usize, Effect) {
        let (words, _) = bytes.as_chunks::<2>();
        Effect::of(words)
    }

    fn pass(&mut self, effect: &Effect) {
        let state = &mut self.state;
        state.low = effect.low_before.unwrap_or(state.low);
        effect.times.pass(state);
        state.low = effect.low.unwrap_or(state.low);
        effect.addresses.pass(state);
        self.written = 0;
    }

    fn seek(&mut self, range: Range<i64>, from: u64, input: &Look<'_>, pool: Pool<'_>) -> Option<Found> {
        let (found, vectors) = self.seek_time(range, from, input, pool);
        // What was set last in front of it may stand far back.
        let mut count = 1 << 16;
        loop {
            let start = found.start.saturating_sub(count).max(from);
            let (words, _) = input.bytes(start, (found.start - start) as usize).as_chunks::<2>();
            let addresses = Addresses::of(words, vectors);
            if start == from || (addresses.y.is_some() && (addresses.base.is_some() || !vectors)) {
                addresses.pass(&mut self.state);
                if found.start > from {
                    self.written = 0;
                }
                return Some(found);
            }
            count *= 8;
        }
    }
}

impl Addresses {
    /// `vectors`: false only if no word is part of a vector.
    fn of(words: &[[u8; 2]], vectors: bool) -> Self {
        let last = |from: usize, kind| evt3::last_of(&words[from..], kind).map(|at| from + at);
        let y = last(0, Kind::ADDR_Y).map(|at| content(words, at) % ADDRESSES);
        if !vectors {
            return Self {
                y,
                ..Self::default()
            };
        }
        let base = last(0, Kind::VECT_BASE_X);
        let from = base.unwrap_or(0);
        let vectors = [Kind::VECT_12, Kind::VECT_8].map(|kind| last(from, kind));
        let widths = vectors.into_iter().flatten().max().map(|end| {
            let widths = words[from..=end].iter().map(|word| match u16::from_le_bytes(*word) >> 12 {
                Kind::VECT_12 => 12,
                Kind::VECT_8 => 8,
                _ => 0,
            });
            widths.sum()
        });
        Self {
            y,
            base: base.map(|at| (content(words, at) % ADDRESSES, (content(words, at) >> 11) as u8)),
            columns: widths.unwrap_or(0),
        }
    }

    fn pass(&self, state: &mut State) {
        state.y = self.y.unwrap_or(state.y);
        (state.base, state.p) = self.base.unwrap_or((state.base, state.p));
        let base = usize::from(state.base).saturating_add(self.columns);
        state.base = base.min(ADDRESSES.into()) as u16;
    }
}

fn content(words: &[[u8; 2]], at: usize) -> u16 {
    u16::from_le_bytes(words[at]) & 0xFFF
}

/// Calls `each` at every TIME_HIGH that differs from the one before, which is `high` at first: with its place, its content and
/// what lies between. Returns what lies behind the last.
fn each_change(words: &[[u8; 2]], mut high: u16, mut each: impl FnMut(usize, u16, Surveyed)) -> Surveyed {
    let mut at = 0;
    loop {
        let between = evt3::survey(&words[at..], high);
        let place = at + between.words;
        if place >= words.len() {
            return between;
        }
        high = content(words, place);
        each(place, high, between);
        at = place + 1;
    }
}

impl Effect {
    /// How many events the words have, and what they do.
    fn of(words: &[[u8; 2]]) -> (usize, Self) {
        let last = |from: usize, to: usize, kind| {
            evt3::last_of(&words[from..to], kind).map(|at| content(words, from + at))
        };
        let times = Times::of(words);
        let low = times.first.and_then(|_| {
            let low = last(times.changed_at, words.len(), Kind::TIME_LOW);
            low.or((times.changed_at > times.first_at).then_some(0))
        });
        let effect = Self {
            low_before: last(0, times.first_at, Kind::TIME_LOW),
            low,
            addresses: Addresses::of(words, times.vectors),
            times,
        };
        (effect.times.events, effect)
    }
}

/// What the TIME_HIGHs of a stretch of words do to the time, whatever it was before.
#[derive(Debug, Default)]
struct Times {
    /// The content of the first TIME_HIGH, and where it is; the end if there is none.
    first: Option<u16>,
    first_at: usize,
    /// Where the time changed last.
    changed_at: usize,
    /// How far the time goes back and forward, and has gone at the end, since the first was taken in.
    least: i64,
    most: i64,
    behind: State,
    /// How many events there are, and whether some are of vectors.
    events: usize,
    vectors: bool,
}

impl Times {
    fn of(words: &[[u8; 2]]) -> Self {
        let mut times = Self {
            first_at: words.len(),
            ..Self::default()
        };
        // No TIME_HIGH has such a content: the first is one that differs.
        let rest = each_change(words, u16::MAX, |place, high, between| {
            times.add(between);
            if times.first.is_none() {
                (times.first, times.first_at, times.behind.high) = (Some(high), place, high);
            }
            times.behind.time_high(high);
            times.least = times.least.min(times.behind.coarse);
            times.most = times.most.max(times.behind.coarse);
            times.changed_at = place;
        });
        times.add(rest);
        times
    }

    fn add(&mut self, between: Surveyed) {
        self.events += between.events;
        self.vectors |= between.vectors;
    }

    /// Takes the stretch in, and returns the least and the largest coarse time inside it.
    fn pass(&self, now: &mut State) -> (i64, i64) {
        let before = now.coarse;
        let Some(first) = self.first else {
            return (before, before);
        };
        now.time_high(first);
        let start = now.coarse;
        now.coarse = start.wrapping_add(self.behind.coarse);
        now.high = self.behind.high;
        let (least, most) = (start.wrapping_add(self.least), start.wrapping_add(self.most));
        (least.min(before), most.max(before))
    }
}

/// Where a stretch of bytes holds times that are asked for.
struct Inside {
    /// The first byte of the first, and the state in front of it.
    start: Option<(usize, State)>,
    /// The byte behind the last.
    end: Option<usize>,
    /// Whether there are vectors in front of the first.
    vectors: bool,
}

impl Inside {
    /// `now` is the state in front of `bytes`; `may_hold` is asked for the least and the largest coarse time.
    fn of(bytes: &[u8], mut now: State, may_hold: impl Fn(i64, i64) -> bool) -> Self {
        let may_hold = |state: &State| may_hold(state.coarse, state.coarse);
        let mut inside = Self {
            start: may_hold(&now).then_some((0, now)),
            end: None,
            vectors: false,
        };
        let rest = each_change(bytes.as_chunks().0, now.high, |place, high, between| {
            inside.vectors |= inside.start.is_none() && between.vectors;
            let before = now;
            now.time_high(high);
            if may_hold(&before) {
                inside.end = Some(place * 2);
            }
            if inside.start.is_none() && may_hold(&now) {
                inside.start = Some((place * 2, before));
            }
        });
        inside.vectors |= inside.start.is_none() && rest.vectors;
        if may_hold(&now) {
            inside.end = Some(bytes.len());
        }
        inside
    }
}

impl Evt3 {
    /// Looks at every TIME_HIGH from `from` on: the bytes from the first to the last time that may lie in `range`. The time
    /// of the state is then that in front of them. Also whether what lies before them has vectors.
    fn seek_time(
        &mut self,
        range: Range<i64>,
        from: u64,
        input: &Look<'_>,
        pool: Pool<'_>,
    ) -> (Found, bool) {
        /// How many bytes are looked at before they are let go.
        const STRETCH: usize = 1 << 20;
        let may_hold = |least: i64, most: i64| least < range.end && most | 0xFFF >= range.start;
        let look = || input.map(from, STRETCH, pool, |bytes| Times::of(bytes.as_chunks().0));
        let stretches = input.recall(from, look);
        let inside = |at: u64, state| Inside::of(input.bytes(at, STRETCH), state, may_hold);
        let mut now = self.state;
        let (mut start, mut vectors) = (None, false);
        // The stretches that may hold something, and the state in front of each.
        let mut candidates = Vec::new();
        for (times, at) in stretches.iter().zip((from..).step_by(STRETCH)) {
            let before = now;
            let (least, most) = times.pass(&mut now);
            if !may_hold(least, most) {
                vectors |= start.is_none() && times.vectors;
                continue;
            }
            candidates.push((at, before));
            if start.is_none() {
                let found = inside(at, before);
                vectors |= found.vectors;
                if let Some((place, state)) = found.start {
                    // The TIME_HIGH in front changes the time, which clears its lower bits.
                    (self.state.coarse, self.state.high) = (state.coarse, state.high);
                    start = Some(at + place as u64);
                }
            }
        }
        let end = candidates
            .into_iter()
            .rev()
            .find_map(|(at, before)| Some(at + inside(at, before).end? as u64))
            .unwrap_or(from);
        let start = start.unwrap_or(end);
        let found = Found {
            start,
            end: end.max(start),
            is_certain: true,
        };
        (found, vectors)
    }

    /// Looks for the first TIME_HIGH. Returns how many words are done.
    fn wait(&mut self, words: &[[u8; 2]], offset: u64, tally: &mut Tally) -> usize {
        for (index, word) in words.iter().enumerate() {
            let word = u16::from_le_bytes(*word);
            let events = match word >> 12 {
                Kind::TIME_HIGH => {
                    let high = word & 0xFFF;
                    self.started = true;
                    self.state.high = high;
                    self.state.coarse = if self.shift { 0 } else { i64::from(high) << 12 };
                    return index + 1;
                }
                Kind::ADDR_X => 1,
                Kind::VECT_12 => (word & 0xFFF).count_ones(),
                Kind::VECT_8 => (word & 0xFF).count_ones(),
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
    /// those ends the block; without, they are only counted.
    fn block<const LOCATE: bool>(
        &mut self,
        words: &[[u8; 2]],
        offset: u64,
        out: &mut SpareColumns<'_>,
        tally: &mut Tally,
    ) -> (usize, usize, u64) {
        let room = out.t.len();
        let mut skipped = Skipped {
            kinds: counted(tally),
            ..Skipped::default()
        };
        let (mut index, mut n, mut steps_back) = (0, 0, 0);
        loop {
            if !LOCATE && self.written == 0 {
                let columns = Columns {
                    t: &mut out.t[n..],
                    x: &mut out.x[n..],
                    y: &mut out.y[n..],
                    p: &mut out.p[n..],
                };
                let done = evt3::decode(&words[index..], &mut self.state, &mut skipped, columns);
                index += done.words;
                n += done.events;
                steps_back += done.steps_back;
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
            let word = u16::from_le_bytes(*word);
            let (kind, content) = (word >> 12, word & 0xFFF);
            let at = offset + index as u64 * 2;
            let spare = SpareColumns {
                t: &mut out.t[n..],
                x: &mut out.x[n..],
                y: &mut out.y[n..],
                p: &mut out.p[n..],
            };
            let mut stop = false;
            match kind {
                Kind::ADDR_Y => self.state.y = content % ADDRESSES,
                Kind::ADDR_X => {
                    spare.t[0] = self.state.t();
                    spare.x[0] = content % ADDRESSES;
                    spare.y[0] = self.state.y;
                    spare.p[0] = (content >> 11) as u8;
                    n += 1;
                }
                Kind::TIME_LOW => {
                    if content < self.state.low {
                        if LOCATE {
                            stop = tally.add(Oddity::ClockBack, 1, at);
                        }
                        steps_back += 1;
                    }
                    self.state.low = content;
                }
                Kind::TIME_HIGH => self.state.time_high(content),
                Kind::VECT_BASE_X => {
                    self.state.base = content % ADDRESSES;
                    self.state.p = (content >> 11) as u8;
                }
                Kind::VECT_12 | Kind::VECT_8 => {
                    let (written, beyond) = self.vector(kind, content, spare);
                    n += written;
                    if self.written != 0 {
                        break;
                    }
                    stop = beyond > 0 && tally.add(Oddity::Beyond, beyond.into(), at);
                }
                kind::EXT_TRIGGER => stop = tally.trigger(self.trigger(content), at),
                _ => stop = tally.add(oddity(kind), 1, at),
            }
            index += 1;
            if stop {
                break;
            }
        }
        for kind in COUNTED {
            // Known before, so their place does not matter.
            tally.add(oddity(kind), skipped.counts[usize::from(kind)], offset);
        }
        (index, n, steps_back)
    }

    /// Writes the events of a vector word, as far as `out` takes them. Returns how many those are, and how many more
    /// are at columns that do not exist. Afterwards `written` is 0, unless some did not fit.
    fn vector(&mut self, kind: u16, content: u16, out: SpareColumns<'_>) -> (usize, u32) {
        let (width, mask) = if kind == Kind::VECT_12 {
            (12, content)
        } else {
            (8, content & 0xFF)
        };
        // Which of its columns exist.
        let inside = (1_u32 << (ADDRESSES - self.state.base).min(12)).wrapping_sub(1) as u16 & mask;
        let mut bits = inside & !self.written;
        let mut n = 0;
        for (((t, x), y), p) in out.t.iter_mut().zip(out.x).zip(out.y).zip(out.p) {
            if bits == 0 {
                break;
            }
            *t = self.state.t();
            *x = self.state.base + bits.trailing_zeros() as u16;
            *y = self.state.y;
            *p = self.state.p;
            n += 1;
            bits &= bits - 1;
        }
        if bits != 0 {
            self.written = mask & !bits;
            return (n, 0);
        }
        self.written = 0;
        self.state.base = (self.state.base + width).min(ADDRESSES);
        (n, (mask & !inside).count_ones())
    }

    fn trigger(&self, content: u16) -> Trigger {
        Trigger::new(self.state.t(), content >> 8, (content & 1) as u8)
    }
}

/// The kinds of words that need no more than to be counted: their first is known.
fn counted(tally: &Tally) -> u16 {
    let is_counted = |kind: u16| match kind {
        kind::EXT_TRIGGER => tally.counts_triggers() && !tally.is_new(Oddity::Trigger),
        _ => !tally.is_new(oddity(kind)),
    };
    COUNTED.into_iter().filter(|kind| is_counted(*kind)).fold(0, |kinds, kind| kinds | 1 << kind)
}

fn oddity(kind: u16) -> Oddity {
    match kind {
        kind::EXT_TRIGGER => Oddity::Trigger,
        kind::IMU => Oddity::Imu,
        kind::OTHERS => Oddity::Vendor,
        kind::CONTINUED_4 | kind::CONTINUED_12 => Oddity::Continued,
        _ => Oddity::Unknown,
    }
}

/// A small file with what is special: every kind of word, a vector, a wrap.
fn sample() -> Sample {
    let word = |kind: u16, content: u16| (kind << 12 | content).to_le_bytes();
    let words = [
        // Dropped: before the first TIME_HIGH.
        word(Kind::ADDR_X, 7),
        word(Kind::TIME_HIGH, 0xFFE),
        word(Kind::TIME_LOW, 0x010),
        word(Kind::ADDR_Y, 5),
        word(Kind::ADDR_X, 3),
        word(Kind::ADDR_X, 0x800 | 639),
        // A group of 32 columns from 64 on: 12 + 12 + 8.
        word(Kind::ADDR_Y, 0x800 | 479),
        word(Kind::VECT_BASE_X, 0x800 | 64),
        word(Kind::VECT_12, 0x801),
        word(Kind::VECT_12, 0x001),
        word(Kind::VECT_8, 0x080),
        // The next group goes on at column 96.
        word(Kind::VECT_12, 0xFFF),
        word(Kind::VECT_12, 0x000),
        word(Kind::VECT_8, 0x000),
        // A trigger and a vendor word with its payload: counted.
        word(kind::EXT_TRIGGER, 0x101),
        word(kind::OTHERS, 0x014),
        word(kind::CONTINUED_12, 1),
        word(kind::CONTINUED_12, 2),
        word(kind::CONTINUED_4, 3),
        // The same TIME_HIGH again keeps the low time; another one clears it.
        word(Kind::TIME_HIGH, 0xFFE),
        word(Kind::ADDR_X, 10),
        word(Kind::TIME_HIGH, 0xFFF),
        word(Kind::ADDR_X, 11),
        word(Kind::TIME_LOW, 0xFFF),
        word(Kind::ADDR_X, 12),
        // The wrap after 2^24 us.
        word(Kind::TIME_HIGH, 0x000),
        word(Kind::TIME_LOW, 0x002),
        word(Kind::ADDR_Y, 0),
        word(Kind::ADDR_X, 0x800),
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
