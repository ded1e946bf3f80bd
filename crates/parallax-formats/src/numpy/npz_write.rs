//! Writes events as an NPZ archive: the members t, x, y and p, width and height if they are known, the facts, and
//! external triggers if there are any.

use std::io::Write;
use std::sync::Arc;

use parallax_events::{Error, EventBatch, Meta, Params, Result, Triggers};

use super::header::header_bytes;
use super::text_table;
use super::trigger_arrays;
use super::zip_write::{Archive, Body, NpzCompression};
use crate::EventWriter;

/// The columns and their element types.
const COLUMNS: [(&str, &str); 4] = [("t", "'<i8'"), ("x", "'<u2'"), ("y", "'<u2'"), ("p", "'|u1'")];

/// How many events are turned into bytes at once.
const BLOCK: usize = 8 << 10;

/// The writer behind the row `npz`.
struct NpzWriter {
    output: Box<dyn Write + Send>,
    meta: Arc<Meta>,
    compression: NpzCompression,
    bodies: [Body; 4],
    triggers: Option<([Body; 3], usize)>,
    block: Vec<u8>,
    count: usize,
}

/// See [`Create`](crate::Create).
pub(crate) fn create(
    output: Box<dyn Write + Send>,
    meta: &Meta,
    params: &Params,
) -> Result<Box<dyn EventWriter>> {
    let compression = match params.choice("compression")? {
        "deflate" => NpzCompression::Deflate,
        _ => NpzCompression::Store,
    };
    Ok(Box::new(NpzWriter {
        output,
        meta: Arc::new(meta.clone()),
        compression,
        bodies: [(); 4].map(|()| Body::new(compression)),
        triggers: None,
        block: Vec::new(),
        count: 0,
    }))
}

impl EventWriter for NpzWriter {
    fn write(&mut self, batch: &EventBatch) -> Result<()> {
        if batch.meta().time_unit != self.meta.time_unit {
            return Err(Error::param(format!(
                "a batch in {} was written to a stream in {}",
                batch.meta().time_unit,
                self.meta.time_unit
            ))
            .with_hint("rescale the times first"));
        }
        let columns = batch.columns();
        let [t, x, y, p] = &mut self.bodies;
        for part in columns.t.chunks(BLOCK) {
            self.block.clear();
            self.block
                .extend(part.iter().flat_map(|value| value.to_le_bytes()));
            t.put(&self.block)?;
        }
        for (body, column) in [(x, columns.x), (y, columns.y)] {
            for part in column.chunks(BLOCK) {
                self.block.clear();
                self.block
                    .extend(part.iter().flat_map(|value| value.to_le_bytes()));
                body.put(&self.block)?;
            }
        }
        for part in columns.p.chunks(BLOCK) {
            p.put(part)?;
        }
        self.count += columns.len();
        Ok(())
    }

    fn write_triggers(&mut self, triggers: &Triggers) -> Result<()> {
        if triggers.is_empty() {
            return Ok(());
        }
        let compression = self.compression;
        let new = || ([(); 3].map(|()| Body::new(compression)), 0);
        let ([t, id, value], count) = self.triggers.get_or_insert_with(new);
        for trigger in triggers.iter() {
            t.put(&trigger.t.to_le_bytes())?;
            id.put(&trigger.id.to_le_bytes())?;
            value.put(&[trigger.value])?;
        }
        *count += triggers.len();
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let Self {
            output,
            meta,
            compression,
            bodies,
            triggers,
            count,
            ..
        } = *self;
        let mut archive = Archive::new(output);
        for ((name, descr), body) in COLUMNS.into_iter().zip(bodies) {
            archive.add(&format!("{name}.npy"), &header_bytes(descr, &[count]), body)?;
        }
        if let Some(geometry) = meta.geometry {
            for (name, side) in [("width", geometry.width), ("height", geometry.height)] {
                let mut body = Body::new(compression);
                body.put(&i64::from(side).to_le_bytes())?;
                archive.add(&format!("{name}.npy"), &header_bytes("'<i8'", &[]), body)?;
            }
        }
        add_pairs(&mut archive, meta.to_pairs(), compression)?;
        if let Some((bodies, count)) = triggers {
            for ((name, descr), body) in trigger_arrays::NAMES
                .into_iter()
                .zip(["'<i8'", "'<u2'", "'|u1'"])
                .zip(bodies)
            {
                archive.add(&format!("{name}.npy"), &header_bytes(descr, &[count]), body)?;
            }
        }
        archive.finish()?;
        Ok(())
    }
}

/// Adds the facts as the member `meta`.
pub(super) fn add_pairs<W: Write>(
    archive: &mut Archive<W>,
    mut pairs: Vec<(String, String)>,
    compression: NpzCompression,
) -> Result<()> {
    pairs.sort();
    let (head, bytes) = text_table::encode(&pairs);
    let mut body = Body::new(compression);
    body.put(&bytes)?;
    archive.add("meta.npy", &head, body)
}
