//! `/dev` of a sandbox: a directory that lies in memory, the same for each, and of which nothing is the host's.
//!
//! What programs take to be on every machine: a place where output vanishes, zeros, random bytes, and the program's own
//! standard streams by a name. It holds nothing, so no grant opens it and none closes it; and nothing in it can be made,
//! moved, linked or removed.

mod stream;

use crate::process::Processes;
use stream::{Full, Random, Zeros};
use wasmtime_wasi::cli::{StdinStream as _, StdoutStream as _};
use wasmtime_wasi::p2::bindings::filesystem::types::{
    DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, ErrorCode, MetadataHashValue,
    OpenFlags,
};
use wasmtime_wasi::p2::pipe::ClosedInputStream;
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream};

/// Where it is in a sandbox.
pub(crate) const PATH: &str = "/dev";

/// Whether a directory that an operator opened has this place, or holds it.
pub(crate) fn is_hidden_by(directory: &str) -> bool {
    matches!(directory, PATH | "/")
}

/// What one read gives at most.
pub(crate) const READ_BYTES_MAX: usize = 64 << 10;

/// What lies in it, and the directory itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    Root,
    Null,
    Zero,
    Full,
    Random,
    Urandom,
    Stdin,
    Stdout,
    Stderr,
}

/// By which name each is found. There is no `fd`: what a program has open by which number only its own C library knows,
/// and some that find their input there take it for a file in which they can go back.
const NAMES: [(&str, Node); 8] = [
    ("full", Node::Full),
    ("null", Node::Null),
    ("random", Node::Random),
    ("stderr", Node::Stderr),
    ("stdin", Node::Stdin),
    ("stdout", Node::Stdout),
    ("urandom", Node::Urandom),
    ("zero", Node::Zero),
];

/// One that a guest has open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Device {
    pub(crate) node: Node,
    pub(crate) flags: DescriptorFlags,
}

/// The names of a directory that have not been read yet.
pub(crate) struct Listing(std::slice::Iter<'static, (&'static str, Node)>);

impl Iterator for Listing {
    type Item = DirectoryEntry;

    fn next(&mut self) -> Option<DirectoryEntry> {
        self.0.next().map(|(name, node)| DirectoryEntry {
            type_: node.kind(),
            name: (*name).to_owned(),
        })
    }
}

impl Node {
    /// What a path leads to from this directory, above which nothing is reached.
    pub(crate) fn find(self, path: &str) -> Result<Self, ErrorCode> {
        if path.is_empty() {
            return Err(ErrorCode::NoEntry);
        }
        if path.starts_with('/') {
            return Err(ErrorCode::NotPermitted);
        }
        path.split('/').try_fold(self, |at, part| match part {
            _ if at != Self::Root => Err(ErrorCode::NotDirectory),
            "" | "." => Ok(at),
            ".." => Err(ErrorCode::NotPermitted),
            name => {
                let found = NAMES.iter().find(|(known, _)| *known == name);
                found.map(|(_, node)| *node).ok_or(ErrorCode::NoEntry)
            }
        })
    }

    pub(crate) fn kind(self) -> DescriptorType {
        match self {
            Self::Root => DescriptorType::Directory,
            _ => DescriptorType::CharacterDevice,
        }
    }

    pub(crate) fn stat(self) -> DescriptorStat {
        DescriptorStat {
            type_: self.kind(),
            link_count: 1,
            size: 0,
            data_access_timestamp: None,
            data_modification_timestamp: None,
            status_change_timestamp: None,
        }
    }

    /// What tells two of them apart; a file's comes out of a hash over its device and inode.
    pub(crate) fn hash(self) -> MetadataHashValue {
        MetadataHashValue {
            lower: self as u64 + 1,
            upper: u64::from_be_bytes(*b"/dev\0\0\0\0"),
        }
    }

    fn may_be_read(self) -> bool {
        !matches!(self, Self::Stdout | Self::Stderr)
    }

    fn may_be_written(self) -> bool {
        self != Self::Stdin
    }
}

impl Device {
    /// The directory as a guest finds it.
    pub(crate) const ROOT: Self = Self {
        node: Node::Root,
        flags: DescriptorFlags::READ,
    };

    /// Opens what lies there. There is nothing that opening would make or cut off.
    pub(crate) fn open(
        self,
        path: &str,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> Result<Self, ErrorCode> {
        let node = match self.node.find(path) {
            Err(ErrorCode::NoEntry) if open.contains(OpenFlags::CREATE) => {
                return Err(ErrorCode::NotPermitted);
            }
            found => found?,
        };
        if open.contains(OpenFlags::CREATE | OpenFlags::EXCLUSIVE) {
            return Err(ErrorCode::Exist);
        }
        let flags = flags & (DescriptorFlags::READ | DescriptorFlags::WRITE);
        let changes = open.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE)
            || flags.contains(DescriptorFlags::WRITE);
        match node {
            Node::Root if changes => return Err(ErrorCode::IsDirectory),
            Node::Root => return Ok(Self::ROOT),
            _ if open.contains(OpenFlags::DIRECTORY) => return Err(ErrorCode::NotDirectory),
            _ => {}
        }
        if changes && !node.may_be_written() || !changes && !node.may_be_read() {
            return Err(ErrorCode::NotPermitted);
        }
        Ok(Self { node, flags })
    }

