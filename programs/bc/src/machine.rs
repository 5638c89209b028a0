//! A program at work.

use crate::library;
use crate::number::Number;
use crate::syntax::{Expression, Function, Operator, Place, Printed, Statement};
use std::collections::HashMap;
use std::io::Write;
use std::rc::Rc;

pub struct Machine<W> {
    names: HashMap<String, Number>,
    elements: HashMap<(String, i64), Number>,
    functions: HashMap<String, Rc<Function>>,
    scale: u32,
    input_base: u32,
    output_base: u32,
    last: Number,
    /// `-l`.
    library: bool,
    calls: usize,
    out: W,
}

/// How a statement goes on.
pub enum Flow {
    On,
    Break,
    Continue,
    Return(Number),
    Quit,
}

/// A function that calls itself without end comes to one here.
const CALLS_MAX: usize = 500;
const SCALE_MAX: i64 = 100_000;
const LINE_DIGITS: usize = 69;

type Run<T> = Result<T, String>;

impl<W: Write> Machine<W> {
    pub fn new(library: bool, out: W) -> Self {
        Self {
            names: HashMap::new(),
            elements: HashMap::new(),
            functions: HashMap::new(),
            scale: if library { 20 } else { 0 },
            input_base: 10,
            output_base: 10,
            last: Number::integer(0),
            library,
            calls: 0,
            out,
        }
    }

    pub fn flush(&mut self) {
        // Who read it may have left.
        _ = self.out.flush();
    }

    fn put(&mut self, text: &str) {
        // As above.
        _ = self.out.write_all(text.as_bytes());
    }

    pub fn run(&mut self, statement: &Statement) -> Run<Flow> {
        match statement {
            Statement::Expression(expression) => {
                let value = self.value(expression)?;
                if !matches!(expression, Expression::Assign(..)) {
                    let text = broken(&value.shown(self.output_base));
                    self.put(&format!("{text}\n"));
                    self.last = value;
                }
            }
            Statement::Text(text) => self.put(text),
            Statement::Print(all) => {
                for printed in all {
                    match printed {
                        Printed::Text(text) => self.put(text),
                        Printed::Value(expression) => {
                            let value = self.value(expression)?;
                            let text = broken(&value.shown(self.output_base));
                            self.put(&text);
                            self.last = value;
                        }
                    }
                }
            }
            Statement::If(condition, then, other) => {
                if !self.value(condition)?.is_zero() {
                    return self.run(then);
                }
                if let Some(other) = other {
                    return self.run(other);
                }
            }
            Statement::While(condition, body) => {
                while !self.value(condition)?.is_zero() {
                    match self.run(body)? {
                        Flow::On | Flow::Continue => {}
                        Flow::Break => break,
                        ends => return Ok(ends),
                    }
                }
            }
            Statement::For(first, condition, step, body) => {
                if let Some(first) = first {
                    self.value(first)?;
                }
                loop {
                    if let Some(condition) = condition
                        && self.value(condition)?.is_zero()
                    {
                        break;
                    }
                    match self.run(body)? {
                        Flow::On | Flow::Continue => {}
                        Flow::Break => break,
                        ends => return Ok(ends),
                    }
                    if let Some(step) = step {
                        self.value(step)?;
                    }
                }
            }
            Statement::Block(all) => {
                for statement in all {
                    match self.run(statement)? {
                        Flow::On => {}
                        ends => return Ok(ends),
                    }
                }
            }
            Statement::Define(function) => {
                self.functions
                    .insert(function.name.clone(), Rc::clone(function));
            }
            Statement::Return(value) => {
                return Ok(Flow::Return(match value {
                    Some(value) => self.value(value)?,
                    None => Number::integer(0),
                }));
            }
            Statement::Break => return Ok(Flow::Break),
            Statement::Continue => return Ok(Flow::Continue),
            Statement::Quit => return Ok(Flow::Quit),
        }
        Ok(Flow::On)
    }

    fn value(&mut self, expression: &Expression) -> Run<Number> {
        Ok(match expression {
            Expression::Number(text) => Number::parse(text, self.input_base),
            Expression::Place(place) => self.get(place)?,
            Expression::Assign(place, operator, value) => {
                let value = self.value(value)?;
                let value = match operator {
                    Some(operator) => {
                        let old = self.get(place)?;
                        self.two(*operator, &old, &value)?
                    }
                    None => value,
                };
                self.set(place, value.clone())?;
                value
            }
            Expression::Step(place, step, before) => {
                let old = self.get(place)?;
                let new = old.add(&Number::integer(*step));
                self.set(place, new.clone())?;
                if *before { new } else { old }
            }
            Expression::Negate(inner) => self.value(inner)?.negate(),
            Expression::Not(inner) => truth(self.value(inner)?.is_zero()),
            Expression::Parentheses(inner) => self.value(inner)?,
            Expression::Two(operator, one, other) => {
                let (one, other) = (self.value(one)?, self.value(other)?);
                self.two(*operator, &one, &other)?
            }
            Expression::Call(name, arguments) => self.call(name, arguments)?,
        })
    }

