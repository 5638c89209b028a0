"""An agent that finds the word of a file which is nearest to another.

A task's context is `{"path": "words.txt", "word": "hedgehock"}`. How near two words are is told by a component that is
written in Rust; the file is read by the agent's tools, under the policy of the task's workspace.
"""

import json

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.agent import (
    AgentCapabilities,
    AgentError_Denied,
    AgentError_InvalidTask,
    AgentError_ToolUnavailable,
    Health_Healthy,
    TaskResult,
)
from wit_world.imports import distance, tools, types


class Agent(exports.Agent):
    def execute_task(self, task):
        path, wanted = asked(task.context)
        words = read(path).decode().split()
        if not words:
            return TaskResult(False, f"{path} has no words", [], None)
        nearest = min(words, key=lambda word: distance.levenshtein(wanted, word))
        return TaskResult(True, nearest, [], None)

    def get_capabilities(self):
        schema = {
            "type": "object",
            "properties": {"path": {"type": "string"}, "word": {"type": "string"}},
            "required": ["path", "word"],
        }
        return AgentCapabilities("nearest", "1.0.0", ["text"], json.dumps(schema))

    def health_check(self):
        return Health_Healthy()


def asked(context):
    try:
        context = json.loads(context or "")
        return context["path"], context["word"]
    except (ValueError, KeyError, TypeError) as error:
        raise Err(AgentError_InvalidTask(f'give {{"path": …, "word": …}}: {error!r}'))


def read(path):
    try:
        return tools.read_file(path)
    except Err as error:
        match error.value:
            case types.Error_NotFound(missing):
                raise Err(AgentError_InvalidTask(f"there is no file {missing.id}"))
            case types.Error_Denied(denial):
                raise Err(AgentError_Denied(f"{denial.resource}: {denial.rule} would allow it"))
            case other:
                raise Err(AgentError_ToolUnavailable(repr(other)))
