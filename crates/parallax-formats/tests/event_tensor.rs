//! EventFlow's Event Tensors: lines as the specification has them, its order, and what it does not allow.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use parallax_events::{ErrorKind, Event, EventBatch, Limits, Meta, TimeUnit};
use parallax_formats::{EventTensorWriter, read_event_tensor};

const HEADER: &str = r#"{"header":{"schema_version":"0.1.0","dims":["x","y","polarity"],"units":{"time":"us","value":"dimensionless"},"dtype":"u8","layout":"coo","metadata":{"sensor":"dvs","width":4,"height":3}}}"#;

fn written(batches: &[EventBatch]) -> String {
    let mut bytes = Vec::new();
    let mut writer = EventTensorWriter::new(&mut bytes, batches[0].meta()).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
    String::from_utf8(bytes).unwrap()
}

fn read(text: &str) -> parallax_events::Result<EventBatch> {
    read_event_tensor(&mut text.as_bytes(), &Limits::default())
}

#[test]
fn the_order_is_that_of_eventflow_however_the_stream_is_cut() {
    let meta = Arc::new(Meta::with_geometry(4, 3).unwrap());
    // In the order of Parallax, (t, y, x, p).
    let events = [
        (0, 3, 0, 1),
        (7, 2, 0, 1),
        (7, 3, 0, 0),
        (7, 1, 1, 1),
        (7, 2, 2, 0),
        (9, 0, 0, 0),
    ]
    .map(|(t, x, y, p)| Event::new(t, x, y, p));
    let batch = EventBatch::from_events(&events, meta).unwrap();
    let text = written(std::slice::from_ref(&batch));
    let wanted = [
        HEADER,
        r#"{"ts":0,"idx":[3,0,1],"val":1}"#,
        r#"{"ts":7,"idx":[1,1,1],"val":1}"#,
        r#"{"ts":7,"idx":[2,0,1],"val":1}"#,
        r#"{"ts":7,"idx":[2,2,0],"val":1}"#,
        r#"{"ts":7,"idx":[3,0,0],"val":1}"#,
        r#"{"ts":9,"idx":[0,0,0],"val":1}"#,
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), wanted);
    for cut in 0..=events.len() {
        assert_eq!(written(&[batch.slice(..cut), batch.slice(cut..)]), text);
    }
    let back = read(&text).unwrap();
    let mut sorted = events.to_vec();
    sorted.sort_by_key(|event| (event.t, event.x, event.y, event.p));
    assert_eq!((back.to_events(), back.meta()), (sorted, batch.meta()));
}

#[test]
fn optional_keys_blank_lines_and_other_units_are_read() {
    let text = r#"
{"header":{"schema_version":"0.2.1","dims":["x","y","polarity"],"units":{"time":"ns","value":"any"},"dtype":"f32","layout":"block","origin":{"device":"a"}}}

{"ts":1,"idx":[65535,0,1],"val":1.0,"meta":{"a":1}}"#;
    let batch = read(text).unwrap();
    assert_eq!(batch.to_events(), [Event::new(1, 65_535, 0, 1)]);
    assert_eq!(
        (batch.meta().time_unit, batch.meta().geometry),
        (TimeUnit::Nanos, None)
    );
}

#[test]
fn what_the_specification_does_not_allow_is_said_where_it_is() {
    let start = HEADER.len() as u64 + 1;
    for (record, kind) in [
        (r#"{"ts":-1,"idx":[0,0,0],"val":1}"#, ErrorKind::Malformed),
        (r#"{"ts":1.5,"idx":[0,0,0],"val":1}"#, ErrorKind::Malformed),
        (r#"{"ts":1,"idx":[0,0],"val":1}"#, ErrorKind::Malformed),
        (r#"{"ts":1,"idx":[0,0,2],"val":1}"#, ErrorKind::Malformed),
        (r#"{"ts":1,"idx":[70000,0,0],"val":1}"#, ErrorKind::Malformed),
        (r#"{"ts":1,"idx":[0,0,0]}"#, ErrorKind::Malformed),
        (r#"{"ts":1,"idx":[0,0,0],"val":1,"more":1}"#, ErrorKind::Malformed),
        (r#"{"ts":1,"idx":[0,0,0],"val":3}"#, ErrorKind::Unsupported),
        ("{\"ts\":1,", ErrorKind::Malformed),
    ] {
        let error = read(&format!("{HEADER}\n{record}")).unwrap_err();
        assert_eq!(
            (error.kind(), error.offset()),
            (kind, Some(start)),
            "{record}: {error}"
        );
    }
    assert!(
        read(&format!("{HEADER}\n{}", r#"{"ts":1,"idx":[4,0,0],"val":1}"#)).is_err(),
        "outside the sensor"
    );
    for (from, to, kind) in [
        ("0.1.0", "1.0.0", ErrorKind::Unsupported),
        (r#""x","y""#, r#""y","x""#, ErrorKind::Unsupported),
        ("\"us\"", "\"s\"", ErrorKind::Malformed),
        ("\"u8\"", "\"i64\"", ErrorKind::Malformed),
        ("\"layout\"", "\"lay\"", ErrorKind::Malformed),
        ("\"width\":4", "\"width\":99999", ErrorKind::Limit),
    ] {
        let error = read(&HEADER.replace(from, to)).unwrap_err();
        assert_eq!((error.kind(), error.offset()), (kind, Some(0)), "{to}: {error}");
    }
    assert!(read("").is_err());
    let limits = Limits {
        header_bytes: 1000,
        ..Limits::default()
    };
    let long = format!("{HEADER}\n{}", " ".repeat(2000));
    let error = read_event_tensor(&mut long.as_bytes(), &limits).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
}

#[test]
fn times_that_no_event_tensor_holds_are_refused() {
    let meta = Arc::new(Meta::default());
    let batch = |t: Vec<i64>| {
        let n = t.len();
        EventBatch::try_new(t, vec![0; n], vec![0; n], vec![0; n], Arc::clone(&meta)).unwrap()
    };
    for batches in [
        vec![batch(vec![-1])],
        vec![batch(vec![2, 1])],
        vec![batch(vec![2]), batch(vec![1])],
    ] {
        let mut writer = EventTensorWriter::new(Vec::new(), &meta).unwrap();
        let outcome = batches.iter().try_for_each(|batch| writer.write(batch));
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Param);
    }
}
