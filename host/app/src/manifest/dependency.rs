//! Dependencies of a component: how they are written and which imports their names stand for.
//!
//! | Name | Satisfies |
//! |---|---|
//! | `package:name` | every import from that package |
//! | `package:name@1.2.3` | every import from that version of it |
//! | `package:name/interface` | that interface, of any version |
//! | `package:name/interface@1.2.3` | exactly that import |
//! | `plain-name` | the import of that plain name |

use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

/// How one dependency is met.
pub(crate) enum Dependency {
    /// A version requirement, to be looked up in a registry.
    Version,
    Table(Box<DependencyTable>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DependencyTable {
    pub component: Option<Spanned<String>>,
    pub path: Option<Spanned<String>>,
    pub export: Option<Spanned<String>>,
    pub inherit_configuration: Option<Spanned<Inherit>>,
    pub version: Option<Spanned<String>>,
    pub registry: Option<Spanned<String>>,
    pub package: Option<Spanned<String>>,
    pub url: Option<Spanned<String>>,
    pub digest: Option<Spanned<String>>,
}

/// Which grants of a component its dependency may use too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Inherit {
    All,
    /// The names of the manifest's fields that hold the grants.
    Only(Vec<String>),
}

impl Inherit {
    pub fn contains(&self, field: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(fields) => fields.iter().any(|granted| granted == field),
        }
    }
}

/// The name that a dependency goes by in the manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DependencyName {
    Plain(String),
    Package {
        package: String,
        interface: Option<String>,
        version: Option<String>,
    },
}

impl DependencyName {
    /// Nothing if `name` has none of the accepted forms.
    pub fn parse(name: &str) -> Option<Self> {
        if !name.contains([':', '/', '@']) {
            return is_kebab(name).then(|| Self::Plain(name.to_owned()));
        }
        let (path, version) = split_optional(name, '@');
        let (package, interface) = split_optional(path, '/');
        let (namespace, package_name) = package.split_once(':')?;
        let named = is_kebab(namespace) && is_kebab(package_name) && interface.is_none_or(is_kebab);
        let versioned =
            version.is_none_or(|version| version.starts_with(|first: char| first.is_ascii_digit()));
        (named && versioned).then(|| Self::Package {
            package: package.to_owned(),
            interface: interface.map(str::to_owned),
            version: version.map(str::to_owned),
        })
    }

    /// Whether an import of this name is met by the dependency.
    pub fn satisfies(&self, import: &str) -> bool {
        match (self, Self::parse(import)) {
            (Self::Plain(name), Some(Self::Plain(import))) => *name == import,
            (
                Self::Package {
                    package,
                    interface,
                    version,
                },
                Some(Self::Package {
                    package: from,
                    interface: Some(imported),
                    version: at,
                }),
            ) => {
                *package == from
                    && interface
                        .as_ref()
                        .is_none_or(|interface| *interface == imported)
                    && version
                        .as_ref()
                        .is_none_or(|version| at.as_ref() == Some(version))
            }
            _ => false,
        }
    }

    /// What a composition registers the dependency as: two dependencies of one name exclude each other.
    pub fn registered_as(&self) -> &str {
        match self {
            Self::Plain(name) => name,
            Self::Package { package, .. } => package,
        }
    }
}

/// Words of letters and digits, separated by hyphens.
pub(super) fn is_kebab(name: &str) -> bool {
    name.split('-').all(|word| {
        word.starts_with(|first: char| first.is_ascii_alphabetic())
            && word
                .chars()
                .all(|character| character.is_ascii_alphanumeric())
    })
}

fn split_optional(text: &str, separator: char) -> (&str, Option<&str>) {
    text.split_once(separator)
        .map_or((text, None), |(before, after)| (before, Some(after)))
}

impl<'de> Deserialize<'de> for Dependency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DependencyVisitor;
        impl<'de> Visitor<'de> for DependencyVisitor {
            type Value = Dependency;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a table with `component` or `path`")
            }

            fn visit_str<E: Error>(self, _version: &str) -> Result<Self::Value, E> {
                Ok(Dependency::Version)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                DependencyTable::deserialize(MapAccessDeserializer::new(map))
                    .map(|table| Dependency::Table(Box::new(table)))
            }
        }
        deserializer.deserialize_any(DependencyVisitor)
    }
}

impl<'de> Deserialize<'de> for Inherit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InheritVisitor;
        impl<'de> Visitor<'de> for InheritVisitor {
            type Value = Inherit;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("true, false, or a list of field names")
            }

            fn visit_bool<E: Error>(self, all: bool) -> Result<Self::Value, E> {
                Ok(if all {
                    Inherit::All
                } else {
                    Inherit::Only(Vec::new())
                })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, fields: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(fields)).map(Inherit::Only)
            }
        }
        deserializer.deserialize_any(InheritVisitor)
    }
}
