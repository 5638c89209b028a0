//! What lies outside: names that are looked up and addresses that are connected to. Nothing is decided here.
//!
//! The real outside asks the machine's resolver. Another one may be given, so that tests can say what a name resolves to.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::time::Duration;
use swarm_flow_policy::Host;
use tokio::net::TcpStream;
use tokio::time::timeout;
use wasmtime_wasi_http::Error;

/// What will be there.
pub type Answer<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

/// How a sandbox's requests get out.
pub trait Outside: Send + Sync + 'static {
    /// The addresses of a name, in the order in which they are to be tried.
    fn addresses(&self, name: &str) -> Answer<Vec<IpAddr>>;
    /// A connection to this address and no other.
    fn connect(&self, address: SocketAddr) -> Answer<TcpStream>;
}

/// The machine's own. The host's proxy variables mean nothing to it.
pub(crate) struct Machine;

impl Outside for Machine {
    fn addresses(&self, name: &str) -> Answer<Vec<IpAddr>> {
        let name = name.to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }

    fn connect(&self, address: SocketAddr) -> Answer<TcpStream> {
        Box::pin(TcpStream::connect(address))
    }
}

/// Addresses of one name; what follows is not tried.
const ADDRESSES_MAX: usize = 32;

/// The addresses of a host, each once. `localhost` and what lies beneath it are nobody's to answer for.
pub(crate) async fn resolve(
    outside: &dyn Outside,
    host: &Host,
    limit: Duration,
) -> Result<Vec<IpAddr>, Error> {
    let found = match host {
        Host::Address(address) => vec![*address],
        Host::Name(_) if host.is_localhost() => {
            vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
        }
        Host::Name(name) => timeout(limit, outside.addresses(name))
            .await
            .map_err(|_| Error::DnsTimeout)?
            .map_err(|error| {
                tracing::debug!(%error, "a name was not resolved");
                Error::DnsError {
                    rcode: None,
                    info_code: None,
                }
            })?,
    };
    let mut addresses = Vec::new();
    for address in found {
        let address = address.to_canonical();
        if addresses.len() < ADDRESSES_MAX && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;

    impl Outside for Nobody {
        fn addresses(&self, _: &str) -> Answer<Vec<IpAddr>> {
            let mapped: IpAddr = "::ffff:10.0.0.1".parse().unwrap();
            let many = (0..200).map(|last| IpAddr::from([192, 168, 0, last]));
            let all = [mapped, "10.0.0.1".parse().unwrap()]
                .into_iter()
                .chain(many)
                .collect();
            Box::pin(std::future::ready(Ok(all)))
        }

        fn connect(&self, _: SocketAddr) -> Answer<TcpStream> {
            Box::pin(std::future::pending())
        }
    }

    #[tokio::test]
    async fn a_host_has_each_address_once_and_localhost_is_not_asked_for() {
        let limit = Duration::from_secs(1);
        let many = resolve(&Nobody, &Host::parse("a.example").unwrap(), limit)
            .await
            .unwrap();
        assert_eq!(many.len(), ADDRESSES_MAX);
        assert_eq!(many[0], IpAddr::from([10, 0, 0, 1]));
        assert_eq!(many[1], IpAddr::from([192, 168, 0, 0]));
        let own = resolve(&Nobody, &Host::parse("a.localhost").unwrap(), limit)
            .await
            .unwrap();
        assert!(own.iter().all(IpAddr::is_loopback) && own.len() == 2);
    }
}
