//! Writing a file so that at any moment it is the old one, or none, or the whole new one.
//!
//! In go a path and bytes; the file appears, or replaces the old one, at [`OutputFile::commit`]. Until then the
//! bytes are in a file without a name in the same folder (Linux, `O_TMPFILE`), which is gone with the process,
//! whatever ends it. Where the file system has no such files, they are in `.NAME.N.partial` beside the output:
//! it is removed unless the process is killed outright.
//!
//! Surprises: pipes, devices and everything under `/dev` and `/proc` are written straight through, so there is
//! nothing to undo. A symbolic link is followed. To replace a file, a name is needed for a moment, in which a
//! kill leaves a `.partial` beside the old file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parallax_events::{Error, ErrorKind, Result};

/// An output that is complete or not there. Dropping it without [`commit`](Self::commit) leaves what was there
/// before.
///
/// It is not buffered: write in large pieces, or through [`buffered`](Self::buffered).
///
/// ```
/// use std::io::Write;
/// use parallax_formats::OutputFile;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("a.txt");
/// let mut output = OutputFile::create(&path, false)?;
/// output.write_all(b"all of it")?;
/// assert!(!path.exists());
/// output.commit()?;
/// assert_eq!(std::fs::read(&path)?, b"all of it");
/// assert!(OutputFile::create(&path, false).is_err(), "it exists now");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct OutputFile {
    /// As the caller called it, for messages.
    name: PathBuf,
    /// Where the file will be: symbolic links followed.
    target: PathBuf,
    overwrite: bool,
    file: Arc<File>,
    place: Place,
}

/// Where the bytes are until they are complete.
#[derive(Debug)]
enum Place {
    /// Already where they belong: a pipe or a device.
    Direct,
    /// In a file without a name.
    #[cfg(target_os = "linux")]
    Unnamed,
    /// In a hidden file; `None` once it has been renamed.
    Partial(Option<PathBuf>),
}

impl OutputFile {
    /// Prepares to write `path`; nothing is there to see until [`commit`](Self::commit).
    ///
    /// # Errors
    /// If it exists and `overwrite` is off, is a folder, or lies in a folder that does not exist or may not be
    /// written. The error names the path and says what to do.
    pub fn create(path: impl AsRef<Path>, overwrite: bool) -> Result<Self> {
        let name = path.as_ref();
        Self::create_in(name, overwrite, true).map_err(|error| error.with_context("output", name.display()))
    }

