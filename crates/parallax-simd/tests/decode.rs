//! The decoding kernels at every level, against plain loops written from the formats' descriptions; on random words, on
//! words as sensors send them, and on words made to hurt.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

use parallax_simd::evt3::{self, Kind, Skipped, State};
use parallax_simd::{Columns, Level, aedat4, dat, es, evt2};

type Event = (i64, u16, u16, u8);

struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

struct Room {
    t: Vec<i64>,
    x: Vec<u16>,
    y: Vec<u16>,
    p: Vec<u8>,
}

impl Room {
    fn of(places: usize) -> Self {
        Self {
            t: vec![-9; places],
            x: vec![9999; places],
            y: vec![9999; places],
            p: vec![99; places],
        }
    }

    fn columns(&mut self) -> Columns<'_> {
        Columns {
            t: &mut self.t,
            x: &mut self.x,
            y: &mut self.y,
            p: &mut self.p,
        }
    }

    fn events(&self, count: usize) -> Vec<Event> {
        (0..count)
            .map(|i| (self.t[i], self.x[i], self.y[i], self.p[i]))
            .collect()
    }
}

/// What a word does, plainly. `None`: a kernel must stop in front of it.
fn evt3_word(
    word: u16,
    state: &mut State,
    skips: u16,
    events: &mut Vec<Event>,
    back: &mut u64,
) -> Option<()> {
    let (kind, content) = (word >> 12, word & 0xFFF);
    match kind {
        0x0 => state.y = content & 0x7FF,
        0x2 => events.push((
            state.coarse + i64::from(state.low),
            content & 0x7FF,
            state.y,
            (content >> 11) as u8,
        )),
        0x3 => (state.base, state.p) = (content & 0x7FF, (content >> 11) as u8),
        0x4 | 0x5 => {
            let width = if kind == 0x4 { 12 } else { 8 };
            if state.base + width > 2048 {
                return None;
            }
            for bit in (0..width).filter(|bit| content >> bit & 1 == 1) {
                events.push((
                    state.coarse + i64::from(state.low),
                    state.base + bit,
                    state.y,
                    state.p,
                ));
            }
            state.base += width;
        }
        0x6 => {
            *back += u64::from(content < state.low);
            state.low = content;
        }
        0x8 if content != state.high => {
            let wrapped = state.high >= content + 0x800;
            state.coarse +=
                (i64::from(content) - i64::from(state.high) + if wrapped { 4096 } else { 0 }) * 4096;
            (state.high, state.low) = (content, 0);
        }
        0x8 => {}
        _ if skips >> kind & 1 == 1 => {}
        _ => return None,
    }
    Some(())
}

/// Runs a kernel to the end, by hand over what it leaves; some calls have little room.
fn evt3_all(level: Level, words: &[u16], skips: u16, places: usize) -> (Vec<Event>, State, u64, [u64; 16]) {
    let bytes: Vec<[u8; 2]> = words.iter().map(|word| word.to_le_bytes()).collect();
    let (mut state, mut events, mut back) = (State::default(), Vec::new(), 0);
    let mut skipped = Skipped {
        kinds: skips,
        counts: [0; 16],
    };
    let mut at = 0;
    while at < words.len() {
        let mut room = Room::of(places);
        let done = evt3::decode_at(level, &bytes[at..], &mut state, &mut skipped, room.columns());
        assert!(done.events <= places);
        events.extend(room.events(done.events));
        back += done.steps_back;
        at += done.words;
        if done.words == 0 {
            let word = words[at];
            if evt3_word(word, &mut state, skips, &mut events, &mut back).is_none() {
                state.base = 0;
            } else if skips >> (word >> 12) & 1 == 1 {
                skipped.counts[usize::from(word >> 12)] += 1;
            }
            at += 1;
        }
    }
    (events, state, back, skipped.counts)
}

fn evt3_plain(words: &[u16], skips: u16) -> (Vec<Event>, State, u64, [u64; 16]) {
    let (mut state, mut events, mut back, mut counts) = (State::default(), Vec::new(), 0, [0; 16]);
    for &word in words {
        if evt3_word(word, &mut state, skips, &mut events, &mut back).is_none() {
            state.base = 0;
        } else if skips >> (word >> 12) & 1 == 1 {
            counts[usize::from(word >> 12)] += 1;
        }
    }
    (events, state, back, counts)
}

