//! Who calls: the bearer token is the users' or the runners', or there is no answer.

use crate::problem::Problem;
use crate::route::Access;

/// Where the tokens come from.
pub trait Tokens {
    /// The variable of that name: `token` or `runner_token`.
    fn get(&self, variable: &str) -> Result<String, Problem>;
}

/// Lets the call through, or says why not. Reads one token only when the right one was given.
pub fn check(
    access: Access,
    authorization: Option<&str>,
    tokens: &impl Tokens,
) -> Result<(), Problem> {
    let (wanted, other) = match access {
        Access::Open => return Ok(()),
        Access::User => ("token", "runner_token"),
        Access::Runner => ("runner_token", "token"),
    };
    let Some(given) = authorization.and_then(bearer) else {
        return Err(unauthorized(
            "send `Authorization: Bearer TOKEN`; the token is in the file `token` of the state folder",
        ));
    };
    if same(given, &tokens.get(wanted)?) {
        return Ok(());
    }
    if same(given, &tokens.get(other)?) {
        let detail = match access {
            Access::Runner => "this route is for runners, and the token is a user's",
            _ => "this route is for users, and the token is a runner's",
        };
        return Err(Problem::new("forbidden", detail));
    }
    Err(unauthorized("the token is not the right one"))
}

fn unauthorized(detail: &str) -> Problem {
    Problem::new("unauthorized", detail)
        .with_header("www-authenticate", "Bearer realm=\"swarm-flow\"".to_owned())
}

fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Takes as long for a token that differs early as for one that differs late. An empty one is never right.
fn same(given: &str, right: &str) -> bool {
    let (given, right) = (given.as_bytes(), right.as_bytes());
    if right.is_empty() || given.len() != right.len() {
        return false;
    }
    let difference = given.iter().zip(right).fold(0, |difference, (a, b)| {
        difference | std::hint::black_box(a ^ b)
    });
    std::hint::black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl Tokens for Fixed {
        fn get(&self, variable: &str) -> Result<String, Problem> {
            Ok(if variable == "token" {
                "user"
            } else {
                "runner"
            }
            .to_owned())
        }
    }

    fn code(access: Access, authorization: Option<&str>) -> Option<&'static str> {
        check(access, authorization, &Fixed)
            .err()
            .map(|problem| problem.code)
    }

    #[test]
    fn each_token_opens_its_routes_only() {
        for (access, authorization, expected) in [
            (Access::Open, None, None),
            (Access::User, Some("Bearer user"), None),
            (Access::User, Some("bearer user"), None),
            (Access::Runner, Some("Bearer runner"), None),
            (Access::User, Some("Bearer runner"), Some("forbidden")),
            (Access::Runner, Some("Bearer user"), Some("forbidden")),
            (Access::User, None, Some("unauthorized")),
            (Access::User, Some("Bearer "), Some("unauthorized")),
            (Access::User, Some("Bearer usex"), Some("unauthorized")),
            (Access::User, Some("Bearer user2"), Some("unauthorized")),
            (Access::User, Some("Basic user"), Some("unauthorized")),
            (Access::User, Some("user"), Some("unauthorized")),
        ] {
            assert_eq!(
                code(access, authorization),
                expected,
                "{access:?} {authorization:?}"
            );
        }
    }

    #[test]
    fn an_empty_token_opens_nothing() {
        struct Empty;
        impl Tokens for Empty {
            fn get(&self, _: &str) -> Result<String, Problem> {
                Ok(String::new())
            }
        }
        assert!(check(Access::User, Some("Bearer "), &Empty).is_err());
    }
}
