//! One pass of a chain over a recording in one configuration, as a digest of what it yields.
//!
//! Each pass is a process of its own, since the SIMD level is chosen once a process, and so that nothing of one pass helps
//! another. The answer is hashed in blocks, so that a first difference is found without keeping the answers: the block
//! that differs is asked for again, as records.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context;
use parallax::events::SharedPool;
use parallax::ops::Compose;
use parallax::{BatchBuilder, DvsColumns, Error, EventReader, ReadOptions, Result, Tensor};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::records::{self, Record};
use crate::stop;

/// So many events are a block. A tensor is a block of its own.
const BLOCK: usize = 4096;

/// What a pass is to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Probe {
    /// Events in a batch.
    pub(super) chunk: usize,
    pub(super) threads: usize,
    /// The SIMD level, as the library calls it.
    pub(super) simd: String,
    /// The block to give back as records.
    #[serde(default)]
    pub(super) extract: Option<usize>,
}

/// What a pass found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Trace {
    /// Events, or tensors.
    pub(super) items: u64,
    /// Which of them.
    pub(super) tensors: bool,
    /// Of all blocks.
    pub(super) sha256: String,
    pub(super) blocks: Vec<String>,
    /// Of the block that was asked for.
    #[serde(default)]
    pub(super) records: Vec<Record>,
}

impl Probe {
    /// Has a process of its own do this pass.
    pub(super) fn spawn(&self, file: &Path, arguments: &[String]) -> anyhow::Result<Trace> {
        let output = Command::new(std::env::current_exe()?)
            .arg("conform")
            .arg(file)
            .args(arguments)
            .arg("--probe")
            .arg(serde_json::to_string(self)?)
            .env("PARALLAX_SIMD", &self.simd)
            .stdin(Stdio::null())
            .output()
            .context("cannot start a pass")?;
        stop::check()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let said = said.trim().trim_start_matches("error: ");
            return Err(Error::param(format!("a pass failed: {said}")).into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// Does this pass.
    pub(super) fn run(&self, file: &Path, chain: &Compose, options: ReadOptions) -> Result<Trace> {
        let options = ReadOptions {
            chunk: self.chunk,
            ..options
        };
        let threads = SharedPool::new(self.threads)?;
        let pool = threads.pool();
        let mut reader = EventReader::open(file, &options)?;
        let mut run = chain.start(&reader.meta())?;
        let mut answer = Answer::new(self.extract, chain.yields_tensors());
        if chain.yields_tensors() {
            let mut each = |tensor: Tensor| answer.tensor(&tensor);
            while let Some(batch) = reader.next_batch()? {
                run.push_tensors(&batch, pool, &mut each)?;
            }
            run.end_tensors(pool, &mut each)?;
        } else {
            let mut out = BatchBuilder::growing()?;
            while let Some(batch) = reader.next_batch()? {
                run.push(&batch, pool, &mut out)?;
                answer.events(out.columns());
                out.clear();
            }
            run.end(pool, &mut out)?;
            answer.events(out.columns());
        }
        Ok(answer.finish())
    }
}

/// Hashes what is yielded.
struct Answer {
    extract: Option<usize>,
    items: u64,
    tensors: bool,
    all: Sha256,
    blocks: Vec<String>,
    records: Vec<Record>,
    /// Events that do not make a block yet.
    held: Held,
}

#[derive(Default)]
struct Held {
    t: Vec<i64>,
    x: Vec<u16>,
    y: Vec<u16>,
    p: Vec<u8>,
}

impl Held {
    fn columns(&self) -> DvsColumns<'_> {
        DvsColumns {
            t: &self.t,
            x: &self.x,
            y: &self.y,
            p: &self.p,
        }
    }

    fn take_in(&mut self, events: DvsColumns<'_>) {
        self.t.extend_from_slice(events.t);
        self.x.extend_from_slice(events.x);
        self.y.extend_from_slice(events.y);
        self.p.extend_from_slice(events.p);
    }

    fn clear(&mut self) {
        self.t.clear();
        self.x.clear();
        self.y.clear();
        self.p.clear();
    }
}

impl Answer {
    fn new(extract: Option<usize>, tensors: bool) -> Self {
        Self {
            extract,
            items: 0,
            tensors,
            all: Sha256::new(),
            blocks: Vec::new(),
            records: Vec::new(),
            held: Held::default(),
        }
    }

