//! From a tree to a draft: the names and kinds of everything. What the values mean is checked afterwards.

use super::tree::{Member, Node, Value};
use super::{Fault, Places};
use crate::suggest;
use crate::{Draft, Filesystem, Limit, LimitsDraft, Network, Preset};
use std::collections::HashSet;

const FIELDS: [&str; 7] = [
    "preset",
    "filesystem",
    "network",
    "sockets",
    "models",
    "approvals",
    "limits",
];
const FILESYSTEMS: [&str; 4] = ["none", "read_only", "read_write", "full"];
const NETWORKS: [&str; 5] = ["none", "localhost", "private", "public", "any"];

pub(super) fn read(node: &Node<'_>) -> Result<(Draft, Places), Vec<Fault>> {
    let mut reader = Reader::default();
    let draft = reader.draft(node);
    if reader.faults.is_empty() {
        Ok((draft, reader.places))
    } else {
        Err(reader.faults)
    }
}

#[derive(Default)]
struct Reader {
    faults: Vec<Fault>,
    places: Places,
}

impl Reader {
    fn draft(&mut self, node: &Node<'_>) -> Draft {
        let mut draft = Draft::default();
        for member in self.members(node, "", &FIELDS) {
            let node = &member.node;
            match member.key.as_ref() {
                "preset" => draft.preset = self.preset(node),
                "filesystem" => draft.filesystem = self.filesystem(node),
                "network" => draft.network = self.network(node),
                "sockets" => draft.sockets = self.list(node, "sockets"),
                "models" => draft.models = self.list(node, "models"),
                "approvals" => draft.approvals = self.list(node, "approvals"),
                "limits" => draft.limits = self.limits(node),
                _ => {}
            }
        }
        draft
    }

    fn preset(&mut self, node: &Node<'_>) -> Option<Preset> {
        let Value::Text(name) = &node.value else {
            return self.wrong_kind(node, "preset", "the name of a preset, such as \"standard\"");
        };
        match name.parse::<Preset>() {
            Ok(preset) => Some(preset),
            Err(unknown) => self.fault(node.at, "preset", unknown.to_string()),
        }
    }

    fn filesystem(&mut self, node: &Node<'_>) -> Option<Filesystem> {
        match self.choice(
            node,
            "filesystem",
            &FILESYSTEMS,
            &["read_only", "read_write"],
        )? {
            ("none", _) => Some(Filesystem::None),
            ("full", _) => Some(Filesystem::Full),
            ("read_only", paths) => Some(Filesystem::ReadOnly(paths)),
            (_, paths) => Some(Filesystem::ReadWrite(paths)),
        }
    }

    fn network(&mut self, node: &Node<'_>) -> Option<Network> {
        match self.choice(node, "network", &NETWORKS, &["public"])? {
            ("none", _) => Some(Network::None),
            ("localhost", _) => Some(Network::Localhost),
            ("private", _) => Some(Network::Private),
            ("any", _) => Some(Network::Any),
            (_, patterns) => Some(Network::Public(patterns)),
        }
    }

