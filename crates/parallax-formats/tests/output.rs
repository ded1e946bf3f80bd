//! Output files: old, none or whole, whatever happens in between.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use parallax_events::ErrorKind;
use parallax_formats::{OutputFile, same_file};

fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn it_appears_at_commit_and_not_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let mut output = OutputFile::create(&path, false).unwrap();
    let mut writer = output.writer();
    output.write_all(b"one ").unwrap();
    writer.write_all(b"two ").unwrap();
    output.write_all(b"three").unwrap();
    assert!(!path.exists());
    output.commit().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"one two three");
    assert_eq!(entries(folder.path()), ["a"]);
}

#[test]
fn dropping_it_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    drop(OutputFile::create(&path, false).unwrap());
    assert!(entries(folder.path()).is_empty());
    fs::write(&path, b"old").unwrap();
    let mut output = OutputFile::create(&path, true).unwrap();
    output.write_all(b"new").unwrap();
    drop(output);
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(entries(folder.path()), ["a"]);
}

#[test]
fn an_old_file_is_replaced_only_if_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    fs::write(&path, b"old").unwrap();
    let error = OutputFile::create(&path, false).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Param);
    assert!(error.to_string().contains("--force"), "{error}");

    let mut output = OutputFile::create(&path, true).unwrap();
    output.write_all(b"new").unwrap();
    output.commit().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_eq!(entries(folder.path()), ["a"]);
}

#[test]
fn a_file_that_appears_meanwhile_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let output = OutputFile::create(&path, false).unwrap();
    fs::write(&path, b"somebody else's").unwrap();
    assert!(output.commit().unwrap_err().to_string().contains("--force"));
    assert_eq!(fs::read(&path).unwrap(), b"somebody else's");
    assert_eq!(entries(folder.path()), ["a"]);
}

#[test]
fn what_cannot_be_written_is_said_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let of = |path: &Path| OutputFile::create(path, true).unwrap_err();
    let error = of(folder.path());
    assert_eq!(error.kind(), ErrorKind::Param);
    assert!(error.to_string().contains("a file inside it"), "{error}");
    let error = of(&folder.path().join("no/such/a"));
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("no/such"), "{error}");
    fs::write(folder.path().join("file"), b"").unwrap();
    assert_eq!(of(&folder.path().join("file/a")).kind(), ErrorKind::NotFound);
    assert_eq!(of(Path::new("")).kind(), ErrorKind::Param);
    let error = of(Path::new("/proc/no-such-file"));
    assert!(error.to_string().contains("/proc/no-such-file"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_written_is_an_error_of_the_system() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let result = OutputFile::create(folder.path().join("a"), false);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    // Root may write everywhere but into the kernel's own files.
    let result = result.and_then(|_| OutputFile::create("/sys/a", false));
    let error = result.map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().contains("may write to"), "{error}");
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_permissions_kept() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("a"), folder.path().join("link"));
    fs::write(&path, b"old").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert!(same_file(&path, &link).unwrap());
    let mut output = OutputFile::create(&link, true).unwrap();
    output.write_all(b"new").unwrap();
    output.commit().unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
}

#[cfg(unix)]
#[test]
fn devices_are_written_straight_through() {
    let mut output = OutputFile::create("/dev/null", false).unwrap();
    output.write_all(b"gone").unwrap();
    output.commit().unwrap();
    assert!(
        !same_file("/dev/null", "/dev/null").unwrap(),
        "writing it destroys nothing"
    );
}

#[test]
fn same_file_sees_through_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    fs::write(&path, b"x").unwrap();
    fs::write(folder.path().join("b"), b"x").unwrap();
    fs::hard_link(&path, folder.path().join("c")).unwrap();
    assert!(same_file(&path, folder.path().join("./a")).unwrap());
    assert!(same_file(&path, folder.path().join("c")).unwrap());
    assert!(!same_file(&path, folder.path().join("b")).unwrap());
    assert!(!same_file(&path, folder.path().join("none")).unwrap());
}

const CHILD: &str = "PARALLAX_TEST_OUTPUT_CHILD";

/// Not a test of its own: the process that the next one kills.
#[test]
fn child_that_writes_until_it_is_killed() {
    let Some(path) = std::env::var_os(CHILD) else {
        return;
    };
    let mut output = OutputFile::create(path, true).unwrap();
    loop {
        output.write_all(&[7; 65_536]).unwrap();
        println!("written");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

#[test]
fn a_killed_writer_leaves_the_old_file_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    for old in [None, Some(b"old")] {
        if let Some(old) = old {
            fs::write(&path, old).unwrap();
        }
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_writes_until_it_is_killed", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Until something has been written.
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
        assert!(lines.any(|line| line.unwrap().contains("written")));
        child.kill().unwrap();
        child.wait().unwrap();
        let left = entries(folder.path());
        match old {
            None => assert!(left.iter().all(|name| name.ends_with(".partial")), "{left:?}"),
            Some(old) => assert_eq!(fs::read(&path).unwrap(), old),
        }
        // On Linux's own file systems not even the hidden file.
        if cfg!(target_os = "linux") && left.iter().any(|name| name.ends_with(".partial")) {
            println!("this file system has no unnamed files: {left:?}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_that_says_so() {
    let test = "a_full_disk_is_an_error_that_says_so";
    let folder = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=1m", "parallax-test"])
        .arg(folder.path())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !mounted {
        parallax_testkit::recordings::skip_here(test, "mounting a small tmpfs needs root");
        return;
    }
    let result = (|| -> Result<(), parallax_events::Error> {
        let mut output = OutputFile::create(folder.path().join("a"), false)?;
        output.write_all(&vec![7; 4 << 20])?;
        output.commit()
    })();
    let left = entries(folder.path());
    // Lazily: a child that another test forks holds all files for a moment.
    let unmounted = Command::new("umount").arg("-l").arg(folder.path()).status();
    assert!(unmounted.is_ok_and(|status| status.success()));
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().contains("free some space"), "{error}");
    assert!(left.is_empty(), "{left:?}");
}
