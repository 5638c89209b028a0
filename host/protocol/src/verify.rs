//! Whether nobody changed, removed or moved a record: the chains are followed as far as the records go.
//!
//! What nobody can see in the records alone is that the last ones of a stream are missing. Who kept an older copy, or
//! a stream's head, finds that by comparing.

use crate::Link;
use std::collections::BTreeMap;
use std::fmt;

/// What is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All records up to some time: each stream starts at 1 and lacks nothing.
    Whole,
    /// Some of them: what lies between two may be missing.
    Part,
}

/// What is wrong. `sequence`, `first` and `last` are places in the stream, `id` is the record's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The hash is not that of the content.
    Edited {
        id: u64,
        stream: String,
        sequence: u64,
    },
    /// The record before it is not the one that it was chained to.
    Replaced {
        id: u64,
        stream: String,
        sequence: u64,
    },
    /// It stands behind a record that came after it, or stands there twice.
    Reordered {
        id: u64,
        stream: String,
        sequence: u64,
    },
    /// Records from `first` to `last` are missing.
    Removed {
        stream: String,
        first: u64,
        last: u64,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, id, stream, sequence, why) = match self {
            Self::Edited {
                id,
                stream,
                sequence,
            } => (
                "edited",
                id,
                stream,
                sequence,
                "its hash is not that of its content",
            ),
            Self::Replaced {
                id,
                stream,
                sequence,
            } => (
                "replaced",
                id,
                stream,
                sequence,
                "it does not follow the one before it",
            ),
            Self::Reordered {
                id,
                stream,
                sequence,
            } => (
                "reordered",
                id,
                stream,
                sequence,
                "it is not at its place, or there twice",
            ),
            Self::Removed {
                stream,
                first,
                last,
            } if first == last => {
                return write!(formatter, "removed: #{first} of {stream} is missing");
            }
            Self::Removed {
                stream,
                first,
                last,
            } => {
                return write!(
                    formatter,
                    "removed: #{first} to #{last} of {stream} are missing"
                );
            }
        };
        write!(
            formatter,
            "{what}: record {id}, #{sequence} of {stream}: {why}"
        )
    }
}

/// Takes records in the order in which they stand, which should be that of their ids. It keeps the head of each
/// stream, and what is missing or wrong.
#[derive(Debug)]
pub struct Verifier {
    extent: Extent,
    records: u64,
    last_id: u64,
    streams: BTreeMap<String, Chain>,
    findings: Vec<Finding>,
}

/// How far a stream came.
#[derive(Debug, Default)]
struct Chain {
    sequence: u64,
    hash: String,
    gaps: Vec<Gap>,
}

/// Places that were jumped over, and the hashes that what is missing there is chained by.
#[derive(Clone, Debug)]
struct Gap {
    first: u64,
    last: u64,
    before: String,
    after: String,
}

impl Verifier {
    pub fn new(extent: Extent) -> Self {
        Self {
            extent,
            records: 0,
            last_id: 0,
            streams: BTreeMap::new(),
            findings: Vec::new(),
        }
    }

    /// How many records were taken.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Of how many streams.
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    /// The highest id that was taken; 0 before the first.
    pub fn last_id(&self) -> u64 {
        self.last_id
    }

    /// The last place of a stream that was taken; 0 where there was none.
    pub fn reached(&self, stream: &str) -> u64 {
        self.streams.get(stream).map_or(0, |chain| chain.sequence)
    }

    /// Takes the next record. `hash` is the one that it claims.
    pub fn take(&mut self, id: u64, link: &Link<'_>, hash: &str) {
        self.records += 1;
        let edited = link.hash() != hash;
        let mut late = id <= self.last_id;
        self.last_id = self.last_id.max(id);
        let chain = self.streams.entry(link.stream.to_owned()).or_default();
        let mut follows = true;
        if link.sequence <= chain.sequence {
            late = true;
            follows = chain.fill(link, hash);
        } else if chain.sequence + 1 == link.sequence {
            follows = chain.hash == link.previous_hash;
            chain.advance(link, hash);
        } else if !edited {
            // A place that an edit made up tells nothing; what is missing shows at the next record.
            if self.extent == Extent::Whole {
                chain.gaps.push(Gap {
                    first: chain.sequence + 1,
                    last: link.sequence - 1,
                    before: chain.hash.clone(),
                    after: link.previous_hash.to_owned(),
                });
            }
            chain.advance(link, hash);
        }
        self.note(edited, late, follows, id, link);
    }

    fn note(&mut self, edited: bool, late: bool, follows: bool, id: u64, link: &Link<'_>) {
        let (stream, sequence) = (link.stream.to_owned(), link.sequence);
        // An edit may have touched the place and the chain as well, and says it all.
        self.findings.extend(if edited {
            Some(Finding::Edited {
                id,
                stream,
                sequence,
            })
        } else if late {
            Some(Finding::Reordered {
                id,
                stream,
                sequence,
            })
        } else if !follows {
            Some(Finding::Replaced {
                id,
                stream,
                sequence,
            })
        } else {
            None
        });
    }

    /// All that is wrong.
    pub fn finish(self) -> Vec<Finding> {
        let mut findings = self.findings;
        for (stream, mut chain) in self.streams {
            chain.gaps.sort_by_key(|gap| gap.first);
            findings.extend(chain.gaps.into_iter().map(|gap| Finding::Removed {
                stream: stream.clone(),
                first: gap.first,
                last: gap.last,
            }));
        }
        findings
    }
}

impl Chain {
    fn advance(&mut self, link: &Link<'_>, hash: &str) {
        self.sequence = link.sequence;
        hash.clone_into(&mut self.hash);
    }

    /// Something that was missed came later. True when it is what belongs there.
    fn fill(&mut self, link: &Link<'_>, hash: &str) -> bool {
        let within = |gap: &Gap| (gap.first..=gap.last).contains(&link.sequence);
        let Some(index) = self.gaps.iter().position(within) else {
            return true;
        };
        let gap = self.gaps.swap_remove(index);
        let follows = (link.sequence > gap.first || link.previous_hash == gap.before)
            && (link.sequence < gap.last || hash == gap.after);
        if link.sequence > gap.first {
            self.gaps.push(Gap {
                last: link.sequence - 1,
                after: link.previous_hash.to_owned(),
                ..gap.clone()
            });
        }
        if link.sequence < gap.last {
            self.gaps.push(Gap {
                first: link.sequence + 1,
                before: hash.to_owned(),
                ..gap
            });
        }
        follows
    }
}

#[cfg(test)]
mod tests;