    /// `"name"`, or `{ name = [ … ] }` for those that have a list.
    fn choice(
        &mut self,
        node: &Node<'_>,
        field: &str,
        known: &[&'static str],
        lists: &[&'static str],
    ) -> Option<(&'static str, Vec<String>)> {
        self.places.insert(field.to_owned(), node.at);
        match &node.value {
            Value::Text(text) => {
                let Some(name) = known.iter().find(|known| *known == text) else {
                    let message =
                        format!("`{text}` is not a {field}{}", suggest::hint(text, known));
                    return self.fault(node.at, field, message);
                };
                if lists.contains(name) {
                    let message =
                        format!("`{name}` needs a list; write {field} = {{ {name} = [\"…\"] }}");
                    return self.fault(node.at, field, message);
                }
                Some((name, Vec::new()))
            }
            Value::Table(_) => {
                let members = self.members(node, field, lists);
                let [member] = members.as_slice() else {
                    if !members.is_empty()
                        || matches!(&node.value, Value::Table(all) if all.is_empty())
                    {
                        let message = format!("give one of {}", suggest::list(known));
                        self.fault::<()>(node.at, field, message);
                    }
                    return None;
                };
                let name = lists.iter().find(|name| **name == member.key)?;
                let list = self.list(&member.node, &format!("{field}.{name}"))?;
                Some((name, list))
            }
            _ => {
                let wanted = format!("one of {}", suggest::list(known));
                self.wrong_kind(node, field, &wanted)
            }
        }
    }

    fn limits(&mut self, node: &Node<'_>) -> LimitsDraft {
        let names = Limit::ALL.map(Limit::name);
        let mut limits = LimitsDraft::default();
        for member in self.members(node, "limits", &names) {
            let Some(limit) = Limit::ALL
                .into_iter()
                .find(|limit| limit.name() == member.key)
            else {
                continue;
            };
            let field = format!("limits.{}", limit.name());
            *limits.slot(limit) = self.number(&member.node, &field, limit);
            self.places.insert(field, member.node.at);
        }
        limits
    }

    fn number(&mut self, node: &Node<'_>, field: &str, limit: Limit) -> Option<u64> {
        let (least, most) = (*limit.range().start(), *limit.range().end());
        let Value::Integer(number) = node.value else {
            let unit = limit.name().rsplit('_').next().unwrap_or_default();
            let unit = match unit {
                "bytes" => " of bytes",
                "ms" => " of milliseconds",
                _ => "",
            };
            return self.wrong_kind(
                node,
                field,
                &format!("a whole number{unit}, {least} to {most}"),
            );
        };
        match u64::try_from(number) {
            Ok(number) => Some(number),
            Err(_) => self.fault(
                node.at,
                field,
                format!("is {number}; give {least} to {most}"),
            ),
        }
    }

    fn list(&mut self, node: &Node<'_>, field: &str) -> Option<Vec<String>> {
        self.places.insert(field.to_owned(), node.at);
        let Value::List(nodes) = &node.value else {
            return self.wrong_kind(node, field, "a list of strings");
        };
        let mut list = Vec::new();
        for (index, node) in nodes.iter().enumerate() {
            let field = format!("{field}[{index}]");
            match &node.value {
                Value::Text(text) => list.push(text.clone().into_owned()),
                _ => self
                    .wrong_kind::<()>(node, &field, "a string")
                    .unwrap_or_default(),
            }
            self.places.insert(field, node.at);
        }
        Some(list)
    }

    /// The members of a table that are known, each once.
    fn members<'n, 'a>(
        &mut self,
        node: &'n Node<'a>,
        field: &str,
        known: &[&str],
    ) -> Vec<&'n Member<'a>> {
        let Value::Table(members) = &node.value else {
            let wanted = if field.is_empty() {
                "a policy"
            } else {
                "a table"
            };
            self.wrong_kind::<()>(node, field, wanted);
            return Vec::new();
        };
        let mut seen = HashSet::new();
        let mut kept = Vec::new();
        for member in members {
            let own = if field.is_empty() {
                member.key.to_string()
            } else {
                format!("{field}.{}", member.key)
            };
            if !known.contains(&member.key.as_ref()) {
                let message = format!("is not a field{}", suggest::hint(&member.key, known));
                self.fault::<()>(member.at, &own, message);
            } else if !seen.insert(member.key.as_ref()) {
                let message = format!("the key `{}` stands here twice; keep one", member.key);
                self.fault::<()>(member.at, &own, message);
            } else {
                kept.push(member);
            }
        }
        kept
    }

    fn wrong_kind<T>(&mut self, node: &Node<'_>, field: &str, wanted: &str) -> Option<T> {
        self.fault(
            node.at,
            field,
            format!("is {}; give {wanted}", node.value.kind()),
        )
    }

    fn fault<T>(&mut self, at: usize, field: &str, message: String) -> Option<T> {
        self.faults.push(Fault {
            at,
            field: field.to_owned(),
            message,
        });
        None
    }
}
