;; Five instances of one module, each with a memory of a mebibyte and a table of half of one.
(component
  (core module $hoard (memory 16) (table 65536 funcref))
  (core instance (instantiate $hoard)) (core instance (instantiate $hoard))
  (core instance (instantiate $hoard)) (core instance (instantiate $hoard))
  (core instance (instantiate $hoard))
  (core module $main (func (export "run") (result i32) i32.const 0))
  (core instance $main (instantiate $main))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $exports (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $exports)))
