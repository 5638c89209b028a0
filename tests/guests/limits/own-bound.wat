;; Asks a thousand times for more than its own bound, which takes nothing, then for what is within it.
(module
  (memory (export "memory") 1 2)
  (func (export "_start")
    (local $left i32)
    (local.set $left (i32.const 1000))
    (loop $again
      (if (i32.ne (memory.grow (i32.const 100)) (i32.const -1)) (then unreachable))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $again (local.get $left)))
    (if (i32.ne (memory.grow (i32.const 1)) (i32.const 1)) (then unreachable))))
