//! Floor 0 of Parallax: kernels on plain slices, dispatched to the best instruction set at run time.
#![forbid(unsafe_code)]
