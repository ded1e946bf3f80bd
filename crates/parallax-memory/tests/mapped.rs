//! What a [`MappedFile`] promises: the file's bytes, and an error instead of a crash when it was cut short.
#![cfg(target_os = "linux")]

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::sync::Arc;

use parallax_memory::{Bytes, MappedFile};

const LEN: usize = 3 * 65_536 + 100;

/// A file of `LEN` bytes in which no two pages are alike, and what is in it.
fn recording() -> (File, Vec<u8>) {
    let contents: Vec<u8> = (0..LEN).map(|index| (index / 4096 * 31 + index) as u8).collect();
    #[expect(clippy::unwrap_used, reason = "a test cannot go on without its file")]
    let mut file = tempfile::tempfile().unwrap();
    #[expect(clippy::unwrap_used, reason = "a test cannot go on without its file")]
    file.write_all(&contents).unwrap();
    (file, contents)
}

#[test]
fn the_bytes_are_the_files() {
    let (file, contents) = recording();
    let mapped = MappedFile::open(&file).unwrap();
    drop(file);
    assert_eq!(mapped.len(), LEN);
    mapped.advise_sequential().unwrap();
    for start in (0..LEN).step_by(10_000) {
        let range = start..(start + 10_000).min(LEN);
        assert_eq!(mapped.chunk(range.clone()).unwrap(), &contents[range.clone()]);
        mapped.evict(range).unwrap();
    }
    // What was evicted can be read again.
    assert_eq!(mapped.chunk(0..LEN).unwrap(), contents);
}

#[test]
fn a_range_that_was_never_inside() {
    let (file, _) = recording();
    let mapped = MappedFile::open(&file).unwrap();
    #[expect(clippy::reversed_empty_ranges, reason = "a range that is not inside")]
    let inverted = 5..4;
    for range in [0..LEN + 1, LEN + 1..LEN + 1, inverted, 0..usize::MAX] {
        assert_eq!(mapped.chunk(range).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    mapped.evict(0..usize::MAX).unwrap();
    assert!(mapped.chunk(LEN..LEN).unwrap().is_empty());
}

#[test]
fn cut_short_while_mapped_is_an_error_at_the_next_chunk() {
    let (file, contents) = recording();
    let mapped = MappedFile::open(&file).unwrap();
    assert_eq!(mapped.chunk(0..4096).unwrap(), &contents[..4096]);
    file.set_len(8192).unwrap();
    let error = mapped.chunk(4096..LEN).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert!(error.to_string().contains("shrunk"), "{error}");
    assert_eq!(mapped.chunk(4096..8192).unwrap(), &contents[4096..8192]);
}

#[test]
fn a_file_that_grows_keeps_its_length() {
    let (mut file, contents) = recording();
    let mapped = MappedFile::open(&file).unwrap();
    file.write_all(&[1; 10]).unwrap();
    assert_eq!(mapped.chunk(0..LEN).unwrap(), contents);
    assert!(mapped.chunk(0..LEN + 10).is_err());
}

#[test]
fn an_empty_file_has_no_bytes() {
    let mapped = MappedFile::open(&tempfile::tempfile().unwrap()).unwrap();
    assert!(mapped.is_empty());
    assert!(mapped.chunk(0..0).unwrap().is_empty());
    mapped.advise_sequential().unwrap();
    mapped.evict(0..0).unwrap();
}

#[test]
fn what_is_no_regular_local_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    for path in [
        directory.path().as_os_str(),
        "/dev/null".as_ref(),
        "/proc/self/maps".as_ref(),
    ] {
        let error = MappedFile::open(&File::open(path).unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }
}

#[test]
fn a_part_of_the_file_as_shared_bytes() {
    let (file, contents) = recording();
    let mapped = Arc::new(MappedFile::open(&file).unwrap());
    let address = mapped.chunk(64..128).unwrap().as_ptr();
    let buffer = Bytes::from_mapped(Arc::clone(&mapped), 64..128)
        .unwrap()
        .into_arrow(..);
    drop(mapped);
    assert_eq!(buffer.as_ptr(), address);
    assert_eq!(buffer.as_slice(), &contents[64..128]);
}
