//! The words of `wit/` and the words of this crate, which differ in nothing but their types.
//!
//! Each crate that speaks WIT generates its own Rust types from it, the components with wit-bindgen and the runner
//! with wasmtime. So the conversions are macros: a crate names the module that holds its generated types, and gets
//! `From` in both directions. A field or case that only one side has does not compile.

/// For `types.wit`: the module with its types.
#[macro_export]
macro_rules! convert_types {
    ($types:ident) => {
        $crate::same_fields!(
            $types::Environment = $crate::Environment {
                name,
                language,
                version,
                packages
            }
        );
        $crate::same_fields!(
            $types::FileInfo = $crate::FileInfo {
                path,
                kind,
                size_bytes,
                modified_at_ms
            }
        );
        $crate::same_cases!(
            $types::FileKind = $crate::FileKind {
                File,
                Directory,
                Symlink,
                Other
            }
        );
        $crate::same_fields!(
            $types::ExecResult = $crate::ExecResult {
                outcome,
                exit_code,
                stdout,
                stderr,
                stdout_truncated,
                stderr_truncated,
                wall_ms,
                cpu_ms,
                peak_memory_bytes,
                read_bytes,
                written_bytes,
                sandbox;
                denials
            }
        );
        $crate::same_fields!(
            $types::Denial = $crate::Denial {
                capability,
                resource,
                rule
            }
        );

        impl From<$crate::Outcome> for $types::Outcome {
            fn from(outcome: $crate::Outcome) -> Self {
                match outcome {
                    $crate::Outcome::Exited => Self::Exited,
                    $crate::Outcome::Trapped { message } => Self::Trapped(message),
                    $crate::Outcome::Limit {
                        name,
                        used,
                        allowed,
                    } => Self::Limit($types::LimitHit {
                        name,
                        used,
                        allowed,
                    }),
                    $crate::Outcome::Cancelled => Self::Cancelled,
                }
            }
        }

        impl From<$types::Outcome> for $crate::Outcome {
            fn from(outcome: $types::Outcome) -> Self {
                match outcome {
                    $types::Outcome::Exited => Self::Exited,
                    $types::Outcome::Trapped(message) => Self::Trapped { message },
                    $types::Outcome::Limit($types::LimitHit {
                        name,
                        used,
                        allowed,
                    }) => Self::Limit {
                        name,
                        used,
                        allowed,
                    },
                    $types::Outcome::Cancelled => Self::Cancelled,
                }
            }
        }

        impl From<$crate::Error> for $types::Error {
            fn from(error: $crate::Error) -> Self {
                use $crate::Error as E;
                match error {
                    E::Invalid { field, message } => {
                        Self::Invalid($types::InvalidInput { field, message })
                    }
                    E::NotFound { kind, id, known } => {
                        Self::NotFound($types::Missing { kind, id, known })
                    }
                    E::Conflict { message } => Self::Conflict(message),
                    E::Denied {
                        capability,
                        resource,
                        rule,
                    } => Self::Denied($types::Denial {
                        capability,
                        resource,
                        rule,
                    }),
                    E::TooLarge { name, allowed } => {
                        Self::TooLarge($types::Limit { name, allowed })
                    }
                    E::Busy { retry_after_ms } => Self::Busy(retry_after_ms),
                    E::Unavailable { message } => Self::Unavailable(message),
                    E::Internal { message } => Self::Internal(message),
                }
            }
        }

        /// What a command takes away from its workspace's policy.
        impl From<&$types::Command> for $crate::policy::LimitsOverride {
            fn from(command: &$types::Command) -> Self {
                let limits = command.limits.as_ref();
                Self {
                    memory_bytes: limits.and_then(|limits| limits.memory_bytes),
                    cpu_time_ms: limits.and_then(|limits| limits.cpu_time_ms),
                    wall_time_ms: command.timeout_ms,
                    output_bytes: limits.and_then(|limits| limits.output_bytes),
                }
            }
        }
    };
}

