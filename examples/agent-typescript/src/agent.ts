// Runs a test command until it succeeds, and sums up the TAP report that it wrote: examples/agent-rust in TypeScript.

import type * as contract from "swarm-flow:core/agent@2.0.0";
import type { Error as ToolError } from "swarm-flow:core/types@2.0.0";
import { exec, readFile } from "swarm-flow:core/tools@2.0.0";

// The engine has it; the libraries of types have it only with a whole browser.
declare class TextDecoder {
  decode(bytes: Uint8Array): string;
}

export const agent: typeof contract = {
  executeTask(task) {
    const { command, report, attempts } = asked(task);
    let done = tool(() => exec({ argv: command, stdin: new Uint8Array(), env: [] }));
    let attempt = 1;
    for (; done.exitCode !== 0 && attempt < attempts; attempt += 1) {
      done = tool(() => exec({ argv: command, stdin: new Uint8Array(), env: [] }));
    }
    const lines = new TextDecoder().decode(tool(() => readFile(report))).split("\n");
    const passed = lines.filter((line) => line.startsWith("ok "));
    const failed = lines.filter((line) => line.startsWith("not ok "));
    const said = `attempt ${attempt}: ${passed.length} passed, ${failed.length} failed`;
    const success = done.exitCode === 0 && failed.length === 0;
    return { success, output: [said, ...failed].join("\n"), artifacts: [report] };
  },

  getCapabilities() {
    return { name: "tester-ts", version: "1.0.0", capabilities: ["test"], contextSchema: JSON.stringify(schema) };
  },

  healthCheck() {
    return { tag: "healthy" };
  },
};

const schema = {
  type: "object",
  required: ["command", "report"],
  properties: {
    command: { type: "array", items: { type: "string" } },
    report: { type: "string" },
    attempts: { type: "integer", minimum: 1, default: 3 },
  },
};

/** The task's context, or what is wrong with it. */
function asked(task: contract.Task): { command: string[]; report: string; attempts: number } {
  let context: unknown;
  try {
    context = JSON.parse(task.context ?? "");
  } catch {
    throw refused("invalid-task", "`context` is not JSON");
  }
  const { command, report, attempts = 3 } = Object(context);
  if (!Array.isArray(command) || !command.every((word) => typeof word === "string")) {
    throw refused("invalid-task", "`context.command` is not an array of strings");
  }
  if (typeof report !== "string") throw refused("invalid-task", "`context.report` is not a string");
  if (!Number.isInteger(attempts)) throw refused("invalid-task", "`context.attempts` is not a whole number");
  return { command, report, attempts };
}

/** Calls a tool. What it throws is an error of its own, which is none of an agent's. */
function tool<T>(call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    const error = (thrown as { payload: ToolError }).payload;
    if (error.tag === "denied") throw refused("denied", `${error.val.resource}: ${error.val.rule} would allow it`);
    if (error.tag === "not-found") throw refused("invalid-task", `there is no ${error.val.kind} \`${error.val.id}\``);
    throw refused("tool-unavailable", JSON.stringify(error));
  }
}

function refused(tag: "invalid-task" | "tool-unavailable" | "denied", val: string): contract.AgentError {
  return { tag, val };
}
