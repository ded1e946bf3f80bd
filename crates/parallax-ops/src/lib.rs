//! Floor 2 of Parallax: filters, denoisers, augmentations and representations behind one registry.
#![forbid(unsafe_code)]
