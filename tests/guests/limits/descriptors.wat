;; Opens the directory that it was given again and again; with an argument it closes each.
(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) ".")
  (func (export "_start")
    (local $left i32)
    (drop (call $args_sizes_get (i32.const 0) (i32.const 4)))
    (local.set $left (i32.const 1000))
    (loop $again
      (if (call $path_open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 2)
            (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 8)) (then unreachable))
      (if (i32.ne (i32.load (i32.const 0)) (i32.const 1))
        (then (if (call $fd_close (i32.load (i32.const 8))) (then unreachable))))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $again (local.get $left)))))
