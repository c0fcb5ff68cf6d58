//! The `cicada` binary.
fn main() {}