/// For `policy.wit`: the module with its types.
#[macro_export]
macro_rules! convert_policy {
    ($policy:ident) => {
        $crate::same_fields!($policy::Policy = $crate::policy::Policy {
            filesystem, network, sockets, models, approvals, limits
        });
        $crate::same_cases!($policy::Filesystem = $crate::policy::Filesystem {
            None, ReadOnly(paths), ReadWrite(paths), Full
        });
        $crate::same_cases!($policy::Network = $crate::policy::Network {
            None, Localhost, Private, Public(patterns), Any
        });
        $crate::same_fields!($policy::Limits = $crate::policy::Limits {
            memory_bytes, cpu_time_ms, wall_time_ms, handles, output_bytes, disk_bytes, sandboxes
        });
    };
}

/// For the interface `runners`: the module with its types, beside [`convert_types!`].
#[macro_export]
macro_rules! convert_runners {
    ($runners:ident) => {
        $crate::same_fields!($runners::Program = $crate::Program {
            name, aliases, version, origin, environments, digest, size_bytes | agent
        });
        $crate::same_fields!($runners::AgentProfile = $crate::AgentProfile { capabilities, context_schema });
        $crate::same_cases!($runners::Origin = $crate::Origin { Shipped, Added });
        $crate::same_fields!($runners::Registration = $crate::Registration {
            id, url; programs, environments, walls
        });
        $crate::same_fields!($runners::Wall = $crate::Wall { name, state });
    };
}

/// For the interface `programs`: the module with its types, beside [`convert_runners!`].
#[macro_export]
macro_rules! convert_programs {
    ($programs:ident) => {
        $crate::same_fields!($programs::Details = $crate::ProgramDetails {
            program, kind, license, compiled; imports
        });
        $crate::same_cases!($programs::Kind = $crate::ProgramKind { Component, Module });
        $crate::same_fields!($programs::ImportGroup = $crate::ImportGroup { capability, interfaces });
    };
}

/// For the interface `secrets`: the module with its types.
#[macro_export]
macro_rules! convert_secrets {
    ($secrets:ident) => {
        $crate::same_fields!($secrets::Binding = $crate::Binding { hosts, placement });

        impl From<$crate::Placement> for $secrets::Placement {
            fn from(placement: $crate::Placement) -> Self {
                match placement {
                    $crate::Placement::Header { name, format } => {
                        Self::Header($secrets::Header { name, format })
                    }
                    $crate::Placement::Variable(name) => Self::Variable(name),
                }
            }
        }

        impl From<$secrets::Placement> for $crate::Placement {
            fn from(placement: $secrets::Placement) -> Self {
                match placement {
                    $secrets::Placement::Header($secrets::Header { name, format }) => {
                        Self::Header { name, format }
                    }
                    $secrets::Placement::Variable(name) => Self::Variable(name),
                }
            }
        }
    };
}

/// For the interface `audit`: the module with its types.
#[macro_export]
macro_rules! convert_audit {
    ($audit:ident) => {
        $crate::same_fields!($audit::Head = $crate::AuditHead { sequence, hash });
        $crate::same_fields!(
            $audit::Entry = $crate::AuditEntry {
                kind,
                payload,
                actor,
                at_ms,
                hash
            }
        );
    };
}

/// For the interface `agent`: the module with its types.
#[macro_export]
macro_rules! convert_agent {
    ($agent:ident) => {
        $crate::same_fields!($agent::Task = $crate::Task { id, description, requirements, context });
        $crate::same_fields!($agent::PerformanceMetrics = $crate::Metrics {
            execution_time, memory_usage, cpu_usage
        });
        $crate::same_fields!($agent::TaskResult = $crate::TaskResult {
            success, output, artifacts | metrics
        });
    };
}

/// For what a replay comes to, in the interface `swarm`: the module with its types.
#[macro_export]
macro_rules! convert_replays {
    ($swarm:ident) => {
        $crate::same_fields!($swarm::TaskFailure = $crate::AgentError { code, message });
        $crate::same_fields!($swarm::Divergence = $crate::Divergence { step, expected, actual });
        $crate::same_fields!($swarm::Replayed = $crate::Replayed {
            index, attempt, steps | divergence, failure
        });
    };
}

/// For the interface `inputs`: the module with its types.
#[macro_export]
macro_rules! convert_inputs {
    ($inputs:ident) => {
        $crate::same_fields!(
            $inputs::Input = $crate::Input {
                task,
                success,
                output,
                artifacts,
                workspace
            }
        );
    };
}

