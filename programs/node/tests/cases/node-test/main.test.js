const { test, describe, it, before } = require('node:test');
const assert = require('node:assert');
test('adds', () => assert.strictEqual(1 + 1, 2));
test('async', async () => { await new Promise((r) => setTimeout(r, 2)); });
test('skipped', { skip: true }, () => {});
test('has subtests', async (t) => { await t.test('one', () => {}); await t.test('two', () => {}); });
