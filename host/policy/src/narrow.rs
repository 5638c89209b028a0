//! A sandbox may have less than its workspace, never more.
//!
//! One policy is no more than another if every line of it is granted by one line of the other. That is sure, and not
//! complete: two lines that only together grant a third are not put together.
//!
//! | field | is no more if |
//! |---|---|
//! | filesystem | it opens no other directory, and writes none that is only read; `full` is within `full` alone |
//! | network | it is the same kind, `none`, or the other is `any`; each pattern is within one of the other's |
//! | sockets | each is within one of the other's |
//! | models | each is one of the other's, or the other has `*` |
//! | approvals | it has each of the other's, or all of that tool: who asks more may do less |
//! | limits | each is at most the other's |

use crate::approval;
use crate::decide::{ALL_MODELS, CompiledSockets};
use crate::filesystem::{Access, Filesystem};
use crate::limits::Limit;
use crate::network::Network;
use crate::pattern::{PACKAGE_REGISTRIES, Pattern};
use crate::printable::printable;
use crate::socket::SocketPattern;
use crate::{Invalid, Policy, path_is_beneath};

/// Why a policy is not within another.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Widening {
    #[error("{field}: {message}")]
    Widens {
        /// The field that grants more: `network.public[1]`.
        field: String,
        message: String,
    },
    /// The wish is no policy. A base that is none contains nothing.
    #[error(transparent)]
    Invalid(#[from] Invalid),
}

impl Widening {
    /// The field that is wrong, from the policy down.
    pub fn field(&self) -> &str {
        match self {
            Self::Widens { field, .. } => field,
            Self::Invalid(invalid) => &invalid.field,
        }
    }
}

/// The wish, if it grants nothing that `base` does not grant.
pub fn narrow(base: &Policy, wish: &Policy) -> Result<Policy, Widening> {
    wish.validate()?;
    filesystem(&base.filesystem, &wish.filesystem)?;
    network(&base.network, &wish.network)?;
    sockets(&base.sockets, &wish.sockets)?;
    models(&base.models, &wish.models)?;
    approvals(&base.approvals, &wish.approvals)?;
    for limit in Limit::ALL {
        let (most, asked) = (limit.of(&base.limits), limit.of(&wish.limits));
        if asked > most {
            let message = format!("{asked} is over the {most} of the workspace");
            return Err(widens(format!("limits.{}", limit.name()), message));
        }
    }
    Ok(wish.clone())
}

fn filesystem(base: &Filesystem, wish: &Filesystem) -> Result<(), Widening> {
    match (base, wish) {
        (Filesystem::Full, _) | (_, Filesystem::None) => return Ok(()),
        (_, Filesystem::Full) => {
            let message = "`full` is more than the workspace has".to_owned();
            return Err(widens("filesystem".to_owned(), message));
        }
        _ => {}
    }
    let opened = base.grants();
    for (index, (path, access)) in wish.grants().into_iter().enumerate() {
        let field = || format!("filesystem.{}[{index}]", wish.kind());
        let holding = |needed| {
            opened.iter().any(|(own, access)| {
                path_is_beneath(path, own)
                    && (*access == Access::ReadWrite || needed == Access::Read)
            })
        };
        if !holding(Access::Read) {
            return Err(widens(
                field(),
                format!("`{path}` is not open to the workspace"),
            ));
        }
        if !holding(access) {
            return Err(widens(
                field(),
                format!("`{path}` is read-only in the workspace"),
            ));
        }
    }
    Ok(())
}

fn network(base: &Network, wish: &Network) -> Result<(), Widening> {
    match (base, wish) {
        (Network::Any, _) | (_, Network::None) => Ok(()),
        (Network::Localhost, Network::Localhost) | (Network::Private, Network::Private) => Ok(()),
        (Network::Public(base), Network::Public(wish)) => public(base, wish),
        _ => {
            let message = format!(
                "`{}` is not within the workspace's `{}`",
                wish.kind(),
                base.kind()
            );
            Err(widens("network".to_owned(), message))
        }
    }
}

fn public(base: &[String], wish: &[String]) -> Result<(), Widening> {
    let own: Vec<_> = base
        .iter()
        .filter_map(|text| Pattern::parse(text).ok())
        .collect();
    for (index, text) in wish.iter().enumerate() {
        let within = if text == PACKAGE_REGISTRIES {
            base.contains(text)
        } else {
            Pattern::parse(text).is_ok_and(|pattern| own.iter().any(|own| own.contains(&pattern)))
        };
        if !within {
            let message = format!("`{text}` is within no pattern of the workspace");
            return Err(widens(format!("network.public[{index}]"), message));
        }
    }
    Ok(())
}

fn sockets(base: &[String], wish: &[String]) -> Result<(), Widening> {
    let own: Vec<_> = base
        .iter()
        .filter_map(|text| SocketPattern::parse(text).ok())
        .collect();
    for (index, text) in wish.iter().enumerate() {
        let within = SocketPattern::parse(text)
            .is_ok_and(|pattern| own.iter().any(|own| own.contains(&pattern)));
        if !within {
            let message = format!("`{text}` is within no socket of the workspace");
            return Err(widens(format!("sockets[{index}]"), message));
        }
    }
    // An invalid base grants nothing, so it is not one to be within.
    match CompiledSockets::problems(base).into_iter().next() {
        Some(invalid) if !wish.is_empty() => Err(invalid.into()),
        _ => Ok(()),
    }
}

