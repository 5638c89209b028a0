;; Fills 64 MiB again and again: each is one instruction, which nothing interrupts.
(module
  (memory (export "memory") 1024)
  (func (export "_start")
    (loop $again
      (memory.fill (i32.const 0) (i32.const 1) (i32.const 67108864))
      (br $again))))
