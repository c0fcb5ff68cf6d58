//! Environment variables as this crate asks for them: it reads none by itself.

use std::sync::Arc;

/// Looks an environment variable up.
pub type Environment = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The same for as long as a call lasts.
pub(crate) type Lookup<'e> = &'e dyn Fn(&str) -> Option<String>;
