;; Grows a table until it is refused, and cannot bear that before 1 MiB.
(module
  (memory (export "memory") 1)
  (table 0 funcref)
  (func (export "_start")
    (local $left i32)
    (local.set $left (i32.const 128))
    (loop $again
      (if (i32.eq (table.grow (ref.null func) (i32.const 1024)) (i32.const -1)) (then unreachable))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $again (local.get $left)))))