fn models(base: &[String], wish: &[String]) -> Result<(), Widening> {
    if base.iter().any(|own| own == ALL_MODELS) {
        return Ok(());
    }
    match wish
        .iter()
        .enumerate()
        .find(|(_, name)| !base.contains(name))
    {
        None => Ok(()),
        Some((index, name)) => {
            let message = format!("`{name}` is no model of the workspace");
            Err(widens(format!("models[{index}]"), message))
        }
    }
}

fn approvals(base: &[String], wish: &[String]) -> Result<(), Widening> {
    match approval::left_out(base, wish) {
        None => Ok(()),
        Some(line) => {
            let message = format!("`{line}`, which the workspace has, is left out");
            Err(widens("approvals".to_owned(), message))
        }
    }
}

fn widens(field: String, message: String) -> Widening {
    let message = printable(&message).into_owned();
    Widening::Widens { field, message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Preset;

    #[test]
    fn each_preset_is_within_itself_and_within_privileged() {
        for preset in Preset::ALL {
            let policy = preset.policy();
            assert_eq!(narrow(&policy, &policy), Ok(policy.clone()));
            let all = Preset::Privileged.policy();
            assert_eq!(narrow(&all, &policy), Ok(policy));
        }
        let (isolated, standard) = (Preset::Isolated.policy(), Preset::Standard.policy());
        assert_eq!(narrow(&standard, &isolated), Ok(isolated.clone()));
        assert!(narrow(&isolated, &standard).is_err());
    }

    #[test]
    fn what_widens_is_named() {
        let mut base = Preset::Standard.policy();
        base.filesystem = Filesystem::ReadOnly(vec!["/workspace".to_owned()]);
        base.network = Network::Public(vec!["GET https://*.example.com/v1/".to_owned()]);
        base.sockets = vec!["tcp://10.0.0.0/8:5432".to_owned()];
        base.models = vec!["a".to_owned()];
        base.approvals = vec!["exec git push".to_owned()];
        type Change = fn(&mut Policy);
        let changes: [(&str, Change); 12] = [
            ("filesystem", |wish| wish.filesystem = Filesystem::Full),
            ("filesystem.read_write[0]", |wish| {
                wish.filesystem = Filesystem::ReadWrite(vec!["/workspace".to_owned()]);
            }),
            ("filesystem.read_only[0]", |wish| {
                wish.filesystem = Filesystem::ReadOnly(vec!["/tmp".to_owned()]);
            }),
            ("network", |wish| wish.network = Network::Any),
            ("network", |wish| wish.network = Network::Private),
            ("network.public[1]", |wish| {
                wish.network = Network::Public(vec![
                    "GET https://a.example.com/v1/x".to_owned(),
                    "https://a.example.com/v1/x".to_owned(),
                ]);
            }),
            ("network.public[0]", |wish| {
                wish.network = Network::Public(vec![PACKAGE_REGISTRIES.to_owned()]);
            }),
            ("sockets[0]", |wish| {
                wish.sockets = vec!["tcp://10.0.0.0/7:5432".to_owned()]
            }),
            ("models[1]", |wish| wish.models.push("b".to_owned())),
            ("models[0]", |wish| wish.models = vec!["*".to_owned()]),
            ("approvals", |wish| {
                wish.approvals = vec!["exec git".to_owned(), "write-file".to_owned()]
            }),
            ("limits.handles", |wish| wish.limits.handles += 1),
        ];
        for (field, change) in changes {
            let mut wish = base.clone();
            change(&mut wish);
            let widening = narrow(&base, &wish).unwrap_err();
            assert_eq!(widening.field(), field, "{widening}");
        }
    }

    #[test]
    fn who_asks_more_may_do_less() {
        let lines = |lines: &[&str]| {
            let mut policy = Preset::Standard.policy();
            policy.approvals = lines.iter().map(|&line| line.to_owned()).collect();
            policy
        };
        let base = lines(&["exec git push", "write-file .github/"]);
        for (wish, is_within) in [
            (lines(&["exec git push", "write-file .github/"]), true),
            (
                lines(&["write-file .github/", "exec rm", "exec git push"]),
                true,
            ),
            (lines(&["exec", "write-file **"]), true),
            (lines(&["exec *"]), false),
            (lines(&["exec git push"]), false),
            (lines(&[]), false),
        ] {
            assert_eq!(
                narrow(&base, &wish).is_ok(),
                is_within,
                "{:?}",
                wish.approvals
            );
            assert!(narrow(&lines(&[]), &wish).is_ok());
        }
    }

    #[test]
    fn a_wish_that_is_no_policy_is_refused() {
        let mut wish = Preset::Isolated.policy();
        wish.limits.memory_bytes = 0;
        assert!(matches!(
            narrow(&Preset::Privileged.policy(), &wish),
            Err(Widening::Invalid(_))
        ));
    }
}
