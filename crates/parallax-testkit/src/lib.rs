//! Development only: synthetic scenes, the golden loader and the law suites.
#![forbid(unsafe_code)]
