//! On which file systems a file is not mapped, by the magic number that `statfs` gives.
//!
//! A mapped page is read when it is touched. On a network or in a user-space file system that read can fail or
//! hang long after the size was checked, and a failed one kills the process; so such files are read, not mapped.
#![cfg_attr(not(target_os = "linux"), allow(dead_code))]

/// The name of the file system if files on it are not to be mapped. The numbers are those of `linux/magic.h`
/// and of the projects that keep their own.
pub(crate) fn refused(magic: u32) -> Option<&'static str> {
    REFUSED
        .iter()
        .find(|(number, _)| *number == magic)
        .map(|(_, name)| *name)
}

const REFUSED: &[(u32, &str)] = &[
    // over a network
    (0x0000_6969, "nfs"),
    (0x0000_517B, "smb"),
    (0xFF53_4D42, "cifs"),
    (0xFE53_4D42, "smb2"),
    (0x00C3_6400, "ceph"),
    (0x5346_414F, "afs"),
    (0x6B41_4653, "kafs"),
    (0x7375_7245, "coda"),
    (0x0000_564C, "ncp"),
    (0x0BD0_0BD0, "lustre"),
    (0x4750_4653, "gpfs"),
    (0x1983_0326, "beegfs"),
    (0xAAD7_AAEA, "panfs"),
    (0x2003_0528, "orangefs"),
    (0x7461_636F, "ocfs2"),
    (0x0116_1970, "gfs2"),
    // in user space, or in the host of a virtual machine (virtiofs says that it is fuse)
    (0x6573_5546, "fuse"),
    (0x0102_1997, "9p"),
    (0x786F_4256, "vboxsf"),
    (0xBACB_ACBC, "vmhgfs"),
    // made up while they are read: their size says nothing
    (0x0000_9FA0, "proc"),
    (0x6265_6572, "sysfs"),
    (0x6462_6720, "debugfs"),
    (0x7472_6163, "tracefs"),
];

#[cfg(test)]
mod tests {
    use super::refused;

    #[test]
    fn local_file_systems_are_mapped_and_remote_ones_are_not() {
        // ext4, xfs, btrfs, tmpfs, overlayfs, f2fs, zfs
        for local in [
            0xEF53,
            0x5846_5342,
            0x9123_683E,
            0x0102_1994,
            0x794C_7630,
            0xF2F5_2010,
            0x2FC1_2FC1,
        ] {
            assert_eq!(refused(local), None);
        }
        assert_eq!(refused(0x6969), Some("nfs"));
        assert_eq!(refused(0x6573_5546), Some("fuse"));
        assert_eq!(refused(0x0102_1997), Some("9p"));
        assert_eq!(refused(0xFF53_4D42), Some("cifs"));
    }
}
