//! Writes events as an NPY file of records.

use std::io::Write;

use parallax_events::{Error, EventBatch, Meta, Origin, Params, Result, TimeUnit};

use super::header::header_bytes;
use crate::EventWriter;
use crate::spool::Spool;
use crate::stored::Storing;
use crate::text::{Column, Layout};

/// t takes 8 bytes, x and y 2 each, p one.
const RECORD: usize = 13;

/// How many records are made at once.
const BLOCK: usize = 4096;

/// The writer behind the row `npy`.
struct NpyWriter {
    output: Box<dyn Write + Send>,
    storing: Storing,
    descr: String,
    /// Where t, x, y and p are in a record.
    places: [usize; 4],
    spool: Spool,
    block: Vec<u8>,
    count: usize,
}

/// See [`Create`](crate::Create).
pub(crate) fn create(
    output: Box<dyn Write + Send>,
    meta: &Meta,
    params: &Params,
) -> Result<Box<dyn EventWriter>> {
    let unit = match params.choice("unit")? {
        "ms" => TimeUnit::Millis,
        "us" => TimeUnit::Micros,
        "ns" => TimeUnit::Nanos,
        "s" => {
            return Err(
                Error::param("`unit` cannot be `s` when writing: times are whole numbers")
                    .with_hint("write ms, us or ns"),
            );
        }
        _ if meta.time_unit == TimeUnit::Nanos => TimeUnit::Nanos,
        _ => TimeUnit::Micros,
    };
    let layout = params
        .optional_text("columns")?
        .map(Layout::parse)
        .transpose()?
        .unwrap_or_default();
    let (mut fields, mut places, mut at) = (Vec::new(), [0; 4], 0);
    for column in layout.columns() {
        let (role, name, descr, size) = match column {
            // A reader that expects microseconds must not find others under the name t.
            Column::T if unit == TimeUnit::Micros => (0, "t".to_owned(), "<i8", 8),
            Column::T => (0, format!("t_{}", unit.name()), "<i8", 8),
            Column::X => (1, "x".to_owned(), "<u2", 2),
            Column::Y => (2, "y".to_owned(), "<u2", 2),
            Column::P => (3, "p".to_owned(), "|u1", 1),
            Column::Other => {
                return Err(Error::param(
                    "`columns` names a field to skip with `_`, which nothing can be written to",
                )
                .with_hint("name t, x, y and p alone"));
            }
        };
        fields.push(format!("('{name}', '{descr}')"));
        places[role] = at;
        at += size;
    }
    Ok(Box::new(NpyWriter {
        output,
        storing: Storing::new("npy", meta, Origin::TopLeft, (u16::MAX, u16::MAX))?.in_unit(unit),
        descr: format!("[{}]", fields.join(", ")),
        places,
        spool: Spool::new(),
        block: Vec::with_capacity(BLOCK * RECORD),
        count: 0,
    }))
}

impl EventWriter for NpyWriter {
    fn write(&mut self, batch: &EventBatch) -> Result<()> {
        let [t, x, y, p] = self.places;
        let columns = batch.columns();
        for start in (0..columns.len()).step_by(BLOCK) {
            self.block.clear();
            for event in columns.slice(start..start + BLOCK).iter() {
                let event = self.storing.event(event)?;
                let mut record = [0; RECORD];
                record[t..t + 8].copy_from_slice(&event.t.to_le_bytes());
                record[x..x + 2].copy_from_slice(&event.x.to_le_bytes());
                record[y..y + 2].copy_from_slice(&event.y.to_le_bytes());
                record[p] = event.p;
                self.block.extend_from_slice(&record);
            }
            self.spool.put(&self.block)?;
        }
        self.count += columns.len();
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.output.write_all(&header_bytes(&self.descr, &[self.count]))?;
        self.spool.pour(&mut self.output)?;
        Ok(self.output.flush()?)
    }
}