    fn create_in(name: &Path, overwrite: bool, allow_unnamed: bool) -> Result<Self> {
        if name.as_os_str().is_empty() {
            return Err(Error::param("the output has no name"));
        }
        let old = match fs::metadata(name) {
            Ok(old) => Some(old),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(explain(error)),
        };
        if let Some(old) = &old {
            if old.is_dir() {
                return Err(Error::param("it is a folder").with_hint("name a file inside it"));
            }
            // Under /dev and /proc a regular file is one that somebody else has opened: standard output, sent there.
            if !old.is_file() || name.starts_with("/dev") || name.starts_with("/proc") {
                let file = OpenOptions::new().write(true).open(name).map_err(explain)?;
                let (name, target) = (name.to_owned(), name.to_owned());
                return Ok(Self {
                    name,
                    target,
                    overwrite,
                    file: Arc::new(file),
                    place: Place::Direct,
                });
            }
            if !overwrite {
                return Err(exists());
            }
        }
        let target = if old.is_some() {
            fs::canonicalize(name).map_err(explain)?
        } else {
            name.to_owned()
        };
        let folder = folder_of(&target);
        match fs::metadata(folder) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => {
                return Err(Error::param(format!(
                    "{} is a file, not a folder",
                    folder.display()
                )));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(
                    Error::not_found(format!("there is no folder {}", folder.display()))
                        .with_hint("create it first, or check the path"),
                );
            }
            Err(error) => return Err(explain(error)),
        }
        if target.file_name().is_none() {
            return Err(Error::param("the output has no file name"));
        }
        let (file, place) = open_hidden(&target, folder, allow_unnamed).map_err(explain)?;
        let output = Self {
            name: name.to_owned(),
            target,
            overwrite,
            file: Arc::new(file),
            place,
        };
        if let Some(old) = old {
            // Whoever could read the old file can read the new one.
            output.file.set_permissions(old.permissions()).ok();
        }
        Ok(output)
    }

    /// Bytes of a file that are best written at once: file systems with large folios (ext4 in Linux 6.18) keep it in the cache
    /// in pieces as large as they were written, and map large ones in half the time.
    pub const PIECE: usize = 4 << 20;

    /// How many bytes are best written at once: a [`PIECE`](Self::PIECE), or less where somebody waits for them.
    pub fn piece(&self) -> usize {
        match self.place {
            Place::Direct => 64 << 10,
            _ => Self::PIECE,
        }
    }

    /// What is written to it goes on in [pieces](Self::piece), the last when it is flushed.
    pub fn buffered(&self) -> BufWriter<OutputWriter> {
        BufWriter::with_capacity(self.piece(), self.writer())
    }

    /// Another handle that writes at the same place, for a writer that keeps its output. Its writes come in turn
    /// with ours.
    pub fn writer(&self) -> OutputWriter {
        OutputWriter {
            file: Arc::clone(&self.file),
        }
    }

    /// Makes the file appear under its name, whole and on the disk.
    ///
    /// # Errors
    /// If the disk is full or broken, or meanwhile a file of that name has appeared and `overwrite` is off. Then
    /// nothing has changed.
    pub fn commit(mut self) -> Result<()> {
        self.publish()
            .map_err(|error| error.with_context("output", self.name.display()))
    }

    fn publish(&mut self) -> Result<()> {
        if matches!(self.place, Place::Direct) {
            return Ok(());
        }
        self.file.sync_all().map_err(explain)?;
        match &mut self.place {
            Place::Direct => {}
            #[cfg(target_os = "linux")]
            Place::Unnamed => match linux::name(&self.file, &self.target) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && self.overwrite => {
                    let partial = linux::name_hidden(&self.file, &self.target).map_err(explain)?;
                    if let Err(error) = fs::rename(&partial, &self.target) {
                        fs::remove_file(&partial).ok();
                        return Err(explain(error));
                    }
                }
                other => other.map_err(explain)?,
            },
            Place::Partial(place) => {
                if let Some(partial) = place.as_ref() {
                    if self.overwrite {
                        fs::rename(partial, &self.target).map_err(explain)?;
                    } else {
                        rename_new(partial, &self.target).map_err(explain)?;
                    }
                    *place = None;
                }
            }
        }
        // The name is in the folder, which is a file of its own. Not every file system can do this.
        if let Ok(folder) = File::open(folder_of(&self.target)) {
            folder.sync_all().ok();
        }
        Ok(())
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        if let Place::Partial(Some(partial)) = &self.place {
            fs::remove_file(partial).ok();
        }
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self.file).write(bytes).map_err(with_advice)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.file).flush()
    }
}

/// A handle to the bytes of an [`OutputFile`]. Dropping it commits nothing and undoes nothing.
#[derive(Debug)]
pub struct OutputWriter {
    file: Arc<File>,
}

impl Write for OutputWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self.file).write(bytes).map_err(with_advice)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.file).flush()
    }
}

/// Whether two paths lead to one file, so that writing the one would destroy the other. A path that leads
/// nowhere is no other's file.
///
/// # Errors
/// If the system will not say.
pub fn same_file(a: impl AsRef<Path>, b: impl AsRef<Path>) -> Result<bool> {
    let (a, b) = (a.as_ref(), b.as_ref());
    let look = |path: &Path| match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(explain(error).with_context("file", path.display())),
    };
    let (Some(first), Some(second)) = (look(a)?, look(b)?) else {
        return Ok(false);
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        Ok(first.is_file() && (first.dev(), first.ino()) == (second.dev(), second.ino()))
    }
    #[cfg(not(unix))]
    {
        Ok(first.is_file() && second.is_file() && fs::canonicalize(a)? == fs::canonicalize(b)?)
    }
}

fn folder_of(target: &Path) -> &Path {
    match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(target_os = "linux")]
fn open_hidden(target: &Path, folder: &Path, allow_unnamed: bool) -> io::Result<(File, Place)> {
    if allow_unnamed && let Some(file) = linux::open_unnamed(folder)? {
        return Ok((file, Place::Unnamed));
    }
    open_partial(target)
}

#[cfg(not(target_os = "linux"))]
fn open_hidden(target: &Path, _: &Path, _: bool) -> io::Result<(File, Place)> {
    open_partial(target)
}

fn open_partial(target: &Path) -> io::Result<(File, Place)> {
    with_hidden_name(target, |partial| {
        let file = OpenOptions::new().write(true).create_new(true).open(partial)?;
        Ok((file, Place::Partial(Some(partial.to_owned()))))
    })
}