/// For the interface `swarm`: the module with its types.
#[macro_export]
macro_rules! convert_budgets {
    ($swarm:ident) => {
        $crate::same_fields!(
            $swarm::Budget = $crate::Budget {
                wall_time_ms,
                cpu_time_ms,
                tasks,
                depth,
                tokens,
                cost_microusd
            }
        );
        $crate::same_fields!(
            $swarm::Usage = $crate::Usage {
                cpu_time_us,
                input_tokens,
                output_tokens,
                cost_microusd
            }
        );
    };
}

/// For the interface `memory`: the module with its types.
#[macro_export]
macro_rules! convert_memory {
    ($memory:ident) => {
        $crate::same_fields!(
            $memory::Entry = $crate::MemoryEntry {
                key,
                value,
                revision,
                updated_at_ms
            }
        );
        $crate::same_cases!($memory::Scope = $crate::MemoryScope { Shared, Agent });
    };
}

/// For the interfaces `locks`, `messages`, `delegation` and `human`: the modules with their types.
#[macro_export]
macro_rules! convert_calls {
    ($locks:ident, $messages:ident, $delegation:ident, $human:ident) => {
        $crate::same_cases!($locks::LockMode = $crate::LockMode { Shared, Exclusive });
        $crate::same_fields!(
            $messages::Message = $crate::Message {
                id,
                sender,
                body,
                wants_reply,
                sent_at_ms
            }
        );
        $crate::same_cases!($delegation::Place = $crate::Place { Same, Any, Named(workspace) });
        $crate::same_fields!(
            $delegation::Child = $crate::Child {
                id,
                description,
                requirements,
                context,
                needs,
                agent,
                place,
                priority,
                timeout_ms,
                optional
            }
        );
        $crate::same_fields!(
            $human::Question = $crate::Question {
                text,
                options,
                default,
                timeout_ms,
                confidence
            }
        );
        $crate::same_fields!($human::Answer = $crate::Answer { text, answered_by });
    };
}

/// For the interface `work`: the module with its types.
#[macro_export]
macro_rules! convert_work {
    ($work:ident) => {
        $crate::same_fields!(
            $work::LeaseId = $crate::LeaseId {
                run_id,
                index,
                fence
            }
        );
    };
}

/// Two records with the same fields, of which those after `;` are lists of what differs in its type, and those after `|`
/// may be absent and differ in it too.
#[doc(hidden)]
#[macro_export]
macro_rules! same_fields {
    ($wit:ident::$name:ident = $ours:path {
        $($field:ident),* $(; $($list:ident),*)? $(| $($option:ident),*)?
    }) => {
        impl From<$ours> for $wit::$name {
            fn from(ours: $ours) -> Self {
                let $ours { $($field,)* $($($list,)*)? $($($option,)*)? } = ours;
                Self {
                    $($field: $field.into(),)*
                    $($($list: $list.into_iter().map(Into::into).collect(),)*)?
                    $($($option: $option.map(Into::into),)*)?
                }
            }
        }

        impl From<$wit::$name> for $ours {
            fn from(theirs: $wit::$name) -> Self {
                let $wit::$name { $($field,)* $($($list,)*)? $($($option,)*)? } = theirs;
                Self {
                    $($field: $field.into(),)*
                    $($($list: $list.into_iter().map(Into::into).collect(),)*)?
                    $($($option: $option.map(Into::into),)*)?
                }
            }
        }
    };
}

/// Two enums with the same cases.
#[doc(hidden)]
#[macro_export]
macro_rules! same_cases {
    ($wit:ident::$name:ident = $ours:path { $($case:ident $(($value:ident))?),* }) => {
        impl From<$ours> for $wit::$name {
            fn from(ours: $ours) -> Self {
                type Ours = $ours;
                match ours {
                    $(Ours::$case $(($value))? => Self::$case $(($value))?,)*
                }
            }
        }

        impl From<$wit::$name> for $ours {
            fn from(theirs: $wit::$name) -> Self {
                type Theirs = $wit::$name;
                match theirs {
                    $(Theirs::$case $(($value))? => Self::$case $(($value))?,)*
                }
            }
        }
    };
}
