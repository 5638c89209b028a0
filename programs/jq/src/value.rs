//! A value as jq sees it: jaq's, with jq's numbers, paths that come to be where there is nothing, and messages.

use crate::number;
use crate::write::{self, Form};
use jaq_core::path::Opt;
use jaq_core::val::Range;
use jaq_core::{Error, Exn, ValR, ValT, ValX};
use jaq_json::{Map, Num, Rc, Val};
use std::fmt;

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Value(pub Val);

pub type Fault = Error<Value>;
type Result<T> = std::result::Result<T, Fault>;
type Values = Box<dyn Iterator<Item = ValR<Value>>>;

/// As far as jq fills an array up with null.
const INDEX_MAX: usize = 536_870_911;

pub fn fault(message: impl fmt::Display) -> Fault {
    Error::str(message)
}

impl Value {
    pub fn kind(&self) -> &'static str {
        match &self.0 {
            Val::Null => "null",
            Val::Bool(_) => "boolean",
            Val::Num(_) => "number",
            Val::BStr(_) | Val::TStr(_) => "string",
            Val::Arr(_) => "array",
            Val::Obj(_) => "object",
        }
    }

    /// The kind and the beginning of the value, as messages have it.
    pub fn shown(&self) -> String {
        const SHOWN_MAX: usize = 26;
        let json = self.to_string();
        match json.char_indices().nth(SHOWN_MAX + 3) {
            None => format!("{} ({json})", self.kind()),
            Some(_) => {
                let short: String = json.chars().take(SHOWN_MAX).collect();
                format!("{} ({short}...)", self.kind())
            }
        }
    }

    pub fn text(&self) -> Option<&str> {
        match &self.0 {
            Val::TStr(text) | Val::BStr(text) => std::str::from_utf8(text).ok(),
            _ => None,
        }
    }

    pub fn number(&self) -> Option<f64> {
        jaq_std::ValT::as_f64(&self.0)
    }

    /// What `index` fails with.
    fn no_index(&self, index: &Self) -> Fault {
        match index.text() {
            Some(key) => fault(format!("Cannot index {} with \"{key}\"", self.kind())),
            None => fault(format!(
                "Cannot index {} with {}",
                self.kind(),
                index.kind()
            )),
        }
    }

    fn no_iteration(&self) -> Fault {
        fault(format!("Cannot iterate over {}", self.shown()))
    }

    /// The element of an array that a number means.
    fn position(index: f64, length: usize) -> Option<usize> {
        if index.is_nan() {
            return None;
        }
        let whole = index.floor();
        let from_start = if whole < 0.0 {
            whole + length as f64
        } else {
            whole
        };
        (from_start >= 0.0).then_some(from_start as usize)
    }

    fn pick(&self, index: &Self) -> Result<Self> {
        Ok(Self(match (&self.0, &index.0) {
            (Val::Null, Val::Null | Val::Num(_) | Val::TStr(_) | Val::Obj(_)) => Val::Null,
            (Val::Obj(members), Val::TStr(_)) => members.get(&index.0).cloned().unwrap_or_default(),
            (Val::Arr(elements), Val::Num(_)) => {
                let at = index
                    .number()
                    .and_then(|at| Self::position(at, elements.len()));
                at.and_then(|at| elements.get(at))
                    .cloned()
                    .unwrap_or_default()
            }
            (Val::Arr(elements), Val::Arr(wanted)) => {
                let count = wanted.len().max(1);
                let windows = elements.windows(count).enumerate();
                let found = windows.filter(|(_, window)| *window == wanted.as_slice());
                found.map(|(at, _)| Val::from(at)).collect()
            }
            _ => return Err(self.no_index(index)),
        }))
    }

    fn slice_of(index: &Self) -> Option<Range<Self>> {
        let Val::Obj(bounds) = &index.0 else {
            return None;
        };
        let bound = |name: &str| bounds.get(&Val::from(name.to_owned())).cloned().map(Self);
        Some(bound("start")..bound("end"))
    }

    /// Bounds in whole numbers, as jaq wants them.
    fn bounds(range: Range<&Self>) -> Result<Range<Val>> {
        let whole = |bound: Option<&Self>, round: fn(f64) -> f64| match bound {
            None | Some(Self(Val::Null)) => Ok(None),
            Some(bound) => match bound.number() {
                Some(number) => Ok(Some(Val::Num(Num::Int(round(number) as isize)))),
                None => Err(fault(
                    "Start and end indices of an array slice must be numbers",
                )),
            },
        };
        Ok(whole(range.start, f64::floor)?..whole(range.end, f64::ceil)?)
    }
}

impl ValT for Value {
    fn from_num(text: &str) -> ValR<Self> {
        Ok(Self(number::literal(text)))
    }

