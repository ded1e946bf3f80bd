//! The table of packets at the end of a file that was closed: where each begins, and what it holds.
//!
//! A FlatBuffer of the type `FTAB` with its size in front, compressed as the packets are: a table of one field, the list,
//! of tables with five fields each.

/// A packet in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// Where its body begins, counted from the start of the file.
    pub(super) offset: u64,
    pub(super) stream: i32,
    /// The bytes of its body.
    pub(super) size: u32,
    /// How many events or triggers it has.
    pub(super) count: usize,
    /// The times of the first and the last of them.
    pub(super) times: (i64, i64),
}

/// Where the list is, counted from the size; the bytes of an entry, and of the list of its fields.
const LIST: usize = 36;
const ENTRY: usize = 48;
const FIELDS: [u16; 7] = [14, 44, 12, 4, 20, 28, 36];

/// The table of these packets.
pub(super) fn of_entries(entries: &[Entry]) -> Vec<u8> {
    let fields_bytes = size_of_val(&FIELDS);
    // Eight-byte values lie on multiples of eight, counted from the size; the first of an entry is its 12th byte.
    let tables = (LIST + entries.len() * 4 + fields_bytes + 4).next_multiple_of(8) - 4;
    let size = tables + entries.len() * ENTRY;
    let mut bytes = Vec::with_capacity(size);
    let mut put = |number: usize| bytes.extend_from_slice(&(number as u32).to_le_bytes());
    put(size - 4);
    put(20);
    bytes.extend_from_slice(b"FTAB\0\0\0\0\0\0\x06\0\x08\0\x04\0\x06\0\0\0\x04\0\0\0");
    bytes.extend_from_slice(&(entries.len() as u32).to_le_bytes());
    for index in 0..entries.len() {
        let distance = tables + index * ENTRY - (LIST + index * 4);
        bytes.extend_from_slice(&(distance as u32).to_le_bytes());
    }
    bytes.resize(tables - fields_bytes, 0);
    FIELDS
        .iter()
        .for_each(|field| bytes.extend_from_slice(&field.to_le_bytes()));
    for (index, entry) in entries.iter().enumerate() {
        let back = fields_bytes + index * ENTRY;
        bytes.extend_from_slice(&(back as u32).to_le_bytes());
        bytes.extend_from_slice(&entry.stream.to_le_bytes());
        bytes.extend_from_slice(&entry.size.to_le_bytes());
        bytes.extend_from_slice(&entry.offset.to_le_bytes());
        bytes.extend_from_slice(&(entry.count as u64).to_le_bytes());
        bytes.extend_from_slice(&entry.times.0.to_le_bytes());
        bytes.extend_from_slice(&entry.times.1.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
    }
    bytes
}
