//! Fetches public recordings into `recordings/`, pinned by SHA-256.
//!
//! In: the package index that pip is set up with. Out: files under `recordings/`, laid out as the tests expect them.
//! The recordings are other people's and carry other licences, so they are fetched, not kept here: they lie in the
//! source distributions of Python packages, which are only unpacked, never installed.
//!
//! A file that is there with the right digest is not fetched again. What does not verify is deleted, not kept.
//! pip builds a package's metadata before it hands the archive over; where that fails, the archive can be put into
//! `recordings/.sdist/` by hand, from wherever it is to be had: the digest decides.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::Outcome;
use crate::workspace::{Workspace, run as run_command};

/// A source distribution that carries recordings.
struct Source {
    package: &'static str,
    version: &'static str,
    sha256: &'static str,
    /// Their licence, as their index says it.
    licence: &'static str,
    files: &'static [Pinned],
}

/// One recording: its name inside the archive, its name under `recordings/`, its digest.
struct Pinned {
    inside: &'static str,
    name: &'static str,
    sha256: &'static str,
}

const fn pinned(inside: &'static str, name: &'static str, sha256: &'static str) -> Pinned {
    Pinned { inside, name, sha256 }
}

const SOURCES: &[Source] = &[
    Source {
        package: "faery",
        version: "0.7.1",
        sha256: "15ddf16d927d6b7c88c1e8b9adb72fe17dc17d08f6ac81f7404ec4d5e9528e56",
        licence: "LGPL-3.0",
        files: &[
            pinned(
                "tests/data/atis.es",
                "faery/atis.es",
                "a780eac47d4ab276e7f4995ccbda91fb5a8be3e35ea0ac2afbd0a9373ef292b5",
            ),
            pinned(
                "tests/data/color.es",
                "faery/color.es",
                "d6f6001ce91578f3bf4174a4073417fd4420f02c60609495eddd904a1a794ff7",
            ),
            pinned(
                "tests/data/davis346.aedat4",
                "faery/davis346.aedat4",
                "b383462d72122c69fd96ebf095c384e3f1a2f092cc1b2681be52ebc1d260cf8a",
            ),
            pinned(
                "tests/data/dvs.csv",
                "faery/dvs.csv",
                "adbdaae98384a48d9b5c4a5254ae726b671f607d4b9c672fa495b14ace1fad9e",
            ),
            pinned(
                "tests/data/dvs.es",
                "faery/dvs.es",
                "98f9ca09e1b77ccc02bbe130a2c295ca531a29eb4d3f597d9917ddce0f26d333",
            ),
            pinned(
                "tests/data/evt2.raw",
                "faery/evt2.raw",
                "e84afbecdc07d2910ae846a4ae0ee246f5b9c97a53816c637d4f85c023d7c234",
            ),
            pinned(
                "tests/data/evt3.raw",
                "faery/evt3.raw",
                "8eca19cd8f0580ae939490484a023d858192a4c102b6649d8f5e19a62cb77ad3",
            ),
            pinned(
                "tests/data/gen4.dat",
                "faery/gen4.dat",
                "9d77a38da198c44fc4e79695ea93715c05ee0303bb2bc30226d91243c200624f",
            ),
            pinned(
                "tests/data/generic.es",
                "faery/generic.es",
                "b536f5a74aa34e9b26f6b77e17b47feffd1101579911d853026941ca9bd862c7",
            ),
            pinned(
                "tests/data/test_data_gray16.aedat4",
                "faery/test_data_gray16.aedat4",
                "5be56a2143e282a9f983f623ca0302ac861ecb67eb448e71d28bf14d266caf3d",
            ),
            pinned(
                "tests/data/test_data_unknown_then_gray16.aedat4",
                "faery/test_data_unknown_then_gray16.aedat4",
                "4af60d93fc74ac2e9c02ed44f534f82c66cb8e26d6874517972f0b66cc87a453",
            ),
        ],
    },
    Source {
        package: "evlib",
        version: "0.1.23",
        sha256: "a14ef6f5423ca5119cccc1577d5048d979a315cbb123a87790003232f6dcb8b5",
        licence: "MIT; the recording is from the UZH-RPG event-camera dataset (Mueggler et al., IJRR 2017)",
        files: &[pinned(
            "data/slider_depth/events.txt",
            "rpg/slider_depth_events.txt",
            "58493b84d52554611e9cfe42d2e2468999d468773db1836ab4bddb431f6861d0",
        )],
    },
];

/// `cargo xtask recordings [PACKAGE]`.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    let folder = match arguments {
        [] => fetch(workspace, None)?,
        [package] => fetch(workspace, Some(package))?,
        _ => bail!("usage: cargo xtask recordings [PACKAGE]"),
    };
    println!("recordings are in {}", folder.display());
    Ok(true)
}

