//! `declare`, `local`, `export`, `readonly`, `unset`.

use super::{Letters, Operand};
use crate::scope::element;
use crate::shell::{Outcome, Shell};
use crate::syntax::{Assigned, Parser, is_name};
use crate::text;
use crate::transform::declaration;
use crate::variables::{Associative, Attributes, Value, Variable};
use std::rc::Rc;

/// What the letters ask for.
#[derive(Default)]
struct Wanted {
    on: String,
    off: String,
    print: bool,
    functions: bool,
    function_names: bool,
    global: bool,
}

impl Wanted {
    fn apply(&self, attributes: &mut Attributes) {
        for (letters, value) in [(&self.on, true), (&self.off, false)] {
            for letter in letters.chars() {
                match letter {
                    'x' => attributes.exported = value,
                    'r' if value => attributes.read_only = true,
                    'i' => attributes.integer = value,
                    'l' => {
                        (attributes.lower, attributes.upper) = (value, attributes.upper && !value)
                    }
                    'u' => {
                        (attributes.upper, attributes.lower) = (value, attributes.lower && !value)
                    }
                    'n' => attributes.reference = value,
                    _ => {}
                }
            }
        }
    }
}

pub async fn declare(shell: &mut Shell, command: &str, operands: &[Operand<'_>]) -> Outcome {
    let mut wanted = Wanted::default();
    match command {
        "export" => wanted.on.push('x'),
        "readonly" => wanted.on.push('r'),
        _ => {}
    }
    let mut rest = operands.get(1..).unwrap_or_default();
    while let Some((Operand::Text(first), after)) = rest.split_first() {
        let (letters, on) = match (first.strip_prefix('-'), first.strip_prefix('+')) {
            (Some(letters), _) if !letters.is_empty() => (letters, true),
            (_, Some(letters)) if !letters.is_empty() => (letters, false),
            _ => break,
        };
        rest = after;
        if letters == "-" {
            break;
        }
        for letter in letters.chars() {
            match letter {
                'p' => wanted.print = true,
                'f' => wanted.functions = true,
                'F' => (wanted.functions, wanted.function_names) = (true, true),
                'g' => wanted.global = true,
                'n' if command == "export" => wanted.off.push('x'),
                'x' | 'r' | 'i' | 'l' | 'u' | 'n' | 'a' | 'A' | 't' | 'I' if on => {
                    wanted.on.push(letter)
                }
                'x' | 'r' | 'i' | 'l' | 'u' | 'n' | 'a' | 'A' | 't' => wanted.off.push(letter),
                _ => {
                    let message = format!("-{letter}: invalid option");
                    return shell.usage(command, &message).await;
                }
            }
        }
    }
    if command == "local" && !shell.in_function() {
        shell
            .complain("local: can only be used in a function")
            .await;
        return Ok(1);
    }
    if wanted.functions {
        return functions(shell, rest, &wanted).await;
    }
    if rest.is_empty() {
        return list(shell, command, &wanted).await;
    }
    // All values are known before the first is assigned.
    let mut values = Vec::with_capacity(rest.len());
    for operand in rest {
        values.push(match operand {
            Operand::Assignment(assignment) => match &assignment.value {
                Assigned::Scalar(word) => Some(shell.text(word).await?),
                Assigned::Array(_) => None,
            },
            Operand::Text(_) => None,
        });
    }
    let mut status = 0;
    for (operand, value) in rest.iter().zip(values) {
        match one(shell, command, operand, value, &wanted).await? {
            Ok(()) => {}
            Err(message) => {
                shell.complain(&format!("{command}: {message}")).await;
                status = 1;
            }
        }
    }
    Ok(status)
}

async fn functions(shell: &mut Shell, operands: &[Operand<'_>], wanted: &Wanted) -> Outcome {
    let mut names: Vec<String> = operands.iter().map(Operand::written).collect();
    let all = names.is_empty();
    if all {
        names = shell.functions.keys().cloned().collect();
        names.sort();
    }
    let mut status = 0;
    let mut output = String::new();
    for name in &names {
        match shell.functions.get(name) {
            None => status = 1,
            Some(_) if wanted.function_names && !all => output.push_str(&format!("{name}\n")),
            Some(_) if wanted.function_names => output.push_str(&format!("declare -f {name}\n")),
            Some(_) if !wanted.on.is_empty() || !wanted.off.is_empty() => {
                let exported = Rc::make_mut(&mut shell.exported_functions);
                if wanted.off.contains('x') {
                    exported.remove(name);
                } else if wanted.on.contains('x') {
                    exported.insert(name.clone());
                }
            }
            Some(function) => output.push_str(&format!("{}\n", function.text)),
        }
    }
    shell.print(&output).await?;
    Ok(status)
}

async fn list(shell: &mut Shell, command: &str, wanted: &Wanted) -> Outcome {
    let local = command == "local";
    let mut names: Vec<&String> = shell
        .variables
        .iter()
        .filter(|(_, variable)| {
            let letters = variable.letters();
            wanted
                .on
                .chars()
                .filter(|c| *c != 'I')
                .all(|letter| letters.contains(letter))
        })
        .map(|(name, _)| name)
        .filter(|name| {
            !local
                || shell
                    .frames
                    .last()
                    .is_some_and(|frame| frame.hidden.contains_key(*name))
        })
        .collect();
    names.sort();
    let plain = wanted.on.is_empty() && !wanted.print;
    let mut output = String::new();
    for name in names {
        if let Some(variable) = shell.variables.get(name) {
            output.push_str(&if plain {
                assignment(name, variable)
            } else {
                declaration(name, variable)
            });
            output.push('\n');
        }
    }
    shell.print(&output).await
}

/// As `set` writes it.
pub fn assignment(name: &str, variable: &Variable) -> String {
    match &variable.value {
        Value::Text(text) => format!("{name}={}", text::quote_if_needed(text)),
        Value::Unset => String::new(),
        _ => {
            let declared = declaration(name, variable);
            declared
                .splitn(3, ' ')
                .nth(2)
                .unwrap_or_default()
                .to_owned()
        }
    }
}

type Done = Result<Result<(), String>, crate::shell::Flow>;

async fn one(
    shell: &mut Shell,
    command: &str,
    operand: &Operand<'_>,
    value: Option<String>,
    wanted: &Wanted,
) -> Done {
    match operand {
        Operand::Assignment(assignment) => {
            let name = &assignment.name;
            let key = match &assignment.subscript {
                Some(word) => Some(shell.key(name, word).await?),
                None => None,
            };
            match &assignment.value {
                Assigned::Scalar(_) => {
                    let value = value.unwrap_or_default();
                    if let Err(message) = prepare(shell, command, name, wanted, key.is_some()) {
                        return Ok(Err(message));
                    }
                    Ok(assign(
                        shell,
                        name,
                        key.as_deref(),
                        value,
                        assignment.append,
                        wanted,
                    )
                    .await)
                }
                Assigned::Array(elements) => {
                    let associative = wanted.on.contains('A');
                    if associative && let Err(message) = prepare(shell, command, name, wanted, true)
                    {
                        return Ok(Err(message));
                    }
                    let values = shell.elements(name, elements).await?;
                    if !associative
                        && let Err(message) = prepare(shell, command, name, wanted, true)
                    {
                        return Ok(Err(message));
                    }
                    let done = shell.assign_array(name, values, assignment.append);
                    Ok(done.and_then(|()| finish(shell, name, wanted)))
                }
            }
        }
        Operand::Text(text) => {
            let (name, value, append) = match text.split_once('=') {
                Some((name, value)) => match name.strip_suffix('+') {
                    Some(name) => (name, Some(value), true),
                    None => (name, Some(value), false),
                },
                None => (text.as_str(), None, false),
            };
            let (name, key) = match element(name) {
                Some((name, key)) => (name, Some(key)),
                None => (name, None),
            };
            if !is_name(name) {
                return Ok(Err(format!("`{text}': not a valid identifier")));
            }
            if wanted.print {
                return print(shell, name).await;
            }
            if let Err(message) = prepare(shell, command, name, wanted, key.is_some()) {
                return Ok(Err(message));
            }
            let Some(value) = value else {
                return Ok(finish(shell, name, wanted));
            };
            // What was expanded to an array's text is one.
            if (shell.is_array(name) || wanted.on.contains(['a', 'A']))
                && value.starts_with('(')
                && let Ok(elements) = Parser::array_text(value)
            {
                let values = shell.elements(name, &elements).await?;
                let done = shell.assign_array(name, values, append);
                return Ok(done.and_then(|()| finish(shell, name, wanted)));
            }
            Ok(assign(shell, name, key, value.to_owned(), append, wanted).await)
        }
    }
}

async fn print(shell: &mut Shell, name: &str) -> Done {
    let Some(variable) = shell.variables.get(name) else {
        return Ok(Err(format!("{name}: not found")));
    };
    let text = format!("{}\n", declaration(name, variable));
    shell.print(&text).await?;
    Ok(Ok(()))
}

async fn assign(
    shell: &mut Shell,
    name: &str,
    key: Option<&str>,
    value: String,
    append: bool,
    wanted: &Wanted,
) -> Result<(), String> {
    if wanted.on.contains('n') {
        if value != name && (is_name(&value) || element(&value).is_some()) {
            shell.change(name)?.value = Value::Text(value);
            return finish(shell, name, wanted);
        }
        return Err(format!("{value}: invalid variable name for name reference"));
    }
    shell.assign_text(name, key, value, append)?;
    finish(shell, name, wanted)
}

/// Makes the variable a local one where it must be, and an array.
fn prepare(
    shell: &mut Shell,
    command: &str,
    name: &str,
    wanted: &Wanted,
    array: bool,
) -> Result<(), String> {
    let local = matches!(command, "local" | "declare" | "typeset") && !wanted.global;
    if local && shell.in_function() {
        if shell.attributes(name).read_only && !is_local(shell, name) {
            return Err(format!("{name}: readonly variable"));
        }
        shell.localize(name);
    }
    if wanted.on.contains('A') {
        let variable = shell.change(name)?;
        if matches!(variable.value, Value::Indexed(_)) {
            return Err(format!(
                "{name}: cannot convert indexed to associative array"
            ));
        }
        if !variable.is_associative() {
            variable.value = Value::Associative(Associative::default());
        }
    } else if (wanted.on.contains('a') || array) && !shell.is_array(name) {
        let unset = shell
            .variables
            .get(name)
            .is_none_or(|v| matches!(v.value, Value::Unset));
        let variable = shell.change(name)?;
        if unset || wanted.on.contains('a') {
            variable.edit_indexed(|_| ());
        }
    }
    // Those that change what is assigned come before, those that forbid it behind.
    let changing = ['i', 'l', 'u'];
    if wanted.on.contains(changing) || wanted.off.contains(changing) {
        let some = |letters: &str| letters.chars().filter(|c| changing.contains(c)).collect();
        let first = Wanted {
            on: some(&wanted.on),
            off: some(&wanted.off),
            ..Wanted::default()
        };
        first.apply(&mut shell.change(name)?.attributes);
    }
    Ok(())
}

fn is_local(shell: &Shell, name: &str) -> bool {
    let frame = shell
        .frames
        .iter()
        .rev()
        .find(|frame| frame.function.is_some());
    frame.is_some_and(|frame| frame.hidden.contains_key(name))
}

fn finish(shell: &mut Shell, name: &str, wanted: &Wanted) -> Result<(), String> {
    let name = if wanted.on.contains('n') || wanted.off.contains('n') {
        name.to_owned()
    } else {
        shell.resolve(name).into_owned()
    };
    let read_only = shell.attributes(&name).read_only;
    if read_only && wanted.off.contains('r') {
        return Err(format!("{name}: readonly variable"));
    }
    let variable = Rc::make_mut(&mut shell.variables).entry(name).or_default();
    wanted.apply(&mut variable.attributes);
    Ok(())
}

pub async fn unset(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let letters = match Letters::read(arguments, "fvn", "") {
        Ok(letters) => letters,
        Err(message) => return shell.usage("unset", &message).await,
    };
    let mut status = 0;
    for name in arguments.get(letters.taken..).unwrap_or_default() {
        if letters.has('f') {
            Rc::make_mut(&mut shell.functions).remove(name);
            continue;
        }
        let done = if letters.has('n') {
            shell.unset_directly(name)
        } else if let Some((array, key)) = element(name) {
            match key {
                "@" | "*" => shell.unset(array),
                key => shell.unset_element(array, key.trim_matches(['\'', '"'])),
            }
        } else if !is_name(name) {
            Err(format!("`{name}': not a valid identifier"))
        } else if shell.variables.contains_key(name) {
            shell.unset(name)
        } else {
            if !letters.has('v') {
                Rc::make_mut(&mut shell.functions).remove(name);
            }
            Ok(())
        };
        if let Err(message) = done {
            shell.complain(&format!("unset: {message}")).await;
            status = 1;
        }
    }
    Ok(status)
}
