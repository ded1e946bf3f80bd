//! Facts as an array of text: two columns, key and value, which `dict(archive["meta"])` gives back in Python.
//!
//! The element type is `<UN`: N characters of four bytes, filled up with zeros.

use super::dtype::Dtype;
use super::header::{Header, header_bytes};

/// The most characters that a key or a value may have.
const CHARACTERS: usize = 1 << 16;

/// The bytes of the array after its header, and the header.
pub(super) fn encode(pairs: &[(String, String)]) -> (Vec<u8>, Vec<u8>) {
    let texts = || pairs.iter().flat_map(|(key, value)| [key, value]);
    let width = texts()
        .map(|text| text.chars().count())
        .max()
        .unwrap_or(0)
        .clamp(1, CHARACTERS);
    let mut bytes = Vec::with_capacity(pairs.len() * width * 8);
    for text in texts() {
        let start = bytes.len();
        bytes.extend(text.chars().take(width).flat_map(|c| u32::from(c).to_le_bytes()));
        bytes.resize(start + width * 4, 0);
    }
    (header_bytes(&format!("'<U{width}'"), &[pairs.len(), 2]), bytes)
}

/// How many bytes an element takes, if the array is such a table.
pub(super) fn width(header: &Header) -> Option<usize> {
    match (&header.dtype, &header.shape[..]) {
        (Dtype::Other { size, descr }, [_, 2]) if descr.starts_with("<U") && *size > 0 && !header.fortran => {
            Some(*size)
        }
        _ => None,
    }
}

/// The pairs in the bytes after the header.
pub(super) fn parse(bytes: &[u8], width: usize) -> Vec<(String, String)> {
    let text = |element: &[u8]| -> String {
        let (characters, _) = element.as_chunks::<4>();
        let codes = characters
            .iter()
            .map(|bytes| u32::from_le_bytes(*bytes))
            .take_while(|&code| code != 0);
        codes
            .map(|code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect()
    };
    let rows = bytes.chunks_exact(width * 2);
    rows.map(|row| (text(&row[..width]), text(&row[width..])))
        .collect()
}
