//! Floor 0 of Parallax: memory regions, huge pages and read-only mapped files, as Arrow buffers.
#![forbid(unsafe_code)]