    fn from_map<I: IntoIterator<Item = (Self, Self)>>(members: I) -> ValR<Self> {
        let mut map = Map::default();
        for (key, value) in members {
            if key.text().is_none() {
                return Err(fault(format!(
                    "Object keys must be strings, not {}",
                    key.shown()
                )));
            }
            map.insert(key.0, value.0);
        }
        Ok(Self(Val::obj(map)))
    }

    fn key_values(self) -> Box<dyn Iterator<Item = std::result::Result<(Self, Self), Fault>>> {
        match self.0 {
            Val::Arr(_) | Val::Obj(_) => Box::new(self.0.key_values().map(|pair| match pair {
                Ok((key, value)) => Ok((Self(key), Self(value))),
                Err(error) => Err(fault(error)),
            })),
            _ => Box::new(std::iter::once(Err(self.no_iteration()))),
        }
    }

    fn values(self) -> Values {
        match self.0 {
            Val::Arr(_) | Val::Obj(_) => Box::new(self.0.values().map(|value| match value {
                Ok(value) => Ok(Self(value)),
                Err(error) => Err(fault(error)),
            })),
            _ => Box::new(std::iter::once(Err(self.no_iteration()))),
        }
    }

    fn index(self, index: &Self) -> ValR<Self> {
        match Self::slice_of(index) {
            Some(range) => self.range(range.start.as_ref()..range.end.as_ref()),
            None => self.pick(index),
        }
    }

    fn range(self, range: Range<&Self>) -> ValR<Self> {
        match &self.0 {
            Val::Null => Ok(self),
            Val::Arr(_) | Val::TStr(_) => {
                let bounds = Self::bounds(range)?;
                let part = self.0.range(bounds.start.as_ref()..bounds.end.as_ref());
                part.map(Self).map_err(fault)
            }
            _ => Err(fault(format!("Cannot index {} with object", self.kind()))),
        }
    }

    fn map_values<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        let first = |value| f(Self(value)).next().transpose();
        match self.0 {
            Val::Arr(elements) => {
                let mut kept = Vec::with_capacity(elements.len());
                for element in Rc::unwrap_or_clone(elements) {
                    kept.extend(first(element)?.map(|value| value.0));
                }
                Ok(Self(kept.into_iter().collect()))
            }
            Val::Obj(members) => {
                let mut kept = Map::default();
                for (key, value) in Rc::unwrap_or_clone(members) {
                    if let Some(value) = first(value)? {
                        kept.insert(key, value.0);
                    }
                }
                Ok(Self(Val::obj(kept)))
            }
            _ => opt.fail(self, |value| Exn::from(value.no_iteration())),
        }
    }

    fn map_index<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        index: &Self,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        if let Some(range) = Self::slice_of(index) {
            return self.map_range(range.start.as_ref()..range.end.as_ref(), opt, f);
        }
        let first = |value| f(Self(value)).next().transpose();
        match (self.0, &index.0) {
            (Val::Null, Val::TStr(_)) => Ok(Self(match first(Val::Null)? {
                Some(value) => Val::obj([(index.0.clone(), value.0)].into_iter().collect()),
                None => Val::Null,
            })),
            (Val::Obj(mut members), Val::TStr(_)) => {
                let map = Rc::make_mut(&mut members);
                let old = map.get_mut(&index.0).map(std::mem::take);
                match first(old.unwrap_or_default())? {
                    Some(value) => drop(map.insert(index.0.clone(), value.0)),
                    // The others keep their order.
                    None => drop(map.shift_remove(&index.0)),
                }
                Ok(Self(Val::Obj(members)))
            }
            (Val::Null, Val::Num(_)) => {
                let made = element(Rc::default(), index, first)?;
                Ok(Self(match made.is_empty() {
                    true => Val::Null,
                    false => Val::Arr(made),
                }))
            }
            (Val::Arr(elements), Val::Num(_)) => {
                Ok(Self(Val::Arr(element(elements, index, first)?)))
            }
            (value, _) => opt.fail(Self(value), |value| Exn::from(value.no_index(index))),
        }
    }

    fn map_range<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        range: Range<&Self>,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        let array = match &self.0 {
            Val::Null => Self([].into_iter().collect()),
            Val::Arr(_) => self,
            _ => {
                let message = format!("Cannot update field at object index of {}", self.kind());
                return opt.fail(self, |_| Exn::from(fault(message)));
            }
        };
        let bounds = Self::bounds(range)?;
        let f = |part| {
            f(Self(part)).map(|new| match new {
                Ok(Self(new @ Val::Arr(_))) => Ok(new),
                Ok(_) => Err(Failed::Here(fault(
                    "A slice of an array can only be assigned another array",
                ))),
                Err(exception) => Err(Failed::There(exception)),
            })
        };
        // What goes wrong in the filter cannot pass through jaq's value, which has exceptions of its own.
        let Val::Arr(elements) = array.0 else {
            return Ok(array);
        };
        let whole = Val::Arr(Rc::clone(&elements));
        let part = whole.range(bounds.start.as_ref()..bounds.end.as_ref());
        let part = part.map_err(fault)?;
        let new = match f(part).next() {
            None => Val::default(),
            Some(Ok(new)) => new,
            Some(Err(Failed::Here(fault))) => return Err(fault.into()),
            Some(Err(Failed::There(exception))) => return Err(exception),
        };
        let put = |_| {
            std::iter::once(Ok(match &new {
                Val::Null => [].into_iter().collect(),
                new => new.clone(),
            }))
        };
        let put = Val::Arr(elements).map_range(
            bounds.start.as_ref()..bounds.end.as_ref(),
            Opt::Essential,
            put,
        );
        match put {
            Ok(value) => Ok(Self(value)),
            Err(_) => Err(fault("Cannot assign to this slice of an array").into()),
        }
    }

    fn as_bool(&self) -> bool {
        !matches!(self.0, Val::Null | Val::Bool(false))
    }

    fn into_string(self) -> Self {
        match self.0 {
            Val::BStr(text) | Val::TStr(text) => Self(Val::TStr(text)),
            _ => Self::from(self.to_string()),
        }
    }
}

