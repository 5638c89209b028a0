//! Text with `{{ name }}` in it.

/// A parsed template.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Variable(String),
}

impl Template {
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once("{{") {
            let (name, remainder) = after
                .split_once("}}")
                .ok_or_else(|| "a `{{` has no `}}`".to_owned())?;
            if !literal.is_empty() {
                parts.push(Part::Literal(literal.to_owned()));
            }
            parts.push(Part::Variable(name.trim().to_owned()));
            rest = remainder;
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// Puts values in; the error is the first name without one.
    pub fn fill<'a>(&self, value: impl Fn(&str) -> Option<&'a str>) -> Result<String, String> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Variable(name) => text.push_str(value(name).ok_or_else(|| name.clone())?),
            }
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_from_its_variables() {
        let value = |name: &str| match name {
            "a" => Some("1"),
            "b" => Some("{{ a }}"),
            _ => None,
        };
        let cases = [
            ("", Ok("")),
            ("plain", Ok("plain")),
            ("{{a}}", Ok("1")),
            ("x{{ a }}y{{  a  }}z", Ok("x1y1z")),
            ("{{ b }}", Ok("{{ a }}")),
            ("}}", Ok("}}")),
            ("{{ c }}", Err("c")),
        ];
        for (text, expected) in cases {
            let filled = Template::parse(text).unwrap().fill(value);
            assert_eq!(
                filled.as_deref().map_err(String::as_str),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn an_open_brace_pair_is_refused() {
        assert!(Template::parse("{{ a }} {{ b").is_err());
    }
}
