//! The interface by which Lambda hands a function its messages: on the function's own machine, and never a
//! target. Who reached it could take messages away, and answer them.

use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use super::link_local::embedded;
use super::resolver::{Resolver, literal};

/// The variable that Lambda sets to its address.
pub const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";

/// Where the interface is: a host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeApi {
    host: String,
    port: u16,
}

/// The variable's value is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no address such as 127.0.0.1:9001")]
pub struct NoAddress;

impl FromStr for RuntimeApi {
    type Err = NoAddress;

    /// Reads `host:port`; emulators add a scheme and a path to it.
    fn from_str(text: &str) -> Result<Self, NoAddress> {
        let authority = text.strip_prefix("http://").unwrap_or(text);
        let authority = authority.split('/').next().unwrap_or_default();
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !host.ends_with(':') && !port.contains(']') => {
                (host, port.parse().map_err(|_| NoAddress)?)
            }
            _ => (authority, 80),
        };
        if host.is_empty() {
            return Err(NoAddress);
        }
        let host = host.to_ascii_lowercase();
        Ok(Self { host, port })
    }
}

impl RuntimeApi {
    /// True if it is reached by one of these addresses and a port. What stands for this machine stands for
    /// every address of it.
    pub(super) async fn is_at(&self, resolver: &Resolver, addresses: &[IpAddr], port: u16) -> bool {
        if port != self.port {
            return false;
        }
        // a name that cannot be looked up leads nowhere
        let own = match literal(&self.host) {
            Some(address) => [address].into(),
            None => resolver.addresses(&self.host).await.unwrap_or_default(),
        };
        let own: Vec<_> = own.iter().copied().map(plain).collect();
        let is_here = own.iter().copied().any(is_this_machine);
        let mut addresses = addresses.iter().copied().map(plain);
        addresses.any(|address| own.contains(&address) || is_here && is_this_machine(address))
    }
}

/// The IPv4 address that an address stands for, if it stands for one.
fn plain(address: IpAddr) -> IpAddr {
    match address {
        // ::1 and :: stand for themselves
        IpAddr::V6(address) if !address.is_loopback() && !address.is_unspecified() => {
            embedded(address).map_or(IpAddr::V6(address), IpAddr::V4)
        }
        address => address,
    }
}

/// True if a connection to an address is one to this machine: 127.0.0.0/8 and ::1, and on Linux all of zeros.
fn is_this_machine(address: IpAddr) -> bool {
    address.is_loopback() || address.is_unspecified() || address == Ipv4Addr::UNSPECIFIED
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(text: &str) -> RuntimeApi {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_is_read_as_lambda_and_emulators_write_it() {
        for (text, host, port) in [
            ("127.0.0.1:9001", "127.0.0.1", 9001),
            ("Localhost:9000/.rt/tick", "localhost", 9000),
            ("http://127.0.0.1:9000/tick", "127.0.0.1", 9000),
            ("[::1]:9001", "[::1]", 9001),
            ("runtime", "runtime", 80),
        ] {
            let host = host.to_owned();
            assert_eq!(api(text), RuntimeApi { host, port }, "{text}");
        }
        for text in ["", "/", ":9001", "127.0.0.1:x", "127.0.0.1:99999"] {
            assert_eq!(text.parse::<RuntimeApi>(), Err(NoAddress), "{text}");
        }
    }

    #[tokio::test]
    async fn every_way_to_reach_it_is_known_and_no_other_port_or_machine() {
        let resolver = Resolver::default();
        for own in ["127.0.0.1:9001", "localhost:9001", "[::1]:9001"] {
            for text in [
                "127.0.0.1",
                "127.0.0.2",
                "0.0.0.0",
                "::1",
                "::",
                "::ffff:127.0.0.1",
                "::ffff:0.0.0.0",
            ] {
                let address = [text.parse().unwrap()];
                assert!(
                    api(own).is_at(&resolver, &address, 9001).await,
                    "{own} {text}"
                );
                assert!(
                    !api(own).is_at(&resolver, &address, 9002).await,
                    "{own} {text}"
                );
            }
            for text in ["10.0.0.1", "2001:db8::1"] {
                let address = [text.parse().unwrap()];
                assert!(
                    !api(own).is_at(&resolver, &address, 9001).await,
                    "{own} {text}"
                );
            }
        }
        let elsewhere = api("10.0.0.7:9001");
        let all = ["127.0.0.1", "10.0.0.7"].map(|text| text.parse().unwrap());
        assert!(elsewhere.is_at(&resolver, &all, 9001).await);
        assert!(!elsewhere.is_at(&resolver, &all[..1], 9001).await);
    }
}