enum Failed<'a> {
    Here(Fault),
    There(Exn<'a, Value>),
}

/// An element changed, taken away if there is no new one, or added behind as much null as it takes.
fn element<'a>(
    mut elements: Rc<Vec<Val>>,
    index: &Value,
    first: impl Fn(Val) -> std::result::Result<Option<Value>, Exn<'a, Value>>,
) -> std::result::Result<Rc<Vec<Val>>, Exn<'a, Value>> {
    let at = index.number().unwrap_or_default();
    let Some(at) = Value::position(at, elements.len()) else {
        return Err(fault("Out of bounds negative array index").into());
    };
    if at > INDEX_MAX {
        return Err(fault("Array index too large").into());
    }
    let vector = Rc::make_mut(&mut elements);
    let old = vector.get_mut(at).map(std::mem::take);
    let known = old.is_some();
    match first(old.unwrap_or_default())? {
        Some(value) => {
            if !known {
                vector.resize(at + 1, Val::Null);
            }
            if let Some(element) = vector.get_mut(at) {
                *element = value.0;
            }
        }
        None if known => drop(vector.remove(at)),
        None => {}
    }
    Ok(elements)
}

impl jaq_std::ValT for Value {
    fn into_seq<S: FromIterator<Self>>(self) -> std::result::Result<S, Self> {
        match self.0 {
            Val::Arr(elements) => Ok(Rc::unwrap_or_clone(elements)
                .into_iter()
                .map(Self)
                .collect()),
            _ => Err(self),
        }
    }

    fn is_int(&self) -> bool {
        self.0.is_int()
    }

    fn as_isize(&self) -> Option<isize> {
        let whole = self.0.as_isize();
        // jq has no whole numbers: 2.0 is 2 to what asks for one.
        whole.or_else(|| {
            let number = self.number()?;
            (number.fract() == 0.0 && number.abs() <= f64::from(i32::MAX))
                .then_some(number as isize)
        })
    }

    fn as_f64(&self) -> Option<f64> {
        self.number()
    }

    fn is_utf8_str(&self) -> bool {
        self.0.is_utf8_str()
    }

    fn as_bytes(&self) -> Option<&[u8]> {
        self.0.as_bytes()
    }

    fn as_sub_str(&self, sub: &[u8]) -> Self {
        Self(self.0.as_sub_str(sub))
    }

    fn from_utf8_bytes(bytes: impl AsRef<[u8]> + Send + 'static) -> Self {
        let text = String::from_utf8_lossy(bytes.as_ref()).into_owned();
        Self::from(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self(Val::from(value))
    }
}

impl From<isize> for Value {
    fn from(value: isize) -> Self {
        Self(Val::from(value))
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Self(Val::from(value))
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self(number::value(value))
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self(Val::from(value))
    }
}

impl From<Range<Self>> for Value {
    fn from(range: Range<Self>) -> Self {
        // Both are always there, as jq writes the path of a slice.
        let member = |name: &str, bound: Option<Self>| {
            (Val::from(name.to_owned()), bound.unwrap_or_default().0)
        };
        let members = [member("start", range.start), member("end", range.end)];
        Self(Val::obj(members.into_iter().collect()))
    }
}

impl FromIterator<Self> for Value {
    fn from_iter<I: IntoIterator<Item = Self>>(values: I) -> Self {
        Self(values.into_iter().map(|value| value.0).collect())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::new();
        write::value(&mut bytes, &Form::default(), &self.0).map_err(|_| fmt::Error)?;
        f.write_str(&String::from_utf8_lossy(&bytes))
    }
}
