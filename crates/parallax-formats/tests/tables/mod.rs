//! What the tests of the table formats share: a sink that can be looked at, and events to write.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests; each test file uses some of them"
)]

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use parallax_events::{EventBatch, Meta, Result};
use parallax_formats::{EventReader, ReadOptions, WriteOptions};

/// Bytes that a writer leaves behind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    pub(crate) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A file of `format` (`id` or `id key=value ..`) with these batches.
pub(crate) fn write(format: &str, meta: &Meta, batches: &[EventBatch]) -> Result<Vec<u8>> {
    let sink = Sink::default();
    let options = WriteOptions {
        format: Some(format.to_owned()),
    };
    let mut writer = parallax_formats::create(Box::new(sink.clone()), None, meta, &options)?;
    for batch in batches {
        writer.write(batch)?;
    }
    writer.finish()?;
    Ok(sink.take())
}

/// All events of a file.
pub(crate) fn read(bytes: Vec<u8>, options: &ReadOptions) -> Result<EventBatch> {
    EventReader::from_bytes(bytes, None, options)?.read_all()
}

/// Facts with everything that a file can hold.
pub(crate) fn meta() -> Meta {
    let mut meta = Meta::with_geometry(1280, 720).unwrap();
    meta.sensor = Some("IMX636".to_owned());
    meta.extra
        .insert("serial_number".to_owned(), "00051463".to_owned());
    meta
}

/// So many events like a camera's: bursts along rows, now and then a pause.
pub(crate) fn events(count: usize, meta: &Meta) -> EventBatch {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let (mut t, mut y) = (11_200_224_i64, 0);
    let (mut ts, mut xs, mut ys, mut ps) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..count {
        if random(4) == 0 {
            t += random(9) as i64;
            y = random(720) as u16;
        }
        ts.push(t);
        xs.push(random(1280) as u16);
        ys.push(y);
        ps.push(u8::from(random(5) < 2));
    }
    EventBatch::try_new(ts, xs, ys, ps, Arc::new(meta.clone())).unwrap()
}

/// The batch in pieces of these sizes, over and over.
pub(crate) fn cut(batch: &EventBatch, sizes: &[usize]) -> Vec<EventBatch> {
    let (mut at, mut pieces) = (0, Vec::new());
    for size in sizes.iter().cycle() {
        if at >= batch.len() {
            break;
        }
        pieces.push(batch.slice(at..at + size));
        at += size;
    }
    pieces
}

/// Runs a script of `tests/python` on `file` if `PARALLAX_PYTHON` names a Python with the packages for it.
pub(crate) fn python(test: &str, script: &str, file: &Path) {
    let Some(python) = std::env::var_os("PARALLAX_PYTHON").filter(|python| !python.is_empty()) else {
        parallax_testkit::recordings::skip(
            test,
            "PARALLAX_PYTHON names no Python with pyarrow, polars and duckdb",
        );
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/python")
        .join(script);
    let output = Command::new(python).arg(script).arg(file).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    print!("{}", text(&output.stdout));
    assert!(
        output.status.success(),
        "{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
}
