//! `-p`: variables and rules, in the form in which scripts that list targets read them.

use crate::files::FileId;
use crate::make::Make;
use crate::recipe::Recipe;
use crate::variables::{GLOBAL, Origin, Variable};

impl Make {
    pub fn print_database(&mut self) {
        let mut text = format!("# Make data base\n# {}", crate::usage::version());
        text.push_str("\n# Variables\n\n");
        for (name, variable) in self.variables.visible(GLOBAL) {
            text.push_str(&described(&name, variable));
        }
        text.push_str("\n# Implicit Rules\n\n");
        for rule in &self.pattern_rules {
            let names = rule.prerequisites.iter().map(|one| one.name.as_str());
            let names: Vec<&str> = names.collect();
            let colon = if rule.terminal { "::" } else { ":" };
            let line = format!("{}{colon} {}", rule.targets.join(" "), names.join(" "));
            text.push_str(line.trim_end());
            text.push('\n');
            text.push_str(&recipe(&rule.recipe));
            text.push('\n');
        }
        text.push_str("# Files\n\n");
        for id in self.files.ids() {
            text.push_str(&self.described_file(id));
        }
        text.push_str("# Finished Make data base\n\n");
        self.print(&text);
    }

    fn described_file(&self, id: FileId) -> String {
        let file = &self.files[id];
        let mut text = String::new();
        if !file.is_target {
            text.push_str("# Not a target:\n");
        }
        let colon = if file.double_colon { "::" } else { ":" };
        let list = |order_only: bool| -> String {
            let all = file.prerequisites.iter();
            let all = all.filter(|one| one.order_only == order_only);
            all.map(|one| format!(" {}", self.files[one.file].name))
                .collect()
        };
        text.push_str(&format!("{}{colon}{}", file.name, list(false)));
        let order_only = list(true);
        if !order_only.is_empty() {
            text.push_str(&format!(" |{order_only}"));
        }
        text.push('\n');
        if file.phony {
            text.push_str("#  Phony target (prerequisite of .PHONY).\n");
        }
        if let Some(own) = &file.recipe {
            text.push_str(&recipe(own));
        }
        text.push('\n');
        text
    }
}

fn described(name: &str, variable: &Variable) -> String {
    let origin = match variable.origin {
        Origin::File => "makefile",
        origin => origin.name(),
    };
    let place = variable
        .location
        .as_ref()
        .filter(|_| variable.origin == Origin::File);
    let place = place.map(|place| format!(" (from '{}', line {})", place.file, place.line));
    let place = place.unwrap_or_default();
    let value = &variable.value;
    let sign = if variable.recursive { "=" } else { ":=" };
    match value.contains('\n') {
        true => format!("# {origin}{place}\ndefine {name}\n{value}\nendef\n"),
        false => format!("# {origin}{place}\n{name} {sign} {value}\n"),
    }
}

fn recipe(recipe: &Recipe) -> String {
    let place = match &recipe.location {
        Some(place) => format!(" (from '{}', line {})", place.file, place.line),
        None => " (built-in)".to_owned(),
    };
    let lines = recipe.text().split('\n').map(|line| format!("\t{line}\n"));
    format!(
        "#  recipe to execute{place}:\n{}",
        lines.collect::<String>()
    )
}