/// The folder with all recordings, fetched where they are missing; only those of one package if it is named.
///
/// # Errors
/// No Python or no network: names the archive to put in place by hand. A digest that differs.
pub(crate) fn fetch(workspace: &Workspace, only: Option<&str>) -> Result<PathBuf> {
    let folder = workspace.root.join("recordings");
    let known = SOURCES.iter().map(|source| source.package).collect::<Vec<_>>();
    if let Some(package) = only
        && !known.contains(&package)
    {
        bail!(
            "no recordings are known in `{package}`; known are {}",
            known.join(", ")
        );
    }
    let mut failures = Vec::new();
    for source in SOURCES
        .iter()
        .filter(|source| only.is_none_or(|package| package == source.package))
    {
        if let Err(error) = source.fetch(workspace, &folder) {
            failures.push(format!("{error:#}"));
        }
    }
    if !failures.is_empty() {
        bail!("{}", failures.join("\n"));
    }
    Ok(folder)
}

impl Source {
    fn fetch(&self, workspace: &Workspace, folder: &Path) -> Result<()> {
        let missing: Vec<&Pinned> = self
            .files
            .iter()
            .filter(|file| !digest(&folder.join(file.name)).is_ok_and(|found| found == file.sha256))
            .collect();
        if missing.is_empty() {
            println!(
                "{} {}: {} recordings in place, digests right",
                self.package,
                self.version,
                self.files.len()
            );
            return Ok(());
        }
        let archive = self.archive(workspace, folder)?;
        println!(
            "{} {}: unpacking {} recordings",
            self.package,
            self.version,
            missing.len()
        );
        let mut unpack = workspace.python();
        unpack.arg("xtask/python/unpack.py").arg(&archive);
        for file in &missing {
            let target = folder.join(file.name);
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
            }
            unpack
                .arg(format!("{}-{}/{}", self.package, self.version, file.inside))
                .arg(part(&target));
        }
        if !unpack.status().context("cannot run Python 3")?.success() {
            bail!("cannot unpack {}", archive.display());
        }
        for file in missing {
            let target = folder.join(file.name);
            verify(&part(&target), file.sha256)?;
            fs::rename(part(&target), &target)
                .with_context(|| format!("cannot write {}", target.display()))?;
            let bytes = target.metadata().map_or(0, |metadata| metadata.len());
            println!("  {:<44} {:>9.1} kB", file.name, bytes as f64 / 1e3);
        }
        println!("  licence: {}", self.licence);
        Ok(())
    }

    /// The verified source distribution, from `recordings/.sdist/` or through pip.
    fn archive(&self, workspace: &Workspace, folder: &Path) -> Result<PathBuf> {
        let kept = folder.join(".sdist");
        let archive = kept.join(format!("{}-{}.tar.gz", self.package, self.version));
        if archive.is_file() {
            verify(&archive, self.sha256)?;
            return Ok(archive);
        }
        fs::create_dir_all(&kept).with_context(|| format!("cannot make {}", kept.display()))?;
        println!(
            "{} {}: downloading its source distribution",
            self.package, self.version
        );
        // With the digest in the requirement, pip verifies the archive before it runs any code from it.
        let requirement = kept.join(format!("{}.txt", self.package));
        let pin = format!(
            "{}=={} --hash=sha256:{}\n",
            self.package, self.version, self.sha256
        );
        fs::write(&requirement, pin).with_context(|| format!("cannot write {}", requirement.display()))?;
        let mut pip = workspace.python();
        pip.args(["-m", "pip", "download", "--no-deps", "--no-binary", self.package]);
        pip.arg("--requirement")
            .arg(&requirement)
            .arg("--dest")
            .arg(&kept);
        run_command(&mut pip).with_context(|| {
            format!(
                "cannot fetch {} {}; with the archive by other means, put it at {} and run this again",
                self.package,
                self.version,
                archive.display()
            )
        })?;
        verify(&archive, self.sha256)?;
        Ok(archive)
    }
}

/// Where a file is written until its digest is known to be right.
fn part(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".part");
    PathBuf::from(name)
}

/// Deletes a file whose digest differs, and fails.
fn verify(path: &Path, sha256: &str) -> Result<()> {
    let found = digest(path).with_context(|| format!("cannot read {}", path.display()))?;
    if found != sha256 {
        fs::remove_file(path).with_context(|| format!("cannot delete {}", path.display()))?;
        bail!("{} has SHA-256 {found}, not {sha256}: deleted", path.display());
    }
    Ok(())
}

/// SHA-256 of a file, in hexadecimal.
fn digest(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        match io::Read::read(&mut file, &mut buffer)? {
            0 => break,
            count => hasher.update(buffer.get(..count).unwrap_or_default()),
        }
    }
    Ok(hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_differs_is_refused_and_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        fs::write(&path, "abc").unwrap();
        // FIPS 180-2, appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        verify(&path, abc).unwrap();
        fs::write(&path, "abd").unwrap();
        assert!(verify(&path, abc).is_err());
        assert!(!path.exists());
    }

    #[test]
    fn every_pin_is_a_whole_digest_and_every_name_is_once() {
        let mut names = std::collections::BTreeSet::new();
        for source in SOURCES {
            assert_eq!(source.sha256.len(), 64);
            for file in source.files {
                assert_eq!(file.sha256.len(), 64, "{}", file.name);
                assert!(names.insert(file.name), "{} is there twice", file.name);
            }
        }
    }
}