/// Tries hidden names beside `target` until one is free.
fn with_hidden_name<T>(target: &Path, mut make: impl FnMut(&Path) -> io::Result<T>) -> io::Result<T> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = target.file_name().unwrap_or_default();
    loop {
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(
            ".{}-{}.partial",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        ));
        match make(&target.with_file_name(hidden)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            other => return other,
        }
    }
}

/// Renames without replacing.
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    // A second name is the one portable way that fails if the name is taken.
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // No hard links here: look first, then rename. Somebody may be quicker in between.
        Err(_) if fs::symlink_metadata(to).is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(from, to),
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::{self, File};
    use std::io;
    use std::os::fd::AsRawFd;
    use std::path::{Path, PathBuf};

    use rustix::fs::{AtFlags, CWD, Mode, OFlags};
    use rustix::io::Errno;

    /// A file without a name in `folder`; `None` where there is no such thing.
    pub(super) fn open_unnamed(folder: &Path) -> io::Result<Option<File>> {
        let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
        match rustix::fs::open(folder, flags, Mode::from_raw_mode(0o666)) {
            Ok(fd) => {
                let file = File::from(fd);
                // The way to give it a name leads through /proc, which may not be mounted.
                Ok(fs::symlink_metadata(by_descriptor(&file)).is_ok().then_some(file))
            }
            // How file systems and kernels that do not know the flag refuse it.
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOSYS | Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives the file a name that must be free.
    pub(super) fn name(file: &File, path: &Path) -> io::Result<()> {
        Ok(rustix::fs::linkat(
            CWD,
            by_descriptor(file),
            CWD,
            path,
            AtFlags::SYMLINK_FOLLOW,
        )?)
    }

    /// Gives the file a hidden name beside `target`.
    pub(super) fn name_hidden(file: &File, target: &Path) -> io::Result<PathBuf> {
        super::with_hidden_name(target, |path| name(file, path).map(|()| path.to_owned()))
    }

    fn by_descriptor(file: &File) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
    }
}

fn exists() -> Error {
    Error::param("it exists already").with_hint("choose another name, or overwrite it with --force")
}

/// What to do about the errors of the system that a user can do something about.
fn advice(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::StorageFull => Some("free some space, or write to another disk"),
        io::ErrorKind::QuotaExceeded => Some("free some of your space, or write to another disk"),
        io::ErrorKind::FileTooLarge => Some("write to another file system"),
        io::ErrorKind::PermissionDenied => Some("choose a folder that you may write to"),
        io::ErrorKind::ReadOnlyFilesystem => Some("choose a place that is not mounted read-only"),
        _ => None,
    }
}

fn explain(error: io::Error) -> Error {
    let kind = error.kind();
    if kind == io::ErrorKind::AlreadyExists {
        return exists();
    }
    let error = match kind {
        // A missing part of a path, not a missing input.
        io::ErrorKind::NotADirectory => Error::new(ErrorKind::NotFound, error.to_string()),
        _ => Error::from(error),
    };
    match advice(kind) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// The same error with the advice in its text: writers pass it on as it is.
fn with_advice(error: io::Error) -> io::Error {
    match advice(error.kind()) {
        Some(hint) => io::Error::new(error.kind(), format!("{error}; {hint}")),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What file systems without unnamed files get; the integration tests cover the rest.
    #[test]
    fn the_hidden_file_is_renamed_or_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.bin");
        let entries = || {
            fs::read_dir(folder.path())
                .unwrap()
                .map(|e| e.unwrap().file_name())
                .collect::<Vec<_>>()
        };

        let mut output = OutputFile::create_in(&path, false, false).unwrap();
        output.write_all(b"first").unwrap();
        assert_eq!(entries().len(), 1, "the partial file");
        assert!(!path.exists());
        drop(output);
        assert!(entries().is_empty(), "removed when dropped");

        let mut output = OutputFile::create_in(&path, false, false).unwrap();
        output.write_all(b"second").unwrap();
        fs::write(&path, b"somebody else's").unwrap();
        assert_eq!(output.commit().unwrap_err().kind(), ErrorKind::Param);
        assert_eq!(fs::read(&path).unwrap(), b"somebody else's");

        let mut output = OutputFile::create_in(&path, true, false).unwrap();
        output.write_all(b"third").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"somebody else's");
        output.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"third");
        assert_eq!(entries(), ["out.bin"]);
    }
}
