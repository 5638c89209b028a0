//! Runs a program over its input.

use crate::input::{Input, Separator};
use crate::output::{Outputs, READER_LEFT, spawn_error};
use crate::parser::SPECIAL;
use crate::syntax::{Block, Expression, Operator, Pattern, Program, Source, Statement, Variable};
use crate::value::Value;
use crate::{builtins, format, lexer};
use indexmap::IndexMap;
use regex::Regex;
use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::rc::Rc;
use swarm_flow_posix::{pattern, reason};
use swarm_flow_process::Command;

pub type Array = Rc<RefCell<IndexMap<Rc<str>, Value>>>;

#[derive(Clone)]
pub enum Cell {
    Scalar(Value),
    Array(Array),
    /// A parameter that may become either.
    Unknown,
}

/// Why a statement was left.
pub enum Flow {
    Next,
    NextFile,
    Exit,
    Break,
    Continue,
    Return(Value),
    Error(String),
}

impl From<String> for Flow {
    fn from(error: String) -> Self {
        Self::Error(error)
    }
}

pub type Run<T> = Result<T, Flow>;

const NF: usize = 0;
const NR: usize = 1;
const FNR: usize = 2;
const FS: usize = 3;
const OFS: usize = 4;
const ORS: usize = 5;
const RS: usize = 6;
const FILENAME: usize = 7;
const SUBSEP: usize = 8;
pub const RSTART: usize = 9;
pub const RLENGTH: usize = 10;
const CONVFMT: usize = 11;
const OFMT: usize = 12;
const ENVIRON: usize = 13;
const ARGV: usize = 14;

/// Deeper calls would end at the stack.
const CALLS_MAX: usize = 2_000;
/// A field beyond it is a mistake of the program.
const FIELD_MAX: usize = 1 << 22;

pub struct Interpreter {
    program: Rc<Program>,
    globals: Vec<Cell>,
    frames: Vec<Vec<Cell>>,
    record: Rc<str>,
    /// None until someone asks for a field.
    fields: Option<Vec<Value>>,
    stale: bool,
    pub outputs: Outputs,
    inputs: HashMap<String, Input>,
    main: Option<Input>,
    files: Vec<String>,
    file_at: usize,
    any_file: bool,
    regexes: HashMap<Rc<str>, Rc<Regex>>,
    ranges: Vec<bool>,
    pub seed: f64,
    pub random: u64,
    exit_code: i32,
}

pub fn run(
    program: Program,
    assignments: &[(String, String)],
    files: Vec<String>,
) -> Result<i32, String> {
    let mut interpreter = Interpreter::new(program, files);
    for (name, value) in assignments {
        interpreter.assign_name(name, value);
    }
    let mut result = interpreter.all();
    let ended = interpreter.outputs.close_all();
    if result.is_ok() {
        result = ended.map(|()| interpreter.exit_code);
    }
    match result {
        Err(error) if error == READER_LEFT => Ok(interpreter.exit_code),
        other => other,
    }
}

impl Interpreter {
    fn new(program: Program, files: Vec<String>) -> Self {
        let mut globals = vec![Cell::Unknown; program.globals.len()];
        let texts = [
            (FS, " "),
            (OFS, " "),
            (ORS, "\n"),
            (RS, "\n"),
            (SUBSEP, "\x1c"),
            (CONVFMT, "%.6g"),
            (OFMT, "%.6g"),
        ];
        for (index, text) in texts {
            set(&mut globals, index, Cell::Scalar(Value::text(text)));
        }
        for index in [NF, NR, FNR, RSTART] {
            set(&mut globals, index, Cell::Scalar(Value::Number(0.0)));
        }
        set(&mut globals, RLENGTH, Cell::Scalar(Value::Number(-1.0)));
        let environment =
            std::env::vars().map(|(name, value)| (name.into(), Value::outside(&value)));
        set(
            &mut globals,
            ENVIRON,
            Cell::Array(Rc::new(RefCell::new(environment.collect()))),
        );
        let all = std::iter::once("awk".to_owned()).chain(files.iter().cloned());
        let all = all
            .enumerate()
            .map(|(at, value)| (at.to_string().into(), Value::outside(&value)));
        set(
            &mut globals,
            ARGV,
            Cell::Array(Rc::new(RefCell::new(all.collect()))),
        );
        if let Some(index) = program.globals.iter().position(|name| name == "ARGC") {
            set(
                &mut globals,
                index,
                Cell::Scalar(Value::Number(files.len() as f64 + 1.0)),
            );
        }
        let ranges = vec![false; program.rules.len()];
        Self {
            program: Rc::new(program),
            globals,
            frames: Vec::new(),
            record: "".into(),
            fields: None,
            stale: false,
            outputs: Outputs::new(),
            inputs: HashMap::new(),
            main: None,
            files,
            file_at: 0,
            any_file: false,
            regexes: HashMap::new(),
            ranges,
            seed: 0.0,
            random: 0x2545_F491_4F6C_DD1D,
            exit_code: 0,
        }
    }

