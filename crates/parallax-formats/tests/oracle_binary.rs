//! The digests on which independent decoders agree hold for every DAT, EVT 2.1, ES and ATIS recording, through both
//! doors and however the output is cut; and what was read is written and read again.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use parallax_events::{ErrorKind, EventBatch, FindingKind, Geometry, Meta, Origin, Report};
use parallax_formats::{EventReader, PushReader, ReadOptions, WriteOptions, create};
use parallax_testkit::{Digest, Digester, Golden, oracle, recording};

const CHUNKS: [usize; 3] = [1, 1000, 1 << 20];

#[test]
fn dat_with_a_size() {
    let Some((meta, report)) = held("faery/gen4.dat", "dat") else {
        return;
    };
    assert_eq!(
        meta.geometry,
        Some(Geometry {
            width: 1280,
            height: 720
        })
    );
    assert_eq!(
        meta.extra.get("date").map(String::as_str),
        Some("2023-10-19 15:36:14")
    );
    assert!(report.is_clean(), "{report:?}");
}

/// Its header has a line of free text, and no size.
#[test]
fn dat_without_a_size() {
    let Some((meta, report)) = held("tonic/sample_ncars.dat", "dat") else {
        return;
    };
    assert_eq!(meta.geometry, None);
    assert!(report.is_clean(), "{report:?}");
}

/// Re-encoded from an EVT 3.0 recording, in words of the order `legacy`.
#[test]
fn evt21_legacy() {
    let Some((meta, report)) = held("reencoded/evt21.raw", "evt21") else {
        return;
    };
    assert_eq!(
        meta.geometry,
        Some(Geometry {
            width: 1280,
            height: 720
        })
    );
    assert!(report.is_clean(), "{report:?}");
}

/// The same words in the other order, with the header mended or silent about it.
#[test]
fn evt21_in_every_order() {
    let id = "reencoded/evt21.raw";
    let (Some(golden), Some(path)) = (golden(id), recording(id, "evt21_in_every_order")) else {
        return;
    };
    let bytes = std::fs::read(path).unwrap();
    let end = bytes.windows(6).position(|window| window == b"% end\n").unwrap() + 6;
    let (header, words) = bytes.split_at(end);
    let header = std::str::from_utf8(header).unwrap();
    let swapped: Vec<u8> = words
        .chunks_exact(8)
        .flat_map(|w| [w[4], w[5], w[6], w[7], w[0], w[1], w[2], w[3]])
        .collect();
    let line = "% endianness legacy\n";
    assert!(header.contains(line), "{header}");
    for (line_now, words) in [
        ("% endianness little\n", swapped.as_slice()),
        ("", &swapped),
        ("", words),
        ("% format EVT21;endianness=legacy;height=720;width=1280\n", words),
        (
            "% format EVT21;height=720;width=1280;endianness=little\n",
            &swapped,
        ),
    ] {
        let bytes = [header.replace(line, line_now).as_bytes(), words].concat();
        let mut reader = EventReader::from_bytes(bytes, Some("raw"), &ReadOptions::default()).unwrap();
        let batch = reader.read_all().unwrap();
        let differences = golden.check(&parallax_testkit::digest(batch.columns()));
        assert_eq!(differences, Ok(()), "{line_now}");
        assert!(reader.report().is_clean(), "{line_now}: {:?}", reader.report());
    }
}

#[test]
fn es_dvs() {
    let Some((meta, report)) = held("faery/dvs.es", "es") else {
        return;
    };
    assert_eq!(
        meta.geometry,
        Some(Geometry {
            width: 320,
            height: 240
        })
    );
    assert_eq!(meta.origin, Origin::TopLeft);
    assert!(report.is_clean(), "{report:?}");
}

#[test]
fn es_atis() {
    let Some((meta, report)) = held("faery/atis.es", "es") else {
        return;
    };
    assert_eq!(
        meta.geometry,
        Some(Geometry {
            width: 320,
            height: 240
        })
    );
    // As many as the specification's own library finds.
    assert_eq!(report.count(FindingKind::OtherData), 852_792, "{report:?}");
}

