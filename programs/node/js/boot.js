// Evaluated while the program is built: every built-in module, the globals, and what the engine calls.

import native from 'lib:internal/native';
import { install } from 'lib:internal/trace';
import { register } from 'lib:internal/registry';
import process from 'lib:process';
import * as errors from 'lib:internal/errors';
import buffer from 'lib:buffer';
import { AbortController, AbortSignal, DOMException } from 'lib:abort_controller';
import * as webstreams from 'lib:webstreams';
import { TextDecoder, TextEncoder, TextDecoderStream, TextEncoderStream } from 'lib:encoding';
import { Intl } from 'lib:intl';
import structuredClone from 'lib:structured_clone';
import { Event, EventTarget, CustomEvent } from 'lib:events';
import { URL as PlainUrl, URLSearchParams } from 'lib:url';
import timers from 'lib:timers';
import { queueMicrotask } from 'lib:internal/loop';
import * as stdio from 'lib:internal/stdio';
import { FormData } from 'lib:http_form_data';
import * as web from 'lib:fetch';
import * as resolve from 'lib:internal/resolve';
import { parseArgs } from 'lib:internal/parse_args';
import * as extras from 'lib:internal/extras';
import { quicken } from 'lib:internal/fast_buffer';
import * as streamUtils from 'lib:internal/streams/utils';

import assert from 'lib:assert';
import assertStrict from 'lib:assert/strict';
import async_hooks from 'lib:async_hooks';
import child_process from 'lib:child_process';
import { killPid } from 'lib:child_process';
import cluster from 'lib:cluster';
import console from 'lib:console';
import constants from 'lib:constants';
import crypto from 'lib:crypto';
import dgram from 'lib:dgram';
import diagnostics_channel from 'lib:diagnostics_channel';
import dns from 'lib:dns';
import dnsPromises from 'lib:dns/promises';
import domain from 'lib:domain';
import events from 'lib:events';
import fs from 'lib:fs';
import fsPromises from 'lib:fs/promises';
import http from 'lib:http';
import http2 from 'lib:http2';
import https from 'lib:https';
import inspector from 'lib:inspector';
import module from 'lib:module';
import net from 'lib:net';
import os from 'lib:os';
import path from 'lib:path';
import perf_hooks from 'lib:perf_hooks';
import punycode from 'lib:punycode';
import querystring from 'lib:querystring';
import readline from 'lib:readline';
import readlinePromises from 'lib:readline/promises';
import repl from 'lib:repl';
import stream from 'lib:stream';
import streamConsumers from 'lib:stream/consumers';
import streamPromises from 'lib:stream/promises';
import streamWeb from 'lib:stream/web';
import string_decoder, { StringDecoder } from 'lib:string_decoder';
import test from 'lib:test';
import testReporters from 'lib:test/reporters';
import timersPromises from 'lib:timers/promises';
import tls from 'lib:tls';
import trace_events from 'lib:trace_events';
import tty from 'lib:tty';
import url from 'lib:url';
import util from 'lib:util';
import v8 from 'lib:v8';
import vm from 'lib:vm';
import worker_threads from 'lib:worker_threads';
import zlib from 'lib:zlib';
import { fillMeta, load, resolveModule } from 'lib:module';
import { main, rejection } from 'lib:main';

void errors;
void string_decoder;

const URL = extras.completeUrl(PlainUrl);
url.URL = URL;

const modules = {
    assert, 'assert/strict': assertStrict, async_hooks, buffer, child_process, cluster, console, constants, crypto, dgram, diagnostics_channel, dns, 'dns/promises': dnsPromises, domain, events,
    fs, 'fs/promises': fsPromises, http, http2, https, inspector, module, net, os, path, 'path/posix': path.posix, 'path/win32': path.win32, perf_hooks, process, punycode, querystring, readline,
    'readline/promises': readlinePromises, repl, stream, 'stream/consumers': streamConsumers, 'stream/promises': streamPromises, 'stream/web': streamWeb, string_decoder: { StringDecoder }, sys: util,
    test, 'test/reporters': testReporters, timers, 'timers/promises': timersPromises, tls, trace_events, tty, url, util, 'util/types': util.types, v8, vm, worker_threads, zlib,
    'internal/stdio': stdio, 'internal/resolve': resolve, 'internal/children': { killPid },
};
for (const [name, value] of Object.entries(modules)) register(name, value);
stream.promises ??= streamPromises;
web.useZlib(zlib);
const { getSystemErrorMap, getSystemErrorMessage, getSystemErrorName } = extras;
Object.assign(util, { parseArgs, debug: util.debuglog, getSystemErrorMap, getSystemErrorMessage, getSystemErrorName });
Object.assign(buffer, { atob, btoa, transcode: extras.transcode });
for (const name of ['isDestroyed', 'isErrored', 'isReadable', 'isWritable']) stream[name] ??= streamUtils[name] ?? streamUtils.default?.[name];

