function a() {
  b();
}
function b() {
  throw new TypeError('bad thing');
}
a();
