//! The Model Context Protocol (MCP) over Cicada's API: agents start, change and stop runs, and read their figures.
//!
//! Each tool is one request to the API. [`service`] sends it to the API's own routes, behind the same door;
//! [`serve_stdio`] sends it to a server elsewhere. Nothing is kept between two calls, so any function may answer.

use axum::Router;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};

mod call;
mod remote;
mod server;
mod tools;

pub use remote::{InvalidAddress, Remote};

use call::Api;
use server::Server;

/// The path of the server's endpoint.
pub const PATH: &str = "/mcp";

/// The protocol over HTTP ("streamable HTTP") for the routes of an API, without sessions. Who may ask is the matter of
/// whoever serves it.
///
/// `longest` is the longest body of a request in bytes.
pub fn service(
    api: Router,
    longest: usize,
) -> StreamableHttpService<impl rmcp::ServerHandler, NeverSessionManager> {
    // hosts and origins are looked at by the door, which knows more of their names
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(longest)
        .disable_allowed_hosts();
    let server = Server::new(Api::Routes(api));
    StreamableHttpService::new(
        move || Ok(server.clone()),
        NeverSessionManager::default().into(),
        config,
    )
}

/// The protocol on standard input and output, until the input ends.
///
/// # Errors
/// When the other side does not speak the protocol, or goes away in the middle of it.
pub async fn serve_stdio(remote: Remote) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    use rmcp::ServiceExt as _;
    let server = Server::new(Api::Remote(remote));
    let running = server.serve(rmcp::transport::stdio()).await?;
    running.waiting().await?;
    Ok(())
}
