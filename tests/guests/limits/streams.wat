;; Preview 3: makes streams and keeps both ends.
(component
  (type $bytes (stream u8))
  (core func $new (canon stream.new $bytes))
  (core func $return (canon task.return (result (result))))
  (core module $main
    (import "host" "new" (func $new (result i64)))
    (import "host" "return" (func $return (param i32)))
    (func (export "run") (result i32)
      (local $left i32)
      (local.set $left (i32.const 10000))
      (loop $again
        (drop (call $new))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br_if $again (local.get $left)))
      (call $return (i32.const 0))
      i32.const 0)
    (func (export "callback") (param i32 i32 i32) (result i32) unreachable))
  (core instance $main (instantiate $main
    (with "host" (instance (export "new" (func $new)) (export "return" (func $return))))))
  (func $run async (result (result))
    (canon lift (core func $main "run") async (callback (core func $main "callback"))))
  (instance $exports (export "run" (func $run)))
  (export "wasi:cli/run@0.3.0" (instance $exports)))
