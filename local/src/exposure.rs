//! Who can reach the port of a server without a password: that is warned of, or refused.
//!
//! In a container the address that the server listens on says nothing, since the port is published elsewhere.
//! The variables of the image and of the compose file say it.

use traffic::runs::Environment;
use web::api::{BASIC_AUTH, Door};
use web::serve::WebHost;

use crate::settings::error::SettingsError;
use crate::web::WebSettings;

/// The address of the host on which a container's port is published; whoever publishes it sets it.
pub const BIND: &str = "CICADA_BIND";

/// Set in the image: this is a container, whose address on its networks is nobody's choice.
pub const CONTAINER: &str = "CICADA_CONTAINER";

/// What is wrong with a server that others reach without a password, if it may serve all the same.
///
/// # Errors
/// When its port is published beyond the machine.
pub fn judge(
    web: &WebSettings,
    door: &Door,
    environment: &Environment,
) -> Result<Option<String>, SettingsError> {
    if door.asks_for_password() || web.host.is_loopback() {
        return Ok(None);
    }
    let set = |name: &str| environment(name).filter(|value| !value.trim().is_empty());
    let port = web.port;
    let warning = match set(BIND) {
        Some(bind) if is_this_machine(&bind) => format!(
            "whoever is in a network of this container reaches port {port} and controls the traffic: \
             set {BASIC_AUTH}=user:password"
        ),
        Some(bind) => return Err(SettingsError::Published(bind)),
        None if set(CONTAINER).is_some() => format!(
            "whoever reaches port {port} controls the traffic: set {BASIC_AUTH}=user:password, or publish \
             the port on this machine only, as docker run -p 127.0.0.1:{port}:{port} does"
        ),
        None => format!(
            "whoever reaches port {port} controls the traffic: set {BASIC_AUTH}=user:password, or serve \
             this machine only with --web-host 127.0.0.1"
        ),
    };
    Ok(Some(warning))
}

/// True for an address that only the machine itself reaches; whatever cannot be read is none.
fn is_this_machine(bind: &str) -> bool {
    bind.parse::<WebHost>().is_ok_and(WebHost::is_loopback)
}
