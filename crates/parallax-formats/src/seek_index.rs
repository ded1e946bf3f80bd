//! [`SeekIndex`]: where times lie in files, remembered from read to read.
//!
//! EVT 3.0 counts its time in steps that start again every 17 s, so where a time lies can only be told by looking at all of
//! them. In goes what such a look found out, with the version of the file that it looked at; out comes the same the next
//! time, as long as the file has not changed.
//!
//! Surprise: a file that changed within the last two seconds is not remembered, since one more change need not show in its
//! times of change.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use parallax_memory::FileVersion;

/// What reads found out about where times lie in files. Clones share it, so options that are cloned do; a new one is empty.
#[derive(Clone, Default)]
pub struct SeekIndex(Arc<Mutex<VecDeque<Known>>>);

/// What is known of a file from a byte on.
struct Known {
    file: FileVersion,
    from: u64,
    found: Arc<dyn Any + Send + Sync>,
}

impl SeekIndex {
    /// So many files are remembered, the last ones used.
    const FILES: usize = 16;

    /// What was found out of a file from a byte on, or what `look` finds out now. `version` is asked before and afterwards.
    pub(crate) fn recall<T: Send + Sync + 'static>(
        &self,
        version: impl Fn() -> Option<FileVersion>,
        from: u64,
        look: impl FnOnce() -> T,
    ) -> Arc<T> {
        let before = version();
        if let Some(file) = &before
            && let Some(found) = self.known(file, from)
        {
            return found;
        }
        let found = Arc::new(look());
        if let Some(file) = before
            && version().as_ref() == Some(&file)
        {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.truncate(Self::FILES - 1);
            let found: Arc<dyn Any + Send + Sync> = found.clone();
            all.push_front(Known { file, from, found });
        }
        found
    }

    fn known<T: Send + Sync + 'static>(&self, file: &FileVersion, from: u64) -> Option<Arc<T>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |known: &Known| known.file == *file && known.from == from && known.found.is::<T>();
        let known = all.iter().position(is_it).and_then(|at| all.remove(at))?;
        let found = Arc::clone(&known.found).downcast().ok();
        all.push_front(known);
        found
    }
}

impl fmt::Debug for SeekIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("SeekIndex").field("files", &all.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;
    use std::time::Duration;

    use parallax_events::Result;
    use parallax_memory::MappedFile;

    use super::*;

    /// Files that have been as they are for so long count, here.
    const SETTLED: Duration = Duration::from_millis(50);

    #[test]
    fn a_file_is_looked_at_again_once_it_has_changed() -> Result<()> {
        let file = tempfile::NamedTempFile::new()?;
        let path = file.path();
        let index = SeekIndex::default();
        let look = |from: u64, found: u32| -> Result<u32> {
            let mapped = MappedFile::open(&File::open(path)?)?;
            Ok(*index.clone().recall(|| mapped.version(SETTLED), from, || found))
        };
        std::fs::write(path, b"one")?;
        assert_eq!((look(0, 1)?, look(0, 2)?), (1, 2), "it has just changed");
        std::thread::sleep(2 * SETTLED);
        assert_eq!((look(0, 3)?, look(0, 4)?, look(9, 5)?, look(9, 6)?), (3, 3, 5, 5));
        // As long as before, and its time set back.
        std::fs::write(path, b"two")?;
        File::options()
            .write(true)
            .open(path)?
            .set_modified(std::time::UNIX_EPOCH)?;
        std::thread::sleep(2 * SETTLED);
        assert_eq!((look(0, 7)?, look(0, 8)?), (7, 7));
        // What was kept is of another type.
        let mapped = MappedFile::open(&File::open(path)?)?;
        assert_eq!(*index.recall(|| mapped.version(SETTLED), 0, || "else"), "else");
        assert_eq!(look(0, 9)?, 7);
        Ok(())
    }

    #[test]
    fn a_file_that_changes_meanwhile_and_files_long_ago_are_forgotten() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let index = SeekIndex::default();
        let path = |number: usize| folder.path().join(number.to_string());
        let look = |number: usize, found: u32, change: bool| -> Result<u32> {
            let mapped = MappedFile::open(&File::open(path(number))?)?;
            let look = || {
                if change {
                    File::options()
                        .append(true)
                        .open(path(number))?
                        .write_all(b"more")?;
                }
                Ok(found)
            };
            let found: Arc<Result<u32>> = index.recall(|| mapped.version(SETTLED), 0, look);
            Ok(*found.as_ref().as_ref().unwrap_or(&0))
        };
        for number in 0..=SeekIndex::FILES {
            std::fs::write(path(number), b"some")?;
        }
        std::thread::sleep(2 * SETTLED);
        assert_eq!(look(0, 1, true)?, 1);
        std::thread::sleep(2 * SETTLED);
        assert_eq!((look(0, 2, false)?, look(0, 3, false)?), (2, 2));
        for number in 1..SeekIndex::FILES {
            look(number, 4, false)?;
        }
        assert_eq!(look(0, 5, false)?, 2, "as many as it keeps");
        look(SeekIndex::FILES, 6, false)?;
        assert_eq!(
            (look(0, 7, false)?, look(1, 8, false)?),
            (2, 8),
            "the one not used for longest"
        );
        Ok(())
    }
}
