//! Values that may be written as a string or as a table.
//!
//! They are visited by hand: serde's untagged enumerations lose both the position and the name of an
//! unknown field.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Where a component's code is.
pub(crate) enum ComponentSource {
    Path(String),
    /// A URL or a package in a registry; what is served is fetched at build time.
    Remote,
}

/// One entry of `files`.
pub(crate) enum FileMount {
    Pattern(String),
    Placement { source: String, destination: String },
}

impl<'de> Deserialize<'de> for ComponentSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SourceVisitor;
        impl<'de> Visitor<'de> for SourceVisitor {
            type Value = ComponentSource;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("the path of a .wasm file")
            }

            fn visit_str<E: Error>(self, path: &str) -> Result<Self::Value, E> {
                Ok(ComponentSource::Path(path.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(ComponentSource::Remote)
            }
        }
        deserializer.deserialize_any(SourceVisitor)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Placement {
    source: String,
    destination: String,
}

impl<'de> Deserialize<'de> for FileMount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MountVisitor;
        impl<'de> Visitor<'de> for MountVisitor {
            type Value = FileMount;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a pattern, or a table with `source` and `destination`")
            }

            fn visit_str<E: Error>(self, pattern: &str) -> Result<Self::Value, E> {
                Ok(FileMount::Pattern(pattern.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let Placement {
                    source,
                    destination,
                } = Placement::deserialize(MapAccessDeserializer::new(map))?;
                Ok(FileMount::Placement {
                    source,
                    destination,
                })
            }
        }
        deserializer.deserialize_any(MountVisitor)
    }
}
