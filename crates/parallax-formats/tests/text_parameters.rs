//! Text with every separator, order of columns, unit and header: set by parameters and, where the text tells, sniffed.
//! Judged by lines that the test writes itself.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod tables;

use std::sync::Arc;

use parallax_events::{Event, EventBatch, Meta, TimeUnit};
use parallax_formats::{EventReader, ReadOptions};

use tables::write;

const SEPARATORS: [(&str, char); 4] = [("comma", ','), ("semicolon", ';'), ("tab", '\t'), ("space", ' ')];
const ORDERS: [&str; 5] = ["t,x,y,p", "x,y,t,p", "x,y,p,t", "p,t,y,x", "y,x,p,t"];

fn sample() -> Vec<Event> {
    vec![
        Event::new(1_000_001, 3, 200, 1),
        Event::new(1_000_002, 319, 0, 0),
        Event::new(2_500_000, 0, 239, 1),
    ]
}

/// A time of so many microseconds in this unit.
fn time(t: i64, unit: &str) -> String {
    match unit {
        "s" => format!("{}.{:06}", t / 1_000_000, t % 1_000_000),
        "ms" => format!("{}.{:03}", t / 1000, t % 1000),
        "us" => t.to_string(),
        _ => format!("{t}000"),
    }
}

/// The lines as somebody else would write them.
fn lines(separator: char, order: &str, unit: &str, header: Option<&str>) -> String {
    let mut text = String::new();
    if let Some(header) = header {
        text.push_str(header);
        text.push('\n');
    }
    for event in sample() {
        let fields: Vec<String> = order
            .split(',')
            .map(|name| match name {
                "t" => time(event.t, unit),
                "x" => event.x.to_string(),
                "y" => event.y.to_string(),
                "p" => event.p.to_string(),
                _ => "7".to_owned(),
            })
            .collect();
        text.push_str(&fields.join(&separator.to_string()));
        text.push('\n');
    }
    text
}

/// The events in microseconds.
fn read(text: &str, format: Option<&str>) -> Vec<Event> {
    let options = ReadOptions {
        format: format.map(str::to_owned),
        ..ReadOptions::default()
    };
    let mut reader = EventReader::from_bytes(text.as_bytes().to_vec(), Some("csv"), &options)
        .unwrap_or_else(|error| panic!("{format:?}: {error}\n{text}"));
    let batch = reader.read_all().unwrap();
    assert!(
        reader.report().first_fault().is_none(),
        "{format:?}: {:?}\n{text}",
        reader.report()
    );
    let scale = 1000 / batch.meta().time_unit.nanos().min(1000);
    batch
        .columns()
        .iter()
        .map(|e| Event::new(e.t / scale, e.x, e.y, e.p))
        .collect()
}

#[test]
fn every_separator_order_and_unit_is_read_as_it_is_set() {
    for (name, separator) in SEPARATORS {
        for order in ORDERS {
            for unit in ["s", "ms", "us", "ns"] {
                for header in [None, Some("whatever_this_is")] {
                    let text = lines(separator, order, unit, header);
                    let stated = if header.is_some() { "yes" } else { "no" };
                    let format = format!("csv columns={order} separator={name} unit={unit} header={stated}");
                    assert_eq!(read(&text, Some(&format)), sample(), "{format}\n{text}");
                }
            }
        }
    }
}

#[test]
fn what_the_text_tells_is_sniffed() {
    for (name, separator) in SEPARATORS {
        for order in ORDERS {
            for (unit, column) in [
                ("s", "t"),
                ("us", "t"),
                ("us", "timestamp_us"),
                ("ns", "t_ns"),
                ("ms", "time_ms"),
                ("s", "t_s"),
            ] {
                let header = order.replace('t', column).replace(',', &separator.to_string());
                let text = lines(separator, order, unit, Some(&header));
                assert_eq!(read(&text, None), sample(), "{name}, {order}, {unit}\n{text}");
            }
        }
        // Without a header the order is the usual one, and the unit is told by the first time.
        for unit in ["s", "us"] {
            let text = lines(separator, "t,x,y,p", unit, None);
            assert_eq!(read(&text, None), sample(), "{name}, {unit}\n{text}");
        }
    }
}

#[test]
fn fields_that_are_skipped() {
    let text = lines(',', "z,t,x,z,y,p,z", "us", None);
    assert_eq!(read(&text, Some("csv columns=_,t,x,_,y,p,_")), sample());
    let header = lines(';', "z,y,t,z,p,x", "us", Some("frame;y;t;temperature;polarity;x"));
    assert_eq!(read(&header, None), sample());
}

#[test]
fn rpg_text_in_other_orders_and_units() {
    for order in ORDERS {
        for unit in ["s", "ms", "us", "ns"] {
            let text = lines(' ', order, unit, None);
            assert_eq!(
                read(&text, Some(&format!("rpg columns={order} unit={unit}"))),
                sample(),
                "{order} {unit}"
            );
        }
    }
}

#[test]
fn every_separator_order_unit_and_header_is_written_as_it_is_set() {
    let meta = Meta::with_geometry(320, 240).unwrap();
    let batch = EventBatch::from_events(&sample(), Arc::new(meta.clone())).unwrap();
    for (name, separator) in SEPARATORS {
        for order in ORDERS {
            for unit in ["s", "ms", "us", "ns"] {
                let format = format!("csv columns={order} separator={name} unit={unit} header=no");
                let text =
                    String::from_utf8(write(&format, &meta, std::slice::from_ref(&batch)).unwrap()).unwrap();
                assert_eq!(text, lines(separator, order, unit, None), "{format}");

                let format = format.replace("header=no", "header=yes");
                let text =
                    String::from_utf8(write(&format, &meta, std::slice::from_ref(&batch)).unwrap()).unwrap();
                let (header, rest) = text.split_once('\n').unwrap();
                assert_eq!(rest, lines(separator, order, unit, None), "{format}");
                assert!(header.contains("x@320") && header.contains("y@240"), "{header}");
                // The header says enough for a reader that is told nothing.
                assert_eq!(read(&text, None), sample(), "{format}\n{text}");
            }
        }
    }
    let nanos = Meta {
        time_unit: TimeUnit::Nanos,
        ..meta
    };
    let batch = EventBatch::try_new(
        vec![1, 1_001],
        vec![1, 2],
        vec![3, 4],
        vec![0, 1],
        Arc::new(nanos.clone()),
    )
    .unwrap();
    let text = String::from_utf8(write("csv", &nanos, &[batch]).unwrap()).unwrap();
    assert!(text.starts_with("t_ns,x@320,y@240,on\n1,1,3,0\n1001,"), "{text}");
}
