//! Which files the arguments mean: paths, patterns in quotes, and folders.
//!
//! In: what stands on the command line. Out: one entry for each file, in the order of the arguments and by name within
//! one, or the error of an argument that means none. A path that exists is that file even if it looks like a pattern.
//! From a folder only what a format recognises is taken, since folders hold other things too; a pattern takes all
//! that it matches, since somebody asked for it. Hidden files are taken only by name.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use glob::MatchOptions;
use parallax::formats::{Probe, recognise};
use parallax::{Error, Result};

/// What is read.
#[derive(Debug, Clone, Args)]
pub(crate) struct InputArguments {
    /// Recordings; - is standard input, a pattern in quotes such as 'night/*.raw' all files that match
    #[arg(required = true, value_name = "IN")]
    pub(crate) files: Vec<PathBuf>,
    /// Take folders too: every recording in them and below
    #[arg(long, short)]
    pub(crate) recursive: bool,
}

/// One file to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Input {
    pub(crate) path: PathBuf,
    /// Its place in a folder of outputs: the name, below a folder that was given the path from there.
    pub(crate) place: PathBuf,
}

/// All that the arguments mean.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    /// The files, and the errors of arguments that mean none.
    pub(crate) found: Vec<Result<Input>>,
    /// How many files of folders no format recognised.
    pub(crate) passed_over: u64,
    /// Whether there may be any number: several arguments, a pattern, a folder.
    pub(crate) is_set: bool,
}

impl InputArguments {
    /// Looks the files up. What lies below `except` is left out of folders: it is where outputs go.
    pub(crate) fn expand(&self, except: Option<&Path>) -> Inputs {
        let mut inputs = Inputs {
            is_set: self.files.len() > 1,
            ..Inputs::default()
        };
        for argument in &self.files {
            inputs.add(argument, self.recursive, except);
        }
        inputs
    }
}

impl Inputs {
    fn add(&mut self, argument: &Path, is_recursive: bool, except: Option<&Path>) {
        let pattern = argument
            .to_str()
            .filter(|text| text.contains(['*', '?', '[']) && fs::symlink_metadata(argument).is_err());
        if let Some(pattern) = pattern {
            self.is_set = true;
            if let Err(error) = self.add_matches(pattern, is_recursive, except) {
                self.found.push(Err(error));
            }
        } else if argument.is_dir() {
            self.is_set = true;
            if !is_recursive {
                self.found.push(Err(Error::param("it is a directory")
                    .with_context("file", argument.display())
                    .with_hint("--recursive takes every recording in it")));
                return;
            }
            let before = self.found.len();
            self.add_folder(argument, except);
            if self.found.len() == before {
                self.found
                    .push(Err(Error::not_found("there is no recording in the folder")
                        .with_context("file", argument.display())));
            }
        } else {
            self.add_file(argument.to_owned(), None);
        }
    }

    fn add_matches(&mut self, pattern: &str, is_recursive: bool, except: Option<&Path>) -> Result<()> {
        let options = MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: true,
        };
        let matches = glob::glob_with(pattern, options).map_err(|error| {
            Error::param(format!("`{pattern}` is no pattern: {}", error.msg))
                .with_hint("* stands for any part of a name, ? for a character, ** for any folders")
        })?;
        let before = self.found.len();
        for found in matches {
            match found {
                Ok(path) if !path.is_dir() => self.add_file(path, None),
                Ok(path) if is_recursive => self.add_folder(&path, except),
                Ok(_) => {}
                Err(error) => {
                    let path = error.path().display().to_string();
                    self.found.push(Err(
                        Error::from(std::io::Error::from(error)).with_context("file", path)
                    ));
                }
            }
        }
        if self.found.len() == before {
            return Err(Error::not_found(format!("no file matches `{pattern}`")));
        }
        Ok(())
    }

    /// The recordings in `folder` and below it, by name. Links to folders are not followed: they may lead in circles.
    fn add_folder(&mut self, folder: &Path, except: Option<&Path>) {
        let mut open = vec![folder.to_owned()];
        while let Some(current) = open.pop() {
            let is_excepted = except.is_some_and(|except| is_one_folder(&current, except));
            if is_excepted && current != folder {
                continue;
            }
            let entries = fs::read_dir(&current)
                .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect());
            let mut entries: Vec<PathBuf> = match entries {
                Ok(entries) => entries,
                Err(error) => {
                    self.found
                        .push(Err(Error::from(error).with_context("file", current.display())));
                    continue;
                }
            };
            entries.retain(|path| !is_hidden(path));
            entries.sort();
            for path in &entries {
                if path.is_file() {
                    if is_recording(path) {
                        self.add_file(path.clone(), Some(folder));
                    } else {
                        self.passed_over += 1;
                    }
                }
            }
            let folders = entries.into_iter().rev();
            open.extend(folders.filter(|path| fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())));
        }
    }

    fn add_file(&mut self, path: PathBuf, below: Option<&Path>) {
        let place = match below.and_then(|below| path.strip_prefix(below).ok()) {
            Some(place) => place.to_owned(),
            None if path == Path::new("-") => PathBuf::from("stdin"),
            None => path.file_name().map_or_else(|| path.clone(), PathBuf::from),
        };
        self.found.push(Ok(Input { path, place }));
    }

    /// The files alone.
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        self.found
            .iter()
            .flatten()
            .map(|input| input.path.clone())
            .collect()
    }
}

fn is_hidden(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn is_one_folder(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

/// Whether a format takes the file for its own by its content or name. What cannot be looked at is taken: the error
/// comes when it is read.
fn is_recording(path: &Path) -> bool {
    let mut head = Vec::new();
    let looked = File::open(path).and_then(|file| file.take(Probe::BYTES as u64).read_to_end(&mut head));
    if looked.is_err() {
        return true;
    }
    let extension = path
        .extension()
        .and_then(OsStr::to_str)
        .map(str::to_ascii_lowercase);
    recognise(&Probe {
        head: &head,
        whole: head.len() < Probe::BYTES,
        extension: extension.as_deref(),
    })
    .is_some()
}
