//! Text that is written in many ways, and text that is wrong.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::{Arc, Mutex};

use parallax_events::{ErrorKind, Event, EventBatch, FindingKind, Geometry, Meta, Philox, TimeUnit};
use parallax_formats::{EventReader, PushReader, ReadOptions, WriteOptions, create};

fn open(text: impl AsRef<[u8]>, format: &str) -> parallax_events::Result<EventReader> {
    let options = ReadOptions {
        format: Some(format.to_owned()),
        ..ReadOptions::default()
    };
    EventReader::from_bytes(text.as_ref().to_vec(), None, &options)
}

fn events(text: &str, format: &str) -> Vec<Event> {
    open(text, format).unwrap().read_all().unwrap().to_events()
}

#[test]
fn every_way_to_write_the_same() {
    let wanted = [Event::new(1_500_000, 3, 4, 1), Event::new(2_000_000, 5, 6, 0)];
    for (text, format) in [
        ("1500000,3,4,1\n2000000,5,6,0\n", "csv"),
        ("1500000;3;4;1\r\n2000000;5;6;0\r\n", "csv"),
        ("1500000\t3\t4\t1\n2000000\t5\t6\t0", "csv"),
        ("  1500000   3 4\t1  \n2000000 5 6 0\n", "csv"),
        ("1.5,3,4,1\n2.0,5,6,-1\n", "csv"),
        ("1.5,3,4,1\n2,5,6,0\n", "csv"),
        ("1.5e0,3.0,4,true\n2e0,5,6.000e+00,False\n", "csv"),
        ("x,y,p,t\n3,4,1,1500000\n5,6,0,2000000\n", "csv"),
        ("timestamp_ms,polarity,x,y\n1500,1,3,4\n2000,0,5,6\n", "csv"),
        ("\"t[s]\",\"x\",\"y\",\"p\"\n1.5,3,4,1\n2,5,6,0\n", "csv"),
        ("\u{feff}t,x,y,p\n1500000,3,4,1\n2000000,5,6,0\n", "csv"),
        ("frame,t,x,y,pol\n9,1500000,3,4,1\n9,2000000,5,6,0\n", "csv"),
        ("a,b,c,d\n3,4,1,1500\n5,6,0,2000\n", "csv columns=x,y,p,t unit=ms"),
        (
            "1,2,3,4\n3,4,1,1500\n5,6,0,2000\n",
            "csv columns=x,y,p,t unit=ms header=yes",
        ),
        ("0 3 4 1500000 1\n0 5 6 2000000 0\n", "csv columns=_,x,y,t,p"),
        (
            "1500000, 3, 4, 1\n2000000, 5, 6, 0\n",
            "csv separator=comma header=no",
        ),
        ("1.5 3 4 1\n2.0 5 6 0\n", "rpg"),
        ("346 260\n1.5 3 4 1\n2.0 5 6 0\n", "rpg"),
        ("3 4 1 1.5\n5 6 0 2.0\n", "rpg columns=x,y,p,t"),
        ("# t x y p\n1500.0 3 4 1\n\n% more\n2000 5 6 0\n", "rpg unit=ms"),
    ] {
        let mut reader = open(text, format).unwrap();
        assert_eq!(
            reader.read_all().unwrap().to_events(),
            wanted,
            "{text:?} as {format}"
        );
        assert!(
            reader.report().first_fault().is_none(),
            "{text:?}: {:?}",
            reader.report()
        );
    }
}

#[test]
fn facts_from_the_first_line() {
    let geometry = |text, format| open(text, format).unwrap().meta().geometry;
    let vga = Some(Geometry {
        width: 640,
        height: 480,
    });
    assert_eq!(geometry("t,x@640,y@480,on\n1,2,3,1\n", "csv"), vga);
    assert_eq!(geometry("640 480\n0.1 2 3 1\n", "rpg"), vga);
    assert_eq!(geometry("640 480\n", "rpg"), vga);
    assert_eq!(geometry("t,x,y,p\n", "csv"), None);
    let nanos = open("t_ns,x,y,p\n1500000001,2,3,1\n", "csv").unwrap();
    assert_eq!(nanos.meta().time_unit, TimeUnit::Nanos);
}

#[test]
fn bad_lines_are_counted_located_and_skipped() {
    let text = "1,2,3,1\n2,2,3\nhello\n3,2,3,2\n4,70000,3,1\n5,1.5,3,1\n6,2,3,1,9\n7,-1,3,1\n8,2,3,1\n9,2,3";
    let mut reader = open(text, "csv").unwrap();
    let found = reader.read_all().unwrap().to_events();
    assert_eq!(found, [Event::new(1, 2, 3, 1), Event::new(8, 2, 3, 1)]);
    let bad = reader
        .report()
        .findings()
        .iter()
        .find(|f| f.kind == FindingKind::BadRecord)
        .unwrap();
    assert_eq!(
        (bad.count, bad.first_byte, bad.first_event),
        (8, Some(8), Some(1))
    );
    assert_eq!(bad.detail, "`2,2,3`");
}

