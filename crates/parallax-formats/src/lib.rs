//! Floor 2 of Parallax: every event-camera format, in and out, behind one registry.
#![forbid(unsafe_code)]
