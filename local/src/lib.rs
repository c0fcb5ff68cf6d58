//! The `cicada` binary's parts.
