//! Locust's statistics and control API over Cicada's records.
