async function f() {
  throw new RangeError('nope');
}
f();
