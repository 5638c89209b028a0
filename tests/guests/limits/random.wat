;; Asks for 40 MiB of random bytes at once; with an argument for 64 KiB.
(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (memory (export "memory") 640)
  (func (export "_start")
    (drop (call $args_sizes_get (i32.const 0) (i32.const 4)))
    (if (call $random_get (i32.const 0)
          (select (i32.const 41943040) (i32.const 65536) (i32.eq (i32.load (i32.const 0)) (i32.const 1))))
      (then unreachable))))
