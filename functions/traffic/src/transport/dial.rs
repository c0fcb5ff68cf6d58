//! Opening a connection: by name or address, through a proxy if there is one, with TLS if it is `https`.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::connection::{Connection, Moment, Origin, Stream};
use super::link_local::{is_link_local, is_metadata};
use super::proxies::Proxy;
use super::resolver::{Resolver, literal};
use super::runtime_api::RuntimeApi;
use super::texts::{LOST_AFTER, cannot_connect};
use crate::clock::Clock;

/// A target that owes an answer is asked so often whether it is still there.
const PROBE_EVERY: Duration = Duration::from_secs(15);

/// A proxy's answer to CONNECT is at most as long.
const MAX_TUNNEL_HEAD: usize = 16 * 1024;

const LINK: &str = "link-local addresses";

/// Opens connections.
#[derive(Debug)]
pub(super) struct Dialer {
    tls: Arc<ClientConfig>,
    pub(super) resolver: Resolver,
    refuses_link_local: bool,
    runtime_api: Option<RuntimeApi>,
    clock: Clock,
}

impl Dialer {
    pub(super) fn new(
        tls: ClientConfig,
        refuses_link_local: bool,
        runtime_api: Option<RuntimeApi>,
        clock: Clock,
    ) -> Self {
        Self {
            tls: Arc::new(tls),
            resolver: Resolver::default(),
            refuses_link_local,
            runtime_api,
            clock,
        }
    }

    /// Opens a connection to an origin.
    ///
    /// # Errors
    /// A text for the statistics, without addresses and ports.
    pub(super) async fn dial(
        &self,
        origin: Arc<Origin>,
        proxy: Option<&Proxy>,
    ) -> Result<Connection, String> {
        let opened = Moment::now(&self.clock);
        if self.refuses_link_local && is_metadata(origin.host()) {
            return Err(refused(origin.host(), LINK));
        }
        // where a proxy connects, what is an address is known here, too
        if let (Some(address), Some(_)) = (literal(origin.host()), proxy) {
            self.judge(origin.host(), &[address], origin.port()).await?;
        }
        let stream = match proxy {
            None => self.stream(origin.host(), origin.port()).await?,
            Some(proxy) => self.through(proxy, &origin).await?,
        };
        let stream = match origin.is_tls() {
            true => encrypted(origin.tls().unwrap_or(&self.tls), origin.host(), stream).await?,
            false => stream,
        };
        tracing::debug!(host = origin.host(), port = origin.port(), "connected");
        Ok(Connection::new(stream, origin, opened))
    }

    /// Connects to the first of a host's addresses that can be connected to.
    async fn stream(&self, host: &str, port: u16) -> Result<Stream, String> {
        let addresses = self.resolver.addresses(host).await;
        let addresses = addresses.map_err(|error| cannot_connect(&*error))?;
        self.judge(host, &addresses, port).await?;
        let mut failed = None;
        for address in &*addresses {
            match connect(*address, port).await {
                Ok(stream) => return Ok(Stream::Plain(stream)),
                Err(error) => failed = Some(error),
            }
        }
        let failed = failed.unwrap_or_else(|| io::ErrorKind::NotFound.into());
        Err(cannot_connect(&failed))
    }

    /// True if a host with these addresses may be connected to.
    async fn judge(&self, host: &str, addresses: &[IpAddr], port: u16) -> Result<(), String> {
        if self.refuses_link_local && addresses.iter().copied().any(is_link_local) {
            return Err(refused(host, LINK));
        }
        if let Some(api) = &self.runtime_api
            && api.is_at(&self.resolver, addresses, port).await
        {
            return Err(refused(host, "Lambda's runtime API"));
        }
        Ok(())
    }

    /// Connects to a proxy; where the target is spoken to by TLS, through it to the target.
    async fn through(&self, proxy: &Proxy, origin: &Origin) -> Result<Stream, String> {
        let prefixed = |reason: String| format!("proxy: {reason}");
        let mut stream = self
            .stream(&proxy.host, proxy.port)
            .await
            .map_err(prefixed)?;
        if proxy.is_tls {
            let encrypted = encrypted(&self.tls, &proxy.host, stream).await;
            stream = encrypted.map_err(prefixed)?;
        }
        if origin.is_tls() {
            tunnel(&mut stream, proxy, origin).await.map_err(prefixed)?;
        }
        Ok(stream)
    }
}

fn refused(host: &str, whom: &str) -> String {
    format!("host {host:?} is not allowed: traffic from AWS never goes to {whom}")
}

async fn connect(address: IpAddr, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(SocketAddr::new(address, port)).await?;
    let socket = SockRef::from(&stream);
    socket.set_tcp_nodelay(true)?;
    // the probes are what a silent target has to acknowledge while it owes an answer
    let probes = TcpKeepalive::new()
        .with_time(PROBE_EVERY)
        .with_interval(PROBE_EVERY);
    socket.set_tcp_keepalive(&probes)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(LOST_AFTER))?;
    Ok(stream)
}

async fn encrypted(tls: &Arc<ClientConfig>, host: &str, stream: Stream) -> Result<Stream, String> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| "cannot connect: the host's name is none that a certificate can have")?;
    let connecting = TlsConnector::from(Arc::clone(tls)).connect(name, stream);
    let stream = connecting.await.map_err(|error| cannot_connect(&error))?;
    Ok(Stream::Tls(Box::new(stream)))
}

/// Asks a proxy for a connection to the target.
async fn tunnel(stream: &mut Stream, proxy: &Proxy, origin: &Origin) -> Result<(), String> {
    let target = format!("{}:{}", origin.host(), origin.port());
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n").into_bytes();
    if let Some(authorization) = &proxy.authorization {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(authorization.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    let answer = async {
        stream.write_all(&request).await?;
        stream.flush().await?;
        let mut answer = Vec::new();
        // the target says nothing before we do, so nothing of its can be read here
        while !answer.ends_with(b"\r\n\r\n") && answer.len() < MAX_TUNNEL_HEAD {
            answer.push(stream.read_u8().await?);
        }
        Ok::<_, io::Error>(answer)
    };
    let answer = answer.await.map_err(|error| cannot_connect(&error))?;
    let line = String::from_utf8_lossy(&answer);
    let mut words = line.split_ascii_whitespace();
    match (words.next(), words.next()) {
        (Some(version), Some(status)) if version.starts_with("HTTP/1.") => {
            match status.starts_with('2') {
                true => Ok(()),
                false => Err(format!("it answered CONNECT with status {status:.3}")),
            }
        }
        _ => Err("it does not speak HTTP".into()),
    }
}
