//! The word decoders against naive ones, written straight from the rules, on random words and for any cut.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use parallax_events::{Event, FindingKind, Geometry, Philox, Report, Trigger};
use parallax_formats::{EventReader, PushReader, ReadOptions};

/// What a naive decoder makes of a stream.
#[derive(Debug, Default, PartialEq, Eq)]
struct Naive {
    events: Vec<Event>,
    triggers: Vec<Trigger>,
    outside: u64,
    before_time: u64,
    other: u64,
    unknown: u64,
    clock_back: u64,
}

impl Naive {
    fn emit(&mut self, t: i64, x: u32, y: u32, p: u32, sensor: Option<Geometry>) {
        let inside = match sensor {
            Some(sensor) => x < sensor.width.into() && y < sensor.height.into(),
            // Eleven bits name the columns 0 to 2047.
            None => x < 2048,
        };
        if inside {
            self.events.push(Event::new(t, x as u16, y as u16, p as u8));
        } else {
            self.outside += 1;
        }
    }

    /// Holds what was read to this; `with_triggers` says whether triggers were asked for.
    fn agrees(&self, (events, triggers, report): &Read, with_triggers: bool) {
        assert_eq!(self.events.len(), events.len());
        for (index, (ours, theirs)) in events.iter().zip(&self.events).enumerate() {
            assert_eq!(ours, theirs, "event {index}");
        }
        assert_eq!(report.count(FindingKind::OutsideGeometry), self.outside);
        assert_eq!(report.count(FindingKind::BeforeFirstTime), self.before_time);
        let counted = if with_triggers {
            assert_eq!(*triggers, self.triggers);
            0
        } else {
            assert_eq!(*triggers, []);
            self.triggers.len() as u64
        };
        assert_eq!(report.count(FindingKind::OtherData), self.other + counted);
        assert_eq!(report.count(FindingKind::UnknownWord), self.unknown);
        assert_eq!(report.count(FindingKind::ClockBack), self.clock_back);
    }
}

/// EVT 3.0, one word at a time.
fn naive_evt3(words: &[u16], sensor: Option<Geometry>) -> Naive {
    let mut naive = Naive::default();
    let (mut started, mut wraps, mut prev_high, mut low) = (false, 0_i64, 0_u32, 0_u32);
    let (mut y, mut base_x, mut base_p) = (0_u32, 0_u32, 0_u32);
    for &word in words {
        let (kind, content) = (word >> 12, u32::from(word & 0xFFF));
        if kind == 0x8 {
            let high = content;
            if !started {
                started = true;
                prev_high = high.saturating_sub(1);
            }
            if prev_high >= 2048 + high {
                wraps += 1;
            }
            if high != prev_high {
                low = 0;
            }
            prev_high = high;
            continue;
        }
        if !started {
            naive.before_time += match kind {
                0x2 => 1,
                0x4 => u64::from(content.count_ones()),
                0x5 => u64::from((content & 0xFF).count_ones()),
                _ => 0,
            };
            continue;
        }
        let t = wraps << 24 | i64::from(prev_high) << 12 | i64::from(low);
        match kind {
            0x0 => y = content & 0x7FF,
            0x2 => naive.emit(t, content & 0x7FF, y, content >> 11, sensor),
            0x3 => (base_x, base_p) = (content & 0x7FF, content >> 11),
            0x4 | 0x5 => {
                let width = if kind == 0x4 { 12 } else { 8 };
                for bit in 0..width {
                    if content >> bit & 1 == 1 {
                        naive.emit(t, base_x + bit, y, base_p, sensor);
                    }
                }
                base_x += width;
            }
            0x6 => {
                naive.clock_back += u64::from(content < low);
                low = content;
            }
            0xA => naive
                .triggers
                .push(Trigger::new(t, (content >> 8) as u16, (content & 1) as u8)),
            0x7 | 0xD..=0xF => naive.other += 1,
            _ => naive.unknown += 1,
        }
    }
    naive
}

