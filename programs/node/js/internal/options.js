// The command line.

/// Options with a value, and what they are called here.
const WITH_VALUE = {
    '-e': 'eval', '--eval': 'eval', '-r': 'require', '--require': 'require', '--import': 'import', '-C': 'conditions', '--conditions': 'conditions', '--input-type': 'inputType',
    '--test-reporter': 'reporter', '--test-reporter-destination': '', '--test-name-pattern': 'pattern', '--test-skip-pattern': 'skipPattern', '--test-timeout': 'testTimeout', '--test-concurrency': '',
    '--test-shard': '', '--env-file': 'envFile', '--env-file-if-exists': 'envFileIfExists', '--unhandled-rejections': 'rejections', '--stack-trace-limit': 'stackLimit', '--title': 'title', '--run': 'run',
    '--loader': '', '--experimental-loader': '', '--max-old-space-size': '', '--max-semi-space-size': '', '--stack-size': '', '--icu-data-dir': '', '--max-http-header-size': '', '--dns-result-order': '',
    '--disable-warning': '', '--experimental-default-type': '', '--diagnostic-dir': '', '--redirect-warnings': '', '--localstorage-file': '', '--test-isolation': '', '--experimental-test-isolation': '',
};
const LISTS = new Set(['require', 'import', 'conditions', 'pattern', 'skipPattern', 'envFile', 'envFileIfExists', 'reporter']);
const FLAGS = {
    '-v': 'version', '--version': 'version', '-h': 'help', '--help': 'help', '-c': 'check', '--check': 'check', '-p': 'print', '--print': 'print', '-pe': 'print', '--test': 'test', '--test-only': 'only',
    '-i': 'interactive', '--interactive': 'interactive', '--watch': 'watch', '--no-warnings': 'noWarnings', '--no-deprecation': 'noDeprecation', '--throw-deprecation': 'throwDeprecation',
    '--trace-deprecation': 'traceDeprecation', '--trace-warnings': 'traceDeprecation', '--expose-gc': 'exposeGc', '--expose_gc': 'exposeGc',
};
/// Of these only the names are known.
const IGNORED = /^--(no-)?(experimental-|harmony|trace-|enable-source-maps|disable-|preserve-symlinks|pending-deprecation|abort-on|allow-|permission|force-|frozen-|insecure-|inspect|interpreted-|jitless|lazy|node-|openssl-|perf-|prof|report-|secure-heap|tls-|track-|use-|v8-|verify-|zero-fill|warnings|deprecation|global-search|addons|async-context|strip-types|optimize|max-|test-coverage|test-force-exit|test-update|watch-|build-snapshot|compile-cache|entry-url)/;

export class BadOption extends Error {}

/// Options, then what is to run, then its arguments.
export function parse(args) {
    const found = { rest: [], execArgv: [], require: [], import: [], conditions: [], pattern: [], skipPattern: [], envFile: [], envFileIfExists: [], reporter: [] };
    let at = 0;
    for (; at < args.length; at++) {
        const arg = args[at];
        if (arg === '--') {
            at += 1;
            break;
        }
        if (arg === '-' || !arg.startsWith('-')) break;
        const equals = arg.startsWith('--') ? arg.indexOf('=') : -1;
        const name = equals > 0 ? arg.slice(0, equals) : arg;
        found.execArgv.push(arg);
        if (name in WITH_VALUE) {
            let value = arg.slice(equals + 1);
            if (equals < 0) {
                at += 1;
                if (at >= args.length) throw new BadOption(`${name} requires an argument`);
                value = args[at];
                found.execArgv.push(value);
            }
            const key = WITH_VALUE[name];
            if (LISTS.has(key)) found[key].push(value);
            else if (key) found[key] = value;
        } else if (name in FLAGS) {
            found[FLAGS[name]] = true;
            // `-p` and `-pe` take the code that follows.
            if (FLAGS[name] === 'print' && found.eval === undefined) {
                const next = args[at + 1];
                if (next !== undefined && (name === '-pe' || !next.startsWith('-'))) {
                    found.eval = next;
                    found.execArgv.push(next);
                    at += 1;
                }
            }
        } else if (!IGNORED.test(name)) {
            throw new BadOption(`bad option: ${arg}`);
        }
    }
    found.rest = args.slice(at);
    return found;
}

/// Words as `NODE_OPTIONS` has them.
export const words = (text) => (text.match(/(?:[^\s"]+|"(?:\\.|[^"\\])*")+/g) ?? []).map((word) => word.replace(/"((?:\\.|[^"\\])*)"/g, (_, inner) => inner.replace(/\\(.)/g, '$1')));

export const HELP = `Usage: node [options] [ script.js | script.ts ] [arguments]
       node [options] -e CODE [arguments]
       node [options] -            reads the script from the standard input
       node --test [FILE|FOLDER]…

JavaScript and TypeScript for scripts and packages made for Node.js. This is not Node.js: it is
QuickJS in a WebAssembly sandbox, with the built-in modules that a sandbox can have.

  -e, --eval CODE            run CODE
  -p, --print CODE           run CODE and print its value
  -c, --check                only look for syntax errors
  -r, --require MODULE       load a module first; --import for an ES module
  -C, --conditions NAME      a condition of "exports" in package.json
  --env-file FILE            variables from FILE
  --input-type TYPE          what -e and the standard input are: commonjs, module
  --run NAME                 a script of package.json
  --test                     run tests; --test-name-pattern, --test-only, --test-reporter tap|spec|dot
  --unhandled-rejections M   throw, strict, warn, none
  -v, --version              print the version of Node.js whose interfaces this follows
`;
