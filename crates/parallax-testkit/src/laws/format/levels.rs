//! Every SIMD level decodes to the same events.

use super::{Door, FormatRow};
use crate::laws::{Broken, across_levels};
use crate::{Digester, oracle, recordings};

/// The digests of every format's inputs, and of every recording that is here and read by one of the formats, are the
/// same under every SIMD level. `test` is the name of the calling test.
///
/// # Panics
/// If a level differs.
#[expect(clippy::panic, reason = "this is how a test fails")]
pub fn simd_levels(test: &str, rows: &[FormatRow]) {
    if let Err(broken) = across_levels(test, || answer(rows)) {
        panic!("law {test} broken: {broken}");
    }
}

fn answer(rows: &[FormatRow]) -> Result<String, Broken> {
    let mut answers = Vec::new();
    for row in rows {
        let mut digester = Digester::default();
        for input in row.inputs()? {
            let outcome = row.read(&input, &row.options(), Door::Bytes)?;
            let batch = parallax_events::EventBatch::from_events(&outcome.events, Default::default())?;
            digester.push(batch.columns());
        }
        answers.push(format!("{}={:.16}", row.format.id(), digester.finish().sha256));
    }
    for golden in oracle()? {
        let path = recordings::folder().join(&golden.id);
        if !path.is_file() {
            continue;
        }
        // What no format here reads, the oracle knows for a later one.
        let Ok(mut reader) = parallax_formats::EventReader::open(&path, &Default::default()) else {
            continue;
        };
        let mut digester = Digester::default();
        while let Some(columns) = reader.next_columns()? {
            digester.push(columns);
        }
        answers.push(format!("{}={:.16}", golden.id, digester.finish().sha256));
    }
    Ok(answers.join(" "))
}
