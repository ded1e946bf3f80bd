//! Many recordings into one folder: names, collisions, what failed.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use parallax::formats::{FORMATS, writable};
use parallax::{Error, Result, WriteOptions};

use super::{Arguments, job};
use crate::files::Failures;
use crate::inputs::{Input, Inputs};
use crate::{figures, output, streams};

/// The folder that outputs go to.
#[derive(Debug)]
pub(super) struct Folder<'a> {
    path: &'a Path,
    /// What the outputs' names end in.
    extension: &'static str,
}

impl<'a> Folder<'a> {
    /// The folder to fill, if the arguments mean one: it exists, its name ends in a separator, or there may be several
    /// inputs.
    ///
    /// # Errors
    /// If the output cannot be a folder, or the format is not named.
    pub(super) fn wanted(arguments: &'a Arguments, is_set: bool) -> Result<Option<Self>> {
        let path = arguments.output.as_path();
        let is_marked = path.as_os_str().as_encoded_bytes().ends_with(b"/");
        if !(path.is_dir() || is_marked || is_set) {
            return Ok(None);
        }
        let refuse = |message: &str, hint: &str| {
            Err(Error::param(message)
                .with_context("output", path.display())
                .with_hint(hint))
        };
        if path == Path::new("-") {
            return refuse("several recordings do not go to standard output", "name a folder");
        }
        if path.exists() && !path.is_dir() {
            return refuse("several recordings do not go into one file", "name a folder");
        }
        let extension = path.extension().and_then(|extension| extension.to_str());
        let is_recording = |extension| {
            FORMATS
                .iter()
                .any(|format| format.extensions.contains(&extension))
        };
        if !path.exists() && !is_marked && extension.is_some_and(is_recording) {
            return refuse(
                "several recordings do not go into one file",
                "name a folder; a / at its end says that it is one",
            );
        }
        if arguments.to.is_none() {
            return refuse(
                "the format of the files to make is not named",
                "name it, as in --to parquet",
            );
        }
        let options = WriteOptions {
            format: arguments.to.clone(),
        };
        let (format, ..) = writable(None, &options)?;
        let extension = format.extensions.first().copied().unwrap_or(format.id());
        Ok(Some(Self { path, extension }))
    }

    /// Converts every input, says which failed, and returns the exit code of the first that did.
    ///
    /// # Errors
    /// If it was stopped.
    pub(super) fn fill(&self, arguments: &Arguments, inputs: Inputs) -> anyhow::Result<ExitCode> {
        let sources = inputs.paths();
        let total = inputs.found.len() as u64;
        let mut failures = Failures::default();
        let mut failed: Vec<String> = Vec::new();
        let mut made = HashMap::new();
        for (index, input) in inputs.found.into_iter().enumerate() {
            let (path, outcome) = match input {
                Err(error) => (None, Err(error.into())),
                Ok(input) => {
                    let label = format!("{}/{total} {}", index + 1, input.place.display());
                    let outcome = self.one(arguments, &sources, &input, &mut made, label);
                    (Some(input.path), outcome)
                }
            };
            let is_done = failures.note(outcome)?;
            failed.extend(path.filter(|_| !is_done).map(|path| path.display().to_string()));
        }
        let done = total.saturating_sub(failures.count);
        let mut line = format!("{} of {} converted", figures::count(done), figures::count(total));
        if inputs.passed_over > 0 {
            let others = figures::count(inputs.passed_over);
            line.push_str(&format!(
                "; {others} other files in the folders are no recordings"
            ));
        }
        if !failed.is_empty() {
            line.push_str(&format!("; failed: {}", failed.join(", ")));
        }
        if total > 1 {
            streams::tell(&line);
        }
        Ok(failures.code())
    }

    /// Converts one recording; `made` has the outputs so far, each with what it was made from.
    fn one(
        &self,
        arguments: &Arguments,
        sources: &[PathBuf],
        input: &Input,
        made: &mut HashMap<PathBuf, PathBuf>,
        label: String,
    ) -> anyhow::Result<()> {
        let output = self.path.join(&input.place).with_extension(self.extension);
        output::refuse_to_replace(sources, &output)?;
        if let Some(other) = made.get(&output) {
            let error = Error::param(format!("{} was made from {}", output.display(), other.display()))
                .with_context("file", input.path.display())
                .with_hint("convert files that differ in their extension alone in calls of their own");
            return Err(error.into());
        }
        made.insert(output.clone(), input.path.clone());
        let parent = output.parent().unwrap_or(self.path);
        let is_new = !parent.exists();
        fs::create_dir_all(parent)
            .map_err(Error::from)
            .with_context(|| format!("cannot make the folder {}", parent.display()))?;
        let outcome = job::convert(arguments, &input.path, &output, label);
        if outcome.is_err() && is_new {
            // Only an empty folder goes.
            let _ = fs::remove_dir(parent);
        }
        outcome
    }
}