fn evt3_inputs() -> Vec<Vec<u16>> {
    let mut random = Numbers(0x1234_5678_9ABC_DEF1);
    let mut inputs = vec![
        Vec::new(),
        vec![0x2000],
        vec![0x0005; 100],
        vec![0x6FFF; 77],
        vec![0x2FFF; 133],
        vec![0x8001; 64],
    ];
    for length in [31, 32, 33, 64, 1000] {
        inputs.push((0..length).map(|_| random.next() as u16).collect());
    }
    // As sensors send them: mixtures of kinds with weights, long enough for every place in a block; vectors with events
    // in any of their columns, or in two at most.
    for (weights, any) in [
        ([40_u64, 40, 0, 0, 0, 20, 0, 0], true),
        ([10, 60, 0, 0, 0, 25, 5, 0], true),
        ([20, 20, 5, 10, 10, 20, 5, 10], true),
        ([10, 5, 15, 30, 25, 10, 4, 1], true),
        ([1, 1, 0, 0, 0, 90, 4, 4], true),
        ([90, 4, 1, 1, 1, 1, 1, 1], true),
        ([19, 63, 4, 7, 3, 3, 1, 0], false),
        ([4, 10, 6, 60, 15, 3, 2, 0], false),
        ([0, 0, 1, 98, 1, 0, 0, 0], false),
        ([10, 10, 20, 25, 25, 5, 3, 2], false),
    ] {
        let mut words = Vec::new();
        let (mut high, mut low) = (0_u16, 0_u16);
        for _ in 0..6000 {
            let mut pick = random.below(100);
            let kind = weights.iter().position(|&weight| {
                let here = pick < weight;
                pick = pick.wrapping_sub(weight);
                here
            });
            let content = random.next() as u16 & 0xFFF;
            let columns = if any {
                content
            } else {
                let two = 1 << random.below(12) | 1 << random.below(12);
                [two, two, two, content & two][random.below(4) as usize]
            };
            words.push(match kind.unwrap_or(0) {
                0 => content,
                1 => Kind::ADDR_X << 12 | content,
                2 => Kind::VECT_BASE_X << 12 | content,
                3 => Kind::VECT_12 << 12 | columns,
                4 => Kind::VECT_8 << 12 | columns,
                5 => {
                    low = if random.below(8) == 0 {
                        content
                    } else {
                        (low + 3) & 0xFFF
                    };
                    Kind::TIME_LOW << 12 | low
                }
                6 => {
                    high = if random.below(3) == 0 {
                        (high + 1) & 0xFFF
                    } else {
                        high
                    };
                    Kind::TIME_HIGH << 12 | high
                }
                _ => [0x7000, 0xE000, 0xF000, 0xA000, 0x1000][random.below(5) as usize] | content,
            });
        }
        inputs.push(words);
    }
    inputs
}

#[test]
fn evt3_at_every_level() {
    for words in evt3_inputs() {
        for skips in [0, 1 << 0x7 | 1 << 0xE | 1 << 0xF] {
            let wanted = evt3_plain(&words, skips);
            for level in Level::available() {
                for places in [0, 63, 64, 65, 97, 500, 100_000] {
                    let found = evt3_all(level, &words, skips, places);
                    assert!(
                        found == wanted,
                        "{level:?}, {} words, {places} places",
                        words.len()
                    );
                }
            }
        }
    }
}

#[test]
fn evt3_more_of_a_kind_than_16_bits_count() {
    let words = vec![0xF123; 0x1_0010];
    let skips = 1 << 0xF;
    for level in Level::available() {
        assert!(
            evt3_all(level, &words, skips, 100) == evt3_plain(&words, skips),
            "{level:?}"
        );
    }
}

#[test]
fn evt3_searches_at_every_level() {
    for words in evt3_inputs() {
        let bytes: Vec<[u8; 2]> = words.iter().map(|word| word.to_le_bytes()).collect();
        let events = |words: &[u16]| -> u32 {
            let events = words.iter().map(|word| match word >> 12 {
                0x2 => 1,
                0x4 => (word & 0xFFF).count_ones(),
                0x5 => (word & 0xFF).count_ones(),
                _ => 0,
            });
            events.sum()
        };
        for level in Level::available() {
            for high in [0, 1, 7, 0xFFFF] {
                let done = evt3::survey_at(level, &bytes, high);
                let wanted = words
                    .iter()
                    .position(|word| word >> 12 == 8 && word & 0xFFF != high);
                assert_eq!(done.words, wanted.unwrap_or(words.len()));
                let surveyed = &words[..done.words];
                assert_eq!(done.events, events(surveyed) as usize);
                assert!(done.vectors || surveyed.iter().all(|word| !matches!(word >> 12, 3..=5)));
            }
            for kind in 0..16 {
                let wanted = words.iter().rposition(|word| word >> 12 == kind);
                assert_eq!(evt3::last_of_at(level, &bytes, kind), wanted);
            }
        }
    }
}

