;; `cabi_realloc` does not end: the host calls it to hand over the arguments.
(component
  (import "wasi:cli/environment@0.2.0" (instance $environment
    (export "get-arguments" (func (result (list string))))))
  (core module $memory
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (loop $again (br $again)) i32.const 0))
  (core instance $memory (instantiate $memory))
  (core func $get_arguments (canon lower (func $environment "get-arguments")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core module $main
    (import "host" "get-arguments" (func $get_arguments (param i32)))
    (func (export "run") (result i32) (call $get_arguments (i32.const 16)) i32.const 0))
  (core instance $main (instantiate $main
    (with "host" (instance (export "get-arguments" (func $get_arguments))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $exports (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $exports)))