    fn events(&mut self, events: DvsColumns<'_>) {
        self.items += events.len() as u64;
        let mut start = 0;
        while start < events.len() {
            let count = (BLOCK - self.held.t.len()).min(events.len() - start);
            self.held.take_in(events.slice(start..start + count));
            start += count;
            if self.held.t.len() == BLOCK {
                self.close_events();
            }
        }
    }

    fn close_events(&mut self) {
        let events = self.held.columns();
        let mut hasher = Sha256::new();
        for event in events.iter() {
            hasher.update(event.t.to_le_bytes());
            hasher.update(event.x.to_le_bytes());
            hasher.update(event.y.to_le_bytes());
            hasher.update([event.p]);
        }
        if self.extract == Some(self.blocks.len()) {
            self.records = records::of_events(events);
        }
        self.close(hasher);
        self.held.clear();
    }

    fn tensor(&mut self, tensor: &Tensor) -> Result<()> {
        self.items += 1;
        let mut hasher = Sha256::new();
        hasher.update(tensor.dtype().name());
        for &size in tensor.shape() {
            hasher.update((size as u64).to_le_bytes());
        }
        if let Some((start, end)) = tensor.time_span() {
            hasher.update(start.to_le_bytes());
            hasher.update(end.to_le_bytes());
        }
        hasher.update(tensor.buffer().as_slice());
        if self.extract == Some(self.blocks.len()) {
            self.records = records::of_tensor(tensor)?;
        }
        self.close(hasher);
        Ok(())
    }

    fn close(&mut self, block: Sha256) {
        let hash = block.finalize();
        self.all.update(hash);
        // Half of it tells blocks apart.
        self.blocks.push(hex(&hash[..16]));
    }

    fn finish(mut self) -> Trace {
        if !self.held.t.is_empty() {
            self.close_events();
        }
        Trace {
            items: self.items,
            tensors: self.tensors,
            sha256: hex(&self.all.finalize()),
            blocks: self.blocks,
            records: self.records,
        }
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The index of the first record of a block of events.
pub(super) fn first_record(block: usize) -> u64 {
    (block * BLOCK) as u64
}

impl Trace {
    /// The blocks in which two answers differ.
    pub(super) fn differences(&self, other: &Self) -> impl Iterator<Item = usize> {
        let longer = self.blocks.len().max(other.blocks.len());
        (0..longer).filter(|&index| self.blocks.get(index) != other.blocks.get(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(cuts: &[usize], change: Option<usize>) -> Trace {
        let mut t: Vec<i64> = (0..10_000).collect();
        if let Some(index) = change {
            t[index] -= 1;
        }
        let (x, y, p) = (vec![3; t.len()], vec![4; t.len()], vec![1; t.len()]);
        let columns = DvsColumns {
            t: &t,
            x: &x,
            y: &y,
            p: &p,
        };
        let mut answer = Answer::new(Some(1), false);
        let mut start = 0;
        for &cut in cuts.iter().chain([&t.len()]) {
            answer.events(columns.slice(start..cut));
            start = cut;
        }
        answer.finish()
    }

    #[test]
    fn the_digest_does_not_depend_on_the_cuts() {
        let whole = trace(&[], None);
        assert_eq!((whole.items, whole.blocks.len()), (10_000, 3));
        assert_eq!(whole.records.len(), BLOCK);
        assert_eq!(whole.records[0].ts, BLOCK as i64);
        assert_eq!(trace(&[1, 5_000, 9_999], None), whole);
        assert_eq!(trace(&[4_096], None), whole);
    }

    #[test]
    fn a_difference_is_found_in_its_block() {
        let whole = trace(&[], None);
        let changed = trace(&[], Some(4_100));
        assert_ne!(whole.sha256, changed.sha256);
        assert_eq!(whole.differences(&changed).collect::<Vec<_>>(), [1]);
        assert_eq!(whole.differences(&trace(&[7], None)).count(), 0);
    }
}