    /// Nothing there has a size. A file that is opened to be written is often cut off first, so this is no denial.
    pub(crate) fn set_size(self) -> ErrorCode {
        match self.node {
            Node::Root => ErrorCode::BadDescriptor,
            _ => ErrorCode::Invalid,
        }
    }

    /// Nothing there is a link.
    pub(crate) fn readlink(self, path: &str) -> ErrorCode {
        match self.node.find(path) {
            Ok(_) => ErrorCode::Invalid,
            Err(error) => error,
        }
    }

    pub(crate) fn list(self) -> Result<Listing, ErrorCode> {
        match self.node {
            Node::Root => Ok(Listing(NAMES.iter())),
            _ => Err(ErrorCode::NotDirectory),
        }
    }

    /// What is read, from its beginning each time but for standard input, which goes on where it was left.
    pub(crate) fn input(self, processes: &Processes) -> Result<DynInputStream, ErrorCode> {
        if !self.flags.contains(DescriptorFlags::READ) {
            return Err(ErrorCode::BadDescriptor);
        }
        Ok(match self.node {
            Node::Root => return Err(ErrorCode::IsDirectory),
            Node::Stdout | Node::Stderr => return Err(ErrorCode::BadDescriptor),
            Node::Null => Box::new(ClosedInputStream),
            Node::Zero | Node::Full => Box::new(Zeros),
            Node::Random | Node::Urandom => Box::new(Random),
            Node::Stdin => processes.stdin.p2_stream(),
        })
    }

    pub(crate) fn output(self, processes: &Processes) -> Result<DynOutputStream, ErrorCode> {
        if !self.flags.contains(DescriptorFlags::WRITE) {
            return Err(ErrorCode::BadDescriptor);
        }
        Ok(match self.node {
            Node::Root | Node::Stdin => return Err(ErrorCode::BadDescriptor),
            Node::Null | Node::Zero | Node::Random | Node::Urandom => {
                crate::output::Output::nowhere().p2_stream()
            }
            Node::Full => Box::new(Full),
            Node::Stdout => processes.stdout.p2_stream(),
            Node::Stderr => processes.stderr.p2_stream(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_what_lies_there_and_never_out() {
        for (path, expected) in [
            ("null", Ok(Node::Null)),
            ("./urandom", Ok(Node::Urandom)),
            (".", Ok(Node::Root)),
            ("", Err(ErrorCode::NoEntry)),
            ("sda", Err(ErrorCode::NoEntry)),
            ("null/", Err(ErrorCode::NotDirectory)),
            ("null/..", Err(ErrorCode::NotDirectory)),
            ("..", Err(ErrorCode::NotPermitted)),
            ("./..", Err(ErrorCode::NotPermitted)),
            ("fd/0", Err(ErrorCode::NoEntry)),
            ("../dev/null", Err(ErrorCode::NotPermitted)),
            ("/dev/null", Err(ErrorCode::NotPermitted)),
        ] {
            assert_eq!(Node::Root.find(path), expected, "{path}");
        }
    }

    #[test]
    fn nothing_is_made_and_each_is_opened_for_what_it_is_for() {
        const READ: DescriptorFlags = DescriptorFlags::READ;
        const WRITE: DescriptorFlags = DescriptorFlags::WRITE;
        let none = OpenFlags::empty();
        let new = OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
        for (path, open, flags, expected) in [
            ("null", none, READ, Ok(Node::Null)),
            ("null", OpenFlags::CREATE, WRITE, Ok(Node::Null)),
            ("null", OpenFlags::TRUNCATE, WRITE, Ok(Node::Null)),
            ("null", new, WRITE, Err(ErrorCode::Exist)),
            ("new", new, WRITE, Err(ErrorCode::NotPermitted)),
            (
                "new",
                OpenFlags::CREATE,
                WRITE,
                Err(ErrorCode::NotPermitted),
            ),
            ("new", none, WRITE, Err(ErrorCode::NoEntry)),
            (".", none, READ, Ok(Node::Root)),
            (".", none, WRITE, Err(ErrorCode::IsDirectory)),
            (
                "zero",
                OpenFlags::DIRECTORY,
                READ,
                Err(ErrorCode::NotDirectory),
            ),
            ("stdin", none, READ, Ok(Node::Stdin)),
            ("stdin", none, WRITE, Err(ErrorCode::NotPermitted)),
            ("stdout", none, WRITE, Ok(Node::Stdout)),
            ("stdout", none, READ | WRITE, Ok(Node::Stdout)),
            ("stderr", none, READ, Err(ErrorCode::NotPermitted)),
        ] {
            let opened = Device::ROOT.open(path, open, flags);
            let node = opened.map(|device| device.node);
            assert_eq!(node, expected, "{path} {open:?} {flags:?}");
        }
    }
}
