//! A `Range` header: one range of bytes. Whatever else it says is ignored, as RFC 9110 allows.

/// Which bytes are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// From an offset; to the end when there is no length.
    From { offset: u64, length: Option<u64> },
    /// This many at the end.
    Last(u64),
}

pub fn parse(header: &str) -> Option<Wanted> {
    let (unit, range) = header.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = range.trim().split_once('-')?;
    match (first.is_empty(), last.is_empty()) {
        (true, true) => None,
        (true, false) => number(last).map(Wanted::Last),
        (false, true) => Some(Wanted::From {
            offset: number(first)?,
            length: None,
        }),
        (false, false) => {
            let (offset, last) = (number(first)?, number(last)?);
            let length = last.checked_sub(offset)?.saturating_add(1);
            Some(Wanted::From {
                offset,
                length: Some(length),
            })
        }
    }
}

fn number(text: &str) -> Option<u64> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_read_and_anything_else_ignored() {
        for (header, expected) in [
            (
                "bytes=0-4",
                Some(Wanted::From {
                    offset: 0,
                    length: Some(5),
                }),
            ),
            (
                "bytes=5-",
                Some(Wanted::From {
                    offset: 5,
                    length: None,
                }),
            ),
            (
                "Bytes = 5-5",
                Some(Wanted::From {
                    offset: 5,
                    length: Some(1),
                }),
            ),
            ("bytes=-3", Some(Wanted::Last(3))),
            ("bytes=4-3", None),
            ("bytes=0-1,3-4", None),
            ("bytes=-", None),
            ("bytes=a-b", None),
            ("bytes=+1-2", None),
            ("items=0-4", None),
            ("bytes", None),
        ] {
            assert_eq!(parse(header), expected, "{header}");
        }
    }
}
