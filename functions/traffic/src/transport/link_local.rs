//! Addresses that traffic from AWS must never reach: those of the link, among them the services that hand
//! out the credentials of a machine or a function.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Names by which clouds answer for their metadata, whatever they resolve to.
const NAMES: [&str; 4] = [
    "instance-data",
    "instance-data.ec2.internal",
    "metadata",
    "metadata.google.internal",
];

/// True if a host's name is one of a metadata service.
pub(super) fn is_metadata(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    NAMES.iter().any(|name| name.eq_ignore_ascii_case(host))
}

/// True if an address is one of the link's, however it is written.
pub(super) fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => {
            // the addresses of AWS's own services on the link: fd00:ec2::/32
            let is_aws = address.segments()[..2] == [0xfd00, 0x0ec2];
            address.is_unicast_link_local()
                || is_aws
                || embedded(address).is_some_and(|address| address.is_link_local())
        }
    }
}

/// The IPv4 address that an IPv6 address stands for: mapped, compatible, of NAT64 or of 6to4.
pub(super) fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let pair = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match segments {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => Some(pair(high, low)),
        _ => address.to_ipv4(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_an_address_of_the_link_is_known() {
        for text in [
            "169.254.169.254",
            "169.254.170.2",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::169.254.169.254",
            "2002:a9fe:a9fe::1",
            "fe80::1",
            "febf::1",
            "fd00:ec2::254",
            "fd00:ec2::23",
        ] {
            assert!(is_link_local(text.parse().unwrap()), "{text}");
        }
        for text in [
            "127.0.0.1",
            "10.0.0.1",
            "169.253.1.1",
            "169.255.1.1",
            "::1",
            "fec0::1",
            "fd00:ec3::1",
            "2001:db8::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(!is_link_local(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn names_of_metadata_services_are_known() {
        assert!(is_metadata("Metadata.Google.Internal."));
        assert!(is_metadata("instance-data.ec2.internal"));
        assert!(!is_metadata("metadata.example.com"));
    }
}
