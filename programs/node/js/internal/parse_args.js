// `util.parseArgs`.

import process from 'lib:process';

const coded = (code, text) => Object.assign(new TypeError(text), { code });
const invalid = (text) => coded('ERR_PARSE_ARGS_INVALID_OPTION_VALUE', text);

function checkConfig(options) {
    for (const [name, option] of Object.entries(options)) {
        if (option === null || typeof option !== 'object') throw coded('ERR_INVALID_ARG_TYPE', `The "options.${name}" property must be of type object.`);
        if (option.type !== 'string' && option.type !== 'boolean') throw coded('ERR_INVALID_ARG_TYPE', `The "options.${name}.type" property must be one of: 'string', 'boolean'. Received ${JSON.stringify(option.type)}`);
        if (option.short !== undefined && (typeof option.short !== 'string' || option.short.length !== 1)) {
            throw coded('ERR_INVALID_ARG_VALUE', `The property 'options.${name}.short' must be a single character. Received '${option.short}'`);
        }
    }
}

/// Each argument as what it is.
function* tokens(args, options) {
    const longOf = (short) => Object.keys(options).find((name) => options[name].short === short) ?? short;
    const takesValue = (name) => options[name]?.type === 'string';
    const isValue = (arg) => arg !== undefined && (arg === '-' || !arg.startsWith('-') || arg.length === 1);
    // Groups of short options are taken apart; all parts have the index of the group.
    const rest = args.map((value, index) => ({ value, index }));
    while (rest.length > 0) {
        const { value: arg, index, grouped } = rest.shift();
        if (arg === '--' && !grouped) {
            yield { kind: 'option-terminator', index };
            for (const each of rest) yield { kind: 'positional', index: each.index, value: each.value };
            return;
        }
        if (/^-[^-]$/u.test(arg)) {
            const name = longOf(arg[1]);
            const next = rest[0];
            if (takesValue(name) && next && !next.grouped && isValue(next.value)) {
                rest.shift();
                yield { kind: 'option', name, rawName: arg, index, value: next.value, inlineValue: false };
            } else {
                yield { kind: 'option', name, rawName: arg, index, value: undefined, inlineValue: undefined };
            }
        } else if (/^-[^-]/.test(arg)) {
            const first = longOf(arg[1]);
            if (takesValue(first)) {
                yield { kind: 'option', name: first, rawName: arg.slice(0, 2), index, value: arg.slice(2), inlineValue: true };
                continue;
            }
            const parts = [];
            for (let at = 1; at < arg.length; at++) {
                const name = longOf(arg[at]);
                if (takesValue(name) && at < arg.length - 1) {
                    parts.push({ value: `-${arg.slice(at)}`, index, grouped: true });
                    break;
                }
                parts.push({ value: `-${arg[at]}`, index, grouped: true });
            }
            rest.unshift(...parts);
        } else if (arg.startsWith('--') && arg.length > 2) {
            const equals = arg.indexOf('=', 3);
            const name = equals < 0 ? arg.slice(2) : arg.slice(2, equals);
            const rawName = `--${name}`;
            if (equals >= 0) {
                yield { kind: 'option', name, rawName, index, value: arg.slice(equals + 1), inlineValue: true };
            } else if (takesValue(name) && rest[0] && isValue(rest[0].value)) {
                yield { kind: 'option', name, rawName, index, value: rest.shift().value, inlineValue: false };
            } else {
                yield { kind: 'option', name, rawName, index, value: undefined, inlineValue: undefined };
            }
        } else {
            yield { kind: 'positional', index, value: arg };
        }
    }
}

function checkOption(token, options, allowPositionals) {
    const option = options[token.name];
    if (!option) {
        const help = allowPositionals ? ` To specify a positional argument starting with a '-', place it at the end of the command after '--', as in '-- "${token.rawName}"` : '';
        throw coded('ERR_PARSE_ARGS_UNKNOWN_OPTION', `Unknown option '${token.rawName}'.${help}`.replace(/\.$/, ''));
    }
    const names = `${option.short ? `-${option.short}, ` : ''}--${token.name}`;
    if (option.type === 'string' && typeof token.value !== 'string') throw invalid(`Option '${names} <value>' argument missing`);
    if (option.type === 'boolean' && token.value !== undefined) throw invalid(`Option '${names}' does not take an argument`);
    if (option.type === 'string' && !token.inlineValue && token.value.length > 1 && token.value.startsWith('-')) {
        throw invalid(`Option '${token.rawName}' argument is ambiguous.\nDid you forget to specify the option argument for '${token.rawName}'?\nTo specify an option argument starting with a dash use '${token.rawName}=-XYZ'.`);
    }
}

export function parseArgs(config = {}) {
    const { strict = true, options = {}, allowNegative = false, tokens: wantsTokens = false } = config;
    const allowPositionals = config.allowPositionals ?? !strict;
    const args = config.args ?? process.argv.slice(2 - (process.argv.length < 2 ? 1 : 0));
    checkConfig(options);
    const result = { values: Object.create(null), positionals: [] };
    const seen = [];
    const store = (name, value) => {
        if (name === '__proto__') return;
        if (options[name]?.multiple) (result.values[name] ??= []).push(value);
        else result.values[name] = value;
    };
    for (const token of tokens(args, options)) {
        if (token.kind === 'option') {
            if (allowNegative && token.value === undefined && token.name.startsWith('no-') && options[token.name]?.type === undefined && (options[token.name.slice(3)]?.type === 'boolean' || !strict)) {
                token.name = token.name.slice(3);
                if (strict) checkOption(token, options, allowPositionals);
                store(token.name, false);
                seen.push(token);
                continue;
            }
            if (strict) checkOption(token, options, allowPositionals);
            store(token.name, token.value ?? true);
        } else if (token.kind === 'positional') {
            if (!allowPositionals) throw coded('ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL', `Unexpected argument '${token.value}'. This command does not take positional arguments`);
            result.positionals.push(token.value);
        }
        seen.push(token);
    }
    for (const [name, option] of Object.entries(options)) {
        if (option.default !== undefined && result.values[name] === undefined) result.values[name] = option.default;
    }
    return wantsTokens ? { ...result, tokens: seen } : result;
}
