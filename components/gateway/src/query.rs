//! The part of a request's target behind `?`. An unknown parameter is refused: it would be a wish ignored.

use crate::encoding::percent_decode;
use crate::problem::Problem;

/// The parameters of a query, each named once and known to the route.
pub struct Query(Vec<(String, String)>);

impl Query {
    pub fn parse(raw: &str, known: &[&str]) -> Result<Self, Problem> {
        let mut found: Vec<(String, String)> = Vec::new();
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(value)) =
                (percent_decode(name, true), percent_decode(value, true))
            else {
                return Err(Problem::invalid("query", "must be percent-encoded UTF-8"));
            };
            if !known.contains(&name.as_str()) {
                let message = match known {
                    [] => "is not a parameter of this route, which has none".to_owned(),
                    known => format!(
                        "is not a parameter of this route; there are {}",
                        known.join(", ")
                    ),
                };
                return Err(Problem::invalid(&name, &message));
            }
            if found.iter().any(|(other, _)| *other == name) {
                return Err(Problem::invalid(&name, "is given twice"));
            }
            found.push((name, value));
        }
        Ok(Self(found))
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    }

    pub fn number(&self, name: &str) -> Result<Option<u64>, Problem> {
        let digits = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_digit())
                .then(|| text.parse().ok())
                .flatten()
        };
        match self.text(name) {
            None => Ok(None),
            Some(text) => digits(text)
                .map(Some)
                .ok_or_else(|| Problem::invalid(name, "must be a whole number of at least 0")),
        }
    }

    /// `limit`, 1 to 1000.
    pub fn limit(&self) -> Result<Option<u32>, Problem> {
        match self.number("limit")? {
            None => Ok(None),
            Some(limit @ 1..=1000) => Ok(u32::try_from(limit).ok()),
            Some(_) => Err(Problem::invalid("limit", "must be 1 to 1000")),
        }
    }

    pub fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.text(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Problem::invalid(name, "must be `true` or `false`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["limit", "path", "recursive"];

    #[test]
    fn values_are_decoded() {
        let query = Query::parse("path=a%2Fb+c&limit=5&recursive=true", KNOWN).unwrap();
        assert_eq!(query.text("path"), Some("a/b c"));
        assert_eq!(query.limit().unwrap(), Some(5));
        assert!(query.flag("recursive").unwrap());
        assert!(Query::parse("", KNOWN).unwrap().limit().unwrap().is_none());
    }

    #[test]
    fn what_is_unknown_doubled_or_malformed_is_refused_by_name() {
        for (raw, field) in [
            ("limits=1", "limits"),
            ("limit=1&limit=2", "limit"),
            ("path=%FF", "query"),
        ] {
            let problem = Query::parse(raw, KNOWN).err().unwrap();
            assert_eq!(problem.member("field"), Some(&field.into()), "{raw}");
        }
        for raw in [
            "limit=0",
            "limit=1001",
            "limit=-1",
            "limit=+1",
            "limit=",
            "limit=99999999999999999999",
        ] {
            assert!(Query::parse(raw, KNOWN).unwrap().limit().is_err(), "{raw}");
        }
        assert!(
            Query::parse("recursive=yes", KNOWN)
                .unwrap()
                .flag("recursive")
                .is_err()
        );
    }
}
