//! The end-to-end tests stand in `tests/e2e`; `make e2e` runs them.
