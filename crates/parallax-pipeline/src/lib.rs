//! Floor 3 of Parallax: the pipeline engine's contracts.
#![forbid(unsafe_code)]