/// As stored, rows count upwards.
#[test]
fn es_raw() {
    let Some(path) = recording("faery/dvs.es", "es_raw") else {
        return;
    };
    let turned = EventReader::open(&path, &ReadOptions::default())
        .unwrap()
        .read_all()
        .unwrap();
    let raw = ReadOptions {
        format: Some("es origin=raw".to_owned()),
        ..ReadOptions::default()
    };
    let raw = EventReader::open(&path, &raw).unwrap().read_all().unwrap();
    assert_eq!(raw.meta().origin, Origin::BottomLeft);
    // What a decoder that does not turn them has for the sum.
    assert_eq!(
        raw.columns().y.iter().map(|y| u64::from(*y)).sum::<u64>(),
        57_092_979
    );
    assert!(
        raw.columns()
            .y
            .iter()
            .zip(turned.columns().y)
            .all(|(raw, turned)| raw + turned == 239)
    );
}

/// Recognised, counted and refused by name. The numbers are those of a count written apart from the decoder.
#[test]
fn es_without_changes() {
    for (id, word, count) in [
        ("faery/generic.es", "generic", 70),
        ("faery/color.es", "colour", 473_225),
    ] {
        let Some(path) = recording(id, "es_without_changes") else {
            continue;
        };
        let mut reader = EventReader::open(&path, &ReadOptions::default()).unwrap();
        let error = reader.next_columns().unwrap_err();
        assert_eq!(reader.report().count(FindingKind::OtherData), count, "{id}");
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.message().contains(word), "{error}");
        assert_eq!(error.offset(), Some(15));
    }
}

#[test]
fn atis_bin() {
    let Some((meta, report)) = held("tonic/sample_nmnist.bin", "atis_bin") else {
        return;
    };
    assert_eq!(meta, Meta::default());
    assert!(report.is_clean(), "{report:?}");
}

/// What a recording holds is written, and read again with the same digest. With `PARALLAX_WRITTEN` the files are kept
/// in the folder that it names, for readers of others.
#[test]
fn written_and_read_again() {
    let kept = std::env::var_os("PARALLAX_WRITTEN").map(PathBuf::from);
    for (id, formats) in [
        (
            "faery/gen4.dat",
            ["dat", "evt2", "evt21", "evt3", "aedat4", "es", "es events=atis"].as_slice(),
        ),
        (
            "faery/evt3.raw",
            &["dat", "evt2", "evt21", "evt3", "aedat4 compression=zstd", "es"],
        ),
        ("faery/evt2.raw", &["evt2", "evt21", "evt3", "dat"]),
        (
            "reencoded/evt21.raw",
            &["evt21", "evt21 endianness=legacy", "evt3"],
        ),
        // Almost all of it is vectors.
        (
            "expelliarmus/evt3_sample.raw",
            &["evt3", "evt21 endianness=legacy", "evt2", "dat"],
        ),
        ("tonic/sample_ncars.dat", &["dat", "atis_bin", "evt2", "evt3"]),
        ("faery/dvs.es", &["es", "es events=atis", "dat", "evt3"]),
        ("tonic/sample_nmnist.bin", &["atis_bin", "dat", "evt2", "evt3"]),
        // Its times count from 1970.
        (
            "faery/davis346.aedat4",
            &[
                "dat",
                "evt2",
                "aedat4",
                "aedat4 compression=zstd",
                "aedat4 compression=none",
            ],
        ),
    ] {
        let (Some(golden), Some(path)) = (golden(id), recording(id, "written_and_read_again")) else {
            continue;
        };
        let Ok(mut reader) = EventReader::open(&path, &ReadOptions::default()) else {
            continue;
        };
        let batch = reader.read_all().unwrap();
        for format in formats {
            let bytes = written(&batch, format);
            let row = format.split(' ').next().unwrap();
            let options = ReadOptions {
                format: Some(row.to_owned()),
                ..ReadOptions::default()
            };
            let mut reader = EventReader::from_bytes(bytes.clone(), None, &options).unwrap();
            let again = reader.read_all().unwrap();
            assert_eq!(
                golden.check(&parallax_testkit::digest(again.columns())),
                Ok(()),
                "{id} as {format}"
            );
            assert!(
                reader.report().is_clean(),
                "{id} as {format}: {:?}",
                reader.report()
            );
            println!("{id} as {format}: {} bytes", bytes.len());
            if let Some(folder) = &kept {
                let extension = parallax_formats::format(row).unwrap().extensions[0];
                let name = format!(
                    "{}.{}.{extension}",
                    id.replace(['/', '.'], "_"),
                    format.replace([' ', '='], "_")
                );
                std::fs::write(folder.join(name), &bytes).unwrap();
            }
        }
    }
}