/// What a word does, plainly. `None`: a kernel must stop in front of it.
fn evt2_word(word: u32, time: &mut evt2::Time, events: &mut Vec<Event>) -> Option<()> {
    match word >> 28 {
        kind @ (0 | 1) => events.push((
            time.offset + (i64::from(time.high) << 6) + i64::from(word >> 22 & 63),
            (word >> 11 & 0x7FF) as u16,
            (word & 0x7FF) as u16,
            kind as u8,
        )),
        8 if word & 0xFFF_FFFF >= time.high => time.high = word & 0xFFF_FFFF,
        _ => return None,
    }
    Some(())
}

fn evt2_inputs() -> Vec<Vec<u32>> {
    let mut random = Numbers(77);
    let mut inputs = vec![Vec::new(), vec![0x8FFF_FFFF; 40], vec![0x1FFF_FFFF; 50]];
    // Times that jump: by so much that 16 of them make more than 32 bits, by a little less, and once by all there is.
    for jump in [(1_u32 << 22) - 1, 1 << 22, 1 << 26, 0xFFF_FFFF] {
        let times = (0..0xFFF_FFFF / jump + 1).take(60);
        inputs.push(times.flat_map(|n| [8 << 28 | (n * jump), 0x1FC0_0801]).collect());
        inputs.push(
            (0..40)
                .map(|n| 8 << 28 | jump.saturating_mul(n).min(0xFFF_FFFF))
                .chain([0x0FFF_FFFF])
                .collect(),
        );
    }
    for length in [1, 15, 16, 17, 40, 1000] {
        // One in so many is a TIME_HIGH; one in so many of those falls back; one in so many is of another type.
        for (time, back, other) in [
            (1000, 9, 900),
            (7, 1000, 2000),
            (3, 5, 100),
            (1, 40, 7),
            (2, 2, 2),
        ] {
            let mut high = 0x7FF_FF00_u32;
            inputs.push(
                (0..length)
                    .map(|_| {
                        if random.below(other) == 0 {
                            return random.next() as u32;
                        }
                        if random.below(time) > 0 {
                            return random.next() as u32 & 0x1FFF_FFFF;
                        }
                        high = if random.below(back) == 0 {
                            high.saturating_sub(random.below(300) as u32)
                        } else {
                            (high + random.below(3) as u32).min(0xFFF_FFFF)
                        };
                        8 << 28 | high
                    })
                    .collect(),
            );
        }
    }
    inputs
}

#[test]
fn evt2_at_every_level() {
    for words in evt2_inputs() {
        let bytes: Vec<[u8; 4]> = words.iter().map(|word| word.to_le_bytes()).collect();
        for offset in [0, 1 << 40, i64::MAX - (1 << 34), -(1 << 33)] {
            let mut wanted = (Vec::new(), evt2::Time { offset, high: 0 });
            for &word in &words {
                if evt2_word(word, &mut wanted.1, &mut wanted.0).is_none() {
                    wanted.1.high = word & 0xFFF;
                }
            }
            for level in Level::available() {
                for places in [0, 15, 16, 17, 33, 2000] {
                    let (mut events, mut time, mut at) = (Vec::new(), evt2::Time { offset, high: 0 }, 0);
                    while at < words.len() {
                        let mut room = Room::of(places);
                        let done = evt2::decode_at(level, &bytes[at..], &mut time, room.columns());
                        events.extend(room.events(done.events));
                        at += done.words;
                        if done.words == 0 {
                            // By hand over what it leaves.
                            if evt2_word(words[at], &mut time, &mut events).is_none() {
                                time.high = words[at] & 0xFFF;
                            }
                            at += 1;
                        }
                    }
                    assert!(
                        (&events, time) == (&wanted.0, wanted.1),
                        "{level:?}, {places} places"
                    );
                }
            }
        }
    }
}

#[test]
fn evt2_surveys_at_every_level() {
    for words in evt2_inputs() {
        let bytes: Vec<[u8; 4]> = words.iter().map(|word| word.to_le_bytes()).collect();
        for from in [0, 1, 9] {
            let Some(bytes) = bytes.get(from..) else { continue };
            let (mut wanted, mut high) = (evt2::Done::default(), 0);
            for word in &words[from..] {
                match word >> 28 {
                    0 | 1 => wanted.events += 1,
                    8 if word & 0xFFF_FFFF < high => break,
                    8 => high = word & 0xFFF_FFFF,
                    _ => {}
                }
                wanted.words += 1;
            }
            for level in Level::available() {
                let mut found = 0;
                assert_eq!(evt2::survey_at(level, bytes, &mut found), wanted, "{level:?}");
                assert_eq!(found, high, "{level:?}");
            }
        }
    }
}

