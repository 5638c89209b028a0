;; Calls itself as often as its argument count says: without an argument for ever.
(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func $deeper (param $left i32) (result i32)
    (if (result i32) (i32.eq (local.get $left) (i32.const 1))
      (then (i32.const 0))
      (else (i32.add (call $deeper (i32.sub (local.get $left) (i32.const 1))) (i32.const 1)))))
  (func (export "_start")
    (drop (call $args_sizes_get (i32.const 0) (i32.const 4)))
    ;; One argument, the name: 0 wraps around four thousand million times.
    (drop (call $deeper (select (i32.const 0) (i32.const 10000) (i32.eq (i32.load (i32.const 0)) (i32.const 1)))))))