/// EVT 2.0, one word at a time.
fn naive_evt2(words: &[u32], sensor: Option<Geometry>) -> Naive {
    const MAX_TIMESTAMP: i64 = ((1 << 28) - 1) << 6;
    let mut naive = Naive::default();
    let mut base: Option<i64> = None;
    let mut wraps = 0_i64;
    for &word in words {
        match word >> 28 {
            0x8 => {
                let new = i64::from(word & 0x0FFF_FFFF) << 6;
                if let Some(old) = base
                    && new < old
                    && old - new >= MAX_TIMESTAMP - 10_000
                {
                    wraps += 1;
                }
                base = Some(new);
            }
            kind @ (0x0 | 0x1) => match base {
                Some(base) => {
                    let t = wraps * (1_i64 << 34) + base + i64::from(word >> 22 & 0x3F);
                    naive.emit(t, word >> 11 & 0x7FF, word & 0x7FF, kind, sensor);
                }
                None => naive.before_time += 1,
            },
            0xA => {
                if let Some(base) = base {
                    let t = wraps * (1_i64 << 34) + base + i64::from(word >> 22 & 0x3F);
                    let (id, value) = ((word >> 8 & 0x1F) as u16, (word & 1) as u8);
                    naive.triggers.push(Trigger::new(t, id, value));
                }
            }
            _ if base.is_none() => {}
            0xD..=0xF => naive.other += 1,
            _ => naive.unknown += 1,
        }
    }
    naive
}

/// What was read.
type Read = (Vec<Event>, Vec<Trigger>, Report);

/// Reads `bytes` whole, then in cuts drawn from `random`; all must agree with each other in everything.
fn read(bytes: &[u8], format: &str, random: &Philox, triggers: bool) -> Read {
    let options = |chunk| ReadOptions {
        format: Some(format.to_owned()),
        chunk,
        triggers,
        ..ReadOptions::default()
    };
    let mut whole = EventReader::from_bytes(bytes.to_vec(), None, &options(1 << 20)).unwrap();
    let events = whole.read_all().unwrap().to_events();
    let triggers: Vec<Trigger> = whole.take_triggers().iter().collect();
    for (cut, chunk) in [1, 2, 3, 11, 12, 13, 100, 10_000].into_iter().enumerate() {
        let mut reader = PushReader::new(None, &options(chunk));
        let (mut found, mut found_triggers) = (Vec::new(), Vec::new());
        let mut rest = bytes;
        let mut piece = 0;
        while !rest.is_empty() {
            let most = [3, 20, 300, 5_000][cut % 4];
            let length = (random.block(cut as u64, piece)[0] as usize % most + 1).min(rest.len());
            piece += 1;
            reader.push(&rest[..length]).unwrap();
            rest = &rest[length..];
            while let Some(batch) = reader.next_batch().unwrap() {
                found.extend(batch.to_events());
                found_triggers.extend(reader.take_triggers().iter());
            }
        }
        reader.finish().unwrap();
        while let Some(batch) = reader.next_batch().unwrap() {
            found.extend(batch.to_events());
        }
        found_triggers.extend(reader.take_triggers().iter());
        assert!(found == events, "in batches of {chunk}");
        assert_eq!(found_triggers, triggers, "in batches of {chunk}");
        assert_eq!(
            reader.reader().unwrap().report(),
            whole.report(),
            "in batches of {chunk}"
        );
    }
    (events, triggers, whole.report().clone())
}

/// Headers with and without a sensor's size, and that size.
fn headers(format: &str) -> [(String, Option<Geometry>); 2] {
    [
        (format!("% {format}\n% end\n"), None),
        (
            format!("% {format}\n% geometry 1280x720\n% end\n"),
            Some(Geometry {
                width: 1280,
                height: 720,
            }),
        ),
    ]
}

/// Kinds of EVT3 words: as in a quiet scene, as in a dense one, and all alike.
const EVT3_MIXES: [&[u16]; 3] = [
    &[0x0, 0x0, 0x2, 0x2, 0x2, 0x6, 0x6, 0x8, 0xE, 0xF, 0x7],
    &[0x3, 0x4, 0x4, 0x5, 0x4, 0x4, 0x5, 0x0, 0x2, 0x6, 0x8, 0xA],
    &[
        0x0, 0x1, 0x2, 0x3, 0x4, 0x5, 0x6, 0x7, 0x8, 0x9, 0xA, 0xB, 0xC, 0xD, 0xE, 0xF,
    ],
];