    /// `name=value` of the command line. What the program never names is of no use to it.
    fn assign_name(&mut self, name: &str, value: &str) {
        let index = self.program.globals.iter().position(|known| known == name);
        if let Some(index) = index {
            let value = Value::outside(&lexer::unescape(value));
            self.set_variable(Variable::Global(index), value);
        }
    }

    fn all(&mut self) -> Result<i32, String> {
        let program = self.program.clone();
        match self.main_part(&program) {
            Ok(())
            | Err(
                Flow::Exit
                | Flow::Next
                | Flow::NextFile
                | Flow::Break
                | Flow::Continue
                | Flow::Return(_),
            ) => {}
            Err(Flow::Error(error)) => return Err(error),
        }
        for block in &program.end {
            match self.block(block) {
                Err(Flow::Error(error)) => return Err(error),
                Err(Flow::Exit) => break,
                _ => {}
            }
        }
        Ok(self.exit_code)
    }

    fn main_part(&mut self, program: &Program) -> Run<()> {
        for block in &program.begin {
            self.block(block)?;
        }
        if program.rules.is_empty() && program.end.is_empty() {
            return Ok(());
        }
        while let Some(record) = self.next_record()? {
            self.set_record(record.into());
            match self.rules(program) {
                Err(Flow::Next) | Ok(()) => {}
                Err(Flow::NextFile) => self.main = None,
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }

    fn rules(&mut self, program: &Program) -> Run<()> {
        for (at, rule) in program.rules.iter().enumerate() {
            let fits = match &rule.pattern {
                Pattern::Always => true,
                Pattern::When(when) => self.value(when)?.is_true(),
                Pattern::Range(first, last) => {
                    let inside = self.ranges.get(at).copied().unwrap_or(false)
                        || self.value(first)?.is_true();
                    if inside {
                        let ends = self.value(last)?.is_true();
                        if let Some(place) = self.ranges.get_mut(at) {
                            *place = !ends;
                        }
                    }
                    inside
                }
            };
            match (&rule.action, fits) {
                (_, false) => {}
                (Some(block), true) => self.block(block)?,
                (None, true) => {
                    let line = format!("{}{}", self.current(), self.special(ORS));
                    self.outputs.write(None, &line)?;
                }
            }
        }
        Ok(())
    }

    /// The next record of the main input; counts it.
    fn next_record(&mut self) -> Run<Option<String>> {
        loop {
            if self.main.is_none() && !self.open_next()? {
                return Ok(None);
            }
            let separator = self.separator()?;
            let Some(input) = &mut self.main else {
                return Ok(None);
            };
            match input.record(&separator).map_err(|error| reason(&error))? {
                Some(record) => {
                    self.count(true);
                    return Ok(Some(record));
                }
                None => self.main = None,
            }
        }
    }

    fn count(&mut self, file_too: bool) {
        let both = [NR, FNR];
        for index in both.into_iter().take(if file_too { 2 } else { 1 }) {
            let count = self.get_global(index).number() + 1.0;
            set(&mut self.globals, index, Cell::Scalar(Value::Number(count)));
        }
    }

    fn open_next(&mut self) -> Run<bool> {
        while let Some(file) = self.files.get(self.file_at).cloned() {
            self.file_at += 1;
            if let Some((name, value)) = assignment(&file) {
                self.assign_name(name, value);
                continue;
            }
            if file.is_empty() {
                continue;
            }
            self.any_file = true;
            self.begin_file(&file);
            if file == "-" || file == "/dev/stdin" {
                self.main = Some(Input::new(std::io::stdin()));
                return Ok(true);
            }
            match std::fs::File::open(&file) {
                Ok(_) if std::path::Path::new(&file).is_dir() => {
                    self.cannot_open(&file, "Is a directory")
                }
                Ok(opened) => {
                    self.main = Some(Input::new(opened));
                    return Ok(true);
                }
                Err(error) => self.cannot_open(&file, &reason(&error)),
            }
        }
        if self.any_file {
            return Ok(false);
        }
        self.any_file = true;
        self.begin_file("");
        self.main = Some(Input::new(std::io::stdin()));
        Ok(true)
    }

    /// The other files are read all the same.
    fn cannot_open(&mut self, file: &str, why: &str) {
        // What was printed stands before it.
        let _ = self.outputs.flush();
        eprintln!("awk: cannot open \"{file}\" ({why})");
        self.exit_code = 2;
    }

    fn begin_file(&mut self, name: &str) {
        set(&mut self.globals, FILENAME, Cell::Scalar(Value::text(name)));
        set(&mut self.globals, FNR, Cell::Scalar(Value::Number(0.0)));
    }

    fn separator(&mut self) -> Run<Separator> {
        let text = self.special(RS);
        Ok(match text.as_bytes() {
            [] => Separator::Paragraph,
            [byte] => Separator::Byte(*byte),
            _ => Separator::Regex((*self.regex(&text)?).clone()),
        })
    }

    fn set_record(&mut self, record: Rc<str>) {
        self.record = record;
        self.fields = None;
        self.stale = false;
    }

    /// `$0`, put together again if a field was set.
    fn current(&mut self) -> Rc<str> {
        if self.stale {
            let (between, form) = (self.special(OFS), self.special(CONVFMT));
            let fields = self
                .fields
                .iter()
                .flatten()
                .map(|field| field.to_text(&form));
            self.record = fields.collect::<Vec<_>>().join(&between).into();
            self.stale = false;
        }
        self.record.clone()
    }

    fn fields(&mut self) -> Run<&mut Vec<Value>> {
        if self.fields.is_none() {
            let separator = self.special(FS);
            let record = self.record.clone();
            let paragraph = self.special(RS).is_empty();
            let fields = self.split(&record, &separator, paragraph)?;
            self.fields = Some(fields.iter().map(|field| Value::outside(field)).collect());
        }
        Ok(self.fields.get_or_insert_default())
    }

    pub fn split(&mut self, text: &str, separator: &str, lines_too: bool) -> Run<Vec<String>> {
        let owned = |parts: Vec<&str>| parts.into_iter().map(str::to_owned).collect();
        if separator == " " {
            let blanks: &[char] = &[' ', '\t', '\n'];
            return Ok(owned(
                text.split(blanks).filter(|part| !part.is_empty()).collect(),
            ));
        }
        if text.is_empty() {
            return Ok(Vec::new());
        }
        if separator.is_empty() {
            return Ok(text.chars().map(String::from).collect());
        }
        let mut letters = separator.chars();
        if let (Some(one), None, false) = (letters.next(), letters.next(), lines_too)
            && one != '\\'
        {
            return Ok(owned(text.split(one).collect()));
        }
        let regex = match (separator.chars().count(), lines_too) {
            (1, true) => format!("[{separator}]|\n"),
            (_, true) => format!("({separator})|\n"),
            _ => separator.to_owned(),
        };
        Ok(owned(self.regex(&regex)?.split(text).collect()))
    }

    pub fn regex(&mut self, text: &str) -> Run<Rc<Regex>> {
        if let Some(regex) = self.regexes.get(text) {
            return Ok(regex.clone());
        }
        let translated = pattern::translate(text, pattern::Syntax::Awk)?;
        let built = Regex::new(&format!("(?s){}", translated.regex));
        let built =
            Rc::new(built.map_err(|_| format!("regular expression /{text}/ cannot be used"))?);
        self.regexes.insert(text.into(), built.clone());
        Ok(built)
    }

    fn block(&mut self, block: &Block) -> Run<()> {
        block
            .iter()
            .try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: &Statement) -> Run<()> {
        match statement {
            Statement::Expression(expression) => self.value(expression).map(drop),
            Statement::Print {
                arguments,
                to,
                formatted,
            } => self.print(arguments, to.as_ref(), *formatted),
            Statement::If(condition, then, otherwise) => {
                let branch = if self.value(condition)?.is_true() {
                    then
                } else {
                    otherwise
                };
                self.block(branch)
            }
            Statement::While(condition, body) => {
                while self.value(condition)?.is_true() {
                    if !self.turn(body)? {
                        break;
                    }
                }
                Ok(())
            }
            Statement::Do(body, condition) => loop {
                if !self.turn(body)? || !self.value(condition)?.is_true() {
                    return Ok(());
                }
            },
            Statement::For(first, condition, step, body) => {
                first.iter().try_for_each(|first| self.statement(first))?;
                while condition.as_ref().map_or(Ok(true), |condition| {
                    self.value(condition).map(|value| value.is_true())
                })? {
                    if !self.turn(body)? {
                        break;
                    }
                    step.iter().try_for_each(|step| self.statement(step))?;
                }
                Ok(())
            }
            Statement::ForIn(key, array, body) => {
                let keys: Vec<Rc<str>> = self.array(*array)?.borrow().keys().cloned().collect();
                for each in keys {
                    self.set_variable(*key, Value::outside(&each));
                    if !self.turn(body)? {
                        break;
                    }
                }
                Ok(())
            }
            Statement::Block(block) => self.block(block),
            Statement::Next => Err(Flow::Next),
            Statement::NextFile => Err(Flow::NextFile),
            Statement::Break => Err(Flow::Break),
            Statement::Continue => Err(Flow::Continue),
            Statement::Exit(code) => {
                if let Some(code) = code {
                    self.exit_code = self.value(code)?.number() as i32;
                }
                Err(Flow::Exit)
            }
            Statement::Return(value) => {
                let value = value
                    .as_ref()
                    .map_or(Ok(Value::Nothing), |value| self.value(value))?;
                Err(Flow::Return(value))
            }
            Statement::Delete(array, index) => {
                let found = self.array(*array)?;
                match index {
                    None => found.borrow_mut().clear(),
                    Some(index) => {
                        let key = self.key(index)?;
                        found.borrow_mut().shift_remove(&key);
                    }
                }
                Ok(())
            }
        }
    }

    /// One turn of a loop; false if it is the last.
    fn turn(&mut self, body: &Block) -> Run<bool> {
        match self.block(body) {
            Ok(()) | Err(Flow::Continue) => Ok(true),
            Err(Flow::Break) => Ok(false),
            Err(other) => Err(other),
        }
    }

    fn print(
        &mut self,
        arguments: &[Expression],
        to: Option<&(crate::syntax::Redirect, Expression)>,
        formatted: bool,
    ) -> Run<()> {
        let values = arguments
            .iter()
            .map(|argument| self.value(argument))
            .collect::<Run<Vec<_>>>()?;
        let form = self.special(if formatted { CONVFMT } else { OFMT });
        let text = match values.split_first() {
            Some((first, rest)) if formatted => format::format(&first.to_text(&form), rest, &form),
            None => format!("{}{}", self.current(), self.special(ORS)),
            Some(_) => {
                let texts: Vec<_> = values.iter().map(|value| value.to_text(&form)).collect();
                format!("{}{}", texts.join(&self.special(OFS)), self.special(ORS))
            }
        };
        let target = match to {
            Some((redirect, name)) => Some((*redirect, self.text(name)?)),
            None => None,
        };
        let target = target.as_ref().map(|(redirect, name)| (*redirect, &**name));
        Ok(self.outputs.write(target, &text)?)
    }

    pub fn text(&mut self, expression: &Expression) -> Run<Rc<str>> {
        let form = self.special(CONVFMT);
        Ok(self.value(expression)?.to_text(&form))
    }

    /// What is matched: a regex as it stands, anything else as text.
    pub fn regex_of(&mut self, expression: &Expression) -> Run<Rc<Regex>> {
        match expression {
            Expression::Regex(text) => self.regex(&text.clone()),
            other => {
                let text = self.text(other)?;
                self.regex(&text)
            }
        }
    }

    pub fn value(&mut self, expression: &Expression) -> Run<Value> {
        Ok(match expression {
            Expression::Number(number) => Value::Number(*number),
            Expression::Text(text) => Value::Text(text.clone()),
            Expression::Regex(_) => {
                let record = self.current();
                Value::truth(self.regex_of(expression)?.is_match(&record))
            }
            Expression::Variable(variable) => self.variable(*variable)?,
            Expression::Field(index) => {
                let index = self.value(index)?.number();
                self.field(index)?
            }
            Expression::Element(array, index) => {
                let key = self.key(index)?;
                let array = self.array(*array)?;
                let mut array = array.borrow_mut();
                array.entry(key).or_insert(Value::Nothing).clone()
            }
            Expression::Assign(target, operator, value) => self.assign(target, *operator, value)?,
            Expression::Step { target, up, before } => {
                let old = self.value(target)?.number();
                let new = if *up { old + 1.0 } else { old - 1.0 };
                self.store(target, Value::Number(new))?;
                Value::Number(if *before { new } else { old })
            }
            Expression::Not(inner) => Value::truth(!self.value(inner)?.is_true()),
            Expression::Negative(inner) => Value::Number(-self.value(inner)?.number()),
            Expression::Positive(inner) => Value::Number(self.value(inner)?.number()),
            Expression::Group(inner) => self.value(inner)?,
            Expression::Binary(operator, left, right) => {
                let left = self.value(left)?;
                let right = self.value(right)?;
                self.binary(*operator, &left, &right)?
            }
            Expression::And(left, right) => {
                Value::truth(self.value(left)?.is_true() && self.value(right)?.is_true())
            }
            Expression::Or(left, right) => {
                Value::truth(self.value(left)?.is_true() || self.value(right)?.is_true())
            }
            Expression::Conditional(condition, then, otherwise) => {
                let branch = if self.value(condition)?.is_true() {
                    then
                } else {
                    otherwise
                };
                self.value(branch)?
            }
            Expression::Match {
                text,
                regex,
                negated,
            } => {
                let text = self.text(text)?;
                Value::truth(self.regex_of(regex)?.is_match(&text) != *negated)
            }
            Expression::In(index, array) => {
                let key = self.key(index)?;
                Value::truth(self.array(*array)?.borrow().contains_key(&key))
            }
            Expression::Builtin(name, arguments) => builtins::call(self, name, arguments)?,
            Expression::Call(index, arguments) => self.call(*index, arguments)?,
            Expression::Getline { source, into } => self.getline(source, into.as_deref())?,
        })
    }

    fn binary(&mut self, operator: Operator, left: &Value, right: &Value) -> Run<Value> {
        let (one, other) = (left.number(), right.number());
        let number = match operator {
            Operator::Add => one + other,
            Operator::Subtract => one - other,
            Operator::Multiply => one * other,
            Operator::Divide | Operator::Remainder if other == 0.0 => {
                return Err(Flow::Error("division by zero".to_owned()));
            }
            Operator::Divide => one / other,
            Operator::Remainder => one % other,
            Operator::Power => one.powf(other),
            Operator::Concatenate => {
                let form = self.special(CONVFMT);
                return Ok(Value::text(format!(
                    "{}{}",
                    left.to_text(&form),
                    right.to_text(&form)
                )));
            }
            _ => {
                let order = left.compare(right, &self.special(CONVFMT));
                return Ok(Value::truth(match operator {
                    Operator::Less => order == Some(Ordering::Less),
                    Operator::LessEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
                    Operator::Equal => order == Some(Ordering::Equal),
                    Operator::NotEqual => order != Some(Ordering::Equal),
                    Operator::Greater => order == Some(Ordering::Greater),
                    _ => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
                }));
            }
        };
        Ok(Value::Number(number))
    }

    fn assign(
        &mut self,
        target: &Expression,
        operator: Option<Operator>,
        value: &Expression,
    ) -> Run<Value> {
        let mut new = self.value(value)?;
        if let Some(operator) = operator {
            let old = self.value(target)?;
            new = self.binary(operator, &old, &new)?;
        }
        self.store(target, new.clone())?;
        Ok(new)
    }

    pub fn store(&mut self, target: &Expression, value: Value) -> Run<()> {
        match target {
            Expression::Variable(variable) => {
                if let Variable::Global(NF) = variable {
                    return self.set_count(value.number());
                }
                self.set_variable(*variable, value);
            }
            Expression::Field(index) => {
                let index = self.value(index)?.number();
                self.set_field(index, value)?;
            }
            Expression::Element(array, index) => {
                let key = self.key(index)?;
                self.array(*array)?.borrow_mut().insert(key, value);
            }
            Expression::Group(inner) => return self.store(inner, value),
            _ => return Err(Flow::Error("this cannot be assigned to".to_owned())),
        }
        Ok(())
    }

    fn field(&mut self, index: f64) -> Run<Value> {
        match index {
            0.0 => Ok(Value::outside(&self.current())),
            index if index < 0.0 => Err(Flow::Error(format!("field ${index} does not exist"))),
            index => Ok(self
                .fields()?
                .get(index as usize - 1)
                .cloned()
                .unwrap_or(Value::Nothing)),
        }
    }

    fn set_field(&mut self, index: f64, value: Value) -> Run<()> {
        if index < 0.0 || index as usize > FIELD_MAX {
            return Err(Flow::Error(format!("field ${index} does not exist")));
        }
        if index == 0.0 {
            let form = self.special(CONVFMT);
            self.set_record(value.to_text(&form));
            return Ok(());
        }
        let fields = self.fields()?;
        let at = index as usize - 1;
        if fields.len() <= at {
            fields.resize(at + 1, Value::Nothing);
        }
        if let Some(field) = fields.get_mut(at) {
            *field = value;
        }
        self.stale = true;
        Ok(())
    }

    fn set_count(&mut self, count: f64) -> Run<()> {
        let count = (count.max(0.0) as usize).min(FIELD_MAX);
        self.fields()?.resize(count, Value::Nothing);
        self.stale = true;
        Ok(())
    }

    fn variable(&mut self, variable: Variable) -> Run<Value> {
        if let Variable::Global(NF) = variable {
            return Ok(Value::Number(self.fields()?.len() as f64));
        }
        match self.cell(variable) {
            Some(Cell::Scalar(value)) => Ok(value.clone()),
            Some(Cell::Array(_)) => {
                Err(Flow::Error("an array is used as a single value".to_owned()))
            }
            _ => Ok(Value::Nothing),
        }
    }

    fn cell(&mut self, variable: Variable) -> Option<&mut Cell> {
        match variable {
            Variable::Global(index) => self.globals.get_mut(index),
            Variable::Local(index) => self.frames.last_mut()?.get_mut(index),
        }
    }

    pub fn set_variable(&mut self, variable: Variable, value: Value) {
        if let Some(cell) = self.cell(variable) {
            *cell = Cell::Scalar(value);
        }
    }

    pub fn array(&mut self, variable: Variable) -> Run<Array> {
        match self.cell(variable) {
            Some(Cell::Array(array)) => Ok(array.clone()),
            Some(cell @ Cell::Unknown) => {
                let array = Array::default();
                *cell = Cell::Array(array.clone());
                Ok(array)
            }
            _ => Err(Flow::Error("a single value is used as an array".to_owned())),
        }
    }

    fn key(&mut self, index: &[Expression]) -> Run<Rc<str>> {
        let form = self.special(CONVFMT);
        if let [one] = index {
            return Ok(self.value(one)?.to_text(&form));
        }
        let parts = index
            .iter()
            .map(|part| self.text(part))
            .collect::<Run<Vec<_>>>()?;
        Ok(parts.join(&self.special(SUBSEP)).into())
    }

    fn get_global(&self, index: usize) -> Value {
        match self.globals.get(index) {
            Some(Cell::Scalar(value)) => value.clone(),
            _ => Value::Nothing,
        }
    }

    pub fn special(&self, index: usize) -> Rc<str> {
        match self.globals.get(index) {
            Some(Cell::Scalar(Value::Text(text) | Value::Numeric(text, _))) => text.clone(),
            Some(Cell::Scalar(value)) => value.to_text("%.6g"),
            _ => "".into(),
        }
    }

    pub fn number_form(&self) -> Rc<str> {
        self.special(CONVFMT)
    }

    fn call(&mut self, index: usize, arguments: &[Expression]) -> Run<Value> {
        let program = self.program.clone();
        let Some(function) = program.functions.get(index) else {
            return Ok(Value::Nothing);
        };
        if arguments.len() > function.parameters {
            return Err(Flow::Error(format!(
                "function {} takes {} arguments",
                function.name, function.parameters
            )));
        }
        if self.frames.len() >= CALLS_MAX {
            return Err(Flow::Error(format!(
                "function {}: calls are nested too deeply",
                function.name
            )));
        }
        let mut frame = Vec::with_capacity(function.parameters);
        let mut later: Vec<(Variable, usize)> = Vec::new();
        for (at, argument) in arguments.iter().enumerate() {
            let cell = match argument {
                Expression::Variable(variable) if !matches!(variable, Variable::Global(NF)) => {
                    let cell = self
                        .cell(*variable)
                        .map_or(Cell::Unknown, |cell| cell.clone());
                    if matches!(cell, Cell::Unknown) {
                        later.push((*variable, at));
                    }
                    cell
                }
                other => Cell::Scalar(self.value(other)?),
            };
            frame.push(cell);
        }
        frame.resize(function.parameters, Cell::Unknown);
        self.frames.push(frame);
        let result = self.block(&function.body);
        let frame = self.frames.pop().unwrap_or_default();
        // What the function made an array of is one for its caller too.
        for (variable, at) in later {
            if let (Some(Cell::Array(array)), Some(cell @ Cell::Unknown)) =
                (frame.get(at), self.cell(variable))
            {
                *cell = Cell::Array(array.clone());
            }
        }
        match result {
            Ok(()) => Ok(Value::Nothing),
            Err(Flow::Return(value)) => Ok(value),
            Err(other) => Err(other),
        }
    }

    fn getline(&mut self, source: &Source, into: Option<&Expression>) -> Run<Value> {
        let record = match source {
            Source::Main => self.next_record()?,
            Source::File(name) => {
                let name = self.text(name)?;
                if !self.inputs.contains_key(&*name) {
                    let input = match &*name {
                        "-" | "/dev/stdin" => Input::new(std::io::stdin()),
                        path => match std::fs::File::open(path) {
                            Ok(file) => Input::new(file),
                            Err(_) => return Ok(Value::Number(-1.0)),
                        },
                    };
                    self.inputs.insert(name.to_string(), input);
                }
                self.record_of(&name)?
            }
            Source::Command(command) => {
                let command = self.text(command)?;
                if !self.inputs.contains_key(&*command) {
                    self.outputs.flush()?;
                    let (reader, writer) = swarm_flow_process::pipe();
                    let child = Command::new(["sh", "-c", &command])
                        .stdout(Some(&writer))
                        .spawn();
                    child.map_err(spawn_error)?;
                    drop(writer);
                    self.inputs.insert(
                        command.to_string(),
                        Input::new(swarm_flow_process::read(&reader)),
                    );
                }
                let record = self.record_of(&command)?;
                if record.is_some() {
                    self.count(false);
                }
                record
            }
        };
        let Some(record) = record else {
            return Ok(Value::Number(0.0));
        };
        match into {
            Some(target) => self.store(target, Value::outside(&record))?,
            None => self.set_record(record.into()),
        }
        Ok(Value::Number(1.0))
    }

    fn record_of(&mut self, name: &str) -> Run<Option<String>> {
        let separator = self.separator()?;
        let Some(input) = self.inputs.get_mut(name) else {
            return Ok(None);
        };
        Ok(input.record(&separator).map_err(|error| reason(&error))?)
    }

    pub fn close(&mut self, name: &str) -> i32 {
        let input = self.inputs.remove(name).map(|_| 0);
        self.outputs.close(name).or(input).unwrap_or(-1)
    }

    pub fn system(&mut self, command: &str) -> Run<Value> {
        self.outputs.flush()?;
        let end = Command::new(["sh", "-c", command])
            .run()
            .map_err(spawn_error)?;
        Ok(Value::Number(f64::from(end.exit_code)))
    }

    pub fn record_target() -> Expression {
        Expression::Field(Box::new(Expression::Number(0.0)))
    }

    pub fn record_text(&mut self) -> Rc<str> {
        self.current()
    }

    /// The separator that `split` uses if it is given none.
    pub fn field_separator(&self) -> Rc<str> {
        self.special(FS)
    }

    pub fn is_array(&mut self, variable: Variable) -> bool {
        matches!(self.cell(variable), Some(Cell::Array(_)))
    }
}

fn set(globals: &mut [Cell], index: usize, cell: Cell) {
    if let Some(place) = globals.get_mut(index) {
        *place = cell;
    }
}

/// An operand like `name=value`.
fn assignment(operand: &str) -> Option<(&str, &str)> {
    let (name, value) = operand.split_once('=')?;
    let mut letters = name.chars();
    let first = letters.next()?;
    let fits = (first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    fits.then_some((name, value))
}

const _: () = assert!(SPECIAL.len() == ARGV + 1);
