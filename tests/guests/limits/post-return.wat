;; What the host calls after `run` does not end.
(component
  (core module $main
    (func (export "run") (result i32) i32.const 0)
    (func (export "after") (param i32) (loop $again (br $again))))
  (core instance $main (instantiate $main))
  (func $run (result (result)) (canon lift (core func $main "run") (post-return (core func $main "after"))))
  (instance $exports (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $exports)))
