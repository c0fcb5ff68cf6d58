//! The addresses that a server listens on: all of the machine's, or one.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// The addresses that a server listens on, as Locust's `--web-host` names them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WebHost {
    /// All of the machine's, by IPv4 and by IPv6.
    #[default]
    All,
    /// One; an unspecified one is all addresses of its kind.
    One(IpAddr),
}

/// Why a text names no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not an IP address: write 127.0.0.1 or leave it out")]
pub struct InvalidWebHost;

/// Reads an IP address (an IPv6 one also in brackets), `localhost`, or nothing or `*` for all.
impl FromStr for WebHost {
    type Err = InvalidWebHost;

    fn from_str(text: &str) -> Result<Self, InvalidWebHost> {
        let text = text.trim();
        let bracketed = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let address = match (text, bracketed) {
            ("" | "*", _) => return Ok(Self::All),
            ("localhost", _) => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            (_, Some(address)) => address.parse().ok().map(IpAddr::V6),
            (address, None) => address.parse().ok(),
        };
        address.map(Self::One).ok_or(InvalidWebHost)
    }
}

/// As it comes before the port.
impl fmt::Display for WebHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::One(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::One(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

impl WebHost {
    /// True if only this machine reaches it.
    pub fn is_loopback(self) -> bool {
        matches!(self, Self::One(address) if address.to_canonical().is_loopback())
    }

    /// An address by which this machine reaches it, as it comes before the port in a URL.
    pub fn from_here(self) -> Self {
        match self {
            Self::One(IpAddr::V6(Ipv6Addr::UNSPECIFIED)) => Self::One(Ipv6Addr::LOCALHOST.into()),
            Self::One(address) if !address.is_unspecified() => self,
            _ => Self::One(Ipv4Addr::LOCALHOST.into()),
        }
    }

    /// Takes the port.
    ///
    /// # Errors
    /// When somebody else has the port, or the machine does not have the address.
    pub async fn listen(self, port: u16) -> io::Result<TcpListener> {
        match self {
            Self::One(address) => TcpListener::bind((address, port)).await,
            Self::All => match both_kinds(port) {
                // a machine, or a container, without IPv6
                Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
                    TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await
                }
                listener => listener,
            },
        }
    }
}

/// A socket of IPv6 that also accepts connections by IPv4, whatever the system's default is.
fn both_kinds(port: u16) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV6, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_only_v6(false)?;
    // a port whose last connections are still closing can be taken, as tokio's own listeners do
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)).into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        for (text, shown, from_here, is_loopback) in [
            ("", "*", "127.0.0.1", false),
            ("*", "*", "127.0.0.1", false),
            ("0.0.0.0", "0.0.0.0", "127.0.0.1", false),
            ("::", "[::]", "[::1]", false),
            ("[::]", "[::]", "[::1]", false),
            ("::1", "[::1]", "[::1]", true),
            (" [::1] ", "[::1]", "[::1]", true),
            (
                "::ffff:127.0.0.1",
                "[::ffff:127.0.0.1]",
                "[::ffff:127.0.0.1]",
                true,
            ),
            ("localhost", "127.0.0.1", "127.0.0.1", true),
            ("10.0.0.7", "10.0.0.7", "10.0.0.7", false),
        ] {
            let host: WebHost = text.parse().unwrap();
            assert_eq!(host.to_string(), shown, "{text}");
            assert_eq!(host.from_here().to_string(), from_here, "{text}");
            assert_eq!(host.is_loopback(), is_loopback, "{text}");
        }
        for text in [
            "here",
            "[127.0.0.1]",
            "[::1",
            "::1]",
            "[]",
            "127.0.0.1:80",
            "**",
        ] {
            assert_eq!(text.parse::<WebHost>(), Err(InvalidWebHost), "{text}");
        }
    }

    #[tokio::test]
    async fn all_addresses_are_those_of_ipv4_and_of_ipv6() {
        let listener = WebHost::All.listen(0).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let (_, from) = listener.accept().await.unwrap();
        assert!(from.ip().to_canonical().is_ipv4(), "{from}");
        // a machine without IPv6 has no such address
        if std::net::TcpListener::bind("[::1]:0").is_ok() {
            TcpStream::connect(("::1", port)).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_port_that_is_in_use_by_either_kind_is_in_use() {
        for taken in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(taken) = TcpListener::bind(taken).await else {
                continue;
            };
            let port = taken.local_addr().unwrap().port();
            let error = WebHost::All.listen(port).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        }
    }
}
