//! One shape for all our commands: what upstream says of them, and a function.

use nu_engine::command_prelude::*;
use nu_protocol::OutDest;

pub type Run =
    fn(&EngineState, &mut Stack, &Call, PipelineData) -> Result<PipelineData, ShellError>;

#[derive(Clone)]
pub struct Ours {
    name: &'static str,
    description: &'static str,
    category: Category,
    signature: fn(Signature) -> Signature,
    terms: &'static [&'static str],
    /// What it does, and the code.
    examples: &'static [(&'static str, &'static str)],
    /// It wants the outputs of an external command apart, and as they are.
    takes_outputs: bool,
    run: Does,
}

#[derive(Clone)]
enum Does {
    Run(Run),
    /// Nothing, for this reason.
    Not(&'static str),
}

impl Ours {
    pub fn new(
        name: &'static str,
        category: Category,
        description: &'static str,
        signature: fn(Signature) -> Signature,
        run: Run,
    ) -> Self {
        Self {
            name,
            description,
            category,
            signature,
            terms: &[],
            examples: &[],
            takes_outputs: false,
            run: Does::Run(run),
        }
    }

    /// One that cannot be had here; it takes anything and says why.
    pub fn absent(name: &'static str, why: &'static str) -> Self {
        let takes_anything = |signature: Signature| {
            signature
                .input_output_types(vec![(Type::Any, Type::Any)])
                .rest("rest", SyntaxShape::Any, "Anything.")
                .allows_unknown_args()
        };
        Self {
            name,
            description: why,
            category: Category::Platform,
            signature: takes_anything,
            terms: &[],
            examples: &[],
            takes_outputs: false,
            run: Does::Not(why),
        }
    }

    pub fn terms(mut self, terms: &'static [&'static str]) -> Self {
        self.terms = terms;
        self
    }

    pub fn examples(mut self, examples: &'static [(&'static str, &'static str)]) -> Self {
        self.examples = examples;
        self
    }

    pub fn takes_outputs(mut self) -> Self {
        self.takes_outputs = true;
        self
    }
}

impl Command for Ours {
    fn name(&self) -> &str {
        self.name
    }

    fn description(&self) -> &str {
        self.description
    }

    fn signature(&self) -> Signature {
        let signature = Signature::build(self.name)
            .category(self.category.clone())
            .allow_variants_without_examples(true);
        (self.signature)(signature)
    }

    fn search_terms(&self) -> Vec<&str> {
        self.terms.to_vec()
    }

    fn run(
        &self,
        engine: &EngineState,
        stack: &mut Stack,
        call: &Call,
        input: PipelineData,
    ) -> Result<PipelineData, ShellError> {
        match self.run {
            Does::Run(run) => run(engine, stack, call, input),
            Does::Not(why) => Err(error(
                format!("`{}` is not there", self.name),
                why,
                call.head,
            )),
        }
    }

    fn examples(&self) -> Vec<Example<'_>> {
        let example = |&(description, example): &(&'static str, &'static str)| Example {
            description,
            example,
            result: None,
        };
        self.examples.iter().map(example).collect()
    }

    fn pipe_redirection(&self) -> (Option<OutDest>, Option<OutDest>) {
        let apart = || self.takes_outputs.then_some(OutDest::PipeSeparate);
        (apart(), apart())
    }
}

/// An error of a command, at `span`.
pub fn error(
    title: impl Into<std::borrow::Cow<'static, str>>,
    label: impl Into<std::borrow::Cow<'static, str>>,
    span: Span,
) -> ShellError {
    ShellError::Generic(nu_protocol::shell_error::generic::GenericError::new(
        title, label, span,
    ))
}