    fn two(&self, operator: Operator, one: &Number, other: &Number) -> Run<Number> {
        Ok(match operator {
            Operator::Add => one.add(other),
            Operator::Subtract => one.subtract(other),
            Operator::Multiply => one.multiply(other, self.scale),
            Operator::Divide => one.divide(other, self.scale)?,
            Operator::Remainder => one.remainder(other, self.scale)?,
            Operator::Power => one.power(other, self.scale)?,
            Operator::Less => truth(one < other),
            Operator::LessOrEqual => truth(one <= other),
            Operator::Equal => truth(one == other),
            Operator::NotEqual => truth(one != other),
            Operator::GreaterOrEqual => truth(one >= other),
            Operator::Greater => truth(one > other),
            Operator::And => truth(!one.is_zero() && !other.is_zero()),
            Operator::Or => truth(!one.is_zero() || !other.is_zero()),
        })
    }

    fn call(&mut self, name: &str, arguments: &[Expression]) -> Run<Number> {
        let mut values = Vec::new();
        for argument in arguments {
            values.push(self.value(argument)?);
        }
        if let Some(function) = self.functions.get(name).cloned() {
            return self.own(&function, values);
        }
        let [value] = values.as_slice() else {
            return Err(format!("Function {name} not defined"));
        };
        match name {
            "sqrt" => return value.square_root(self.scale),
            "length" => return Ok(Number::integer(value.length() as i64)),
            "scale" => return Ok(Number::integer(i64::from(value.scale))),
            _ => {}
        }
        let known = match self.library {
            true => library::call(name, value, self.scale),
            false => None,
        };
        known.unwrap_or_else(|| Err(format!("Function {name} not defined")))
    }

    fn own(&mut self, function: &Function, values: Vec<Number>) -> Run<Number> {
        if values.len() != function.parameters.len() {
            return Err(format!("Parameter number mismatch in {}", function.name));
        }
        if self.calls == CALLS_MAX {
            return Err("functions call each other too deeply".to_owned());
        }
        // Its names hide those outside while it runs.
        let hidden: Vec<(String, Option<Number>)> = function
            .parameters
            .iter()
            .chain(&function.own)
            .map(|name| (name.clone(), self.names.remove(name)))
            .collect();
        let parameters = function.parameters.iter().cloned();
        self.names.extend(parameters.zip(values));
        self.calls += 1;
        let mut result = Ok(Number::integer(0));
        for statement in &function.body {
            match self.run(statement) {
                Ok(Flow::Return(value)) => {
                    result = Ok(value);
                    break;
                }
                Ok(Flow::Quit) => {
                    self.flush();
                    swarm_flow_process::exit(0);
                }
                Ok(_) => {}
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        self.calls -= 1;
        for (name, value) in hidden {
            match value {
                Some(value) => self.names.insert(name, value),
                None => self.names.remove(&name),
            };
        }
        result
    }

    fn get(&mut self, place: &Place) -> Run<Number> {
        Ok(match place {
            Place::Name(name) => match name.as_str() {
                "scale" => Number::integer(i64::from(self.scale)),
                "ibase" => Number::integer(i64::from(self.input_base)),
                "obase" => Number::integer(i64::from(self.output_base)),
                "last" => self.last.clone(),
                name => self.names.get(name).cloned().unwrap_or(Number::integer(0)),
            },
            Place::Element(name, index) => {
                let index = self.index(index)?;
                let found = self.elements.get(&(name.clone(), index));
                found.cloned().unwrap_or(Number::integer(0))
            }
        })
    }

    fn set(&mut self, place: &Place, value: Number) -> Run<()> {
        match place {
            Place::Name(name) => {
                let small = value.to_integer().unwrap_or(-1);
                match name.as_str() {
                    "scale" if (0..=SCALE_MAX).contains(&small) => self.scale = small as u32,
                    "ibase" if (2..=16).contains(&small) => self.input_base = small as u32,
                    "obase" if (2..=999).contains(&small) => self.output_base = small as u32,
                    "scale" | "ibase" | "obase" => {
                        return Err(format!("{name} cannot be {}", value.shown(10)));
                    }
                    "last" => self.last = value,
                    name => _ = self.names.insert(name.to_owned(), value),
                }
            }
            Place::Element(name, index) => {
                let index = self.index(index)?;
                self.elements.insert((name.clone(), index), value);
            }
        }
        Ok(())
    }

    fn index(&mut self, index: &Expression) -> Run<i64> {
        let index = self.value(index)?.to_integer();
        let index = index.filter(|index| *index >= 0);
        index.ok_or_else(|| "Array subscript out of bounds".to_owned())
    }
}

fn truth(yes: bool) -> Number {
    Number::integer(i64::from(yes))
}

/// Long numbers go on in the next line.
fn broken(digits: &str) -> String {
    let mut out = String::new();
    let mut rest = digits;
    while rest.len() > LINE_DIGITS {
        let (line, after) = rest.split_at_checked(LINE_DIGITS - 1).unwrap_or((rest, ""));
        out.push_str(line);
        out.push_str("\\\n");
        rest = after;
    }
    out + rest
}