#[test]
fn errors_say_what_to_do() {
    let error = |text: &str, format: &str| {
        open(text, format)
            .and_then(|mut reader| reader.read_all())
            .unwrap_err()
    };
    let unnamed = error("alpha,beta,gamma,delta\n1,2,3,1\n", "csv");
    assert!(unnamed.hint().unwrap().contains("columns="), "{unnamed}");
    let mixed = error("1,2,3,1\n1.5,2,3,1\n", "csv");
    assert_eq!((mixed.kind(), mixed.offset()), (ErrorKind::Malformed, Some(8)));
    assert!(mixed.hint().unwrap().contains("unit="));
    assert_eq!(error("1,2,3,1\n", "csv columns=t,x,y").kind(), ErrorKind::Param);
    assert_eq!(error("1,2,3,1\n", "csv columns=t,x,y,q").kind(), ErrorKind::Param);
    let long = format!("1,2,3,1\n{}", "7".repeat(70_000));
    let long = error(&long, "csv");
    assert_eq!((long.kind(), long.offset()), (ErrorKind::Limit, Some(8)));
}

/// Numbers of all lengths, line ends of both kinds, oddities in between: the fast and the careful way agree, and
/// both with the number that was written.
#[test]
fn random_lines_for_any_cut() {
    let random = Philox::new(7, "text lines");
    for (format, separator) in [
        ("csv unit=us", ','),
        ("rpg", ' '),
        ("csv unit=ns separator=space", ' '),
    ] {
        let seconds = format == "rpg";
        let mut text = String::new();
        let mut wanted = Vec::new();
        for index in 0..3_000_u64 {
            let [a, b, c, d] = random.at(index);
            let t = (u64::from(a) << 32 | u64::from(b)) as i64 >> (b % 60);
            let (x, y, p) = (
                (c >> 16) as u16 >> (c % 16),
                (d >> 16) as u16 >> (d % 16),
                (c % 2) as u8,
            );
            let s = separator;
            let time = if seconds {
                let (sign, size) = (if t < 0 { "-" } else { "" }, t.unsigned_abs());
                // Digits behind the microsecond that round to it.
                let more = ["", "0", "000", "4999999", "000000000000000001"][d as usize % 5];
                format!("{sign}{}.{:06}{more}", size / 1_000_000, size % 1_000_000)
            } else {
                t.to_string()
            };
            let end = if d % 7 == 0 { "\r\n" } else { "\n" };
            let sign = if p == 0 && d % 5 == 0 {
                "-1"
            } else {
                ["0", "1"][usize::from(p)]
            };
            text.push_str(&format!("{time}{s}{x}{s}{y}{s}{sign}{end}"));
            if d % 11 == 0 {
                text.push_str("\n# nothing\n");
            }
            wanted.push(Event::new(t, x, y, p));
        }
        let mut whole = open(&text, format).unwrap();
        let found = whole.read_all().unwrap().to_events();
        for (index, (found, wanted)) in found.iter().zip(&wanted).enumerate() {
            assert_eq!(found, wanted, "{format}, event {index}");
        }
        assert_eq!(found.len(), wanted.len(), "{format}: {:?}", whole.report());
        for (piece, chunk) in [(1, 100), (2, 1), (63, 7), (64, 4096), (1000, 1)] {
            let options = ReadOptions {
                format: Some(format.to_owned()),
                chunk,
                ..ReadOptions::default()
            };
            let mut reader = PushReader::new(None, &options);
            let mut found = Vec::new();
            for piece in text.as_bytes().chunks(piece).map(Some).chain([None]) {
                match piece {
                    Some(piece) => reader.push(piece).unwrap(),
                    None => reader.finish().unwrap(),
                }
                while let Some(batch) = reader.next_batch().unwrap() {
                    found.extend(batch.to_events());
                }
            }
            assert!(
                found == wanted,
                "{format} in pieces of {piece}, batches of {chunk}"
            );
            assert_eq!(reader.reader().unwrap().report(), whole.report());
        }
    }
}

/// An output that the test can look into.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn write(events: &[Event], meta: Meta, format: &str) -> parallax_events::Result<String> {
    let output = Shared::default();
    let options = WriteOptions {
        format: Some(format.to_owned()),
    };
    let mut writer = create(Box::new(output.clone()), None, &meta, &options)?;
    writer.write(&EventBatch::from_events(events, Arc::new(meta))?)?;
    writer.finish()?;
    let bytes = output.0.lock().unwrap().clone();
    Ok(String::from_utf8(bytes).unwrap())
}

#[test]
fn what_is_written() {
    let some = [Event::new(0, 0, 239, 0), Event::new(-1_500_001, 319, 0, 1)];
    let meta = || Meta::with_geometry(320, 240).unwrap();
    for (format, wanted) in [
        ("csv", "t,x@320,y@240,on\n0,0,239,0\n-1500001,319,0,1\n"),
        (
            "csv header=no separator=semicolon",
            "0;0;239;0\n-1500001;319;0;1\n",
        ),
        (
            "csv columns=x,y,_,p,t unit=ms",
            "x@320,y@240,_,on,t_ms\n0,239,0,0,0.000\n319,0,0,1,-1500.001\n",
        ),
        ("rpg", "0.000000 0 239 0\n-1.500001 319 0 1\n"),
    ] {
        let text = write(&some, meta(), format).unwrap();
        assert_eq!(text, wanted);
        assert_eq!(events(&text, format), some, "{format}");
    }
    let nanos = || Meta {
        time_unit: TimeUnit::Nanos,
        ..Meta::default()
    };
    let text = write(&[Event::new(1_234_567_891, 1, 2, 1)], nanos(), "csv").unwrap();
    assert_eq!(text, "t_ns,x,y,on\n1234567891,1,2,1\n");
    assert_eq!(events(&text, "csv"), [Event::new(1_234_567_891, 1, 2, 1)]);
    // Whole microseconds cannot hold it.
    assert_eq!(
        write(&[], nanos(), "csv unit=us").unwrap_err().kind(),
        ErrorKind::Param
    );
}
