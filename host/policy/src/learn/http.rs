//! Patterns of `network.public` for requests.

use super::{Paths, Target};
use crate::host_pattern::HostPattern;
use crate::path::PathPattern;
use crate::pattern::{PATTERN_BYTES_MAX, Pattern, is_method};
use std::collections::{BTreeMap, BTreeSet};

/// Patterns of one host and method; with more, the paths say nothing.
const PATHS_MAX: usize = 8;

/// Paths of patterns; `None` is the whole host.
type Granted = BTreeSet<Option<String>>;

pub(super) fn patterns(
    requests: &BTreeMap<Target, BTreeMap<String, BTreeSet<String>>>,
    paths: Paths,
) -> Vec<String> {
    let of_target = |(target, methods)| of_target(target, methods, paths);
    requests.iter().flat_map(of_target).collect()
}

/// One line for each path, with the methods that need it.
fn of_target(
    target: &Target,
    methods: &BTreeMap<String, BTreeSet<String>>,
    paths: Paths,
) -> Vec<String> {
    let whole = |methods: Option<Vec<String>>, path: Option<PathPattern>| Pattern {
        methods,
        scheme: target.scheme,
        host: HostPattern::Exact(target.host.clone()),
        port: target.port,
        path,
    };
    // A pattern cannot name it, so it names none.
    if !methods.keys().all(|method| is_method(method)) {
        return vec![whole(None, None).to_string()];
    }
    let mut lines: BTreeMap<Option<String>, Vec<String>> = BTreeMap::new();
    for (method, asked) in methods {
        for path in generalised(asked, paths) {
            lines.entry(path).or_default().push(method.clone());
        }
    }
    let line = |(path, methods): (Option<String>, Vec<String>)| {
        let path = path.and_then(|path| PathPattern::parse(&path).ok().flatten());
        let line = whole(Some(methods.clone()), path).to_string();
        if line.len() > PATTERN_BYTES_MAX {
            whole(Some(methods), None).to_string()
        } else {
            line
        }
    };
    lines.into_iter().map(line).collect()
}

/// None of the paths is within another.
fn generalised(asked: &BTreeSet<String>, paths: Paths) -> Granted {
    let whole_host = || Granted::from([None]);
    // `/` is no restriction, and one that servers could read in two ways is within no pattern with a path.
    let has_pattern = |path: &String| matches!(PathPattern::parse(path), Ok(Some(_)));
    if paths == Paths::Host || !asked.iter().all(has_pattern) {
        return whole_host();
    }
    if paths == Paths::Exact {
        return without_those_beneath(asked);
    }
    let mut alike: BTreeMap<&str, Vec<Vec<&str>>> = BTreeMap::new();
    for path in asked {
        let segments: Vec<_> = path.split('/').skip(1).collect();
        let first = segments.first().copied().unwrap_or_default();
        alike.entry(first).or_default().push(segments);
    }
    if alike.len() > PATHS_MAX {
        return whole_host();
    }
    alike
        .into_values()
        .map(|paths| Some(shared(&paths)))
        .collect()
}

fn without_those_beneath(asked: &BTreeSet<String>) -> Granted {
    let parsed: Vec<_> = asked
        .iter()
        .filter_map(|path| PathPattern::parse(path).ok().flatten())
        .collect();
    parsed
        .iter()
        .filter(|path| {
            !parsed
                .iter()
                .any(|other| other != *path && other.contains(path))
        })
        .map(|path| Some(path.as_str().to_owned()))
        .collect()
}

/// A path, or the directory that several share; they have their first segment in common.
fn shared(paths: &[Vec<&str>]) -> String {
    let Some((first, others)) = paths.split_first() else {
        return "/".to_owned();
    };
    let common = first
        .iter()
        .enumerate()
        .take_while(|(index, segment)| {
            others
                .iter()
                .all(|other| other.get(*index) == Some(segment))
        })
        .count();
    let directory = if paths.iter().all(|path| path.len() > common) {
        "/"
    } else {
        ""
    };
    let segments = first.get(..common).unwrap_or_default();
    format!("/{}{directory}", segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_what_they_share() {
        for (asked, mode, expected) in [
            ("/v1/users/1", Paths::Prefix, "/v1/users/1"),
            ("/v1/users/1 /v1/users/2", Paths::Prefix, "/v1/users/"),
            ("/v1/users /v1/users/2", Paths::Prefix, "/v1/users"),
            ("/v1/ /v1/users", Paths::Prefix, "/v1/"),
            ("/v1/a /v1/b/c /v2", Paths::Prefix, "/v1/ /v2"),
            (
                "/v1/users/1 /v1/users/2",
                Paths::Exact,
                "/v1/users/1 /v1/users/2",
            ),
            ("/v1 /v1/users /v10", Paths::Exact, "/v1 /v10"),
            ("/v1/a", Paths::Host, "*"),
            ("/ /v1/a", Paths::Prefix, "*"),
            ("/v1/../a", Paths::Exact, "*"),
            (
                "/a /b /c /d /e /f /g /h",
                Paths::Prefix,
                "/a /b /c /d /e /f /g /h",
            ),
            ("/a /b /c /d /e /f /g /h /i", Paths::Prefix, "*"),
        ] {
            let asked: BTreeSet<_> = asked.split(' ').map(str::to_owned).collect();
            let paths: Vec<_> = generalised(&asked, mode)
                .into_iter()
                .map(|path| path.unwrap_or_else(|| "*".to_owned()))
                .collect();
            assert_eq!(paths.join(" "), expected, "{asked:?}");
        }
    }
}