#[test]
fn evt3_is_the_naive_decoder() {
    for seed in 0..12 {
        let random = Philox::new(seed, "evt3 words");
        let mix = EVT3_MIXES[seed as usize % 3];
        let words: Vec<u16> = (0..20_000)
            .map(|index| {
                let [kind, content, slow, _] = random.at(index);
                // Times mostly go on; a leap now and then makes them wrap or step back.
                let kind = if index < 20 && kind % 2 == 0 {
                    0x2
                } else {
                    mix[kind as usize % mix.len()]
                };
                let content = match kind {
                    0x8 if slow % 16 > 0 => (index / 7 % 4096) as u16,
                    _ => (content & 0xFFF) as u16,
                };
                kind << 12 | content
            })
            .collect();
        for (header, sensor) in headers("evt 3.0") {
            let data = words.iter().flat_map(|word| word.to_le_bytes());
            let bytes: Vec<u8> = header.bytes().chain(data).collect();
            let naive = naive_evt3(&words, sensor);
            assert!(
                naive.events.len() > 500,
                "the words make too few events to show anything"
            );
            for triggers in [false, true] {
                naive.agrees(&read(&bytes, "evt3", &random, triggers), triggers);
            }
        }
    }
}

#[test]
fn evt2_is_the_naive_decoder() {
    for seed in 0..8 {
        let random = Philox::new(seed, "evt2 words");
        let words: Vec<u32> = (0..20_000)
            .map(|index| {
                let [kind, content, slow, _] = random.at(index);
                let rare = if seed % 2 == 0 { 40 } else { 3 };
                let kind = if kind % rare > 0 {
                    kind >> 8 & 1
                } else {
                    kind >> 8 & 0xF
                };
                let content = match kind {
                    // Near the end of the range, over it, and anywhere.
                    0x8 if slow % 4 > 0 => (0x0FFF_FFFF - 5_000 + index as u32) & 0x0FFF_FFFF,
                    _ => content & 0x0FFF_FFFF,
                };
                kind << 28 | content
            })
            .collect();
        for (header, sensor) in headers("evt 2.0") {
            let data = words.iter().flat_map(|word| word.to_le_bytes());
            let bytes: Vec<u8> = header.bytes().chain(data).collect();
            let naive = naive_evt2(&words, sensor);
            assert!(
                naive.events.len() > 500,
                "the words make too few events to show anything"
            );
            for triggers in [false, true] {
                naive.agrees(&read(&bytes, "evt2", &random, triggers), triggers);
            }
        }
    }
}

/// `shift` counts from the first TIME_HIGH and changes nothing else.
#[test]
fn shift_counts_from_the_first_time_high() {
    for (format, first) in [("evt3", 0xFF_E000), ("evt2", 64)] {
        let sample = (parallax_formats::format(format).unwrap().sample)();
        let options = ReadOptions {
            format: Some(format!("{format} shift=true")),
            ..ReadOptions::default()
        };
        let batch = EventReader::from_bytes(sample.bytes, None, &options)
            .unwrap()
            .read_all()
            .unwrap();
        let shifted = |event: &Event| Event::new(event.t - first, event.x, event.y, event.p);
        let wanted: Vec<Event> = sample.events.iter().map(shifted).collect();
        assert_eq!(batch.to_events(), wanted);
    }
}

/// A header that says another format, or two.
#[test]
fn headers_that_do_not_fit() {
    let open = |text: &str, format: Option<&str>| {
        let options = ReadOptions {
            format: format.map(str::to_owned),
            ..ReadOptions::default()
        };
        EventReader::from_bytes(text.as_bytes().to_vec(), Some("raw"), &options)
    };
    let error = open("% evt 2.0\n% end\n", Some("evt3")).unwrap_err();
    assert_eq!(error.offset(), Some(0));
    let error = open("% evt 3.0\n% format EVT2;height=720;width=1280\n% end\n", None).unwrap_err();
    assert_eq!(error.offset(), Some(10), "{error}");
    assert!(open("% evt 4.5\n% end\n", None).is_err());
    // The encoding is not stated: by the extension alone, and said so.
    let reader = open("% system_ID 48\n", None).unwrap();
    assert_eq!(
        reader.meta().geometry,
        Some(Geometry {
            width: 1280,
            height: 720
        })
    );
    assert_eq!(
        reader.report().count(FindingKind::Assumed),
        2,
        "{:?}",
        reader.report()
    );
}
