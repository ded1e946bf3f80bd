//! The digest of a stream of events, exactly as the oracle defines it.
//!
//! Sums are over 64 bits with wrap-around; `ordsum_f` is the sum of (i + 1) * f over stream order; the SHA-256
//! is of the N x 4 matrix of little-endian 64-bit whole numbers t, x, y, p, row by row. It does not depend on
//! how the stream is cut into batches.

use parallax_events::DvsColumns;
use sha2::{Digest as _, Sha256};

/// Rows that are hashed at once.
const BLOCK: usize = 512;

/// What is compared of a stream. All sums wrap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// How many events there are.
    pub n: u64,
    /// The sum of t.
    pub sum_t: u64,
    /// The sum of x.
    pub sum_x: u64,
    /// The sum of y.
    pub sum_y: u64,
    /// How many events are ON.
    pub n_on: u64,
    /// The first t; 0 without events.
    pub t_first: i64,
    /// The last t; 0 without events.
    pub t_last: i64,
    /// The sum of (i + 1) * t.
    pub ordsum_t: u64,
    /// The sum of (i + 1) * x.
    pub ordsum_x: u64,
    /// The sum of (i + 1) * y.
    pub ordsum_y: u64,
    /// The largest x; 0 without events.
    pub x_max: u16,
    /// The largest y; 0 without events.
    pub y_max: u16,
    /// The SHA-256 of the matrix, in hexadecimal.
    pub sha256: String,
}

/// Digests a stream batch by batch.
#[derive(Debug, Clone)]
pub struct Digester {
    so_far: Digest,
    hash: Sha256,
}

impl Default for Digester {
    fn default() -> Self {
        let so_far = Digest {
            n: 0,
            sum_t: 0,
            sum_x: 0,
            sum_y: 0,
            n_on: 0,
            t_first: 0,
            t_last: 0,
            ordsum_t: 0,
            ordsum_x: 0,
            ordsum_y: 0,
            x_max: 0,
            y_max: 0,
            sha256: String::new(),
        };
        Self {
            so_far,
            hash: Sha256::new(),
        }
    }
}

impl Digester {
    /// Takes in the next events; their times are in microseconds.
    pub fn push(&mut self, columns: DvsColumns<'_>) {
        let mut rows = [0_u8; BLOCK * 32];
        let mut start = 0;
        while start < columns.len() {
            let part = columns.slice(start..start.saturating_add(BLOCK));
            for (row, event) in rows.chunks_exact_mut(32).zip(part.iter()) {
                let d = &mut self.so_far;
                if d.n == 0 {
                    d.t_first = event.t;
                }
                d.t_last = event.t;
                d.n += 1;
                let (t, x, y, p) = (
                    event.t as u64,
                    u64::from(event.x),
                    u64::from(event.y),
                    u64::from(event.p),
                );
                d.sum_t = d.sum_t.wrapping_add(t);
                d.sum_x = d.sum_x.wrapping_add(x);
                d.sum_y = d.sum_y.wrapping_add(y);
                d.n_on += p;
                d.ordsum_t = d.ordsum_t.wrapping_add(d.n.wrapping_mul(t));
                d.ordsum_x = d.ordsum_x.wrapping_add(d.n.wrapping_mul(x));
                d.ordsum_y = d.ordsum_y.wrapping_add(d.n.wrapping_mul(y));
                d.x_max = d.x_max.max(event.x);
                d.y_max = d.y_max.max(event.y);
                for (field, value) in row.chunks_exact_mut(8).zip([t, x, y, p]) {
                    field.copy_from_slice(&value.to_le_bytes());
                }
            }
            self.hash.update(&rows[..part.len() * 32]);
            start += part.len();
        }
    }

    /// The digest of all that was taken in.
    pub fn finish(self) -> Digest {
        let mut digest = self.so_far;
        digest.sha256 = hexadecimal(&self.hash.finalize());
        digest
    }
}

/// The digest of these events.
pub fn digest(columns: DvsColumns<'_>) -> Digest {
    let mut digester = Digester::default();
    digester.push(columns);
    digester.finish()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