#[test]
fn dat_at_every_level() {
    let mut random = Numbers(99);
    for length in [0, 63, 64, 65, 200, 1000] {
        for change in [0, 63, 64, 130, 9999] {
            let halves: Vec<(u32, u32)> = (0..length)
                .map(|i| {
                    (
                        (random.next() as u32 & 0x7FFF_FFFF) | u32::from(i >= change) << 31,
                        random.next() as u32,
                    )
                })
                .collect();
            let bytes: Vec<[u8; 8]> = halves
                .iter()
                .map(|&(t, address)| (u64::from(t) | u64::from(address) << 32).to_le_bytes())
                .collect();
            let steady = change.min(length) / 64 * 64;
            for level in Level::available() {
                for packing in [dat::Packing::Version1, dat::Packing::Version2] {
                    for places in [0, 63, 64, 100, 2000] {
                        let mut room = Room::of(places);
                        let count = dat::run_at(level, &bytes, packing, 5, 1 << 40, room.columns());
                        assert_eq!(
                            count,
                            steady.min(length / 64 * 64).min(places / 64 * 64),
                            "{level:?}"
                        );
                        let wanted: Vec<Event> = halves[..count]
                            .iter()
                            .map(|&(t, a)| {
                                let t = (1 << 40) + i64::from(t);
                                if packing == dat::Packing::Version1 {
                                    (t, (a & 511) as u16, (a >> 9 & 255) as u16, (a >> 17 & 1) as u8)
                                } else {
                                    (
                                        t,
                                        (a & 16383) as u16,
                                        (a >> 14 & 16383) as u16,
                                        (a >> 28 & 1) as u8,
                                    )
                                }
                            })
                            .collect();
                        assert!(room.events(count) == wanted, "{level:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn es_at_every_level() {
    let mut random = Numbers(4242);
    for length in [0, 1, 4, 5, 63, 64, 65, 128, 1000, 5000] {
        // One first byte in so many stands for time alone.
        for special in [1, 2, 13, 400, 100_000] {
            let mut bytes: Vec<u8> = Vec::new();
            while bytes.len() < length {
                if random.below(special) == 0 {
                    bytes.push(0xFE | random.next() as u8 & 1);
                } else {
                    bytes.push((random.below(0xFE)) as u8);
                    bytes.extend((random.next() as u32).to_le_bytes());
                }
            }
            bytes.truncate(length);
            for turn in [None, Some(719_u16), Some(3)] {
                let (mut wanted, mut time, mut at) = (Vec::<Event>::new(), 1_i64 << 40, 0);
                while at < bytes.len() {
                    match bytes[at..] {
                        [0xFF, ..] => (at, time) = (at + 1, time + 127),
                        [0xFE, ..] => at += 1,
                        [b, x0, x1, y0, y1, ..] => {
                            time += i64::from(b / 2);
                            let (x, y) = (
                                u16::from(x0) + 256 * u16::from(x1),
                                u16::from(y0) + 256 * u16::from(y1),
                            );
                            wanted.push((time, x, turn.map_or(y, |last| last.wrapping_sub(y)), b % 2));
                            at += 5;
                        }
                        _ => break,
                    }
                }
                for level in Level::available() {
                    for places in [1, 15, 16, 17, 200, 10_000] {
                        let (mut found, mut t, mut done) = (Vec::new(), 1 << 40, 0);
                        loop {
                            let mut room = Room::of(places);
                            let step = es::decode_at(level, &bytes[done..], &mut t, turn, room.columns());
                            found.extend(room.events(step.events));
                            done += step.bytes;
                            if step.bytes == 0 {
                                break;
                            }
                        }
                        assert!(
                            (&found, t, done) == (&wanted, time, at),
                            "{level:?}, {places} places"
                        );
                    }
                    let mut t = 1 << 40;
                    let done = es::survey_at(level, &bytes, &mut t);
                    assert_eq!(
                        (done.bytes, done.events, t),
                        (at, wanted.len(), time),
                        "{level:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn aedat4_at_every_level() {
    let mut random = Numbers(77);
    for length in [0, 1, 31, 32, 33, 64, 100, 1000] {
        let events: Vec<[u8; 16]> = (0..length)
            .map(|_| (u128::from(random.next()) << 64 | u128::from(random.next())).to_le_bytes())
            .collect();
        for level in Level::available() {
            for places in [0, 1, 31, 32, 70, 2000] {
                let mut room = Room::of(places);
                let count = aedat4::transpose_at(level, &events, room.columns());
                assert_eq!(count, length.min(places), "{level:?}");
                let wanted: Vec<Event> = events[..count]
                    .iter()
                    .map(|event| {
                        let t = i64::from_le_bytes(event[..8].try_into().unwrap());
                        let x = i16::from_le_bytes([event[8], event[9]]);
                        let y = i16::from_le_bytes([event[10], event[11]]);
                        let outside = if x < 0 || y < 0 { 2 } else { 0 };
                        (t, x as u16, y as u16, event[12] | outside)
                    })
                    .collect();
                assert_eq!(room.events(count), wanted, "{level:?}");
            }
        }
    }
}
