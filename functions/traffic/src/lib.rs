//! What Cicada's traffic is.
