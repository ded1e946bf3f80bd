//! External triggers through the command, from an EVT 2.0 file written by hand.

use std::path::PathBuf;

use crate::program::{Folder, run, text};

/// Events at 64 + 5 and 128 + 9 us; input 3 goes up at 64 us, input 0 down at 128 + 2 us.
fn recording(folder: &Folder) -> PathBuf {
    let words: [u32; 6] = [
        0x8000_0001,
        0xA000_0301,
        0x1000_0000 | 5 << 22 | 3 << 11 | 4,
        0x8000_0002,
        0xA000_0000 | 2 << 22,
        0x1000_0000 | 9 << 22 | 1 << 11,
    ];
    let mut bytes = b"% evt 2.0\n% geometry 640x480\n% end\n".to_vec();
    bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    folder.file("in.raw", bytes)
}

#[test]
fn they_are_printed_and_listed() {
    let folder = Folder::new();
    let path = recording(&folder);
    assert_eq!(run(["cat", "--triggers", text(&path)]).ok(), "64 3 1\n130 0 0\n");
    assert_eq!(
        run(["cat", "--triggers", "--tail", "1", text(&path)]).ok(),
        "130 0 0\n"
    );
    assert_eq!(
        run(["cat", "--triggers", "--json", "--head", "1", text(&path)]).ok(),
        "{\"t\":64,\"id\":3,\"value\":1}\n"
    );
    let page = run(["info", text(&path)]).ok();
    assert!(page.contains("2 external: 1 of input 0, 1 of input 3"), "{page}");
    let json: serde_json::Value = serde_json::from_str(&run(["info", "--json", text(&path)]).ok()).unwrap();
    assert_eq!(json["triggers"], 2);
    assert_eq!(json["trigger_inputs"], serde_json::json!({"0": 1, "3": 1}));
}

#[test]
fn they_change_their_unit_with_the_events() {
    let folder = Folder::new();
    let path = recording(&folder);
    let out = folder.path("out.raw");
    // Nanoseconds on the way, microseconds in the file again.
    run(["convert", "--unit", "ns", "--to", "evt3", text(&path), text(&out)]).ok();
    assert_eq!(run(["cat", "--triggers", text(&out)]).ok(), "64 3 1\n130 0 0\n");
    assert_eq!(run(["cat", text(&out)]).ok(), run(["cat", text(&path)]).ok());
}

#[test]
fn a_recording_without_any_prints_none() {
    let folder = Folder::new();
    let path = folder.file("in.csv", "0,1,1,1\n");
    assert_eq!(run(["cat", "--triggers", text(&path)]).ok(), "");
    assert!(!run(["info", text(&path)]).ok().contains("external"));
}
