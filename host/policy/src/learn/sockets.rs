//! Lines of `sockets`.

use super::{Socket, Uses};
use crate::decide::SocketUse;
use crate::host::Host;
use std::net::IpAddr;

impl Uses {
    /// A line for each use; some may do without theirs, as others cover them.
    pub(super) fn socket_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut add = |line: String| {
            if !lines.contains(&line) {
                lines.push(line);
            }
        };
        for host in self.lookups.keys() {
            if let Host::Name(name) = host {
                add(format!("lookup://{name}"));
            }
        }
        for socket in &self.sockets {
            if let Some(line) = self.line(socket) {
                add(line);
            }
        }
        // What follows is needed only if nothing before it is of that kind.
        for socket in self.sockets.iter().filter(|socket| socket.port == 0) {
            let host = Host::from(socket.address);
            match socket.usage {
                SocketUse::TcpBind => add(format!("listen://{host}:*")),
                SocketUse::UdpBind => add(format!("udp://{host}:*")),
                _ => {}
            }
        }
        for host in self.lookups.keys() {
            if let Host::Address(_) = host {
                add(format!("tcp://{host}:*"));
            }
        }
        lines
    }

    fn line(&self, socket: &Socket) -> Option<String> {
        let Socket { address, port, .. } = *socket;
        let local = Host::from(address);
        let remote = socket.names.first().unwrap_or(&local);
        match socket.usage {
            SocketUse::TcpConnect => Some(format!("tcp://{remote}:{port}")),
            SocketUse::UdpSend | SocketUse::UdpReceive => Some(format!("udp://{remote}:{port}")),
            SocketUse::TcpBind if port != 0 => Some(format!("listen://{local}:{port}")),
            SocketUse::UdpBind if port != 0 => Some(format!("udp://{local}:{port}")),
            SocketUse::TcpListen if self.chose(address, port) => {
                Some(format!("listen://{local}:{port}"))
            }
            // The system chose the port, and will choose another one.
            SocketUse::TcpListen => Some(format!("listen://{local}:*")),
            SocketUse::TcpBind | SocketUse::UdpBind | SocketUse::TcpAccept => None,
        }
    }

    /// Whether the program bound a socket to this very port.
    fn chose(&self, address: IpAddr, port: u16) -> bool {
        self.sockets.iter().any(|socket| {
            socket.usage == SocketUse::TcpBind && (socket.address, socket.port) == (address, port)
        })
    }
}
