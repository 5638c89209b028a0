//! Which raw connections and listeners a sandbox may have open. Their reads and writes ask nobody, so this is what is decided
//! again when the policy is changed.
//!
//! What is closed is forgotten. A connection that was allowed and never came to be stays: a sandbox may be ended that has
//! nothing open, and none that has is missed.

use crate::guest::Guest;
use std::collections::HashMap;
use std::net::SocketAddr;
use wasmtime::component::{Linker, Resource, ResourceType};
use wasmtime::{Result, StoreContextMut};
use wasmtime_wasi::WasiView as _;
use wasmtime_wasi::p2::TcpSocket;
use wasmtime_wasi::p2::bindings::sockets::tcp::HostTcpSocket as _;
use wasmtime_wasi::sockets::{SocketAddrUse, WasiSocketsView as _};

/// As wasmtime names it; the tests over real guests hold us to it.
const INTERFACE: &str = "wasi:sockets/tcp@0.2.12";
const SOCKET: &str = "tcp-socket";

/// Hears of the sockets that are closed.
pub(crate) fn add_to_linker<T: Send + 'static>(linker: &mut Linker<Guest<T>>) -> Result<()> {
    linker.allow_shadowing(true);
    linker.instance(INTERFACE)?.resource(
        SOCKET,
        ResourceType::host::<TcpSocket>(),
        |mut store: StoreContextMut<'_, Guest<T>>, number| {
            let guest = store.data_mut();
            if let Some(sockets) = guest.sockets.clone() {
                let own = || Resource::<TcpSocket>::new_borrow(number);
                let mut plain = guest.sockets();
                let local = plain.local_address(own()).ok().map(SocketAddr::from);
                let remote = plain.remote_address(own()).ok().map(SocketAddr::from);
                sockets.closed(remote, local);
            }
            guest
                .ctx()
                .table
                .delete(Resource::<TcpSocket>::new_own(number))?;
            Ok(())
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Beyond it nothing more is opened.
const SOCKETS_MAX: usize = 16_384;

/// Each with how often.
#[derive(Default)]
pub(crate) struct OpenSockets(HashMap<(Kind, SocketAddr), u32>);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Connected,
    Accepted,
    Listening,
}

impl Kind {
    fn of(used: SocketAddrUse) -> Option<Self> {
        match used {
            SocketAddrUse::TcpConnect => Some(Self::Connected),
            SocketAddrUse::TcpAccept => Some(Self::Accepted),
            SocketAddrUse::TcpListen => Some(Self::Listening),
            // A bind does nothing by itself, and each datagram is decided as it goes.
            _ => None,
        }
    }

    fn used(self) -> SocketAddrUse {
        match self {
            Self::Connected => SocketAddrUse::TcpConnect,
            Self::Accepted => SocketAddrUse::TcpAccept,
            Self::Listening => SocketAddrUse::TcpListen,
        }
    }
}

impl OpenSockets {
    /// Whether there is a place for it. `address` is in its one form.
    pub(crate) fn note(&mut self, used: SocketAddrUse, address: SocketAddr) -> bool {
        let Some(kind) = Kind::of(used) else {
            return true;
        };
        let key = (kind, of(kind, address));
        let has_room = self.0.len() < SOCKETS_MAX || self.0.contains_key(&key);
        if has_room {
            *self.0.entry(key).or_default() += 1;
        }
        has_room
    }

    pub(crate) fn forget(&mut self, remote: Option<SocketAddr>, local: Option<SocketAddr>) {
        let known = match (remote, local) {
            (Some(remote), _) => [(Kind::Connected, remote), (Kind::Accepted, remote)],
            (None, Some(local)) => [(Kind::Listening, local); 2],
            (None, None) => return,
        };
        for (kind, address) in known {
            let address = SocketAddr::new(address.ip().to_canonical(), address.port());
            let key = (kind, of(kind, address));
            if let Some(count) = self.0.get_mut(&key) {
                *count -= 1;
                if *count == 0 {
                    self.0.remove(&key);
                }
                return;
            }
        }
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<(SocketAddrUse, SocketAddr)> {
        self.0
            .keys()
            .map(|(kind, address)| (kind.used(), *address))
            .collect()
    }
}

/// Who connects comes from any port.
fn of(kind: Kind, address: SocketAddr) -> SocketAddr {
    match kind {
        Kind::Accepted => SocketAddr::new(address.ip(), 0),
        Kind::Connected | Kind::Listening => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_closed_is_forgotten_and_the_rest_stays() {
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        let mut open = OpenSockets::default();
        let (server, client, own) = (
            address("10.0.0.1:5432"),
            address("10.0.0.2:40000"),
            address("127.0.0.1:80"),
        );
        for (used, at) in [
            (SocketAddrUse::TcpConnect, server),
            (SocketAddrUse::TcpConnect, server),
            (SocketAddrUse::TcpAccept, client),
            (SocketAddrUse::TcpListen, own),
            (SocketAddrUse::UdpSend, server),
            (SocketAddrUse::TcpBind, own),
        ] {
            assert!(open.note(used, at));
        }
        assert_eq!(open.all().len(), 3);
        open.forget(Some(server), Some(own));
        assert_eq!(open.all().len(), 3, "one of two is left");
        open.forget(Some(address("[::ffff:10.0.0.1]:5432")), None);
        open.forget(Some(address("10.0.0.2:40001")), Some(own));
        open.forget(Some(server), None);
        assert_eq!(open.all().len(), 1);
        open.forget(None, Some(own));
        assert!(open.all().is_empty());
    }

    #[test]
    fn there_is_an_end_to_what_may_be_open() {
        let mut open = OpenSockets::default();
        let at = |port| SocketAddr::from(([10, 0, 0, 1], port));
        for port in 0..SOCKETS_MAX as u16 {
            assert!(open.note(SocketAddrUse::TcpConnect, at(port)));
        }
        assert!(!open.note(SocketAddrUse::TcpConnect, at(u16::MAX)));
        assert!(open.note(SocketAddrUse::TcpConnect, at(0)));
    }
}