fn written(batch: &EventBatch, format: &str) -> Vec<u8> {
    let output = Shared::default();
    let options = WriteOptions {
        format: Some(format.to_owned()),
    };
    let mut writer = create(Box::new(output.clone()), None, batch.meta(), &options).unwrap();
    writer.write(batch).unwrap();
    writer.finish().unwrap();
    let bytes = output.0.lock().unwrap();
    bytes.clone()
}

/// An output that everybody who holds it can read.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Reads a recording in every way and compares each with the digest, the facts and the report of the first. `None` if the
/// recording is not here.
fn held(id: &str, format: &str) -> Option<(Meta, Report)> {
    let golden = golden(id)?;
    let path = recording(id, id)?;
    let mut first: Option<(Meta, Report)> = None;
    for chunk in CHUNKS {
        for (way, read) in ways() {
            let (digest, meta, report) = read(&path, format, chunk);
            let differences = golden.check(&digest);
            assert_eq!(differences, Ok(()), "{id}, {way}, in batches of {chunk}");
            match &first {
                None => first = Some((meta, report)),
                Some(first) => assert_eq!(*first, (meta, report), "{id}, {way}, in batches of {chunk}"),
            }
        }
    }
    first
}

fn golden(id: &str) -> Option<Golden> {
    let found = oracle().unwrap().into_iter().find(|golden| golden.id == id);
    if found.is_none() {
        parallax_testkit::recordings::skip(id, &format!("{id} is not among the public recordings"));
    }
    found
}

type Read = fn(&Path, &str, usize) -> (Digest, Meta, Report);

fn ways() -> [(&'static str, Read); 4] {
    [
        ("mapped", |path, format, chunk| {
            read_file(path, format, chunk, true)
        }),
        ("read", |path, format, chunk| {
            read_file(path, format, chunk, false)
        }),
        ("pushed in small pieces", |path, format, chunk| {
            push(path, format, chunk, 4_093)
        }),
        ("pushed in large pieces", |path, format, chunk| {
            push(path, format, chunk, 65_537)
        }),
    ]
}

fn read_file(path: &Path, format: &str, chunk: usize, mmap: bool) -> (Digest, Meta, Report) {
    let options = ReadOptions {
        chunk,
        mmap,
        ..ReadOptions::default()
    };
    let mut reader = EventReader::open(path, &options).unwrap();
    assert_eq!(
        reader.format().id(),
        format,
        "{} is recognised as {:?}",
        path.display(),
        reader.evidence()
    );
    let mut digester = Digester::default();
    while let Some(columns) = reader.next_columns().unwrap() {
        assert!(columns.len() <= chunk);
        digester.push(columns);
    }
    (
        digester.finish(),
        reader.meta().as_ref().clone(),
        reader.report().clone(),
    )
}

fn push(path: &Path, format: &str, chunk: usize, piece: usize) -> (Digest, Meta, Report) {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let mut reader = PushReader::new(
        extension,
        &ReadOptions {
            chunk,
            ..ReadOptions::default()
        },
    );
    let mut digester = Digester::default();
    for piece in std::fs::read(path).unwrap().chunks(piece) {
        reader.push(piece).unwrap();
        while let Some(batch) = reader.next_batch().unwrap() {
            digester.push(batch.columns());
        }
    }
    reader.finish().unwrap();
    while let Some(batch) = reader.next_batch().unwrap() {
        digester.push(batch.columns());
    }
    let reader = reader.reader().unwrap();
    assert_eq!(reader.format().id(), format);
    (
        digester.finish(),
        reader.meta().as_ref().clone(),
        reader.report().clone(),
    )
}
