//! `${x:offset:length}`

use crate::parameter::{Found, Target};
use crate::shell::Shell;
use crate::variables::{Value, counted};

impl Shell {
    pub fn slice(
        &mut self,
        target: &Target,
        found: Found,
        offset: i64,
        length: Option<i64>,
    ) -> Result<Found, String> {
        let bad = |length: i64| Err(format!("{length}: substring expression < 0"));
        match found {
            Found::Unset => Ok(Found::Unset),
            Found::One(text) => {
                let count = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
                let start = if offset < 0 { count + offset } else { offset };
                if start < 0 || start > count {
                    return Ok(Found::One(String::new()));
                }
                let end = match length {
                    None => count,
                    Some(length) if length < 0 => {
                        let end = count + length;
                        if end < start {
                            return bad(length);
                        }
                        end
                    }
                    Some(length) => start.saturating_add(length).min(count),
                };
                let (start, end) = (start as usize, end as usize);
                let slice = text.chars().skip(start).take(end - start).collect();
                Ok(Found::One(slice))
            }
            Found::Many { items, joined } => {
                if length.is_some_and(|length| length < 0) {
                    return bad(length.unwrap_or_default());
                }
                let length = length.map_or(usize::MAX, |length| length as usize);
                let items = if matches!(target.name.as_str(), "@" | "*") {
                    // `$0` is the one before the first.
                    let mut all = vec![self.name.to_string()];
                    all.extend(items);
                    let count = all.len() as i64;
                    let start = if offset < 0 { count + offset } else { offset };
                    let kept = all.into_iter().skip(start.max(0) as usize).take(length);
                    if start < 0 {
                        Vec::new()
                    } else {
                        kept.collect()
                    }
                } else {
                    self.slice_array(&target.name, items, offset, length)
                };
                Ok(Found::Many { items, joined })
            }
        }
    }

    /// Offsets are indices, which need not be without gaps.
    fn slice_array(
        &self,
        name: &str,
        items: Vec<String>,
        offset: i64,
        length: usize,
    ) -> Vec<String> {
        let variable = self.variable(name);
        match variable.as_deref().map(|variable| &variable.value) {
            Some(Value::Indexed(elements)) => {
                let Some(start) = counted(elements, offset) else {
                    return Vec::new();
                };
                let kept = elements.range(start..).take(length);
                kept.map(|(_, value)| value.clone()).collect()
            }
            _ => {
                let count = items.len() as i64;
                let start = if offset < 0 { count + offset } else { offset };
                let kept = items.into_iter().skip(start.max(0) as usize).take(length);
                kept.collect()
            }
        }
    }
}
