const assert = require('assert');
for (const f of [() => assert.strictEqual(1, 2), () => assert.deepStrictEqual({ a: 1, b: [1, 2] }, { a: 1, b: [1, 3] }), () => assert(false), () => assert.throws(() => {}), () => assert.equal('a', 'b', 'message'), () => assert.match('abc', /x/)]) {
  try { f(); console.log('passed'); } catch (e) { console.log(e.name, e.code, e.message); }
}
assert.deepEqual([1, '2'], [1, 2]);
assert.rejects(Promise.reject(new Error('x')), /x/).then(() => console.log('ok'));