const globals = {
    process, Buffer: buffer.Buffer, console, global: globalThis, AbortController, AbortSignal, DOMException, TextDecoder, TextEncoder, TextDecoderStream, TextEncoderStream, Event, EventTarget, CustomEvent,
    URL, URLSearchParams, structuredClone, queueMicrotask, performance: perf_hooks.performance, PerformanceObserver: perf_hooks.PerformanceObserver, PerformanceEntry: perf_hooks.PerformanceEntry,
    PerformanceMark: perf_hooks.PerformanceMark, PerformanceMeasure: perf_hooks.PerformanceMeasure, Blob: buffer.Blob, File: buffer.File,
    FormData, Headers: web.Headers, Request: web.Request, Response: web.Response, fetch: web.fetch, MessageChannel: worker_threads.MessageChannel, MessagePort: worker_threads.MessagePort,
    BroadcastChannel: worker_threads.BroadcastChannel, ...Object.fromEntries(Object.entries(timers).filter(([name]) => name !== 'promises')), ...webstreams,
    MessageEvent: extras.MessageEvent, CompressionStream: extras.CompressionStream, DecompressionStream: extras.DecompressionStream,
    ...(typeof Atomics === 'undefined' ? { Atomics: extras.Atomics } : {}), Crypto: class Crypto {}, CryptoKey: class CryptoKey {}, SubtleCrypto: class SubtleCrypto {},
};
for (const [name, value] of Object.entries(globals)) Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
if (typeof globalThis.Intl === 'undefined') Object.defineProperty(globalThis, 'Intl', { value: Intl, writable: true, configurable: true, enumerable: false });
for (const name of ['global', 'clearImmediate', 'setImmediate', 'clearInterval', 'clearTimeout', 'setInterval', 'setTimeout', 'queueMicrotask', 'structuredClone', 'performance', 'fetch']) {
    Object.defineProperty(globalThis, name, { enumerable: true });
}
for (const [name, value] of [['crypto', crypto.webcrypto], ['navigator', { hardwareConcurrency: 1, language: 'en-US', languages: ['en-US'], platform: 'linux', userAgent: `Node.js/${process.versions.node.split('.')[0]}` }]]) {
    Object.defineProperty(globalThis, name, { configurable: true, enumerable: true, get: () => value, set: (other) => Object.defineProperty(globalThis, name, { value: other, writable: true, configurable: true }) });
}
Object.defineProperty(globalThis, Symbol.toStringTag, { value: 'global', configurable: true });
quicken();
extras.localise(Intl);
extras.nameTimeZone();
extras.sortAsV8();
for (const symbol of Object.getOwnPropertySymbols(Object.prototype)) delete Object.prototype[symbol];

// What TypeScript's decorators become calls.
Object.defineProperty(globalThis, 'babelHelpers', {
    value: {
        decorate(decorators, target, key, descriptor) {
            let result = arguments.length < 3 ? target : descriptor === null ? Object.getOwnPropertyDescriptor(target, key) : descriptor;
            for (const decorator of decorators.toReversed()) {
                result = (arguments.length < 3 ? decorator(result) : arguments.length > 3 ? decorator(target, key, result) : decorator(target, key)) || result;
            }
            if (arguments.length > 3 && result) Object.defineProperty(target, key, result);
            return result;
        },
        decorateParam: (index, decorator) => (target, key) => decorator(target, key, index),
        decorateMetadata: (key, value) => (typeof Reflect.metadata === 'function' ? Reflect.metadata(key, value) : () => {}),
    },
});

// `assert` reads the file of a stack's first frame where this is there.
Object.defineProperty(globalThis, '__wasm_rquickjs_current_module', { value: {}, writable: true });

install();
native.setHooks({ main, resolve: resolveModule, load, meta: fillMeta, rejection });
