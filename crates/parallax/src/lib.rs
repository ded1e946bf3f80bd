//! Event-camera data from sensor to tensor, table and network without a copy.
#![forbid(unsafe_code)]
